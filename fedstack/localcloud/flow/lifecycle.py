"""The life cycle of a service: which role comes next, what follows when one is ready, failed or gone (reference 6.11).

Every function is one step inside a transaction. A wait is data: a role waits as long as it misses VMs (`missing`) or
has awaited nodes; a wait that is given up clears both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, select, update

from fedstack.localcloud.effects import DeployService, EndCooldown, FillRole
from fedstack.localcloud.events import ServiceRuns
from fedstack.localcloud.flow import contents, model
from fedstack.localcloud.flow.model import AWAITED, STEADY, Service
from fedstack.localcloud.flow.reports import reported_ready
from fedstack.localcloud.store import schema
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import node, vm
from fedstack.localcloud.vm import actions, places
from fedstack.oneflow import strategy
from fedstack.oneflow.readiness import Readiness, node_ready
from fedstack.oneflow.states import RoleState, ServiceState

_DEPLOYING = (RoleState.DEPLOYING, RoleState.FAILED_DEPLOYING)
_SCALING = (RoleState.SCALING, RoleState.FAILED_SCALING)
_SCALE_UP = 0


def prepare(tx: Transaction, service_id: int) -> None:
    """PENDING to DEPLOYING_NETS; the roles get the fields that a service adds."""
    service = model.load(tx, service_id)
    for role in service.roles:
        held = service.hold or role.body.get("on_hold") is True
        body = {**role.body, "on_hold": held, "cooldown": role.body.get("cooldown", tx.site.default_cooldown)}
        model.set_role(tx, service_id, role.name, body=body)
    model.set_service(tx, service_id, ServiceState.DEPLOYING_NETS)
    tx.after(DeployService(service_id))


def networks_ready(tx: Transaction, service_id: int) -> None:
    """Networks are there: contents of the roles are completed and the first roles deployed."""
    if not model.exists(tx, service_id):
        return
    service = model.load(tx, service_id)
    if service.state not in (ServiceState.DEPLOYING_NETS, ServiceState.FAILED_DEPLOYING_NETS):
        return
    for role in service.roles:
        body = {**role.body, "template_contents": contents.filled(service, role)}
        model.set_role(tx, service_id, role.name, body=body)
    deploy_next(tx, service_id)


def deploy_next(tx: Transaction, service_id: int) -> None:
    """Deploys the roles that the strategy names, again while some need no wait; all RUNNING: so is the service."""
    service = model.load(tx, service_id)
    choose = strategy.to_hold if service.hold else strategy.to_deploy
    states = {role.name: RoleState(role.state) for role in service.roles}
    while names := _pending(choose(service.deployment, service.strategic(states)), states):
        model.set_service(tx, service_id, ServiceState.DEPLOYING)
        for name in names:
            states[name] = _deploy(tx, service, name, states)
    released = [] if service.hold else _release_next(tx, service, states)
    if not released:
        _settled(tx, service_id, set(states.values()))


def _pending(names: list[str], states: Mapping[str, RoleState]) -> list[str]:
    return [name for name in names if states[name] == RoleState.PENDING]


def _release_next(tx: Transaction, service: Service, states: Mapping[str, RoleState]) -> list[str]:
    """Roles that were let go and whose parents run by now."""
    names = strategy.to_release(service.deployment, service.strategic(states))
    free = [role.name for role in service.roles if role.name in names and role.body.get("on_hold") is False]
    for name in free:
        release_role(tx, service, name)
    return free


def release_role(tx: Transaction, service: Service, name: str) -> None:
    """Releases the held VMs of a role and waits for them."""
    model.set_role(tx, service.id, name, RoleState.DEPLOYING)
    query = select(vm.c.id).join(node, node.c.vm_id == vm.c.id).where(vm.c.state == places.HOLD[0])
    for row in tx.all(query.where(node.c.service_id == service.id, node.c.role == name)):
        actions.act(tx, row.id, "release")
    wait_again(tx, service.id, name, gate=service.gate)


def wait_again(tx: Transaction, service_id: int, name: str, *, gate: bool) -> None:
    """Every node of a role that is not ready is awaited (anew); the role may be ready at once."""
    query = select(vm.c.id, vm.c.state, vm.c.lcm_state).join(node, node.c.vm_id == vm.c.id)
    for row in tx.all(query.where(node.c.service_id == service_id, node.c.role == name)):
        reported = "YES" if gate and reported_ready(tx, row.id) else None
        verdict = node_ready(gate, row.state, row.lcm_state, reported)
        model.set_phase(tx, row.id, STEADY if verdict == Readiness.READY else AWAITED)
    check_role(tx, service_id, name)


def _settled(tx: Transaction, service_id: int, states: set[RoleState]) -> None:
    if states <= {RoleState.RUNNING}:
        run(tx, service_id)
    elif states == {RoleState.HOLD}:
        model.set_service(tx, service_id, ServiceState.HOLD)


def _deploy(tx: Transaction, service: Service, name: str, states: Mapping[str, RoleState]) -> RoleState:
    """Begins with a role; returns where it is then, which is beyond DEPLOYING when there is nothing to wait for."""
    role = next(one for one in service.roles if one.name == name)
    body = {**role.body, "on_hold": True} if _held_by_parent(role, states) else role.body
    have = model.count_nodes(tx, service.id, name)
    model.set_role(tx, service.id, name, RoleState.DEPLOYING, missing=role.cardinality - have, body=body)
    if role.cardinality > have:
        tx.after(FillRole(service.id, name))
        return RoleState.DEPLOYING
    if model.any_node(tx, service.id, name, AWAITED):
        return RoleState.DEPLOYING
    state = _ready_state(role.cardinality, body)
    model.set_role(tx, service.id, name, state)
    return state


def _held_by_parent(role: Row[Any], states: Mapping[str, RoleState]) -> bool:
    return any(states.get(name) == RoleState.HOLD for name in role.body.get("parents") or [])


def _ready_state(cardinality: int, body: Mapping[str, Any]) -> RoleState:
    """Where a role is whose wait is over."""
    return RoleState.HOLD if body.get("on_hold") is True and cardinality > 0 else RoleState.RUNNING


def check_role(tx: Transaction, service_id: int, name: str) -> None:
    """After a node became ready, or the last VM was created: is the wait of this role over?"""
    role = model.find_role(tx, service_id, name)
    if role is None or role.missing > 0 or model.any_node(tx, service_id, name, AWAITED):
        return
    if role.state in _DEPLOYING:
        _deployed(tx, service_id, role)
    elif role.state in _SCALING and role.scale_way == _SCALE_UP:
        cool_down(tx, service_id, name)


def _deployed(tx: Transaction, service_id: int, role: Row[Any]) -> None:
    model.set_role(tx, service_id, role.name, _ready_state(role.cardinality, role.body))
    deploy_next(tx, service_id)


def run(tx: Transaction, service_id: int) -> None:
    """The service is RUNNING, and its watchdog looks at every node once."""
    model.set_service(tx, service_id, ServiceState.RUNNING)
    tx.publish(ServiceRuns(service_id))


def cool_down(tx: Transaction, service_id: int, name: str) -> None:
    """Scaling is done: COOLDOWN for the role's time, then RUNNING."""
    role = model.find_role(tx, service_id, name)
    seconds = 0 if role is None else role.body.get("cooldown", tx.site.default_cooldown)
    due = tx.moment + float(seconds)
    model.set_role(tx, service_id, name, RoleState.COOLDOWN, deadline=due, scale_way=None)
    model.set_service(tx, service_id, ServiceState.COOLDOWN)
    if seconds:
        tx.after(EndCooldown(service_id, name, due))
    else:
        end_cooldown(tx, service_id, name)


