"""The Flower generations that can be launched, one entry each; read off the programs' own options."""

from __future__ import annotations

from dataclasses import replace

from fedstack.appliance.generations.generation import Generation


def _one_address(kind: str, address: str) -> list[str]:
    return [f"--{kind}io-api-address", address]


def _host_and_port(_kind: str, address: str) -> list[str]:
    host, _, port = address.rpartition(":")
    return ["--host", host.strip("[]"), "--port", port]


FLOWER_1_25 = Generation(
    name="1.25",
    apps_api=_one_address,
    superexec_address="--appio-api-address",
    refusal="could not be activated",
    work_requests=("[Fleet.PullMessages]",),
)
"""Never installs what an app depends on."""

FLOWER_1_31 = replace(FLOWER_1_25, name="1.31")
"""Installs what an app depends on only where it is told to, which nothing here does: the same flags."""

FLOWER_1_36 = Generation(
    name="1.36",
    apps_api=_host_and_port,
    superexec_address="--runtime-api-address",
    refusal="Failed to activate SuperNode",
    without_installation=("--disable-runtime-dependency-installation",),
    work_requests=("/pull-pending-tasks", "[Fleet.PullMessages]"),
)
"""Serves apps by HTTP, and installs unless it is told not to."""
