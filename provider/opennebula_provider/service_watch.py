"""Judging a service while it deploys or scales: the await table, and a deadline for each role of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from .awaits import GONE, Await, Outcome, Sight, Verdict, judge, with_cause
from .service_view import Role, View

_BUSY_ROLES = frozenset({"DEPLOYING", "SCALING"})
_IDLE = ""
"""The clock that runs while no role is busy."""


@dataclass(frozen=True)
class ServiceSight(Sight):
    """One look at a service; `view` is None when it is gone."""

    view: View | None = None


def sight(view: View | None) -> ServiceSight:
    """A look at a service for the poller."""
    if view is None:
        return ServiceSight(GONE, view=None)
    return ServiceSight(view.state, view.progress(), view.cause(), view)


@dataclass
class ServiceWatch:
    """Judges by a row of the table and by role deadlines.

    A role's clock starts when it begins to deploy or scale, so a child does not pay for its parents. `total` bounds the
    whole wait where the program gave a timeout (0: unbounded).
    """

    row: Await
    what: str
    deadline_of: Callable[[str], float]
    total: float = 0.0
    began: float | None = None
    clocks: dict[str, float] = field(default_factory=dict)

    def see(self, sight: ServiceSight, now: float) -> Outcome:
        """DONE and FAILED by the row; FAILED too when a role or the whole is over its deadline."""
        self.began = now if self.began is None else self.began
        verdict = judge(self.row, sight.state)
        if verdict is Verdict.FAILED:
            words = "is gone" if sight.state == GONE else f"is in state {sight.state}"
            return Outcome(verdict, with_cause(f"{self.what} {words}", sight.cause))
        if verdict is Verdict.DONE or sight.view is None:
            return Outcome(verdict)
        return self._late(sight.view, now)

    def _late(self, view: View, now: float) -> Outcome:
        busy = {role.name: role for role in view.roles if role.state in _BUSY_ROLES}
        names = list(busy) or [_IDLE]
        self.clocks = {name: self.clocks.get(name, now) for name in names}
        for name, start in self.clocks.items():
            deadline = self._deadline(view, name)
            if now - start >= deadline:
                return Outcome(Verdict.FAILED, self._message(view, busy.get(name), deadline))
        if self.total and self.began is not None and now - self.began >= self.total:
            return Outcome(Verdict.FAILED, self._message(view, None, self.total))
        return Outcome(Verdict.PENDING)

    def _deadline(self, view: View, name: str) -> float:
        """A cooldown is waited out on top of the deadline."""
        if name == _IDLE and view.state == "COOLDOWN":
            longest = max((role.cooldown or 0 for role in view.roles), default=0)
            return self.deadline_of(name) + longest
        return self.deadline_of(name)

    def _message(self, view: View, role: Role | None, deadline: float) -> str:
        if role is None:
            return with_cause(f"{self.what} is still {view.state} after {deadline:g} s", view.cause())
        done = role.progress(view.gate)
        return with_cause(f"{self.what}: role {done} after {deadline:g} s", view.cause())
