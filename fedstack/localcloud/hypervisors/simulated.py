"""Machines that boot by the clock and do nothing else: for scale, for tests, for trying out service templates."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from fedstack.localcloud.hypervisors import Guest


class SimulatedHypervisor:
    """Boots a machine in `boot_time` seconds. With `report` it calls that for guests that ask for REPORT_READY."""

    def __init__(
        self,
        on_exit: Callable[[int], None],
        *,
        boot_time: float = 0.0,
        report: Callable[[int], None] | None = None,
    ) -> None:
        self._on_exit = on_exit
        self._boot_time = boot_time
        self._report = report
        self._running: set[int] = set()

    async def build_image(self, recipe: str, directory: Path) -> Path:
        """Nothing to build: the recipe's own path, or the directory that would hold the image."""
        return Path(recipe) if recipe else directory

    async def start(self, guest: Guest) -> None:
        """Runs after the boot time; the report of readiness follows at once."""
        await asyncio.sleep(self._boot_time)
        self._run(guest)

    def _run(self, guest: Guest) -> None:
        self._running.add(guest.vm_id)
        if self._report is not None and guest.context.get("REPORT_READY") == "YES":
            asyncio.get_running_loop().call_soon(self._report_ready, guest.vm_id)

    def _report_ready(self, vm_id: int) -> None:
        if self._report is not None and vm_id in self._running:
            self._report(vm_id)

    async def stop(self, vm_id: int, *, hard: bool) -> None:  # noqa: ARG002
        """Gone at once."""
        self._running.discard(vm_id)

    def power_off(self, vm_id: int) -> None:
        """The machine ends by itself, as a crash would end it."""
        if vm_id in self._running:
            self._running.discard(vm_id)
            self._on_exit(vm_id)

    async def adopt(self, guest: Guest) -> bool:
        """Simulated machines survive the cloud: what ran still runs, what had not reported reports again."""
        self._run(guest)
        return True

    async def close(self) -> None:
        """Nothing to leave behind."""
        self._running.clear()
