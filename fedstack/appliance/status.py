"""How Flower is in this VM, as the supervisor last saw it: a small file, replaced at every change."""

from __future__ import annotations

import dataclasses
import json
import time
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from fedstack.appliance import files
from fedstack.processes import is_alive


class State(Enum):
    """States of the supervised process."""

    ENROLLING = "enrolling"
    """A SuperNode whose key is not registered yet."""
    STARTING = "starting"
    CONNECTED = "connected"
    """A SuperNode that its SuperLink activated; a SuperLink whose APIs answer."""
    WAITING = "waiting"
    """Refused or ended; the supervisor tries again."""
    FAILED = "failed"
    """The crash-loop limit was reached; the supervisor has given up."""
    STOPPED = "stopped"


@dataclass(frozen=True)
class Status:
    """`supervisor` and `started` tell whose word this is; `pid` is Flower's; `reason` why it waits or failed."""

    state: State
    supervisor: int
    started: int
    pid: int | None = None
    node_id: str = ""
    reason: str = ""
    restarts: int = 0
    since: float = field(default_factory=time.time)

    def save(self, path: Path) -> None:
        """Replaces the file."""
        files.write(path, json.dumps(dataclasses.asdict(self) | {"state": self.state.value}), 0o644)

    @property
    def is_current(self) -> bool:
        """Whether the supervisor that wrote it still runs."""
        return is_alive(self.supervisor, self.started)


def load(path: Path) -> Status | None:
    """The last status; None when no supervisor has written one."""
    try:
        fields = json.loads(path.read_text())
    except OSError:
        return None
    return Status(**{**fields, "state": State(fields["state"])})
