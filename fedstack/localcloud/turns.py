"""Fairness on the one event loop: a thousand machines that go on at the same moment let clients in between."""

from __future__ import annotations

import asyncio
from collections import deque


class Turns:
    """Lets `most` tasks go on in one turn of the loop, the others in the following ones, first come first served."""

    def __init__(self, most: int) -> None:
        self._most = self._left = most
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def take(self) -> None:
        """Returns at once, or in a later turn of the loop."""
        loop = asyncio.get_running_loop()
        if self._left == self._most:
            loop.call_soon(self._next)
        if self._left > 0:
            self._left -= 1
            return
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(turn)
        await turn

    def _next(self) -> None:
        """The next turn of the loop has begun."""
        self._left = self._most
        while self._waiting and self._left:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                self._left -= 1
        if self._left < self._most:
            asyncio.get_running_loop().call_soon(self._next)
