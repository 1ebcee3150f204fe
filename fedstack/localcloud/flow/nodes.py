"""Creating and terminating the VMs of a role, a few in a transaction, so that large roles stall nobody."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from fedstack.localcloud.core.users import caller_by_id
from fedstack.localcloud.effects import DrainRole, FillRole
from fedstack.localcloud.flow import contents, documents, lifecycle, model, teardown
from fedstack.localcloud.flow.model import AWAITED, LEAVING, STEADY, TOLD, Service
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.vm import actions, create, machine, places
from fedstack.opennebula.errors import OneError

DRAIN_STEP = 100


def fill(tx: Transaction, service_id: int, name: str, step: int) -> None:
    """Creates the next VMs that a role misses. When that fails, the ones before stay and the role has failed."""
    role = model.find_role(tx, service_id, name)
    if role is None or role.missing <= 0:
        return
    count = min(step, role.missing)
    service = model.load(tx, service_id)
    try:
        with tx.savepoint():
            _create(tx, service, role, count)
    except OneError as error:
        _retry_or_fail(tx, service, role, count, error)
        return
    left = role.missing - count
    model.set_role(tx, service_id, name, missing=left, last_vmname=role.last_vmname + count)
    if left:
        tx.after(FillRole(service_id, name, step))
    else:
        lifecycle.check_role(tx, service_id, name)


def _retry_or_fail(tx: Transaction, service: Service, role: Row[Any], count: int, error: OneError) -> None:
    """One by one, as many as there is room for; then the role fails."""
    if count > 1:
        tx.after(FillRole(service.id, role.name, 1))
        return
    template = role.body["template_id"]
    text = f"Role {role.name} : Instantiate failed for template {template}; [one.template.instantiate] {error.message}"
    lifecycle.role_failed(tx, service.id, role.name, text)


def _create(tx: Transaction, service: Service, role: Row[Any], count: int) -> None:
    create.check_room(tx, role.missing)
    owner = documents.by_id(tx, service.id)
    caller = caller_by_id(tx, owner.uid)
    template_name, attributes = contents.attributes(tx, caller, service, role)
    blueprint = create.prepare(tx, caller, attributes, template_name, role.body["template_id"])
    first = role.last_vmname
    names = [f"{role.name}_{number}_(service_{service.id})" for number in range(first, first + count)]
    extra = {"SERVICE_ID": str(service.id), "ROLE_NAME": role.name}
    held = role.body.get("on_hold") is True
    vm_ids = create.allocate(tx, blueprint, names, hold=held, extra=extra)
    model.add_nodes(tx, service.id, role.name, vm_ids, STEADY if held else AWAITED)


def drain(tx: Transaction, service_id: int, name: str) -> None:
    """Terminates the next VMs that are leaving."""
    role = model.find_role(tx, service_id, name)
    if role is None:
        return
    service = model.load(tx, service_id)
    hard = _shutdown_action(service, role) == "terminate-hard"
    vm_ids = model.node_ids(tx, service_id, name, LEAVING, limit=DRAIN_STEP)
    for vm_id in vm_ids:
        model.set_phase(tx, vm_id, TOLD)
        if machine.place_of(machine.head(tx, vm_id)) == places.DONE:
            teardown.node_gone(tx, service_id, name, vm_id)
        else:
            actions.terminate(tx, vm_id, hard=hard)
    if len(vm_ids) == DRAIN_STEP:
        tx.after(DrainRole(service_id, name))


def _shutdown_action(service: Service, role: Row[Any]) -> str:
    return str(role.body.get("shutdown_action") or service.body.get("shutdown_action") or "terminate")
