"""Moves VMs through their passing places with the help of the hypervisor: one task for each VM that is on its way."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, select

from fedstack.localcloud.core import token
from fedstack.localcloud.core.users import token_password
from fedstack.localcloud.faults.plan import Boot, Faults
from fedstack.localcloud.hypervisors import BootError, Guest, Hypervisor
from fedstack.localcloud.store.database import Store, Transaction
from fedstack.localcloud.store.schema import vm
from fedstack.localcloud.turns import Turns
from fedstack.localcloud.vm import machine, placement, places, update
from fedstack.localcloud.vm.places import Place, Step, Work
from fedstack.opennebula.errors import OneError

LOG = logging.getLogger(__name__)

_GUEST = select(vm.c.name, vm.c.stime, vm.c.template).where(vm.c.id == bindparam("vm"))
_ENDED = "the machine ended by itself"
MOVES_A_TURN = 16
"""So many VMs move before clients are answered again: about ten milliseconds."""

KEPT_DIRECTORIES = 64
"""So many directories of VMs that are DONE are kept for a look at their logs."""


class Driver:
    """Performs the effects on VMs. All methods are called on the event loop."""

    def __init__(self, store: Store, hypervisor: Hypervisor, faults: Faults) -> None:
        self._store = store
        self._hypervisor = hypervisor
        self._faults = faults
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._ended_early: set[int] = set()
        self._turns = Turns(MOVES_A_TURN)

    def drive(self, vm_id: int, *, interrupt: bool = False, adopt: bool = False) -> None:
        """Takes a VM to the next place where it can stay. `adopt`: it may be running already (after a restart)."""
        before = self._at_work(vm_id)
        if before is not None and not interrupt:
            return
        if before is not None:
            before.cancel()
        self._begin(vm_id, self._drive(vm_id, before, adopt))

    def reboot(self, vm_id: int, *, hard: bool) -> None:
        """Stops and starts a RUNNING VM; it stays RUNNING meanwhile."""
        if self._at_work(vm_id) is None:
            self._begin(vm_id, self._reboot(vm_id, hard))

    def _at_work(self, vm_id: int) -> asyncio.Task[None] | None:
        """The task of a VM that is on its way; one that has returned looks at no state any longer."""
        task = self._tasks.get(vm_id)
        return None if task is None or task.done() else task

    def _begin(self, vm_id: int, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[vm_id] = task
        task.add_done_callback(lambda done: self._ended(vm_id, done))

    def _ended(self, vm_id: int, task: asyncio.Task[None]) -> None:
        if self._tasks.get(vm_id) is task:
            del self._tasks[vm_id]
        if not task.cancelled() and (error := task.exception()):
            LOG.error("virtual machine %d: %s", vm_id, error, exc_info=error)

    @property
    def busy(self) -> bool:
        """Whether some VM is on its way."""
        return bool(self._tasks)

    async def settle(self) -> None:
        """Returns when no VM is on its way any longer."""
        while self._tasks:
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def close(self) -> None:
        """Leaves the VMs where they are."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _drive(self, vm_id: int, before: asyncio.Task[None] | None, adopt: bool) -> None:
        if before is not None:
            await asyncio.wait([before])
        while True:
            await self._turns.take()
            with self._store.begin() as tx:
                place = self._skip_idle(tx, vm_id)
            if place not in places.STEPS or place == places.PENDING:
                break
            cause = await self._work(vm_id, place, adopt)
            adopt = False
            await self._turns.take()
            with self._store.begin() as tx:
                self._conclude(tx, vm_id, place, cause)
        if place == places.DONE and self._directory(vm_id).is_dir():
            await asyncio.to_thread(prune, self._directory(vm_id).parent, self._living())

    def _skip_idle(self, tx: Transaction, vm_id: int) -> Place:
        """Goes on until there is something to do for the hypervisor, or nothing at all; returns where that is.

        That is PENDING only while no VM may be placed.
        """
        row = machine.head(tx, vm_id)
        place = machine.place_of(row)
        while place in places.STEPS and places.STEPS[place].work == Work.NOTHING:
            if place == places.PENDING and not placement.is_open(tx):
                break
            with tx.because("" if place == places.PENDING else f"{places.name(place)} succeeded"):
                place = places.STEPS[place].then
                machine.move(tx, row, place)
            row = machine.head(tx, vm_id)
        return place

    async def _work(self, vm_id: int, place: Place, adopt: bool) -> str | None:
        """Does what the place asks for; returns the cause when it failed."""
        work = places.STEPS[place].work
        with self._store.begin() as tx:
            guest = guest_of(tx, vm_id)
            boot = self._faults.boot(tx, guest, resumed=adopt) if work == Work.START else Boot()
            guest = self._faults.disguise(tx, guest)
            hard = work != Work.STOP or machine.head(tx, vm_id).hard
        self._ended_early.discard(vm_id)
        try:
            await _suffer(boot)
            runs = adopt and await self._hypervisor.adopt(guest)
            if work != Work.START:
                await self._hypervisor.stop(vm_id, hard=hard)
            elif not runs:
                await self._hypervisor.start(guest)
        except (BootError, OSError) as error:
            return str(error)
        if work == Work.WIPE:
            await asyncio.to_thread(shutil.rmtree, guest.directory, True)
        return None

    def _conclude(self, tx: Transaction, vm_id: int, place: Place, cause: str | None) -> None:
        """After the work; when somebody has moved the VM meanwhile that counts, and the loop goes on from there."""
        row = machine.head(tx, vm_id)
        if machine.place_of(row) != place:
            return
        step: Step = places.STEPS[place]
        if cause is not None:
            update.put(tx, vm_id, "ERROR", cause)
        with tx.because(f"{places.name(place)} succeeded" if cause is None else cause):
            machine.move(tx, row, step.then if cause is None else step.failed or step.then)
        if step.then == places.RUNNING and cause is None and vm_id in self._ended_early:
            with tx.because(_ENDED):
                machine.move(tx, machine.head(tx, vm_id), places.POWEROFF)

    async def _reboot(self, vm_id: int, hard: bool) -> None:
        await self._hypervisor.stop(vm_id, hard=hard)
        try:
            with self._store.begin() as tx:
                guest = self._guest(tx, vm_id)
            await self._hypervisor.start(guest)
        except BootError as error:
            with self._store.begin() as tx, tx.because(str(error)):
                update.put(tx, vm_id, "ERROR", str(error))
                machine.move(tx, machine.head(tx, vm_id), places.POWEROFF)

    async def adopt(self, vm_id: int) -> None:
        """After a restart: a RUNNING VM goes on, or is POWEROFF if it ended meanwhile."""
        with self._store.begin() as tx:
            guest = self._guest(tx, vm_id)
        if not await self._hypervisor.adopt(guest):
            self.ended(vm_id)

    async def crash(self, vm_id: int) -> None:
        """The machine of a VM ends, as if by itself."""
        await self._hypervisor.stop(vm_id, hard=True)
        self.ended(vm_id)

    def ended(self, vm_id: int) -> None:
        """A running VM ended by itself, possibly before the cloud has noted that it runs."""
        if self._at_work(vm_id) is not None:
            self._ended_early.add(vm_id)
            return
        with self._store.begin() as tx, tx.because(_ENDED):
            row = machine.head(tx, vm_id)
            if machine.place_of(row) == places.RUNNING:
                machine.move(tx, row, places.POWEROFF)

    def _guest(self, tx: Transaction, vm_id: int) -> Guest:
        return self._faults.disguise(tx, guest_of(tx, vm_id))

    def _directory(self, vm_id: int) -> Path:
        return directory(self._store.site.state_dir, vm_id)

    def _living(self) -> set[str]:
        with self._store.begin() as tx:
            return {str(row.id) for row in tx.all(select(vm.c.id).where(vm.c.state != places.DONE[0]))}


