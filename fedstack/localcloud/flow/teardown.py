"""The end of a service, of a role and of single nodes: children before parents, networks last (reference 6.11)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row

from fedstack.localcloud.core import networks
from fedstack.localcloud.core.users import caller_by_id
from fedstack.localcloud.effects import DrainRole
from fedstack.localcloud.flow import documents, lifecycle, model
from fedstack.localcloud.flow.model import AWAITED, LEAVING, STEADY, TOLD
from fedstack.localcloud.store import schema
from fedstack.localcloud.store.database import Transaction
from fedstack.oneflow import strategy
from fedstack.oneflow.states import RoleState, ServiceState

_SCALING = (RoleState.SCALING, RoleState.FAILED_SCALING)


def undeploy(tx: Transaction, service_id: int) -> None:
    """Shuts down the roles that the strategy names; deletes the service when there is nothing left to wait for."""
    lifecycle.give_up(tx, service_id)
    model.set_service(tx, service_id, ServiceState.UNDEPLOYING)
    shutdown_next(tx, service_id)


def shutdown_next(tx: Transaction, service_id: int) -> None:
    """The next roles; roles without VMs are DONE at once."""
    service = model.load(tx, service_id)
    names = strategy.to_shutdown(service.deployment, service.strategic())
    for name in names:
        model.set_role(tx, service_id, name, RoleState.UNDEPLOYING, deadline=None, scale_way=None)
        model.set_phases(tx, LEAVING, service_id, name, STEADY, AWAITED)
        tx.after(DrainRole(service_id, name))
    emptied = [role.name for role in model.roles(tx, service_id) if _is_empty(tx, role)]
    for name in emptied:
        model.set_role(tx, service_id, name, RoleState.DONE)
    if emptied:
        shutdown_next(tx, service_id)
    elif not any(role.state == RoleState.UNDEPLOYING for role in service.roles) and not names:
        finish(tx, service_id)


def _is_empty(tx: Transaction, role: Row[Any]) -> bool:
    """An UNDEPLOYING role whose last VM is gone."""
    return role.state == RoleState.UNDEPLOYING and not model.any_node(
        tx, role.service_id, role.name, LEAVING, TOLD, STEADY, AWAITED
    )


def finish(tx: Transaction, service_id: int) -> None:
    """Deletes the networks that the service created, and its document."""
    service = model.load(tx, service_id)
    model.set_service(tx, service_id, ServiceState.UNDEPLOYING_NETS)
    caller = caller_by_id(tx, documents.by_id(tx, service_id).uid)
    for entry in service.body.get("networks_values") or []:
        for value in entry.values():
            if isinstance(value, Mapping) and "reserve_from" in value and "id" in value:
                networks.remove(tx, caller, int(value["id"]))
    model.remove(tx, service_id)


def node_gone(tx: Transaction, service_id: int, name: str, vm_id: int) -> None:
    """A VM that had to go is DONE."""
    model.remove_node(tx, vm_id)
    if model.any_node(tx, service_id, name, LEAVING, TOLD):
        return
    role = model.find_role(tx, service_id, name)
    if role is None:
        return
    if role.removing:
        remove_role(tx, service_id, name)
    elif role.state == RoleState.UNDEPLOYING:
        model.set_role(tx, service_id, name, RoleState.DONE)
        shutdown_next(tx, service_id)
    elif role.state in _SCALING:
        lifecycle.cool_down(tx, service_id, name)


def remove_role(tx: Transaction, service_id: int, name: str) -> None:
    """A role that was removed has no VMs any longer: it leaves the service, which is RUNNING again."""
    where = (schema.role.c.service_id == service_id, schema.role.c.name == name)
    tx.run(schema.role.delete().where(*where))
    left = model.roles(tx, service_id)
    if all(role.state == RoleState.DONE for role in left):
        finish(tx, service_id)
    else:
        lifecycle.run(tx, service_id)
