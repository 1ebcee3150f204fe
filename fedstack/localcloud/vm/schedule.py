"""Actions that a VM will perform later (SCHED_ACTION)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from fedstack.localcloud.core.numbers import natural
from fedstack.localcloud.effects import ScheduledAction
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import sched_action, vm
from fedstack.localcloud.vm import actions
from fedstack.opennebula.errors import ErrorCode, OneError

_SUPPORTED = frozenset(actions.MOVES)


def add(tx: Transaction, vm_id: int, vector: Mapping[str, str]) -> int:
    """Schedules `ACTION` at `TIME`, epoch seconds or `+seconds` after the VM's start; returns its id.

    Raises OneError ACTION.
    """
    action, due = _checked(tx, vm_id, vector)
    action_id = tx.take_ids("sched_action")
    values = {"id": action_id, "vm_id": vm_id, "due": due, "template": _template(vector, action, due)}
    tx.run(insert(sched_action), values)
    tx.after(ScheduledAction(action_id, due))
    return action_id


def _template(vector: Mapping[str, str], action: str, due: float) -> dict[str, str]:
    return {**vector, "ACTION": action, "TIME": str(int(due))}


def _checked(tx: Transaction, vm_id: int, vector: Mapping[str, str]) -> tuple[str, float]:
    action, given = vector.get("ACTION", "").lower(), vector.get("TIME", "")
    if not action:
        raise OneError(ErrorCode.ACTION, "No ACTION in template for Scheduled Action.", vm_id)
    if action not in _SUPPORTED:
        known = ", ".join(sorted(_SUPPORTED))
        raise OneError(ErrorCode.ACTION, f'Action "{action}" cannot be scheduled: expected one of {known}.', vm_id)
    if vector.get("REPEAT", "-1") != "-1":
        text = "Repeated actions: left out of the local cloud (docs/localcloud.md, What is left out)."
        raise OneError(ErrorCode.ACTION, text, vm_id)
    moment = natural(given.removeprefix("+"))
    if moment is None:
        text = f"Unable to parse the time value or value is empty: {given}"
        raise OneError(ErrorCode.ACTION, text, vm_id)
    origin = tx.value(select(vm.c.stime).where(vm.c.id == vm_id)) if given.startswith("+") else 0
    return action, float(origin + moment)


def change(tx: Transaction, vm_id: int, action_id: int, vector: Mapping[str, str]) -> None:
    """Writes an action anew; raises OneError."""
    row = _find(tx, vm_id, action_id, ErrorCode.INTERNAL)
    template = {**row.template, **vector}
    action, due = _checked(tx, vm_id, template)
    where = sched_action.c.id == action_id
    tx.run(update(sched_action).where(where).values(due=due, template=_template(template, action, due)))
    tx.after(ScheduledAction(action_id, due))


def remove(tx: Transaction, vm_id: int, action_id: int) -> None:
    """Forgets an action; raises OneError NO_EXISTS when there is none of that id."""
    _find(tx, vm_id, action_id, ErrorCode.NO_EXISTS)
    tx.run(delete(sched_action).where(sched_action.c.id == action_id))


def _find(tx: Transaction, vm_id: int, action_id: int, code: ErrorCode) -> Row[Any]:
    row = tx.first(select(sched_action).where(sched_action.c.id == action_id, sched_action.c.vm_id == vm_id))
    if row is None:
        raise OneError(code, f"SCHED_ACTION with id = {action_id} doesn't exist", vm_id)
    return row


def due(tx: Transaction, action_id: int, now: float) -> None:
    """Performs an action whose time has come; what is not possible then is recorded in its MESSAGE."""
    row = tx.first(select(sched_action).where(sched_action.c.id == action_id))
    if row is None or row.done >= 0 or row.due > now:
        return
    outcome: dict[str, Any] = {"DONE": str(tx.now)}
    try:
        with tx.savepoint():
            actions.act(tx, row.vm_id, row.template["ACTION"])
    except OneError as error:
        outcome["MESSAGE"] = error.message
    where = sched_action.c.id == action_id
    tx.run(update(sched_action).where(where).values(done=tx.now, template={**row.template, **outcome}))
