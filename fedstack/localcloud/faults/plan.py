"""The faults at work: told of every VM that is created, boots, runs and reports, they strike where they are meant to.

While there is no fault, nothing here reads the store. All methods run inside the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sqlalchemy import select

from fedstack.localcloud.effects import CrashVm, FindVm, StrikeDue
from fedstack.localcloud.errors import CloudError, OptionsError
from fedstack.localcloud.events import Event, VmMoved, VmsCreated, VmUpdated
from fedstack.localcloud.faults import table
from fedstack.localcloud.faults.model import AT_BOOT, WHEN_UP, Fault, FaultKind, values_of
from fedstack.localcloud.faults.table import Stage
from fedstack.localcloud.hypervisors import Guest
from fedstack.localcloud.store.database import Store, Transaction
from fedstack.localcloud.store.schema import vm
from fedstack.localcloud.vm import machine, places
from fedstack.opennebula.errors import ErrorCode, OneError

_UP = (places.RUNNING, places.UNKNOWN, places.HOTPLUGS[places.RUNNING])
_BOOTED = (FaultKind.NEVER_READY, *sorted(AT_BOOT | WHEN_UP, key=lambda kind: kind.value))


@dataclass(frozen=True)
class Boot:
    """What faults do to a boot: nothing happens until `until` (epoch seconds), then it fails if `error` is set."""

    until: float = 0.0
    error: str | None = None


class Faults:
    """The scripted faults of a running cloud."""

    def __init__(self, store: Store) -> None:
        with store.begin() as tx:
            self._armed = table.any_left(tx)

    def add(self, tx: Transaction, sent: Mapping[str, Any]) -> Fault:
        """A new fault (see `values_of`); VMs that run already are struck at once. Raises CloudError."""
        values = values_of(sent)
        if table.count(tx) >= table.LIMIT:
            raise CloudError(f"there are {table.LIMIT} faults already; clear some first")
        self._check_vm(tx, values["vm_id"])
        one = table.add(tx, values)
        self._armed = True
        if one.kind in WHEN_UP and one.nth is None:
            self._strike_running(tx, one)
        return one

    def clear(self, tx: Transaction, fault_id: int | None) -> int:
        """Forgets one fault, or all (None); VMs that it has lost come back. Returns how many. Raises CloudError."""
        for row in table.strikes_of(tx, fault_id):
            if row.stage == Stage.LOST.value:
                self._advance(tx, row.vm_id, row.kind, Stage.LOST, tx.moment)
            elif row.stage != Stage.BOOT.value:
                table.end_strike(tx, row.vm_id, FaultKind(row.kind))
        count = table.remove(tx, fault_id)
        if fault_id is not None and not count:
            raise CloudError(f"fault {fault_id} does not exist")
        self._armed = table.any_left(tx)
        return count

    def on_event(self, tx: Transaction, happened: Event) -> None:
        """The listener of the store. Raises OneError for a VM that shall not be created."""
        if not self._armed:
            return
        if isinstance(happened, VmsCreated):
            self._created(tx, happened)
        elif isinstance(happened, VmMoved):
            self._moved(tx, happened.vm_id, (happened.state, happened.lcm_state))
        elif isinstance(happened, VmUpdated) and _reported(tx, happened.vm_id):
            self._begin_waiting(tx, happened.vm_id, Stage.READY)

    def boot(self, tx: Transaction, guest: Guest, *, resumed: bool) -> Boot:
        """A machine is about to boot; `resumed`: a boot that a restart of the cloud has interrupted."""
        if not self._armed:
            return Boot()
        if not resumed:
            self._strike_boot(tx, guest)
        return _boot_of(tx, guest.vm_id)

    def disguise(self, tx: Transaction, guest: Guest) -> Guest:
        """The machine as the hypervisor shall see it: one that is never READY is not asked to report."""
        if not self._armed or not any(row.stage == Stage.SILENT.value for row in table.strikes(tx, guest.vm_id)):
            return guest
        return replace(guest, context={**guest.context, "REPORT_READY": "NO"})

    def due(self, tx: Transaction, vm_id: int, kind: str, due: float) -> None:
        """The time of a strike has come."""
        row = next((one for one in table.strikes(tx, vm_id) if (one.kind, one.due) == (kind, due)), None)
        if row is None:
            return
        if kind == FaultKind.POWER_OFF.value:
            tx.after(CrashVm(vm_id))
        elif row.stage == Stage.TIMED.value:
            self._lose(tx, row)
        else:
            _find(tx, row)

    def _check_vm(self, tx: Transaction, vm_id: int | None) -> None:
        done = places.DONE[0]
        if vm_id is not None and tx.first(select(vm.c.id).where(vm.c.id == vm_id, vm.c.state != done)) is None:
            raise OptionsError(f"fault: VM {vm_id} does not exist")

    def _strike_running(self, tx: Transaction, one: Fault) -> None:
        """VMs that run are hit as if they had just come up."""
        state, lcm_state = places.RUNNING
        query = select(vm.c.id, vm.c.name, vm.c.template).where(vm.c.state == state, vm.c.lcm_state == lcm_state)
        left = one.left
        for row in tx.all(query.order_by(vm.c.id)):
            if left and one.concerns(row.id, row.name, table.role_of(tx, row.id)):
                left -= 1
                table.spend(tx, one.id)
                asked = (row.template.get("CONTEXT") or {}).get("REPORT_READY") == "YES"
                waits = Stage.READY if asked and not _reported(tx, row.id) else Stage.RUNNING
                table.put_strike(tx, row.id, one, waits, None)
                self._begin_waiting(tx, row.id, Stage.RUNNING)

    def _created(self, tx: Transaction, made: VmsCreated) -> None:
        for one in table.active(tx, *FaultKind):
            if one.kind == FaultKind.DEPLOY_ERROR:
                _refuse(tx, one, made)
            elif one.nth is not None and one.vm_id is None:
                _count(tx, one, made)

    def _strike_boot(self, tx: Transaction, guest: Guest) -> None:
        table.end_strikes(tx, guest.vm_id)
        role = table.role_of(tx, guest.vm_id)
        struck: set[FaultKind] = set()
        for one in table.active(tx, *_BOOTED):
            if one.kind not in struck and one.concerns(guest.vm_id, guest.name, role):
                struck.add(one.kind)
                table.spend(tx, one.id)
                _put(tx, one, guest)

    def _moved(self, tx: Transaction, vm_id: int, place: places.Place) -> None:
        if place not in _UP:
            table.end_strikes(tx, vm_id)
        elif place == places.RUNNING:
            for kind in AT_BOOT:
                table.end_strike(tx, vm_id, kind)
            self._begin_waiting(tx, vm_id, Stage.RUNNING)

    def _begin_waiting(self, tx: Transaction, vm_id: int, stage: Stage) -> None:
        """What a VM's strikes waited for has come."""
        for row in table.strikes(tx, vm_id):
            if row.stage == stage.value:
                delay = row.seconds if row.kind == FaultKind.POWER_OFF.value else 0.0
                self._advance(tx, vm_id, row.kind, Stage.TIMED, tx.moment + delay)

    def _advance(self, tx: Transaction, vm_id: int, kind: str, stage: Stage, due: float) -> None:
        table.advance(tx, vm_id, kind, stage, due)
        tx.after(StrikeDue(vm_id, kind, due))

    def _lose(self, tx: Transaction, row: Any) -> None:
        head = machine.head(tx, row.vm_id)
        if machine.place_of(head) == places.RUNNING:
            with tx.because(f"fault {row.fault_id}: {row.kind}"):
                machine.move(tx, head, places.UNKNOWN)
            self._advance(tx, row.vm_id, row.kind, Stage.LOST, tx.moment + row.seconds)


