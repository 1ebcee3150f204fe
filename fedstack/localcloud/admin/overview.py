"""Everything that lives in a cloud at one moment, as plain data for a table."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, func, select

from fedstack.localcloud.core.addresses import ip_text
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import address_range, document, network, node, role, service, vm
from fedstack.localcloud.vm import places
from fedstack.oneflow.states import RoleState, ServiceState

SHOWN_VMS = 1000
"""VMs beyond that are counted only."""


def overview(tx: Transaction) -> dict[str, Any]:
    """`services` with their roles, `vms` that are not DONE (the first 1000, `vm_count` of them all), `networks`."""
    alive = vm.c.state != places.DONE[0]
    count = tx.value(select(func.count()).select_from(vm).where(alive))
    return {
        "services": _services(tx),
        "vms": [_vm(row) for row in tx.all(_VMS.where(alive).order_by(vm.c.id).limit(SHOWN_VMS))],
        "vm_count": count,
        "networks": _networks(tx),
    }


_VMS = select(
    vm.c.id, vm.c.name, vm.c.state, vm.c.lcm_state, vm.c.template, vm.c.user_template, node.c.service_id, node.c.role
).outerjoin(node, node.c.vm_id == vm.c.id)


def _ready(values: dict[str, Any] | None) -> bool:
    return str((values or {}).get("READY", "")).strip() == "YES"


def _vm(row: Row[Any]) -> dict[str, Any]:
    nics = row.template.get("NIC") or []
    return {
        "id": row.id,
        "name": row.name,
        "service": row.service_id,
        "role": row.role,
        "state": places.name((row.state, row.lcm_state)),
        "ip": nics[0].get("IP", "") if nics else "",
        "ready": _ready(row.user_template),
    }


def _services(tx: Transaction) -> list[dict[str, Any]]:
    query = select(service.c.id, service.c.state, service.c.gate, document.c.name)
    rows = tx.all(query.join(document, document.c.id == service.c.id).order_by(service.c.id))
    nodes = _nodes(tx)
    roles: dict[int, list[dict[str, Any]]] = {}
    for row in tx.all(select(role).order_by(role.c.service_id, role.c.place)):
        roles.setdefault(row.service_id, []).append(_role(row, nodes.get((row.service_id, row.name), [])))
    return [
        {
            "id": row.id,
            "name": row.name,
            "state": ServiceState(row.state).name,
            "gate": row.gate,
            "roles": roles.get(row.id, []),
        }
        for row in rows
    ]


def _nodes(tx: Transaction) -> dict[tuple[int, str], list[Row[Any]]]:
    columns = (node.c.service_id, node.c.role, vm.c.state, vm.c.lcm_state, vm.c.user_template)
    found: dict[tuple[int, str], list[Row[Any]]] = {}
    for row in tx.all(select(*columns).join(vm, vm.c.id == node.c.vm_id)):
        found.setdefault((row.service_id, row.role), []).append(row)
    return found


def _role(row: Row[Any], nodes: list[Row[Any]]) -> dict[str, Any]:
    return {
        "name": row.name,
        "state": RoleState(row.state).name,
        "cardinality": row.cardinality,
        "running": sum((one.state, one.lcm_state) == places.RUNNING for one in nodes),
        "ready": sum(_ready(one.user_template) for one in nodes),
    }


def _networks(tx: Transaction) -> list[dict[str, Any]]:
    columns = (network.c.id, network.c.name, address_range.c.ip, address_range.c.size, address_range.c.used)
    query = select(*columns).join(address_range, address_range.c.network_id == network.c.id)
    return [
        {
            "id": row.id,
            "name": row.name,
            "first": "" if row.ip is None else ip_text(row.ip),
            "size": row.size,
            "used": row.used,
        }
        for row in tx.all(query.order_by(network.c.id, address_range.c.ar_id))
    ]
