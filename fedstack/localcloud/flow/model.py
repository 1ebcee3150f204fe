"""Services in the store: a row for the service, one a role, one a node, so that an event of one VM touches one node.

`service.body` and `role.body` hold what users wrote; states, counts and nodes have columns of their own. A node is in
one of four phases: awaited (its role waits for it), steady, leaving (to be terminated), told (it was terminated).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, insert, select, update

from fedstack.localcloud.core.kinds import DOCUMENT
from fedstack.localcloud.core.objects import missing
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import document, node, role, service, service_log
from fedstack.oneflow.states import RoleState, ServiceState

SERVICE, SERVICE_TEMPLATE = 100, 101
"""Document types."""

AWAITED, STEADY, LEAVING, TOLD = "awaited", "steady", "leaving", "told"

LOG_LENGTH = 50


@dataclass(frozen=True)
class Service:
    """A service and its roles, as they are in this transaction."""

    id: int
    state: ServiceState
    deployment: str
    gate: bool
    body: dict[str, Any]
    roles: list[Row[Any]]

    @property
    def hold(self) -> bool:
        """Whether the whole service is to stay on hold."""
        return self.body.get("on_hold") is True

    def strategic(self, states: Mapping[str, int] | None = None) -> list[dict[str, Any]]:
        """Roles as the strategies read them: name, state (the stored one, or that in `states`), parents."""
        now = states or {one.name: one.state for one in self.roles}
        return [{"name": one.name, "state": now[one.name], "parents": one.body.get("parents")} for one in self.roles]

    def role(self, name: str) -> Row[Any] | None:
        """A role by name."""
        return next((one for one in self.roles if one.name == name), None)


def load(tx: Transaction, service_id: int) -> Service:
    """Raises OneError NO_EXISTS."""
    row = tx.first(select(service).where(service.c.id == service_id))
    if row is None:
        raise missing(DOCUMENT, service_id)
    return Service(row.id, ServiceState(row.state), row.deployment, row.gate, row.body, roles(tx, service_id))


def roles(tx: Transaction, service_id: int) -> list[Row[Any]]:
    """Roles in template order."""
    return list(tx.all(select(role).where(role.c.service_id == service_id).order_by(role.c.place)))


def find_role(tx: Transaction, service_id: int, name: str) -> Row[Any] | None:
    """One role."""
    return tx.first(select(role).where(role.c.service_id == service_id, role.c.name == name))


def exists(tx: Transaction, service_id: int) -> bool:
    """Whether the service is still there."""
    return tx.first(select(service.c.id).where(service.c.id == service_id)) is not None


_SERVICE = (
    select(service.c.state, document.c.name)
    .join(document, document.c.id == service.c.id)
    .where(service.c.id == bindparam("service"))
)


def set_service(tx: Transaction, service_id: int, state: ServiceState) -> None:
    """Moves a service; a change of state is logged."""
    row = tx.first(_SERVICE, {"service": service_id})
    if row is None or row.state == state:
        return
    tx.run(update(service).where(service.c.id == service_id).values(state=state))
    tx.record("service", service_id, row.name, ServiceState(row.state).name, state.name)
    log(tx, service_id, "I", f"New state: {state.name}")


def set_role(tx: Transaction, service_id: int, name: str, state: RoleState | None = None, **values: Any) -> None:
    """Writes columns of a role."""
    if state is not None:
        _record_role(tx, service_id, name, state)
    where = (role.c.service_id == service_id, role.c.name == name)
    tx.run(update(role).where(*where).values(**values, **({} if state is None else {"state": state})))


def _record_role(tx: Transaction, service_id: int, name: str, state: RoleState) -> None:
    row = find_role(tx, service_id, name)
    if row is not None and row.state != state:
        tx.record("role", service_id, name, RoleState(row.state).name, state.name)


def set_body(tx: Transaction, service_id: int, body: Mapping[str, Any]) -> None:
    """Writes the body of a service (without its roles)."""
    flags = {"deployment": body.get("deployment", "none"), "gate": body.get("ready_status_gate") is True}
    tx.run(update(service).where(service.c.id == service_id).values(body=dict(body), **flags))


def add_role(tx: Transaction, service_id: int, place: int, body: Mapping[str, Any]) -> None:
    """Adds a role from its part of a template; `body` may carry a state, nodes and the like, which are left out."""
    own = {
        key: value for key, value in body.items() if key not in {"name", "state", "nodes", "cardinality", "last_vmname"}
    }
    values = {
        "service_id": service_id,
        "name": body["name"],
        "place": place,
        "state": RoleState.PENDING,
        "cardinality": body["cardinality"],
        "body": own,
    }
    tx.run(insert(role), values)
    tx.record("role", service_id, body["name"], "", RoleState.PENDING.name)


def log(tx: Transaction, service_id: int, severity: str, message: str) -> None:
    """Adds a line (severity I or E); the last 50 are kept."""
    values = {"service_id": service_id, "timestamp": tx.now, "severity": severity, "message": message}
    tx.run(insert(service_log), values)
    oldest = (
        select(service_log.c.id)
        .where(service_log.c.service_id == service_id)
        .order_by(service_log.c.id.desc())
        .limit(1)
        .offset(LOG_LENGTH)
        .scalar_subquery()
    )
    tx.run(delete(service_log).where(service_log.c.service_id == service_id, service_log.c.id <= oldest))


def _nodes(service_id: int, name: str | None = None, *phases: str) -> list[Any]:
    where: list[Any] = [node.c.service_id == service_id]
    if name is not None:
        where.append(node.c.role == name)
    return [*where, node.c.phase.in_(phases)] if phases else where


def add_nodes(tx: Transaction, service_id: int, name: str, vm_ids: list[int], phase: str) -> None:
    """New nodes of a role."""
    tx.run(insert(node), [{"vm_id": one, "service_id": service_id, "role": name, "phase": phase} for one in vm_ids])


def node_ids(tx: Transaction, service_id: int, name: str | None = None, *phases: str, limit: int = -1) -> list[int]:
    """VM ids of nodes, oldest first."""
    query = select(node.c.vm_id).where(*_nodes(service_id, name, *phases)).order_by(node.c.vm_id).limit(limit)
    return [row.vm_id for row in tx.all(query)]


def count_nodes(tx: Transaction, service_id: int, name: str, *phases: str) -> int:
    """How many nodes a role has."""
    return int(tx.value(select(func.count()).select_from(node).where(*_nodes(service_id, name, *phases))))


_ANY = (
    select(node.c.vm_id)
    .where(node.c.service_id == bindparam("service"), node.c.role == bindparam("role"))
    .where(node.c.phase == bindparam("phase"))
    .limit(1)
)


def any_node(tx: Transaction, service_id: int, name: str, *phases: str) -> bool:
    """Whether a role has a node in one of the phases (constant cost)."""
    names = {"service": service_id, "role": name}
    return any(tx.first(_ANY, {**names, "phase": phase}) is not None for phase in phases)


_PHASE = update(node).where(node.c.vm_id == bindparam("vm")).values(phase=bindparam("new"))


def set_phase(tx: Transaction, vm_id: int, phase: str) -> None:
    """Moves one node."""
    tx.run(_PHASE, {"vm": vm_id, "new": phase})


def set_phases(tx: Transaction, phase: str, service_id: int, name: str | None = None, *origins: str) -> None:
    """Moves all nodes of a role, or of a service, that are in one of the origins (none: any phase)."""
    tx.run(update(node).where(*_nodes(service_id, name, *origins)).values(phase=phase))


def remove_node(tx: Transaction, vm_id: int) -> None:
    """Forgets a node."""
    tx.run(delete(node).where(node.c.vm_id == vm_id))


def remove(tx: Transaction, service_id: int) -> None:
    """Deletes a service with its document."""
    row = tx.first(_SERVICE, {"service": service_id})
    if row is not None and row.state != ServiceState.DONE:
        tx.record("service", service_id, row.name, ServiceState(row.state).name, ServiceState.DONE.name)
    tx.run(delete(node).where(node.c.service_id == service_id))
    tx.run(delete(role).where(role.c.service_id == service_id))
    tx.run(delete(service_log).where(service_log.c.service_id == service_id))
    tx.run(delete(service).where(service.c.id == service_id))
    tx.run(delete(document).where(document.c.id == service_id))
