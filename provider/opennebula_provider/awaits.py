"""What the provider waits for, as a table.

For each resource and operation: the states that end the wait well, those that may pass, those that end it badly, how
long it may take, and what users read when that was not enough. A state that is in no column ends the wait badly too.
`polling` says when to look.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, TypeVar

GONE = "GONE"
"""The state of an object that the platform does not know any more."""


@dataclass(frozen=True)
class Await:
    """One row: states by name, deadline in seconds, and what is said of an object that is over it in some `{state}`."""

    done: frozenset[str]
    pending: frozenset[str]
    failed: frozenset[str]
    deadline: float
    message: str


def _row(done: str, pending: str, failed: str, deadline: float, message: str = "is still in state {state}") -> Await:
    return Await(frozenset(done.split()), frozenset(pending.split()), frozenset(failed.split()), deadline, message)


_IMAGE_READY = "READY USED USED_PERS CLONE"
_IMAGE_LOCKED = "INIT LOCKED LOCKED_USED LOCKED_USED_PERS"
_SERVICE_FAILED = "FAILED_DEPLOYING FAILED_DEPLOYING_NETS FAILED_SCALING FAILED_UNDEPLOYING FAILED_UNDEPLOYING_NETS"
_SERVICE_ENDS = f"{_SERVICE_FAILED} UNDEPLOYING UNDEPLOYING_NETS DONE GONE"
_DEPLOYING = "PENDING DEPLOYING_NETS DEPLOYING"
_UNDEPLOYING = f"RUNNING WARNING COOLDOWN SCALING HOLD UNDEPLOYING UNDEPLOYING_NETS {_DEPLOYING}"
_BOOTING = (
    "INIT PENDING HOLD CLONING LCM_INIT PROLOG BOOT BOOT_UNKNOWN BOOT_POWEROFF BOOT_SUSPENDED BOOT_STOPPED "
    "BOOT_UNDEPLOY PROLOG_RESUME PROLOG_UNDEPLOY CLEANUP_RESUBMIT MIGRATE PROLOG_MIGRATE HOTPLUG HOTPLUG_NIC"
)

TABLE: dict[tuple[str, str], Await] = {
    ("Image", "create"): _row(_IMAGE_READY, _IMAGE_LOCKED, "ERROR DISABLED DELETE GONE", 1800),
    ("Image", "delete"): _row("GONE", f"{_IMAGE_READY} {_IMAGE_LOCKED} DISABLED DELETE", "ERROR", 600),
    ("VirtualNetwork", "create"): _row("READY", "INIT LOCK_CREATE", "ERROR UPDATE_FAILURE DONE GONE LOCK_DELETE", 120),
    ("VirtualNetwork", "delete"): _row("GONE DONE", "INIT READY LOCK_CREATE LOCK_DELETE UPDATE_FAILURE", "ERROR", 120),
    ("SecurityGroup", "delete"): _row("GONE", "PRESENT", "", 120, "is still there"),
    ("VirtualMachine", "on"): _row("RUNNING", _BOOTING, "GONE DONE POWEROFF SUSPENDED STOPPED UNDEPLOYED", 600),
    ("VirtualMachine", "off"): _row("POWEROFF", "RUNNING SHUTDOWN_POWEROFF", "GONE DONE", 600),
    ("VirtualMachine", "delete"): _row("GONE", "PRESENT", "", 600, "is still there"),
    ("Service", "create"): _row("RUNNING WARNING COOLDOWN HOLD", f"{_DEPLOYING} SCALING", _SERVICE_ENDS, 600),
    ("Service", "scale"): _row("RUNNING WARNING COOLDOWN", "SCALING", f"{_DEPLOYING} {_SERVICE_ENDS}", 600),
    ("Service", "settle"): _row("RUNNING HOLD WARNING", f"COOLDOWN SCALING {_DEPLOYING}", _SERVICE_ENDS, 600),
    ("Service", "heal"): _row("RUNNING COOLDOWN", f"WARNING SCALING {_DEPLOYING}", _SERVICE_ENDS, 5),
    ("Service", "delete"): _row(f"GONE DONE {_SERVICE_FAILED}", _UNDEPLOYING, "", 600),
    ("Machine", "delete"): _row("GONE", "LEFT", "", 120, "has left machines behind"),
}


class Verdict(Enum):
    """What a state means for a wait."""

    DONE = "done"
    PENDING = "pending"
    FAILED = "failed"


def judge(row: Await, state: str) -> Verdict:
    """What a state means for the wait of that row."""
    if state in row.done:
        return Verdict.DONE
    return Verdict.PENDING if state in row.pending else Verdict.FAILED


@dataclass(frozen=True)
class Sight:
    """One look at an object: its state, and what users should read about it now."""

    state: str
    progress: str = ""
    cause: str = ""

    @property
    def signs(self) -> Hashable:
        """What has to change for the poller to look closely again."""
        return (self.state, self.progress)


@dataclass(frozen=True)
class Outcome:
    """A judged sight; `message` is set when the wait failed."""

    verdict: Verdict
    message: str = ""


Seen = TypeVar("Seen", bound=Sight)
Judged = TypeVar("Judged", bound=Sight, contravariant=True)


class Watch(Protocol[Judged]):
    """Judges one sight after the other; `now` is in seconds on any steady clock."""

    def see(self, sight: Judged, now: float) -> Outcome:
        """What this sight means, in the light of those before."""


@dataclass
class StateWatch:
    """Judges by a row of the table; the deadline counts from the first sight."""

    row: Await
    what: str
    deadline: float
    began: float | None = None

    def see(self, sight: Sight, now: float) -> Outcome:
        """DONE and FAILED by the row, FAILED too when the deadline passed."""
        self.began = now if self.began is None else self.began
        verdict = judge(self.row, sight.state)
        if verdict is Verdict.FAILED:
            return Outcome(verdict, with_cause(f"{self.what} is in state {sight.state}", sight.cause))
        if verdict is Verdict.PENDING and now - self.began >= self.deadline:
            text = f"{self.what} {self.row.message.format(state=sight.state)} after {self.deadline:g} s"
            return Outcome(Verdict.FAILED, with_cause(text, sight.cause or sight.progress))
        return Outcome(verdict)


def with_cause(text: str, cause: str) -> str:
    """The text with its cause, where one is known."""
    return f"{text}: {cause}" if cause else text
