"""Ctrl-C and SIGTERM as a request that is noticed, instead of an exception at any instruction."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass
class Request:
    """``number`` is the signal that asked to stop, None as long as none did."""

    number: int | None = None

    @property
    def exit_code(self) -> int:
        """What a shell calls a process that the signal ended: 130 for Ctrl-C; 0 without a signal."""
        return 0 if self.number is None else 128 + self.number


@contextmanager
def requests(notify: Callable[[], None]) -> Iterator[Request]:
    """Turn the first signal into a call of ``notify``; a second acts as before. Outside the main thread: nothing."""
    request = Request()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    former = {number: signal.getsignal(number) for number in SIGNALS}

    def restore() -> None:
        for number, handler in former.items():
            signal.signal(number, handler)

    def ask(number: int, _frame: FrameType | None) -> None:
        restore()
        request.number = number
        notify()

    for number in SIGNALS:
        signal.signal(number, ask)
    try:
        yield request
    finally:
        restore()
