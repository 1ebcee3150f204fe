"""Processes by pid and start time, so that a pid that was given to somebody else is never taken for ours (Linux)."""

from __future__ import annotations

import os
import select
import signal
from pathlib import Path


def start_time(pid: int) -> int | None:
    """Clock ticks from boot to the start of the process; None when there is none, or only its remains."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def alive(pid: int, started: int) -> bool:
    """Whether that very process runs."""
    return start_time(pid) == started


def end(pid: int, started: int, number: signal.Signals, timeout: float) -> bool:
    """Signals that very process and waits; True when it is gone, at once if it was gone before."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        if not alive(pid, started):
            return True
        signal.pidfd_send_signal(descriptor, number)
        return bool(select.select([descriptor], [], [], timeout)[0])
    except ProcessLookupError:
        return True
    finally:
        os.close(descriptor)
