"""Scaling a role by hand or by a policy (reference 6.12)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, update

from fedstack.localcloud.effects import DrainRole, FillRole
from fedstack.localcloud.flow import lifecycle, model
from fedstack.localcloud.flow.errors import refused
from fedstack.localcloud.flow.model import LEAVING
from fedstack.localcloud.store import schema
from fedstack.localcloud.store.database import Transaction
from fedstack.oneflow.states import RoleState, ServiceState

UP, DOWN = 0, 1


def scale(
    tx: Transaction, service_id: int, name: str, wanted: int, *, force: bool, cooldown: int | None = None
) -> None:
    """Brings a role to `wanted` VMs; a cooldown given here overwrites the role's. Raises FlowError."""
    service = model.load(tx, service_id)
    if service.state != ServiceState.RUNNING:
        raise refused(f"Service cannot be scaled in state: {service.state.name}")
    role = service.role(name)
    if role is None:
        raise refused(f"Role {name} not found")
    if why := _unfit(role, wanted, force):
        raise refused(f"Can't scale service {service_id}: {why}")
    if wanted == role.cardinality:
        raise refused(f"Cardinality of {name} is already at {wanted}")
    body = _body(role, cooldown)
    _begin(tx, service_id, role, wanted, body)


def _body(role: Row[Any], cooldown: int | None) -> dict[str, Any]:
    """The role's body at the start of scaling: policies forget their counts, a policy's cooldown stays for good."""
    body = dict(role.body)
    if body.get("elasticity_policies"):
        body["elasticity_policies"] = [_forgetful(one) for one in body["elasticity_policies"]]
    return body if cooldown is None else {**body, "cooldown": cooldown}


def _unfit(role: Row[Any], wanted: int, force: bool) -> str | None:
    """Why a role cannot have that many VMs."""
    if wanted < 0:
        return "Number of VMs must be greater than or equal to 0"
    least, most = role.body.get("min_vms"), role.body.get("max_vms")
    if not force and least is not None and wanted < least:
        return f"Minimum cardinality is {least}"
    if not force and most is not None and wanted > most:
        return f"Maximum cardinality is {most}"
    return None


def _begin(tx: Transaction, service_id: int, role: Row[Any], wanted: int, body: dict[str, Any]) -> None:
    have = model.count_nodes(tx, service_id, role.name)
    up = wanted > role.cardinality
    missing = max(wanted - have, 0) if up else 0
    values = {"cardinality": wanted, "scale_way": UP if up else DOWN, "missing": missing, "body": body}
    model.set_role(tx, service_id, role.name, RoleState.SCALING, **values)
    model.set_service(tx, service_id, ServiceState.SCALING)
    if missing:
        tx.after(FillRole(service_id, role.name))
    elif have > wanted:
        release_oldest(tx, service_id, role.name, have - wanted)
    else:
        lifecycle.cool_down(tx, service_id, role.name)


def _forgetful(policy: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in policy.items() if key != "true_evals"}


def release_oldest(tx: Transaction, service_id: int, name: str, count: int) -> None:
    """Marks the oldest VMs of a role as leaving and has them terminated."""
    oldest = model.node_ids(tx, service_id, name, limit=count)
    tx.run(update(schema.node).where(schema.node.c.vm_id.in_(oldest)).values(phase=LEAVING))
    tx.after(DrainRole(service_id, name))
