"""Policies of running services, looked at every interval (reference 6.20)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, select

from fedstack.localcloud.flow import model, scaling, services
from fedstack.localcloud.flow.errors import FlowError
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import node, vm
from fedstack.localcloud.vm import places
from fedstack.oneflow.elasticity import average, evaluate, names, target
from fedstack.oneflow.schedule import parse_recurrence, parse_time
from fedstack.oneflow.states import ServiceState
from fedstack.opennebula.errors import OneError


def look(tx: Transaction) -> None:
    """One round over all services that are RUNNING; what one of them cannot do is in its log."""
    for service_id in services.services_in(tx, ServiceState.RUNNING):
        for role in model.roles(tx, service_id):
            if model.load(tx, service_id).state == ServiceState.RUNNING:
                _look_at(tx, service_id, role)


def _look_at(tx: Transaction, service_id: int, role: Row[Any]) -> None:
    least = role.body.get("min_vms")
    body = {**role.body}
    wanted, cooldown = _wanted(tx, service_id, role, body)
    if body != role.body:
        model.set_role(tx, service_id, role.name, body=body)
    if wanted is None and least is not None and role.cardinality < least:
        wanted, cooldown = least, 0
    if wanted is None or wanted == role.cardinality:
        return
    try:
        with tx.savepoint():
            scaling.scale(tx, service_id, role.name, wanted, force=False, cooldown=cooldown)
    except (FlowError, OneError) as error:
        model.log(tx, service_id, "E", f"Role {role.name} : policy cannot scale to {wanted}: {error}")
    else:
        model.log(tx, service_id, "I", f"Role {role.name} scaling from {role.cardinality} to {wanted} nodes")


def _wanted(tx: Transaction, service_id: int, role: Row[Any], body: dict[str, Any]) -> tuple[int | None, int | None]:
    """The count and cooldown of the first policy that changes something; bookkeeping goes into `body`."""
    for key, fires in (("scheduled_policies", _is_due), ("elasticity_policies", _is_true)):
        policies = [dict(one) for one in body.get(key) or []]
        for policy in policies:
            fired = fires(tx, service_id, role, policy)
            body[key] = policies
            count = _count(role, policy) if fired else role.cardinality
            if count != role.cardinality:
                return count, policy.get("cooldown", role.body.get("cooldown"))
    return None, None


def _count(role: Row[Any], policy: Mapping[str, Any]) -> int:
    least, most = role.body.get("min_vms", 0), role.body.get("max_vms", role.cardinality)
    step = policy.get("min_adjust_step")
    return target(
        policy["type"], int(policy["adjust"]), role.cardinality, min_vms=least, max_vms=most, min_adjust_step=step
    )


def _is_true(tx: Transaction, service_id: int, role: Row[Any], policy: dict[str, Any]) -> bool:
    """Whether the expression has been true often enough in a row."""
    if tx.now < (_kept(tx, policy, "last_eval") or 0) + policy.get("period", 0):
        return False
    policy["last_eval"] = tx.now
    values = {name: _average(tx, service_id, role.name, name) for name in names(policy["expression"])}
    true = evaluate(policy["expression"], values.get)
    policy["expression_evaluated"] = " ".join(
        f"{name}[{'--' if value is None else value}]" for name, value in values.items()
    )
    policy["true_evals"] = (_kept(tx, policy, "true_evals") or 0) + 1 if true else 0
    return true and policy["true_evals"] >= policy.get("period_number", 0)


def _kept(tx: Transaction, policy: Mapping[str, Any], key: str) -> int | None:
    """What an earlier round wrote into a policy; None for what a user may have written there."""
    value = policy.get(key)
    return value if isinstance(value, int) and 0 <= value <= tx.now else None


def _average(tx: Transaction, service_id: int, name: str, attribute: str) -> float | None:
    """Over the role's RUNNING VMs: USER_TEMPLATE first, then monitoring, template and header."""
    state, lcm_state = places.RUNNING
    query = select(vm).join(node, node.c.vm_id == vm.c.id).where(node.c.service_id == service_id, node.c.role == name)
    rows = tx.all(query.where(vm.c.state == state, vm.c.lcm_state == lcm_state))
    return average(_attribute(row, attribute) for row in rows)


def _attribute(row: Row[Any], name: str) -> str | None:
    for source in (row.user_template, row.monitoring, row.template, row._mapping):
        value = source.get(name) if source is not row._mapping else source.get(name.lower())
        if isinstance(value, str | int | float):
            return str(value)
    return None


def _is_due(tx: Transaction, _service_id: int, _role: Row[Any], policy: dict[str, Any]) -> bool:
    """Whether the time lies between the last look and this one; the first look never fires."""
    last = _kept(tx, policy, "last_eval")
    policy["last_eval"] = tx.now
    if last is None:
        return False
    if policy.get("start_time"):
        return bool(last < parse_time(str(policy["start_time"])).timestamp() <= tx.now)
    following = parse_recurrence(policy["recurrence"]).next_after(datetime.fromtimestamp(last, UTC))
    return following is not None and following.timestamp() <= tx.now
