"""one.document.*, one.documentpool.*: generic documents; services are shown, and changed through OneFlow only."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, insert

from fedstack.localcloud.core import jsontext, text
from fedstack.localcloud.core.kinds import DOCUMENT
from fedstack.localcloud.core.objects import MANAGE, change, check_name, get, header_values
from fedstack.localcloud.core.tree import pool_xml, xml
from fedstack.localcloud.flow import documents
from fedstack.localcloud.flow.model import SERVICE, SERVICE_TEMPLATE
from fedstack.localcloud.rpc import shared
from fedstack.localcloud.rpc.method import Call, Method
from fedstack.localcloud.store.schema import document
from fedstack.localcloud.vm.update import merged
from fedstack.oneflow.template import normalise
from fedstack.opennebula.errors import ErrorCode, OneError
from fedstack.opennebula.template import Attributes


def _through_oneflow(document_id: int) -> OneError:
    return OneError(ErrorCode.ACTION, "Services are created, updated and deleted through OneFlow.", document_id)


def allocate(call: Call, sent: str, kind: int) -> int:
    """Stores a document."""
    if kind == SERVICE:
        raise _through_oneflow(-1)
    attributes = text.read(sent)
    _check_body(kind, attributes)
    name = text.scalar(attributes, "NAME") or _name_in_body(attributes)
    if not name:
        raise OneError(ErrorCode.INTERNAL, "No NAME in template for document.")
    check_name(name)
    document_id = call.tx.take_ids("document")
    template = {key: value for key, value in attributes.items() if key != "NAME"}
    values = {**header_values(call.caller, document_id, name), "type": kind, "template": template}
    call.tx.run(insert(document), values)
    return document_id


def _check_body(kind: int, attributes: Attributes) -> None:
    """OneFlow has to be able to read what claims to be a service template; raises OneError INTERNAL."""
    if kind != SERVICE_TEMPLATE:
        return
    try:
        normalise(jsontext.read(text.scalar(attributes, "BODY")))
    except ValueError as error:
        raise OneError(ErrorCode.INTERNAL, f"BODY is no service template: {error}") from error


def _name_in_body(attributes: Attributes) -> str:
    try:
        body = jsontext.read(text.scalar(attributes, "BODY") or "{}")
    except ValueError:
        return ""
    return str(body.get("name", "")) if isinstance(body, dict) else ""


def info(call: Call, document_id: int, _decrypt: bool = False) -> str:
    """A document."""
    return xml("DOCUMENT", documents.tree(call.tx, get(call.tx, call.caller, DOCUMENT, document_id)))


def _changeable(call: Call, document_id: int) -> Row[Any]:
    row = get(call.tx, call.caller, DOCUMENT, document_id, MANAGE)
    if row.type == SERVICE:
        raise _through_oneflow(document_id)
    return row


def update(call: Call, document_id: int, sent: str, update_type: int = 0) -> int:
    """Writes the template."""
    row = _changeable(call, document_id)
    template = merged(row.template, text.read(sent), update_type)
    _check_body(row.type, template)
    change(call.tx, DOCUMENT, document_id, template=template)
    return document_id


def remove(call: Call, document_id: int) -> int:
    """Deletes a document."""
    call.tx.run(delete(document).where(document.c.id == _changeable(call, document_id).id))
    return document_id


def clone(call: Call, document_id: int, name: str) -> int:
    """A copy."""
    row = _changeable(call, document_id)
    check_name(name)
    copy_id = call.tx.take_ids("document")
    values = {**header_values(call.caller, copy_id, name), "type": row.type, "template": row.template}
    call.tx.run(insert(document), values)
    return copy_id


def pool(call: Call, flag: int, start: int, end: int, kind: int) -> str:
    """Documents of one type."""
    found = shared.rows(call, DOCUMENT, flag, start, end, document.c.type == kind)
    return pool_xml("DOCUMENT_POOL", "DOCUMENT", (documents.tree(call.tx, row) for row in found))


METHODS = {
    "one.document.allocate": Method(allocate, "si"),
    "one.document.info": Method(info, "i", "b"),
    "one.document.update": Method(update, "is", "i"),
    "one.document.delete": Method(remove, "i"),
    "one.document.clone": Method(clone, "is"),
    "one.documentpool.info": Method(pool, "iiii"),
    **shared.owned(DOCUMENT, "document"),
}
