"""What the provider waits for, as a table, and the one loop that waits.

For each resource and operation: the states that end the wait well, those that may pass, those that end it badly, and
how long it may take. A state that is in none of them ends it badly too.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, TypeVar

FIRST_DELAY = 0.05
LONGEST_DELAY = 2.0
SHARE = 0.1
"""A delay is never more than this share of the time since the last change, so that waiting adds at most a tenth."""

GONE = "GONE"
"""The state of an object that the platform does not know any more."""


@dataclass(frozen=True)
class Await:
    """One row: states by name, deadline in seconds."""

    done: frozenset[str]
    pending: frozenset[str]
    failed: frozenset[str]
    deadline: float


def _row(done: str, pending: str, failed: str, deadline: float) -> Await:
    return Await(frozenset(done.split()), frozenset(pending.split()), frozenset(failed.split()), deadline)


_SERVICE_FAILED = "FAILED_DEPLOYING FAILED_DEPLOYING_NETS FAILED_SCALING FAILED_UNDEPLOYING FAILED_UNDEPLOYING_NETS"
_SERVICE_ENDS = f"{_SERVICE_FAILED} UNDEPLOYING UNDEPLOYING_NETS DONE GONE"
_DEPLOYING = "PENDING DEPLOYING_NETS DEPLOYING"
_UNDEPLOYING = f"RUNNING WARNING COOLDOWN SCALING HOLD UNDEPLOYING UNDEPLOYING_NETS {_DEPLOYING}"
_BOOTING = (
    "INIT PENDING HOLD CLONING LCM_INIT PROLOG BOOT BOOT_UNKNOWN BOOT_POWEROFF BOOT_SUSPENDED BOOT_STOPPED "
    "BOOT_UNDEPLOY PROLOG_RESUME PROLOG_UNDEPLOY CLEANUP_RESUBMIT MIGRATE PROLOG_MIGRATE HOTPLUG HOTPLUG_NIC"
)

TABLE: dict[tuple[str, str], Await] = {
    ("Image", "create"): _row("READY USED USED_PERS", "INIT LOCKED", "ERROR DISABLED DELETE GONE", 1800),
    ("Image", "delete"): _row("GONE", "READY USED DISABLED LOCKED DELETE", "ERROR", 600),
    ("VirtualNetwork", "create"): _row("READY", "INIT LOCK_CREATE", "ERROR DONE GONE LOCK_DELETE", 120),
    ("VirtualNetwork", "delete"): _row("GONE DONE", "INIT READY LOCK_DELETE UPDATE_FAILURE", "ERROR", 120),
    ("SecurityGroup", "delete"): _row("GONE", "PRESENT", "", 120),
    ("VirtualMachine", "on"): _row("RUNNING", _BOOTING, "GONE DONE POWEROFF SUSPENDED STOPPED UNDEPLOYED", 600),
    ("VirtualMachine", "off"): _row("POWEROFF", "RUNNING SHUTDOWN_POWEROFF", "GONE DONE", 600),
    ("VirtualMachine", "delete"): _row("GONE", "PRESENT", "", 600),
    ("Service", "create"): _row("RUNNING WARNING COOLDOWN HOLD", f"{_DEPLOYING} SCALING", _SERVICE_ENDS, 600),
    ("Service", "scale"): _row("RUNNING WARNING COOLDOWN", "SCALING", f"{_DEPLOYING} {_SERVICE_ENDS}", 600),
    ("Service", "settle"): _row("RUNNING HOLD WARNING", f"COOLDOWN SCALING {_DEPLOYING}", _SERVICE_ENDS, 600),
    ("Service", "heal"): _row("RUNNING COOLDOWN", f"WARNING SCALING {_DEPLOYING}", _SERVICE_ENDS, 5),
    ("Service", "delete"): _row(f"GONE DONE {_SERVICE_FAILED}", _UNDEPLOYING, "", 600),
    ("Machine", "delete"): _row("GONE", "LEFT", "", 120),
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
            text = f"{self.what} is still in state {sight.state} after {self.deadline:g} s"
            return Outcome(Verdict.FAILED, with_cause(text, sight.cause or sight.progress))
        return Outcome(verdict)


def with_cause(text: str, cause: str) -> str:
    """The text with its cause, where one is known."""
    return f"{text}: {cause}" if cause else text


@dataclass
class Pace:
    """How long to wait until the next look: tight after a change, then doubling."""

    delay: float = FIRST_DELAY
    since: float = 0.0
    signs: Hashable = field(default=None)

    def next(self, signs: Hashable, now: float) -> float:
        """The delay in seconds before the next look."""
        if signs != self.signs:
            self.signs, self.since, self.delay = signs, now, FIRST_DELAY
        allowed = max(FIRST_DELAY, min(LONGEST_DELAY, SHARE * (now - self.since)))
        delay = min(self.delay, allowed)
        self.delay = min(2 * self.delay, LONGEST_DELAY)
        return delay


class InterruptedWaitError(Exception):
    """The user stopped the update while an object was not ready yet."""


async def wait(
    look: Callable[[], Awaitable[Seen]],
    watch: Watch[Seen],
    interrupted: asyncio.Event,
    report: Callable[[str], Awaitable[None]],
) -> Outcome:
    """Looks until the watch says DONE or FAILED; raises InterruptedWaitError when the user stops."""
    pace, shown = Pace(), ""
    while True:
        sight = await look()
        now = time.monotonic()
        outcome = watch.see(sight, now)
        if outcome.verdict is not Verdict.PENDING:
            return outcome
        if sight.progress and sight.progress != shown:
            shown = sight.progress
            await report(shown)
        await pause(pace.next(sight.signs, now), interrupted)


async def pause(delay: float, interrupted: asyncio.Event) -> None:
    """Lets time pass; raises InterruptedWaitError when the user stops."""
    try:
        await asyncio.wait_for(interrupted.wait(), delay)
    except TimeoutError:
        return
    raise InterruptedWaitError
