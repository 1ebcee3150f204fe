"""The simulated hypervisor."""

from __future__ import annotations

import asyncio
from pathlib import Path

from fedstack.localcloud.hypervisors import Guest
from fedstack.localcloud.hypervisors.simulated import SimulatedHypervisor


def guest(**context: str) -> Guest:
    """A machine."""
    return Guest(1, "vm", Path("/nowhere"), None, None, context, None)


async def started(report: bool, **context: str) -> tuple[list[int], list[int]]:
    """What a machine that starts and then ends by itself reports and triggers."""
    reported: list[int] = []
    ended: list[int] = []
    hypervisor = SimulatedHypervisor(ended.append, report=reported.append if report else None)
    await hypervisor.start(guest(**context))
    await asyncio.sleep(0)
    hypervisor.power_off(1)
    hypervisor.power_off(1)
    return reported, ended


def test_guests_that_ask_for_it_report_once() -> None:
    assert asyncio.run(started(True, REPORT_READY="YES")) == ([1], [1])
    assert asyncio.run(started(True)) == ([], [1])
    assert asyncio.run(started(False, REPORT_READY="YES")) == ([], [1])


def test_a_machine_that_was_stopped_does_not_end_by_itself() -> None:
    ended: list[int] = []

    async def play() -> None:
        hypervisor = SimulatedHypervisor(ended.append)
        await hypervisor.start(guest())
        await hypervisor.stop(1, hard=False)
        hypervisor.power_off(1)

    asyncio.run(play())
    assert ended == []
