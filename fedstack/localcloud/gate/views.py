"""VM and service as guests see them (reference 7.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row

from fedstack.localcloud.core.tree import as_json
from fedstack.localcloud.flow.documents import service_body
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import node, vm
from fedstack.localcloud.vm import view
from fedstack.localcloud.vm.pool import ROWS, documents
from fedstack.localcloud.vm.view import Shown

_NIC_KEYS = (
    "IP",
    "IP6_LINK",
    "IP6_SITE",
    "IP6_GLOBAL",
    "NETWORK",
    "MAC",
    "NAME",
    "PARENT",
    "EXTERNAL",
    "EXTERNAL_IP",
)


def vm_json(row: Row[Any]) -> dict[str, Any]:
    """`{"VM": ...}` with what a guest may know."""
    nics = row.template.get("NIC", []), row.template.get("NIC_ALIAS", [])
    shown = {key: value for key, value in row.user_template.items() if key != "SCHED_MESSAGE"}
    return {
        "VM": {
            "NAME": row.name,
            "ID": str(row.id),
            "STATE": str(row.state),
            "LCM_STATE": str(row.lcm_state),
            "USER_TEMPLATE": as_json(shown, wrapped=True),
            "TEMPLATE": {"NIC": [_nic(one) for one in nics[0]], "NIC_ALIAS": [_nic(one) for one in nics[1]]},
        }
    }


def _nic(vector: Mapping[str, str]) -> dict[str, str]:
    return {key: vector[key] for key in _NIC_KEYS if key in vector}


def service_json(tx: Transaction, row: Row[Any], *, extended: bool) -> dict[str, Any]:
    """`{"SERVICE": ...}`; extended: every node with its whole VM."""
    body = service_body(tx, row.id)
    vms = _vms(tx, row.id) if extended else {}
    roles = [_role(role, vms) for role in body["roles"]]
    return {"SERVICE": {"name": row.name, "id": str(row.id), "state": body["state"], "roles": roles}}


def _role(role: Mapping[str, Any], vms: Mapping[int, dict[str, Any]]) -> dict[str, Any]:
    nodes = [_node(one, vms) for one in role["nodes"]]
    return {"name": role["name"], "cardinality": role["cardinality"], "state": role["state"], "nodes": nodes}


def _node(one: Mapping[str, Any], vms: Mapping[int, dict[str, Any]]) -> dict[str, Any]:
    vm_id = one["deploy_id"]
    info = {"VM": vms[vm_id]} if vm_id in vms else one["vm_info"]
    return {"deploy_id": vm_id, "running": None, "vm_info": info}


def _vms(tx: Transaction, service_id: int) -> dict[int, dict[str, Any]]:
    rows = tx.all(ROWS.join(node, node.c.vm_id == vm.c.id).where(node.c.service_id == service_id))
    return {row.id: shown for row, shown in zip(rows, documents(tx, rows, _as_json), strict=True)}


def _as_json(shown: Shown) -> dict[str, Any]:
    return as_json(view.full(shown))
