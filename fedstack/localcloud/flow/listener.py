"""Tells services what happened to their VMs, in the transaction in which it happens."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, bindparam, select

from fedstack.localcloud.events import Event, ServiceRuns, VmMoved, VmsCreated
from fedstack.localcloud.flow import lifecycle, model, teardown, watchdog
from fedstack.localcloud.flow.model import AWAITED, LEAVING, STEADY, TOLD
from fedstack.localcloud.flow.reports import reported_ready
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import node, role, service, vm
from fedstack.localcloud.vm import places
from fedstack.oneflow.readiness import Readiness, node_ready, opens_gate
from fedstack.oneflow.states import ServiceState

_NODE = (
    select(node.c.vm_id, node.c.phase, node.c.role, node.c.service_id, service.c.gate, service.c.state, role.c.missing)
    .join(service, service.c.id == node.c.service_id)
    .join(role, (role.c.service_id == node.c.service_id) & (role.c.name == node.c.role))
    .where(node.c.vm_id == bindparam("vm"))
)
_WATCHED = (ServiceState.RUNNING, ServiceState.WARNING)


def on_event(tx: Transaction, happened: Event) -> None:
    """The listener of the store: one look-up by VM id, then the one node."""
    if isinstance(happened, ServiceRuns):
        watchdog.look(tx, happened.service_id)
        return
    if isinstance(happened, VmsCreated):
        return
    found = tx.first(_NODE, {"vm": happened.vm_id})
    if found is None:
        return
    if isinstance(happened, VmMoved):
        with tx.because(f"VM {happened.vm_id} is {places.name((happened.state, happened.lcm_state))}"):
            _moved(tx, found, happened)
    elif found.phase == AWAITED and found.gate and (opens_gate(happened.text) or reported_ready(tx, happened.vm_id)):
        with tx.because(f"VM {happened.vm_id} reported READY=YES"):
            ready(tx, found)


def _moved(tx: Transaction, found: Row[Any], happened: VmMoved) -> None:
    place = (happened.state, happened.lcm_state)
    if found.phase == AWAITED:
        _judge(tx, found, place)
    elif found.phase in (LEAVING, TOLD):
        if place == places.DONE:
            teardown.node_gone(tx, found.service_id, found.role, found.vm_id)
    elif found.phase == STEADY and found.state in _WATCHED:
        watchdog.observe(tx, found.service_id, found.role, found.vm_id, place)


def _judge(tx: Transaction, found: Row[Any], place: places.Place) -> None:
    verdict = node_ready(found.gate, *place, None)
    if verdict == Readiness.READY:
        ready(tx, found)
    elif verdict == Readiness.FAILED:
        text = f"Role {found.role} : VM {found.vm_id} is in state {places.name(place)}{_cause(tx, found.vm_id)}"
        lifecycle.role_failed(tx, found.service_id, found.role, text)


def _cause(tx: Transaction, vm_id: int) -> str:
    template = tx.value(select(vm.c.user_template).where(vm.c.id == vm_id))
    cause = (template or {}).get("ERROR")
    return f": {cause}" if isinstance(cause, str) else ""


def ready(tx: Transaction, found: Row[Any]) -> None:
    """One awaited node is ready; the last one ends the wait of its role."""
    model.set_phase(tx, found.vm_id, STEADY)
    if found.missing == 0 and not model.any_node(tx, found.service_id, found.role, AWAITED):
        lifecycle.check_role(tx, found.service_id, found.role)
