"""When the provider looks at what it waits for: everybody at the same moments, closely after a change, then less often.

All waits of one cloud share a beat. It strikes as soon as the most eager of them wants to look, and then everybody
looks: since looks of the same moment share their calls (`reads`), one more wait costs no more calls.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field

from .awaits import Outcome, Seen, Verdict, Watch

FIRST_DELAY = 0.05
LONGEST_DELAY = 2.0
SHARE = 0.1
"""A delay is never more than this share of the time since the last change, so that waiting adds at most a tenth."""


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


class Poller:
    """The waits of one cloud; `interrupted` is set when the user stops the update."""

    def __init__(self) -> None:
        self.interrupted = asyncio.Event()
        self._beat = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    def interrupt(self) -> None:
        """Ends every wait, those to come too."""
        self.interrupted.set()
        self._strike()

    async def wait(
        self, look: Callable[[], Awaitable[Seen]], watch: Watch[Seen], report: Callable[[str], Awaitable[None]]
    ) -> Outcome:
        """Looks until the watch says DONE or FAILED; raises InterruptedWaitError when the user stops.

        A pause is at least as long as the look before it, so that a slow platform is busy with us half of the time.
        """
        pace, shown = Pace(), ""
        while True:
            began = time.monotonic()
            sight = await look()
            now = time.monotonic()
            outcome = watch.see(sight, now)
            if outcome.verdict is not Verdict.PENDING:
                return outcome
            if sight.progress and sight.progress != shown:
                shown = sight.progress
                await report(shown)
            await self._pause(max(pace.next(sight.signs, now), now - began))

    async def _pause(self, delay: float) -> None:
        """Lets time pass: at most `delay` seconds, less when somebody else wants to look earlier."""
        self._raise_if_interrupted()
        loop = asyncio.get_running_loop()
        due = loop.time() + delay
        if self._timer is None or due < self._timer.when():
            if self._timer is not None:
                self._timer.cancel()
            self._timer = loop.call_at(due, self._strike)
        await self._beat.wait()
        self._raise_if_interrupted()

    def _strike(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        struck, self._beat = self._beat, asyncio.Event()
        struck.set()

    def _raise_if_interrupted(self) -> None:
        if self.interrupted.is_set():
            raise InterruptedWaitError
