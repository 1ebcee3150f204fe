"""Refusals of OneFlow itself, with the HTTP status that they have on the platform (reference 4)."""

from __future__ import annotations

from fedstack.opennebula.errors import ErrorCode, OneError

_STATUS = {ErrorCode.AUTHORIZATION: 401, ErrorCode.AUTHENTICATION: 403, ErrorCode.NO_EXISTS: 404}


class FlowError(Exception):
    """A request that is refused with plain text."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class MalformedError(FlowError):
    """A request over which the platform's own code trips: 500 with JSON instead of plain text."""

    def __init__(self, message: str) -> None:
        super().__init__(500, message)


def refused(message: str) -> FlowError:
    """The 500 that OneFlow gives for everything that it decides itself."""
    return FlowError(500, message)


def status_of(error: OneError) -> int:
    """The HTTP status of an error of the core."""
    return _STATUS.get(error.code, 500)
