"""The end of a service, of a role and of single nodes: children before parents, networks last (reference 6.11)."""

from __future__ import annotations

from collections.abc import Mapping

from fedstack.localcloud.core import networks
from fedstack.localcloud.core.users import ONEADMIN, caller_by_id
from fedstack.localcloud.effects import DrainRole
from fedstack.localcloud.flow import lifecycle, model
from fedstack.localcloud.flow.model import AWAITED, LEAVING, STEADY, TOLD, Service
from fedstack.localcloud.store import schema
from fedstack.localcloud.store.database import Transaction
from fedstack.oneflow import strategy
from fedstack.oneflow.states import RoleState, ServiceState
from fedstack.opennebula.errors import ErrorCode, OneError

_SCALING = (RoleState.SCALING, RoleState.FAILED_SCALING)


def undeploy(tx: Transaction, service_id: int) -> None:
    """Shuts down the roles that the strategy names; deletes the service when there is nothing left to wait for."""
    lifecycle.give_up(tx, service_id)
    model.set_service(tx, service_id, ServiceState.UNDEPLOYING)
    shutdown_next(tx, service_id)


def shutdown_next(tx: Transaction, service_id: int) -> None:
    """The next roles, again while some have no VMs and are DONE at once; nothing left to wait for: the end."""
    service = model.load(tx, service_id)
    states = {role.name: RoleState(role.state) for role in service.roles}
    waiting = [name for name, state in states.items() if state == RoleState.UNDEPLOYING]
    while True:
        for name in strategy.to_shutdown(service.deployment, service.strategic(states)):
            states[name] = RoleState.UNDEPLOYING
            waiting.append(name)
            _shut_down(tx, service_id, name)
        emptied = [name for name in waiting if not model.count_nodes(tx, service_id, name)]
        if not emptied:
            break
        for name in emptied:
            states[name] = RoleState.DONE
            model.set_role(tx, service_id, name, RoleState.DONE)
        waiting = [name for name in waiting if name not in emptied]
    if not waiting:
        finish(tx, service_id)


def _shut_down(tx: Transaction, service_id: int, name: str) -> None:
    model.set_role(tx, service_id, name, RoleState.UNDEPLOYING, deadline=None, scale_way=None)
    model.set_phases(tx, LEAVING, service_id, name, STEADY, AWAITED)
    tx.after(DrainRole(service_id, name))


def finish(tx: Transaction, service_id: int) -> None:
    """Deletes the networks that the service created, and its document; a network that has to stay keeps it too."""
    service = model.load(tx, service_id)
    model.set_service(tx, service_id, ServiceState.UNDEPLOYING_NETS)
    failed = _remove_networks(tx, service)
    if not failed:
        model.remove(tx, service_id)
        return
    model.log(tx, service_id, "E", f"Error trying to delete Virtual Network(s): {'; '.join(failed)}")
    model.set_service(tx, service_id, ServiceState.FAILED_UNDEPLOYING_NETS)


def _remove_networks(tx: Transaction, service: Service) -> list[str]:
    """Why networks could not be deleted; those that are gone already do not count."""
    caller = caller_by_id(tx, ONEADMIN)
    failed = []
    for value in (one for entry in service.body.get("networks_values") or [] for one in entry.values()):
        if isinstance(value, Mapping) and "reserve_from" in value and "id" in value:
            try:
                networks.remove(tx, caller, int(value["id"]))
            except OneError as error:
                failed += [] if error.code == ErrorCode.NO_EXISTS else [error.message]
    return failed


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
