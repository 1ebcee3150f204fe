"""Waiting for what `recover` does: the platform keeps the failed state until its own wait ends (reference 6.15)."""

from __future__ import annotations

from dataclasses import dataclass

from .awaits import Outcome, Verdict, with_cause
from .service_view import View
from .service_watch import ServiceSight, ServiceWatch

_FAILED = "FAILED_"


def failures(seen: View) -> list[tuple[int, str]]:
    """When and how the service failed, by its log."""
    entries = [
        (int(one.get("timestamp", 0)), str(one["message"]), one.get("severity")) for one in seen.body.get("log", [])
    ]
    return [(when, words) for when, words, severity in entries if severity == "E" or f"New state: {_FAILED}" in words]


@dataclass
class RecoverWatch:
    """Judges by the row, but a failed state is only final when the service failed once more, or is late."""

    row: ServiceWatch
    before: list[tuple[int, str]]
    deadline: float
    began: float | None = None

    def see(self, sight: ServiceSight, now: float) -> Outcome:
        """As the row, once the service left its failed state."""
        self.began = now if self.began is None else self.began
        if sight.view is None or not sight.state.startswith(_FAILED):
            return self.row.see(sight, now)
        if failures(sight.view) != self.before or now - self.began >= self.deadline:
            return Outcome(Verdict.FAILED, with_cause(f"{self.row.what} is in state {sight.state}", sight.cause))
        return Outcome(Verdict.PENDING)
