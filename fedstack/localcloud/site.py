"""What every part of one running cloud has to know: its places and its settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

VERSION = "7.0.1"
"""The OpenNebula release whose behaviour is followed."""


@dataclass(frozen=True)
class Site:
    """Constant while a cloud runs. `block` is the second octet of its 127.x.0.0/16 addresses; times in seconds."""

    state_dir: Path
    gate_url: str
    flow_url: str
    rpc_url: str
    block: int
    listen_address: str = "127.0.0.1"
    hostname: str = "localhost"
    max_vms: int = 10_000
    default_cooldown: int = 300
    autoscaler_interval: float = 90.0
