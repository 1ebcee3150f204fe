"""The tables of faults and strikes. A strike is a fault that has hit a VM and is not over yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select, update

from fedstack.localcloud.faults.model import ALWAYS, Fault, FaultKind, from_row
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import fault, node, strike

LIMIT = 1000
"""So many faults at most."""


class Stage(Enum):
    """How far a strike has come."""

    BOOT = "boot"  # the boot lasts until `due`
    RUNNING = "running"  # waits for the VM to run
    READY = "ready"  # waits for the VM to report READY
    TIMED = "timed"  # happens at `due`
    LOST = "lost"  # UNKNOWN until `due`
    SILENT = "silent"  # as long as the VM runs


_ACTIVE = select(fault).where(fault.c.left != 0).order_by(fault.c.id)
_STRIKES = select(strike).where(strike.c.vm_id == bindparam("vm"))
_ROLE = select(node.c.role).where(node.c.vm_id == bindparam("vm"))


def any_left(tx: Transaction) -> bool:
    """Whether there is a fault that can strike, or a strike that is not over."""
    return tx.first(select(fault.c.id).where(fault.c.left != 0)) is not None or tx.first(select(strike)) is not None


def active(tx: Transaction, *kinds: FaultKind) -> list[Fault]:
    """Faults of these kinds that can strike, oldest first."""
    return [one for row in tx.all(_ACTIVE) if (one := from_row(row)).kind in kinds]


def everything(tx: Transaction) -> list[Fault]:
    """All faults, also those that have struck for the last time."""
    return [from_row(row) for row in tx.all(select(fault).order_by(fault.c.id))]


def add(tx: Transaction, values: Mapping[str, Any]) -> Fault:
    """Stores a new fault."""
    fault_id = tx.take_ids("fault")
    tx.run(insert(fault), {**values, "id": fault_id, "seen": 0, "struck": 0})
    return from_row(tx.all(select(fault).where(fault.c.id == fault_id))[0])


def count(tx: Transaction) -> int:
    """How many there are."""
    return len(tx.all(select(fault.c.id)))


def remove(tx: Transaction, fault_id: int | None) -> int:
    """Forgets one fault or all; returns how many."""
    return tx.run(delete(fault) if fault_id is None else delete(fault).where(fault.c.id == fault_id))


def spend(tx: Transaction, fault_id: int) -> None:
    """It has struck once more."""
    where = fault.c.id == fault_id
    tx.run(update(fault).where(where).values(struck=fault.c.struck + 1))
    tx.run(update(fault).where(where, fault.c.left != ALWAYS).values(left=fault.c.left - 1))


def note_seen(tx: Transaction, fault_id: int, seen: int, vm_id: int | None) -> None:
    """So many VMs have passed; `vm_id`: the one that it was waiting for."""
    tx.run(update(fault).where(fault.c.id == fault_id).values(seen=seen, vm_id=vm_id))


def strikes(tx: Transaction, vm_id: int) -> Sequence[Row[Any]]:
    """What a VM is under."""
    return tx.all(_STRIKES, {"vm": vm_id})


def strikes_of(tx: Transaction, fault_id: int | None) -> Sequence[Row[Any]]:
    """The strikes of one fault, or of all."""
    query = select(strike)
    return tx.all(query if fault_id is None else query.where(strike.c.fault_id == fault_id))


def put_strike(tx: Transaction, vm_id: int, one: Fault, stage: Stage, due: float | None) -> None:
    """A fault hits a VM; a strike of the same kind is replaced."""
    end_strike(tx, vm_id, one.kind)
    values = {"vm_id": vm_id, "kind": one.kind.value, "fault_id": one.id, "seconds": one.seconds}
    tx.run(insert(strike), {**values, "stage": stage.value, "due": due})


def advance(tx: Transaction, vm_id: int, kind: str, stage: Stage, due: float | None) -> None:
    """A strike comes to its next stage."""
    where = (strike.c.vm_id == vm_id, strike.c.kind == kind)
    tx.run(update(strike).where(*where).values(stage=stage.value, due=due))


def end_strike(tx: Transaction, vm_id: int, kind: FaultKind) -> None:
    """A strike is over."""
    tx.run(delete(strike).where(strike.c.vm_id == vm_id, strike.c.kind == kind.value))


def end_strikes(tx: Transaction, vm_id: int) -> None:
    """All strikes of a VM are over."""
    tx.run(delete(strike).where(strike.c.vm_id == vm_id))


def timed(tx: Transaction) -> Sequence[Row[Any]]:
    """Strikes with something to happen at `due`."""
    return tx.all(select(strike).where(strike.c.stage.in_([Stage.TIMED.value, Stage.LOST.value])))


def role_of(tx: Transaction, vm_id: int) -> str | None:
    """The role of a service that a VM belongs to."""
    role: str | None = tx.value(_ROLE, {"vm": vm_id})
    return role
