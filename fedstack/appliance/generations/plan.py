"""What a SuperLink or a SuperNode is to be, before any Flower version has its say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fedstack.appliance.generations.keepalive import Keepalive


@dataclass(frozen=True)
class Certificates:
    """Files of a SuperLink with TLS."""

    ca: Path
    certificate: Path
    key: Path


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What both have. `runtime_address` (``host:port``) is where their app processes connect, `home` is FLWR_HOME."""

    runtime_address: str
    isolation: str
    keepalive: Keepalive
    log_level: str
    log_format: str
    home: Path


@dataclass(frozen=True, kw_only=True)
class SuperLinkPlan(Plan):
    """Addresses are ``host:port``; `certificates` None: TLS off."""

    fleet_address: str
    control_address: str
    database: Path
    certificates: Certificates | None
    supernode_auth: bool
    app_root: Path
    """What ServerApps know as ``/app``."""
    app_address: str
    """The IP address on which ServerApps may offer something, such as metrics."""


@dataclass(frozen=True, kw_only=True)
class SuperNodePlan(Plan):
    """`ca` None: TLS off. `key` None: the node registers itself. 0 tries or seconds: without limit."""

    superlink_address: str
    ca: Path | None
    key: Path | None
    node_config: str
    max_retries: int
    max_wait_time: int
    gpu: Mapping[str, str]
    """Environment variables for the GPU; empty: none is used."""
    static: bool