def end_cooldown(tx: Transaction, service_id: int, name: str, due: float | None = None) -> None:
    """Back to RUNNING; `due`: only if that is still the deadline."""
    role = model.find_role(tx, service_id, name)
    if role is None or role.state != RoleState.COOLDOWN or due not in (None, role.deadline):
        return
    model.set_role(tx, service_id, name, RoleState.RUNNING, deadline=None)
    run(tx, service_id)


def give_up(tx: Transaction, service_id: int) -> None:
    """Ends all waits of a service."""
    where = schema.role.c.service_id == service_id
    tx.run(update(schema.role).where(where).values(missing=0))
    model.set_phases(tx, STEADY, service_id, None, AWAITED)


def role_failed(tx: Transaction, service_id: int, name: str, text: str) -> None:
    """A VM of a role could not be created or has failed while it was awaited."""
    model.log(tx, service_id, "E", text)
    give_up(tx, service_id)
    role = model.find_role(tx, service_id, name)
    scaling = role is not None and role.state in _SCALING
    model.set_role(tx, service_id, name, RoleState.FAILED_SCALING if scaling else RoleState.FAILED_DEPLOYING)
    model.set_service(tx, service_id, ServiceState.FAILED_SCALING if scaling else ServiceState.FAILED_DEPLOYING)
