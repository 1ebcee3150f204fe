"""Waiting for a condition that is seen from outside."""

import time
from collections.abc import Callable
from threading import Event
from typing import TypeVar

T = TypeVar("T")


def wait_for(condition: Callable[[], T], seconds: float, what: str, every: float = 0.1) -> T:
    """The first true value of `condition`; fails after `seconds` with what was waited for."""
    pause = Event()
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"waited {seconds} s for {what}, last seen: {value!r}"
        pause.wait(every)
