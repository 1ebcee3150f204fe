"""Actions that a VM will perform later (SCHED_ACTION)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from fedstack.localcloud.core.numbers import natural
from fedstack.localcloud.effects import ScheduledAction
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import sched_action
from fedstack.localcloud.vm import actions
from fedstack.opennebula.errors import ErrorCode, OneError

_SUPPORTED = frozenset(actions.MOVES)


def add(tx: Transaction, vm_id: int, vector: dict[str, str]) -> int:
    """Schedules `ACTION` at `TIME` (epoch seconds); returns its id. Raises OneError ACTION."""
    action, due = _checked(vector)
    action_id = tx.take_ids("sched_action")
    values = {"id": action_id, "vm_id": vm_id, "due": due, "template": {**vector, "ACTION": action}}
    tx.run(insert(sched_action), values)
    tx.after(ScheduledAction(action_id, due))
    return action_id


def _checked(vector: dict[str, str]) -> tuple[str, float]:
    action, due = vector.get("ACTION", "").lower(), vector.get("TIME", "")
    if action not in _SUPPORTED:
        raise OneError(
            ErrorCode.ACTION, f'Action "{action}" cannot be scheduled: expected one of {", ".join(sorted(_SUPPORTED))}.'
        )
    moment = natural(due)
    if moment is None:
        raise OneError(ErrorCode.ACTION, f'Wrong TIME "{due}" in SCHED_ACTION: expected seconds since 1970.')
    return action, float(moment)


def change(tx: Transaction, vm_id: int, action_id: int, vector: dict[str, str]) -> None:
    """Writes an action anew; raises OneError."""
    row = _find(tx, vm_id, action_id)
    template = {**row.template, **vector}
    action, due = _checked(template)
    where = sched_action.c.id == action_id
    tx.run(update(sched_action).where(where).values(due=due, template={**template, "ACTION": action}))
    tx.after(ScheduledAction(action_id, due))


def remove(tx: Transaction, vm_id: int, action_id: int) -> None:
    """Forgets an action; raises OneError ACTION when there is none of that id."""
    _find(tx, vm_id, action_id)
    tx.run(delete(sched_action).where(sched_action.c.id == action_id))


def _find(tx: Transaction, vm_id: int, action_id: int) -> Row[Any]:
    row = tx.first(select(sched_action).where(sched_action.c.id == action_id, sched_action.c.vm_id == vm_id))
    if row is None:
        raise OneError(ErrorCode.ACTION, f"Sched action {action_id} does not exist", vm_id)
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