def _reported(tx: Transaction, vm_id: int) -> bool:
    template = tx.value(select(vm.c.user_template).where(vm.c.id == vm_id)) or {}
    return str(template.get("READY", "")).strip() == "YES"


def _refuse(tx: Transaction, one: Fault, made: VmsCreated) -> None:
    """Counts VMs and refuses the one that is meant. Of several at once none is taken: they are tried one by one."""
    seen = one.seen
    for _, name in made.vms:
        if not one.describes(name, made.role):
            continue
        if seen + 1 >= (one.nth or 1):
            if len(made.vms) == 1:
                tx.lasting.append(partial(table.spend, fault_id=one.id))
            raise OneError(ErrorCode.ALLOCATE, f"Error allocating a new virtual machine. fault {one.id}: deploy-error")
        seen += 1
    table.note_seen(tx, one.id, seen, None)


def _count(tx: Transaction, one: Fault, made: VmsCreated) -> None:
    """Counts VMs until the n-th is there."""
    passing = [vm_id for vm_id, name in made.vms if one.describes(name, made.role)]
    missing = (one.nth or 1) - one.seen
    found = passing[missing - 1] if missing <= len(passing) else None
    table.note_seen(tx, one.id, one.seen + len(passing), found)


def _put(tx: Transaction, one: Fault, guest: Guest) -> None:
    if one.kind in AT_BOOT:
        table.put_strike(tx, guest.vm_id, one, Stage.BOOT, tx.moment + one.seconds)
    elif one.kind == FaultKind.NEVER_READY:
        table.put_strike(tx, guest.vm_id, one, Stage.SILENT, None)
    else:
        waits = Stage.READY if guest.context.get("REPORT_READY") == "YES" else Stage.RUNNING
        table.put_strike(tx, guest.vm_id, one, waits, None)


def _boot_of(tx: Transaction, vm_id: int) -> Boot:
    rows = [row for row in table.strikes(tx, vm_id) if row.stage == Stage.BOOT.value]
    failing = next((row for row in rows if row.kind == FaultKind.BOOT_FAILURE.value), None)
    error = None if failing is None else f"fault {failing.fault_id}: {failing.kind}"
    return Boot(max((row.due for row in rows), default=0.0), error)


def _find(tx: Transaction, row: Any) -> None:
    """Monitoring is back; whether the machine still runs is looked at afterwards."""
    table.end_strike(tx, row.vm_id, FaultKind(row.kind))
    head = machine.head(tx, row.vm_id)
    if machine.place_of(head) == places.UNKNOWN:
        with tx.because("monitoring is back"):
            machine.move(tx, head, places.RUNNING)
        tx.after(FindVm(row.vm_id))
