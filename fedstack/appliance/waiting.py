"""Waiting for conditions of the world outside: looked at often, never longer than a limit."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

_never = threading.Event()


def pause(seconds: float) -> None:
    """A real timer."""
    _never.wait(seconds)


def until(look: Callable[[], Found | None], *, limit: float, every: float) -> Found | None:
    """What `look` finds, as soon as it finds something; None after `limit` seconds."""
    end = time.monotonic() + limit
    while (found := look()) is None and time.monotonic() < end:
        pause(min(every, max(0.0, end - time.monotonic())))
    return found
