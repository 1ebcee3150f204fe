"""The running cloud: store, hypervisor and timers put together. Performs effects; derives them again after a start."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import select

from fedstack.localcloud import effects
from fedstack.localcloud.core import imagepool
from fedstack.localcloud.effects import Effect
from fedstack.localcloud.faults.plan import Faults
from fedstack.localcloud.flow import autoscaler, lifecycle, nodes, recovery
from fedstack.localcloud.hypervisors import Hypervisor, ImageError
from fedstack.localcloud.resume import unfinished
from fedstack.localcloud.store.database import Store
from fedstack.localcloud.store.schema import image, node, service, vm
from fedstack.localcloud.vm import actions, machine, places, schedule, update
from fedstack.localcloud.vm.driver import Driver
from fedstack.opennebula.states import VmState

LOG = logging.getLogger(__name__)


_CAUSES: dict[type, str] = {
    effects.DeployService: "its networks are there",
    effects.FillRole: "its VMs are created",
    effects.DrainRole: "its VMs are terminated",
    effects.EndCooldown: "the cooldown is over",
}
"""Why something moves in a step that follows a transaction; a scheduled action says so itself."""


class Cloud:
    """Everything that happens without a client asking. All methods run on the event loop."""

    def __init__(
        self, store: Store, make_hypervisor: Callable[[Callable[[int], None], Callable[[int], None]], Hypervisor]
    ) -> None:
        """`make_hypervisor(on_exit, report)`: a machine ended by itself; a simulated guest reports READY."""
        self.store = store
        self.hypervisor = make_hypervisor(lambda vm_id: self.driver.ended(vm_id), self.report_ready)
        self.faults = Faults(store)
        store.listeners.append(self.faults.on_event)
        self.driver = Driver(store, self.hypervisor, self.faults)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._steps = 0
        self._closed = False
        store.perform = self._perform

    def report_ready(self, vm_id: int) -> None:
        """What a guest's report of READY=YES does; it may come before the cloud has noted that the VM runs."""
        with self.store.begin() as tx:
            place = machine.place_of(machine.head(tx, vm_id))
            if place == places.RUNNING or places.is_starting(place):
                update.update_user_template(tx, vm_id, 'READY="YES"', update.APPEND)

    async def resume(self) -> None:
        """Takes up whatever a stop or a kill left unfinished, then begins with the rounds of the autoscaler."""
        with self.store.begin() as tx:
            running = tx.all(
                select(vm.c.id).where(vm.c.state == places.RUNNING[0], vm.c.lcm_state == places.RUNNING[1])
            )
            todo = unfinished(tx)
        for row in running:
            await self.driver.adopt(row.id)
        for effect in todo:
            if isinstance(effect, effects.DriveVm):
                self.driver.drive(effect.vm_id, adopt=True)
            else:
                self._do(effect)
        self._spawn(self._autoscale())

    async def close(self) -> None:
        """Stops all work; machines go on, and what is left to do is taken up at the next start."""
        self._closed = True
        await self.driver.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.hypervisor.close()

    async def destroy_machines(self) -> None:
        """Undeploys every service, children first, terminates all other VMs, and returns when none is left."""
        with self.store.begin() as tx, tx.because("the cloud is stopped with its VMs"):
            for row in tx.all(select(service.c.id)):
                recovery.recover(tx, row.id, with_delete=True)
            alone = select(vm.c.id).where(vm.c.state != VmState.DONE, vm.c.id.not_in(select(node.c.vm_id)))
            for row in tx.all(alone):
                actions.terminate(tx, row.id, hard=False)
        while self._steps or self.driver.busy:
            await self.driver.settle()
            await asyncio.sleep(0)

    def _perform(self, wanted: Sequence[Effect]) -> None:
        for effect in wanted:
            self._do(effect)

    def _do(self, effect: Effect) -> None:
        match effect:
            case effects.DriveVm(vm_id, interrupt):
                self.driver.drive(vm_id, interrupt=interrupt)
            case effects.RebootVm(vm_id, hard):
                self.driver.reboot(vm_id, hard=hard)
            case effects.CrashVm(vm_id):
                self._spawn(self.driver.crash(vm_id))
            case effects.FindVm(vm_id):
                self._spawn(self.driver.adopt(vm_id))
            case effects.BuildImage(image_id):
                self._spawn(self._build(image_id))
            case effects.RemoveTree(path):
                self._spawn(asyncio.to_thread(shutil.rmtree, self.store.site.state_dir / path, True))
            case _:
                self._later(effect)

    def _later(self, effect: Effect) -> None:
        """Transactions of their own: at the next turn of the loop, or when their time has come."""
        due = getattr(effect, "due", None)
        loop = asyncio.get_running_loop()
        if due is None:
            self._steps += 1
            loop.call_soon(self._soon, effect)
        else:
            loop.call_later(max(due - time.time(), 0), self._step, effect)

    def _soon(self, effect: Effect) -> None:
        self._steps -= 1
        self._step(effect)

    def _step(self, effect: Effect) -> None:
        if self._closed:
            return
        with self.store.begin() as tx, tx.because(_CAUSES.get(type(effect), "")):
            match effect:
                case effects.DeployService(service_id):
                    lifecycle.networks_ready(tx, service_id)
                case effects.FillRole(service_id, role, step):
                    nodes.fill(tx, service_id, role, step)
                case effects.DrainRole(service_id, role):
                    nodes.drain(tx, service_id, role)
                case effects.EndCooldown(service_id, role, due):
                    lifecycle.end_cooldown(tx, service_id, role, due)
                case effects.ScheduledAction(action_id, due):
                    schedule.due(tx, action_id, due)
                case effects.StrikeDue(vm_id, kind, due):
                    self.faults.due(tx, vm_id, kind, due)

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _build(self, image_id: int) -> None:
        with self.store.begin() as tx:
            row = tx.first(select(image).where(image.c.id == image_id))
        if row is None:
            return
        directory = self.store.site.state_dir / "images" / str(image_id)
        try:
            path = await self.hypervisor.build_image(row.path or row.source, directory)
        except (ImageError, OSError) as error:
            with self.store.begin() as tx:
                imagepool.failed(tx, image_id, str(error))
            return
        unchanged = str(path) == row.path
        size = 0 if unchanged else await asyncio.to_thread(_size_mb, path)
        with self.store.begin() as tx:
            imagepool.built(tx, image_id, str(path), size)

    async def _autoscale(self) -> None:
        while True:
            await asyncio.sleep(self.store.site.autoscaler_interval)
            try:
                with self.store.begin() as tx, tx.because("a policy of the role"):
                    autoscaler.look(tx)
            except Exception:
                LOG.exception("autoscaler round failed")


def _size_mb(path: Path) -> int:
    """Megabytes on disk, links not followed."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(one.lstat().st_size for one in files if one.exists()) >> 20
