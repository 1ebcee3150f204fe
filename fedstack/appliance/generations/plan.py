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


@dataclass(frozen=True)
class SuperLinkPlan:
    """Addresses are ``host:port``; `certificates` None: TLS off."""

    fleet_address: str
    control_address: str
    runtime_address: str
    isolation: str
    database: Path
    certificates: Certificates | None
    supernode_auth: bool
    keepalive: Keepalive
    log_level: str
    log_format: str
    home: Path


@dataclass(frozen=True)
class SuperNodePlan:
    """`ca` None: TLS off. `key` None: the node registers itself. 0 tries or seconds: without limit."""

    superlink_address: str
    runtime_address: str
    isolation: str
    ca: Path | None
    key: Path | None
    node_config: str
    max_retries: int
    max_wait_time: int
    keepalive: Keepalive
    log_level: str
    log_format: str
    home: Path
    gpu: Mapping[str, str]
    """Environment variables for the GPU; empty: none is used."""
    static: bool
    ca_announced: bool