async def _suffer(boot: Boot) -> None:
    """What scripted faults do to a boot; raises BootError."""
    if boot.until:
        await asyncio.sleep(max(boot.until - time.time(), 0))
    if boot.error is not None:
        raise BootError(boot.error)


def directory(state_dir: Path, vm_id: int) -> Path:
    """Where a VM keeps its files."""
    return state_dir / "vms" / str(vm_id)


def prune(parent: Path, living: set[str]) -> None:
    """Removes the directories of VMs that are DONE, except for the youngest."""
    if not parent.is_dir():
        return
    finished = [one for one in parent.iterdir() if one.name.isdigit() and one.name not in living]
    for one in sorted(finished, key=lambda path: int(path.name))[:-KEPT_DIRECTORIES]:
        shutil.rmtree(one, ignore_errors=True)


def guest_of(tx: Transaction, vm_id: int) -> Guest:
    """What the hypervisor has to know of a VM."""
    row = tx.first(_GUEST, {"vm": vm_id})
    if row is None:
        raise BootError(f"virtual machine {vm_id} does not exist")
    context: dict[str, str] = row.template.get("CONTEXT") or {}
    disks, nics = row.template.get("DISK") or [], row.template.get("NIC") or []
    source = disks[0].get("SOURCE") if disks else None
    password = _secret(tx, int(row.template["CREATED_BY"])) if context.get("TOKEN", "").upper() == "YES" else None
    return Guest(
        vm_id=vm_id,
        name=row.name,
        directory=directory(tx.site.state_dir, vm_id),
        image=Path(source) if source else None,
        address=nics[0].get("IP") if nics else None,
        context=context,
        token=None if password is None else token.make(password, vm_id, row.stime),
    )


def _secret(tx: Transaction, uid: int) -> str | None:
    """The secret of the VM's creator; none when that user was deleted: OneGate knows the VM no longer."""
    try:
        return token_password(tx, uid)
    except OneError:
        return None
