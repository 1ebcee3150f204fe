"""Signals as a request: the first is noticed, the second acts as before."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from fedstack.training.interrupts import Request, requests


def test_the_first_signal_is_noticed_and_the_second_acts_as_before() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen: list[str] = []
    with requests(lambda: seen.append("asked")) as request:
        os.kill(os.getpid(), signal.SIGINT)
        assert (seen, request.number, request.exit_code) == (["asked"], signal.SIGINT, 130)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_without_a_signal_nothing_is_asked() -> None:
    with requests(lambda: None) as request:
        assert (request.number, request.exit_code) == (None, 0)


def test_outside_the_main_thread_signals_are_left_alone() -> None:
    def inside() -> Request:
        with requests(lambda: None) as request:
            return request

    before = signal.getsignal(signal.SIGINT)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(inside).result().number is None
    assert signal.getsignal(signal.SIGINT) is before
