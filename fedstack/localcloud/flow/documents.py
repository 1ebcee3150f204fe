"""DOCUMENT as JSON, and the body of a service put together from its rows (reference 6.1)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, insert, select

from fedstack.localcloud.core.kinds import DOCUMENT
from fedstack.localcloud.core.objects import (
    MANAGE,
    USE,
    Caller,
    check_name,
    find,
    get,
    header_values,
    lock_tree,
    owner_tree,
    permission_tree,
    visible,
)
from fedstack.localcloud.core.tree import Tree, as_json
from fedstack.localcloud.flow import model
from fedstack.localcloud.flow.model import SERVICE
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import document, node, service_log, vm
from fedstack.oneflow.states import RoleState
from fedstack.opennebula.errors import ErrorCode, OneError


def create(tx: Transaction, caller: Caller, kind: int, name: str, body: Mapping[str, Any] | None) -> int:
    """A document; `body` None: the body is kept elsewhere. Raises OneError INTERNAL for a bad name."""
    check_name(name)
    document_id = tx.take_ids("document")
    template = {} if body is None else {"BODY": dumps(body)}
    tx.run(insert(document), {**header_values(caller, document_id, name), "type": kind, "template": template})
    return document_id


def dumps(body: Mapping[str, Any]) -> str:
    """The text of BODY."""
    return json.dumps(body, ensure_ascii=False)


def typed(tx: Transaction, caller: Caller, document_id: int, kind: int, right: str = USE) -> Row[Any]:
    """A document of that type; raises OneError (INTERNAL for one of another type, as the platform answers 500)."""
    row = get(tx, caller, DOCUMENT, document_id, right)
    if row.type != kind:
        raise OneError(ErrorCode.INTERNAL, f"Error getting document [{document_id}]. Wrong document type.", document_id)
    return row


def managed(tx: Transaction, caller: Caller, document_id: int, kind: int) -> Row[Any]:
    """A document that the caller may change."""
    return typed(tx, caller, document_id, kind, MANAGE)


def body_of(tx: Transaction, row: Row[Any]) -> Any:
    """BODY as data: of a service from its rows, else what was stored."""
    if row.type == SERVICE:
        return service_body(tx, row.id)
    return json.loads(row.template["BODY"]) if "BODY" in row.template else {}


def tree(tx: Transaction, row: Row[Any]) -> Tree:
    """The document for XML."""
    template = {"BODY": dumps(service_body(tx, row.id))} if row.type == SERVICE else row.template
    return {**_head(tx, row), "TEMPLATE": template}


def _head(tx: Transaction, row: Row[Any]) -> Tree:
    return {**owner_tree(tx, row), "TYPE": str(row.type), **permission_tree(row), **lock_tree(row)}


def as_document(tx: Transaction, row: Row[Any], body: Any = None) -> dict[str, Any]:
    """`{"DOCUMENT": ...}` as OneFlow shows it; another body on request."""
    shown = body_of(tx, row) if body is None else body
    return {"DOCUMENT": {**as_json(_head(tx, row)), "TEMPLATE": {"BODY": shown}}}


def pool(tx: Transaction, caller: Caller, kind: int) -> dict[str, Any]:
    """`{"DOCUMENT_POOL": ...}`: an array, or nothing at all when there is no document."""
    query = select(document).where(visible(caller, DOCUMENT, -2), document.c.type == kind).order_by(document.c.id)
    found = [as_document(tx, row)["DOCUMENT"] for row in tx.all(query)]
    return {"DOCUMENT_POOL": {"DOCUMENT": found} if found else {}}


def by_id(tx: Transaction, document_id: int) -> Row[Any]:
    """A document without a look at permissions."""
    return find(tx, DOCUMENT, document_id)


def service_body(tx: Transaction, service_id: int) -> dict[str, Any]:
    """The body of a service: what users wrote, states, nodes and the log."""
    found = model.load(tx, service_id)
    nodes = _nodes(tx, service_id)
    query = select(service_log).where(service_log.c.service_id == service_id).order_by(service_log.c.id)
    log = [{"timestamp": row.timestamp, "severity": row.severity, "message": row.message} for row in tx.all(query)]
    return {
        **found.body,
        "roles": [role_body(row, nodes.get(row.name, [])) for row in found.roles],
        "state": int(found.state),
        "log": log,
    }


def role_body(row: Row[Any], nodes: list[dict[str, Any]]) -> dict[str, Any]:
    """A role of a service."""
    body = {"name": row.name, **row.body, "cardinality": row.cardinality, "state": row.state, "nodes": nodes}
    if row.last_vmname or row.state != RoleState.PENDING:
        body["last_vmname"] = row.last_vmname
    if row.scale_way is not None:
        body["scale_way"] = row.scale_way
    return body


def _nodes(tx: Transaction, service_id: int) -> dict[str, list[dict[str, Any]]]:
    """The nodes of all roles, oldest first, with the six fields of vm_info."""
    columns = (node.c.role, vm.c.id, vm.c.uid, vm.c.gid, vm.c.name)
    query = select(*columns).join(vm, vm.c.id == node.c.vm_id).where(node.c.service_id == service_id)
    found: dict[str, list[dict[str, Any]]] = {}
    for row in tx.all(query.order_by(vm.c.id)):
        found.setdefault(row.role, []).append({"deploy_id": row.id, "vm_info": {"VM": owner_tree(tx, row)}})
    return found
