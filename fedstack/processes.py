"""Processes of this machine, told apart for good: by start time, and by a mark in their environment (Linux).

A process identifier is used again, a process group can be left (``setsid``); an environment variable is inherited
by everything that a process starts. So what must end together carries one mark, and is found by it.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")
_STATE, _PARENT, _START_TIME = 0, 1, 19  # fields of /proc/<pid>/stat after the command's closing parenthesis


def _stat(pid: int) -> list[str] | None:
    try:
        fields = (_PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].decode().split()
    except OSError:
        return None
    return None if fields[_STATE] in {"Z", "X"} else fields


def start_time(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None when there is none or it has only to be reaped."""
    fields = _stat(pid)
    return int(fields[_START_TIME]) if fields else None


def parent(pid: int) -> int | None:
    """The parent of a running process; None when it has ended."""
    fields = _stat(pid)
    return int(fields[_PARENT]) if fields else None


def is_alive(pid: int, started: int) -> bool:
    """Whether `pid` is still the process that started at `started` (and not a later one with its number)."""
    return start_time(pid) == started


def end(pid: int, started: int, number: signal.Signals, timeout: float) -> bool:
    """Signals that very process and waits; True when it is gone, at once if it was gone before."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        if not is_alive(pid, started):
            return True
        signal.pidfd_send_signal(descriptor, number)
        return bool(select.select([descriptor], [], [], timeout)[0])
    except ProcessLookupError:
        return True
    finally:
        os.close(descriptor)


def marked(name: str, mark: str) -> Iterator[int]:
    """Every process whose environment has ``name=mark``, except the caller."""
    wanted = f"{name}={mark}".encode()
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid() and wanted in _environment(entry):
            yield int(entry.name)


def _environment(process: Path) -> list[bytes]:
    try:
        return (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return []  # ended meanwhile, or not ours


def send(pid: int, number: signal.Signals) -> None:
    """Sends a signal; a process that has ended already is no error."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def signal_marked(name: str, mark: str, number: signal.Signals) -> int:
    """Sends a signal to every marked process; returns how many there were."""
    pids = list(marked(name, mark))
    for pid in pids:
        send(pid, number)
    return len(pids)


def kill_marked(name: str, mark: str) -> None:
    """Ends every marked process at once; returns when a look finds none (a process may have started one meanwhile)."""
    while signal_marked(name, mark, signal.SIGKILL):
        os.sched_yield()
