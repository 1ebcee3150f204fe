"""`recover` with and without delete, and `release` of services on hold (reference 6.15)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select

from fedstack.localcloud.effects import DrainRole, FillRole
from fedstack.localcloud.flow import lifecycle, model, scaling, teardown
from fedstack.localcloud.flow.errors import refused
from fedstack.localcloud.flow.model import LEAVING, TOLD, Service
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import node, vm
from fedstack.localcloud.vm import actions, places
from fedstack.oneflow import strategy
from fedstack.oneflow.states import UNDEPLOYABLE, Recovery, RoleState, ServiceState, recovery

_IN_DEPLOYMENT = (RoleState.DEPLOYING, RoleState.FAILED_DEPLOYING)
_IN_SCALING = (RoleState.SCALING, RoleState.FAILED_SCALING)


def delete(tx: Transaction, service_id: int) -> None:
    """DELETE of a service; raises FlowError where only recover with delete may."""
    service = model.load(tx, service_id)
    if service.state not in UNDEPLOYABLE:
        raise refused(f"Service cannot be undeployed in state: {service.state.name}")
    if service.state != ServiceState.UNDEPLOYING:
        teardown.undeploy(tx, service_id)


def recover(tx: Transaction, service_id: int, *, with_delete: bool) -> None:
    """Goes on where a service stopped, or removes it from any state. Raises FlowError."""
    service = model.load(tx, service_id)
    if with_delete:
        _undeploy_again(tx, service)
        return
    kind = recovery(service.state)
    if kind == Recovery.REFUSED:
        raise refused(f"Service cannot be recovered in state: {service.state.name}")
    lifecycle.give_up(tx, service_id)
    _RECOVERIES[kind](tx, model.load(tx, service_id))


def _undeploy_again(tx: Transaction, service: Service) -> None:
    """As DELETE; VMs that were told before and are still there are told again."""
    for role in service.roles:
        if role.state == RoleState.UNDEPLOYING:
            _drain_again(tx, service.id, role.name)
    teardown.undeploy(tx, service.id)


def _drain_again(tx: Transaction, service_id: int, name: str) -> None:
    model.set_phases(tx, LEAVING, service_id, name, TOLD)
    tx.after(DrainRole(service_id, name))


def _deploy(tx: Transaction, service: Service) -> None:
    waiting = [role for role in service.roles if role.state in _IN_DEPLOYMENT]
    for role in waiting:
        _revive(tx, service, role)
    if not waiting and strategy.to_deploy(service.deployment, service.strategic()):
        lifecycle.deploy_next(tx, service.id)


def _scale(tx: Transaction, service: Service) -> None:
    for role in service.roles:
        if role.state in _IN_SCALING and role.scale_way == scaling.DOWN:
            _scale_down(tx, service, role)
        elif role.state in _IN_SCALING:
            _revive(tx, service, role)


def _scale_down(tx: Transaction, service: Service, role: Row[Any]) -> None:
    if model.any_node(tx, service.id, role.name, LEAVING, TOLD):
        _drain_again(tx, service.id, role.name)
        return
    have = model.count_nodes(tx, service.id, role.name)
    if have > role.cardinality:
        scaling.release_oldest(tx, service.id, role.name, have - role.cardinality)
    else:
        lifecycle.cool_down(tx, service.id, role.name)


def _revive(tx: Transaction, service: Service, role: Row[Any]) -> None:
    """VMs that failed are tried again, those at rest resumed, missing ones created; then the wait begins anew."""
    query = select(vm.c.id, vm.c.state, vm.c.lcm_state).join(node, node.c.vm_id == vm.c.id)
    for row in tx.all(query.where(node.c.service_id == service.id, node.c.role == role.name)):
        place = (row.state, row.lcm_state)
        if place in places.RETRIES:
            actions.recover(tx, row.id, actions.RETRY)
        elif place in places.AT_REST:
            actions.act(tx, row.id, "resume")
    missing = max(role.cardinality - model.count_nodes(tx, service.id, role.name), 0)
    model.set_role(tx, service.id, role.name, missing=missing)
    if missing:
        tx.after(FillRole(service.id, role.name))
    lifecycle.wait_again(tx, service.id, role.name, gate=service.gate)


def _undeploy(tx: Transaction, service: Service) -> None:
    _undeploy_again(tx, service)


def _cooldown(tx: Transaction, service: Service) -> None:
    for role in service.roles:
        lifecycle.end_cooldown(tx, service.id, role.name)


def _networks(tx: Transaction, service: Service) -> None:
    if service.state == ServiceState.UNDEPLOYING_NETS:
        teardown.finish(tx, service.id)
    else:
        lifecycle.networks_ready(tx, service.id)


_RECOVERIES = {
    Recovery.DEPLOY: _deploy,
    Recovery.UNDEPLOY: _undeploy,
    Recovery.SCALE: _scale,
    Recovery.COOLDOWN: _cooldown,
    Recovery.NETWORKS: _networks,
}


def release(tx: Transaction, service_id: int) -> None:
    """Lets held VMs go, parents first; raises FlowError when no role is on hold."""
    service = model.load(tx, service_id)
    held = [role for role in service.roles if role.state == RoleState.HOLD]
    if not held:
        raise refused("Service has no roles in HOLD state")
    for role in held:
        model.set_role(tx, service_id, role.name, body={**role.body, "on_hold": False})
    model.set_body(tx, service_id, {**service.body, "on_hold": False})
    model.set_service(tx, service_id, ServiceState.DEPLOYING)
    lifecycle.deploy_next(tx, service_id)
