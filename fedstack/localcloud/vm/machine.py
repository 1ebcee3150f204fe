"""The state machine of a VM: every move is a row update and an event, inside the caller's transaction."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, bindparam, delete, select, update

from fedstack.localcloud.core import imagepool, leases
from fedstack.localcloud.core.kinds import VM
from fedstack.localcloud.core.objects import missing
from fedstack.localcloud.effects import DriveVm
from fedstack.localcloud.events import VmMoved
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import sched_action, vm
from fedstack.localcloud.vm import places
from fedstack.localcloud.vm.places import Place
from fedstack.opennebula.states import LcmState

_HEAD = select(vm.c.id, vm.c.name, vm.c.state, vm.c.lcm_state, vm.c.hard, vm.c.uid, vm.c.gid, vm.c.history).where(
    vm.c.id == bindparam("vm")
)
_MOVE = (
    update(vm)
    .where(vm.c.id == bindparam("vm"))
    .values({name: bindparam(f"new_{name}") for name in ("state", "lcm_state", "prev_state", "prev_lcm_state", "hard")})
    .values(history=bindparam("new_history"), last_poll=bindparam("new_last_poll"))
)
_BOOTED = (
    update(vm).where(vm.c.id == bindparam("vm")).values(monitoring=bindparam("new"), deploy_id=bindparam("new_name"))
)
_ENDED = update(vm).where(vm.c.id == bindparam("vm")).values(etime=bindparam("now"))


def head(tx: Transaction, vm_id: int) -> Row[Any]:
    """The columns that moves need, without the templates; raises OneError NO_EXISTS."""
    row = tx.first(_HEAD, {"vm": vm_id})
    if row is None:
        raise missing(VM, vm_id)
    return row


def place_of(row: Row[Any]) -> Place:
    """Where the VM is."""
    return (row.state, row.lcm_state)


def move(tx: Transaction, row: Row[Any], place: Place, *, hard: bool = False) -> None:
    """Moves a VM and tells the listeners; arriving in DONE gives back all that it held."""
    values = {
        "vm": row.id,
        "new_state": place[0],
        "new_lcm_state": place[1],
        "new_prev_state": row.state,
        "new_prev_lcm_state": row.lcm_state,
        "new_hard": hard,
        "new_history": _history(tx, row, place),
        "new_last_poll": tx.now,
    }
    tx.run(_MOVE, values)
    tx.record("vm", row.id, row.name, places.name(place_of(row)), places.name(place))
    if place == places.RUNNING and place_of(row) in places.STEPS:
        tx.run(_BOOTED, {"vm": row.id, "new": _first_monitoring(tx, row.id), "new_name": f"one-{row.id}"})
    if place == places.DONE:
        _finish(tx, row.id)
    tx.publish(VmMoved(row.id, *place))


def start(tx: Transaction, row: Row[Any], place: Place, *, hard: bool = False, interrupt: bool = False) -> None:
    """Moves a VM to a passing place and has it driven on; `interrupt` breaks off what is being done with it."""
    move(tx, row, place, hard=hard)
    if place in places.STEPS:
        tx.after(DriveVm(row.id, interrupt))


def _finish(tx: Transaction, vm_id: int) -> None:
    leases.give_back(tx, vm_id)
    imagepool.release(tx, vm_id)
    tx.run(delete(sched_action).where(sched_action.c.vm_id == vm_id))
    tx.run(_ENDED, {"vm": vm_id, "now": tx.now})


def _first_monitoring(tx: Transaction, vm_id: int) -> dict[str, str]:
    keys = ("CPU", "DISKRDBYTES", "DISKRDIOPS", "DISKWRBYTES", "DISKWRIOPS", "MEMORY", "NETRX", "NETTX")
    return {"ID": str(vm_id), "TIMESTAMP": str(tx.now), **dict.fromkeys(keys, "0")}


_NEW_RECORD = ("STIME", "ETIME", "PSTIME", "PETIME", "RSTIME", "RETIME", "ESTIME", "EETIME")


def _history(tx: Transaction, row: Row[Any], place: Place) -> list[dict[str, Any]]:
    """History records after a move: a new one at PROLOG, times filled in on the way."""
    now = tx.now
    if place == places.active(LcmState.PROLOG):
        record = {
            **dict.fromkeys(_NEW_RECORD, 0),
            "STIME": now,
            "PSTIME": now,
            "ACTION": 0,
            "UID": row.uid,
            "GID": row.gid,
        }
        return [*row.history, record]
    if not row.history or place_of(row) in places.HOTPLUGS.values():
        return list(row.history)
    last = {**row.history[-1], **_times(place, now)}
    return [*row.history[:-1], last]


def _times(place: Place, now: int) -> dict[str, int]:
    if place == places.active(LcmState.BOOT):
        return {"PETIME": now, "RSTIME": now}
    if place == places.active(LcmState.EPILOG):
        return {"RETIME": now, "ESTIME": now}
    if place == places.DONE:
        return {"EETIME": now, "ETIME": now}
    return {"RETIME": now} if place in places.AT_REST else {}
