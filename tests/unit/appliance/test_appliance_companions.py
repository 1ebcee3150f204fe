"""Who accompanies which launch, and what a SuperNode does about a refusal."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fedstack.appliance import companions, files
from fedstack.appliance.bootlog import BootLog
from fedstack.appliance.companions import SuperLinkCompanion, SuperNodeCompanion
from fedstack.appliance.launch import Launch
from fedstack.appliance.onegate import OneGate
from fedstack.appliance.paths import Paths
from fedstack.appliance.runtime import find

LINK = Launch("superlink", "flower-superlink", [], {}, "1.36", "127.0.0.1:9092", ca="/ca.crt", supernode_auth=True)
NODE = replace(LINK, appliance="supernode", program="flower-supernode")
IMAGE = '[flower]\nversion = "1.36.0"\ngeneration = "1.36"\n[framework]\nname = "sklearn"\n'


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    made = Paths(tmp_path)
    files.write(made.environment / "image.toml", IMAGE, 0o644)
    return made


def parts(paths: Paths, launch: Launch, *, gate: bool = True) -> dict[str, Any]:
    """What the companion of a launch has, by name; None where it lacks it."""
    onegate = OneGate("http://127.0.0.1:1", "7", "token") if gate else None
    made = companions.companion(paths, launch, find(paths), onegate, BootLog(paths.logs / "boot.log"))
    return {name.strip("_"): value for name, value in vars(made).items() if name != "_launch"}


@pytest.mark.parametrize(
    ("launch", "gate", "agent"),
    [
        (LINK, True, True),
        (replace(LINK, supernode_auth=False), True, True),
        (replace(LINK, ca="", supernode_auth=False), True, False),
        (LINK, False, False),
    ],
)
def test_a_superlink_with_tls_looks_at_its_service(paths: Paths, launch: Launch, gate: bool, agent: bool) -> None:
    assert (parts(paths, launch, gate=gate)["agent"] is not None) is agent


@pytest.mark.parametrize(
    ("launch", "gate", "enrols", "follows"),
    [
        (NODE, True, True, True),
        (replace(NODE, supernode_auth=False), True, False, True),
        (replace(NODE, ca="", supernode_auth=False), True, False, False),
        (replace(NODE, static=True), True, False, False),
        (NODE, False, False, False),
    ],
)
def test_a_supernode_enrols_and_follows_where_it_has_a_service(
    paths: Paths, launch: Launch, gate: bool, enrols: bool, follows: bool
) -> None:
    found = parts(paths, launch, gate=gate)
    assert (found["enrolment"] is not None, found["trust"] is not None) == (enrols, follows)


class Standing:
    """An enrolment and a trust that say in advance what they come to."""

    def __init__(self, *, renews: bool = False, follows: bool = False) -> None:
        self.renews, self.follows = renews, follows
        self.asked: list[str] = []

    async def recover(self, reason: str) -> bool:
        self.asked.append(f"key: {reason}")
        return self.renews

    async def follow(self) -> bool:
        self.asked.append("ca")
        return self.follows


@pytest.mark.parametrize(
    ("standing", "asked", "again"),
    [
        (Standing(renews=True), ["key: why"], True),
        (Standing(follows=True), ["key: why", "ca"], True),
        (Standing(), ["key: why", "ca"], False),
    ],
)
def test_a_refused_supernode_tries_another_key_then_another_ca(
    standing: Standing, asked: list[str], again: bool
) -> None:
    one = SuperNodeCompanion(standing, standing)  # type: ignore[arg-type]
    assert asyncio.run(one.refused("why")) is again
    assert standing.asked == asked


def test_nobody_refuses_a_superlink_and_a_node_without_a_service_can_do_nothing() -> None:
    assert not asyncio.run(SuperLinkCompanion(LINK, None).refused("why"))
    assert not asyncio.run(SuperNodeCompanion(None, None).refused("why"))
