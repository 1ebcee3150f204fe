"""What users may do with a VM, and from where: `one.vm.action` and `one.vm.recover` (reference 2.10)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row

from fedstack.localcloud.effects import RebootVm
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.vm import machine, places
from fedstack.localcloud.vm.places import Place, active
from fedstack.opennebula.errors import ErrorCode, OneError
from fedstack.opennebula.states import LcmState

_STOPPING = active(LcmState.SHUTDOWN)
_DELETING = active(LcmState.CLEANUP_DELETE)


def _from(origins: Iterable[Place], target: Place) -> dict[Place, Place]:
    return dict.fromkeys(origins, target)


_TERMINATE: dict[Place, Place] = {
    **_from((places.RUNNING, places.UNKNOWN), _STOPPING),
    **_from(places.AT_REST, active(LcmState.EPILOG)),
    **_from((places.PENDING, places.HOLD), places.DONE),
    **_from(places.FAILURES, _DELETING),
}
_RESUME: dict[Place, Place] = {
    places.POWEROFF: active(LcmState.BOOT_POWEROFF),
    places.SUSPENDED: active(LcmState.BOOT_SUSPENDED),
    places.STOPPED: active(LcmState.PROLOG_RESUME),
    places.UNDEPLOYED: active(LcmState.PROLOG_UNDEPLOY),
    places.UNKNOWN: active(LcmState.BOOT_UNKNOWN),
}

MOVES: dict[str, dict[Place, Place]] = {
    "terminate": _TERMINATE,
    "terminate-hard": {**_TERMINATE, _STOPPING: _STOPPING},
    "hold": {places.PENDING: places.HOLD},
    "release": {places.HOLD: places.PENDING},
    "stop": _from((places.RUNNING, places.SUSPENDED), active(LcmState.SAVE_STOP)),
    "suspend": {places.RUNNING: active(LcmState.SAVE_SUSPEND)},
    "resume": _RESUME,
    "poweroff": _from((places.RUNNING, places.UNKNOWN), active(LcmState.SHUTDOWN_POWEROFF)),
    "poweroff-hard": _from((places.RUNNING, places.UNKNOWN), active(LcmState.SHUTDOWN_POWEROFF)),
    "undeploy": _from((places.RUNNING, places.UNKNOWN, places.POWEROFF), active(LcmState.SHUTDOWN_UNDEPLOY)),
    "undeploy-hard": _from((places.RUNNING, places.UNKNOWN, places.POWEROFF), active(LcmState.SHUTDOWN_UNDEPLOY)),
    "reboot": {places.RUNNING: places.RUNNING},
    "reboot-hard": {places.RUNNING: places.RUNNING},
    "resched": {places.RUNNING: places.RUNNING},
    "unresched": {places.RUNNING: places.RUNNING},
}
"""Action -> where it is allowed -> where the VM goes."""

FAILURE, SUCCESS, RETRY, DELETE, RECREATE, DELETE_DB = range(6)
_OPERATIONS = ("failure", "success", "retry", "delete", "recreate", "delete-db")


def act(tx: Transaction, vm_id: int, action: str) -> None:
    """Performs an action; raises OneError ACTION when it is unknown or not possible where the VM is."""
    row = machine.head(tx, vm_id)
    place = machine.place_of(row)
    if action not in MOVES:
        raise OneError(ErrorCode.ACTION, f'Action "{action}" is not supported', vm_id)
    if place == places.DONE and action.startswith("terminate"):
        return
    if place not in MOVES[action]:
        text = f'Error performing action "{action}": This action is not available for state {places.name(place)}'
        raise OneError(ErrorCode.ACTION, text, vm_id)
    _perform(tx, row, action, MOVES[action][place])


def _perform(tx: Transaction, row: Row[Any], action: str, target: Place, by: str = "action") -> None:
    hard = action.endswith("-hard")
    if action.startswith("reboot"):
        tx.after(RebootVm(row.id, hard))
    elif not action.endswith("resched"):
        with tx.because(f"{by} {action}"):
            machine.start(tx, row, target, hard=hard, interrupt=hard and target == machine.place_of(row))


def recover(tx: Transaction, vm_id: int, operation: int) -> None:
    """`one.vm.recover`: 0 failure, 1 success, 2 retry, 3 delete, 4 recreate, 5 delete-db. Raises OneError."""
    if not 0 <= operation < len(_OPERATIONS):
        raise OneError(ErrorCode.ACTION, "Wrong recovery operation code", vm_id)
    row = machine.head(tx, vm_id)
    place = machine.place_of(row)
    if operation in (DELETE, DELETE_DB):
        with tx.because(f"recover {_OPERATIONS[operation]}"):
            delete(tx, row)
        return
    target = _recovered(place, operation)
    if target is None:
        text = f"Recover operation {operation} is not available for state {places.name(place)}"
        raise OneError(ErrorCode.ACTION, text, vm_id)
    with tx.because(f"recover {_OPERATIONS[operation]}"):
        machine.start(tx, row, target, interrupt=operation in (FAILURE, RECREATE))


def _recovered(place: Place, operation: int) -> Place | None:
    step = places.STEPS.get(place)
    if operation == RETRY:
        return places.RETRIES.get(place)
    if operation == RECREATE:
        return None if place in (places.DONE, places.HOLD, places.PENDING) else active(LcmState.CLEANUP_RESUBMIT)
    if step is None or place == places.PENDING:
        return None
    return step.then if operation == SUCCESS else step.failed


def delete(tx: Transaction, row: Row[Any]) -> None:
    """Removes a VM from wherever it is; DONE stays DONE."""
    place = machine.place_of(row)
    if place in (places.PENDING, places.HOLD):
        machine.move(tx, row, places.DONE)
    elif place not in (places.DONE, _DELETING):
        machine.start(tx, row, _DELETING, interrupt=True)


def terminate(tx: Transaction, vm_id: int, *, hard: bool) -> None:
    """What OneFlow does with a VM that it wants to be rid of: terminate, where that is not possible delete."""
    row = machine.head(tx, vm_id)
    place = machine.place_of(row)
    action = "terminate-hard" if hard else "terminate"
    if place in MOVES[action]:
        _perform(tx, row, action, MOVES[action][place], by="OneFlow:")
    elif place not in (_STOPPING, active(LcmState.EPILOG)):
        delete(tx, row)
