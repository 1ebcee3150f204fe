"""READY=YES for a VM that is ready only after the guest agent has given up asking.

The agent asks a few times after the boot, once per boot (reference 3.4), and OneFlow waits for READY without a limit: a
node whose SuperLink came late would work and never count. So the supervisor reports in its place, but only what the
agent would: with REPORT_READY=YES, when health-check.sh would allow it, and not before the agent's tries are over.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from fedstack.appliance import health
from fedstack.appliance.context import Context
from fedstack.appliance.onegate import GateError, OneGate
from fedstack.appliance.paths import Paths
from fedstack.context import Appliance

_TRIES, _PAUSE = 3, 10
_LOOK_SECONDS = 10.0


def patience(context: Context) -> float | None:
    """Seconds after the boot in which reporting is the guest agent's business; None: nobody wants a report."""
    if context.given.get("REPORT_READY") != "YES":
        return None
    return float(_number(context, "RETRY_COUNT", _TRIES) * _number(context, "RETRY_WAIT_PERIOD", _PAUSE))


def _number(context: Context, name: str, default: int) -> int:
    value = context.given.get(name, "")
    return int(value) if value.isdigit() else default


async def report(appliance: Appliance, paths: Paths, gate: OneGate, seconds: float, say: Callable[[str], None]) -> None:
    """Waits until the agent's time is over, then reports what it has not, if that is true. Goes on until it knows."""
    while (wait := _left(paths, seconds)) > 0:
        await asyncio.sleep(wait)
    while True:
        try:
            if await asyncio.to_thread(_make_up, appliance, paths, gate):
                say("READY=YES reported: this machine became ready after the guest agent had given up")
            return
        except GateError:
            await asyncio.sleep(_LOOK_SECONDS)


def _left(paths: Paths, seconds: float) -> float:
    """Seconds that are left to the agent; while the boot goes on, until the next look."""
    try:
        return paths.outcome_file.stat().st_mtime + seconds - time.time()
    except FileNotFoundError:
        return _LOOK_SECONDS


def _make_up(appliance: Appliance, paths: Paths, gate: OneGate) -> bool:
    said = (gate.vm().get("VM") or {}).get("USER_TEMPLATE") or {}
    if said.get("READY") == "YES" or health.check(appliance, paths):
        return False
    gate.publish({"READY": "YES"})
    return True
