"""Bounds on what clients may send, and on the time that they may take for it."""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect, Request

MAX_BODY = 4 << 20
"""Bytes of a request's body."""

BODY_SECONDS = 30.0
"""Time for a request's body to arrive."""


class BodyError(Exception):
    """A body that is not read to its end; answered with `status`."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def body_of(request: Request, seconds: float = BODY_SECONDS) -> bytes:
    """The whole body; raises BodyError 413 as soon as it is known to be too large, 408 when it takes too long,
    400 when the client goes away before its end.
    """
    if int(request.headers.get("content-length") or 0) > MAX_BODY:
        raise _too_large()
    try:
        async with asyncio.timeout(seconds):
            return await _read(request)
    except TimeoutError as error:
        raise BodyError(408, f"the request body did not arrive within {seconds:g} s") from error
    except ClientDisconnect as error:
        raise BodyError(400, "the request ends before its body does") from error


async def _read(request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY:
            raise _too_large()
        parts.append(part)
    return b"".join(parts)


def _too_large() -> BodyError:
    return BodyError(413, f"request body is larger than {MAX_BODY} bytes")
