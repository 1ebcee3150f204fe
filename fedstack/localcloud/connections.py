"""Connections of the three servers: so many of each, and none that waits for a client for ever."""

from __future__ import annotations

import asyncio
import resource

from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_CONNECTIONS = 1000
"""Open connections of one server; a further one is answered with 503 and closed."""

HEAD_SECONDS = 30.0
"""Time for the head of a request to arrive, from the opening of the connection or from its first byte on."""

REPLY_SECONDS = 60.0
"""Time for a client to take what it is sent."""

_FILES = 8192
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class _Deadline:
    """Cuts a connection off unless it is lifted in time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport, seconds: float) -> None:
        self._loop, self._transport, self._seconds = loop, transport, seconds
        self._timer: asyncio.TimerHandle | None = None

    def set(self) -> None:
        """Begins, unless it has begun."""
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._transport.abort)

    def lift(self) -> None:
        """What was waited for is there."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Connection(H11Protocol):
    """One connection. Between two requests it may stay open for the server's keep-alive time."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Takes it, or refuses it when there are too many."""
        super().connection_made(transport)
        self._head = _Deadline(self.loop, transport, HEAD_SECONDS)
        self._reply = _Deadline(self.loop, transport, REPLY_SECONDS)
        self._head.set()
        if len(self.connections) > MAX_CONNECTIONS:
            transport.write(_FULL)
            transport.close()

    def data_received(self, data: bytes) -> None:
        """A part of a request."""
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._head.set()
        else:
            self._head.lift()

    def pause_writing(self) -> None:
        """The client takes its reply more slowly than it is written."""
        super().pause_writing()
        self._reply.set()

    def resume_writing(self) -> None:
        """The client has taken nearly all."""
        self._reply.lift()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed."""
        self._head.lift()
        self._reply.lift()
        super().connection_lost(exc)


def allow_files() -> None:
    """Raises the number of files that this process may open, so that connections never take them from the VMs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
