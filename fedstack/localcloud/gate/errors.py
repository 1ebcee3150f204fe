"""Refusals of OneGate."""

from __future__ import annotations


class GateError(Exception):
    """Answered with that status and plain text."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
