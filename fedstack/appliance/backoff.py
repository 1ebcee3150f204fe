"""How often and how long the discovery loop looks (reference 4.3): 30 times, or on an edge image without end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

ATTEMPTS = 30
WAIT_SECONDS = 10.0


@dataclass(frozen=True)
class Backoff:
    """`attempts` None: without limit. `longest`: the wait grows twofold up to that many seconds."""

    attempts: int | None
    first: float
    longest: float

    @property
    def endless(self) -> bool:
        """It never gives up, whatever OneGate says: the network may come later than the machine."""
        return self.attempts is None

    def waits(self) -> Iterator[float | None]:
        """Seconds to wait after each attempt; None after the last."""
        wait = min(self.first, self.longest)
        for attempt in count(1):
            if attempt == self.attempts:
                yield None
                return
            yield wait
            wait = min(2 * wait, self.longest)


FIXED = Backoff(ATTEMPTS, WAIT_SECONDS, WAIT_SECONDS)


def choose(edge: bool, algorithm: str, longest: float, first: float = WAIT_SECONDS) -> Backoff:
    """The loop of an image: FL_EDGE_BACKOFF and FL_EDGE_MAX_BACKOFF count on an edge image only (rule 10o)."""
    return Backoff(None, first, longest) if edge and algorithm == "exponential" else Backoff(ATTEMPTS, first, first)
