"""Bounds on what clients may send."""

from __future__ import annotations

from starlette.requests import Request

MAX_BODY = 16 << 20
"""Bytes of a request's body."""


class TooLargeError(Exception):
    """A body over the limit; answered with 413."""

    def __init__(self) -> None:
        super().__init__(f"request body is larger than {MAX_BODY} bytes")


async def body_of(request: Request) -> bytes:
    """The whole body; raises TooLargeError as soon as it is known to be too large."""
    if int(request.headers.get("content-length") or 0) > MAX_BODY:
        raise TooLargeError
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY:
            raise TooLargeError
        parts.append(part)
    return b"".join(parts)
