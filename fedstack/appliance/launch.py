"""What a supervisor runs: one Flower program with its arguments and environment, kept as a file."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path

from fedstack.appliance import files
from fedstack.context import Appliance


@dataclass(frozen=True)
class Launch:
    """A Flower process. `program` is a console script of the image's environment; paths are absolute."""

    appliance: Appliance
    program: str
    arguments: list[str]
    environment: dict[str, str]
    generation: str
    fleet_address: str
    superexec: list[str] = field(default_factory=list)
    """Arguments of a ``flower-superexec`` to run beside it; empty: Flower starts its own."""
    control_address: str = ""
    ca: str = ""
    """ca.crt; empty: TLS is off."""
    refusal: str = ""
    """Part of the reason with which a SuperLink refuses a node that it does not know, or still holds for online."""
    supernode_auth: bool = False
    static: bool = False
    """A SuperNode that was given its SuperLink's address: it may come before the SuperLink does."""
    client_options: dict[str, int] = field(default_factory=dict)
    """gRPC options of every channel that Flower makes."""
    server_options: dict[str, int] = field(default_factory=dict)
    """gRPC options of every server that Flower makes."""
    hidden_requests: list[str] = field(default_factory=list)
    """Parts of log lines that only say that SuperNodes, or Flower itself, ask for work."""

    def save(self, path: Path) -> None:
        """Writes it, readable by the owner only."""
        files.write(path, json.dumps(dataclasses.asdict(self), indent=1), 0o600)

    @classmethod
    def load(cls, path: Path) -> Launch:
        """Reads what `save` wrote. Raises OSError."""
        return cls(**json.loads(path.read_text()))
