"""When a Flower process that ended is started again, and when not any more."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

CRASHES, WITHIN_SECONDS = 5, 60.0
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0


@dataclass
class Restarts:
    """Back-off and crash-loop limit (reference 3.3: five in a minute). Times are a monotonic clock's."""

    crashes: deque[float] = field(default_factory=lambda: deque(maxlen=CRASHES))
    pause: float = FIRST_PAUSE

    def crashed(self, now: float) -> float | None:
        """Seconds to wait before the next start; None when it crashed too often."""
        self.crashes.append(now)
        if len(self.crashes) == CRASHES and now - self.crashes[0] < WITHIN_SECONDS:
            return None
        return self._next_pause()

    def refused(self) -> float:
        """Seconds to wait after the SuperLink refused the node: that is waiting, not crashing."""
        return self._next_pause()

    def succeeded(self) -> None:
        """It did its work: the next pause is short again."""
        self.pause = FIRST_PAUSE

    def _next_pause(self) -> float:
        pause, self.pause = self.pause, min(self.pause * 2, LONGEST_PAUSE)
        return pause
