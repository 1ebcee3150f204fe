"""Processes told apart by start time and by a mark in their environment."""

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator

import pytest

from fedstack.processes import is_alive, kill_marked, marked, parent, send, start_time

NAME = "FEDSTACK_TEST_MARK"


@pytest.fixture
def mark() -> str:
    return uuid.uuid4().hex


@pytest.fixture
def family(mark: str) -> Iterator[subprocess.Popen[str]]:
    """A process with a child that has a session of its own; says the child's pid."""
    child = "import subprocess, sys, time; "
    child += "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True); "
    child += "print(p.pid, flush=True); time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", child], env={**os.environ, NAME: mark}, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        kill_marked(NAME, mark)


def test_everything_that_inherited_the_mark_is_found_and_killed(family: subprocess.Popen[str], mark: str) -> None:
    assert family.stdout is not None
    child = int(family.stdout.readline())
    assert set(marked(NAME, mark)) == {family.pid, child}
    assert parent(child) == family.pid
    kill_marked(NAME, mark)
    assert family.wait(10) == -signal.SIGKILL
    assert list(marked(NAME, mark)) == []


def test_a_process_is_alive_only_with_its_own_start_time() -> None:
    started = start_time(os.getpid())
    assert started is not None
    assert is_alive(os.getpid(), started)
    assert not is_alive(os.getpid(), started + 1)


def test_a_process_that_ended_is_gone_even_before_it_is_reaped() -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.read()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert start_time(process.pid) is None
        assert parent(process.pid) is None
    send(process.pid, signal.SIGTERM)
