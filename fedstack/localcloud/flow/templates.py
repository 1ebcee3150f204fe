"""Service templates: store, update, clone, delete (reference 6.5 to 6.7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, delete
from sqlalchemy import update as sql_update

from fedstack.localcloud.core import imagepool, jsontext, templates
from fedstack.localcloud.core.kinds import TEMPLATE
from fedstack.localcloud.core.objects import Caller, find
from fedstack.localcloud.flow import documents
from fedstack.localcloud.flow.changes import validated
from fedstack.localcloud.flow.errors import FlowError, MalformedError, refused
from fedstack.localcloud.flow.model import SERVICE_TEMPLATE
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import document


def create(tx: Transaction, caller: Caller, sent: Any) -> int:
    """Validates and stores a body; raises FlowError 400, OneError."""
    if isinstance(sent, Mapping) and "roles" in sent and sent["roles"] is None:
        raise MalformedError("roles must be an array, not null")
    body = {**validated(sent), "registration_time": tx.now}
    return documents.create(tx, caller, SERVICE_TEMPLATE, body["name"], body)


def write(tx: Transaction, caller: Caller, template_id: int, sent: Any, *, append: bool = False) -> None:
    """Replaces a body, or merges its top-level keys; NAME stays. Raises FlowError, OneError."""
    row = documents.managed(tx, caller, template_id, SERVICE_TEMPLATE)
    stored = documents.body_of(tx, row)
    if not isinstance(sent, Mapping):
        raise FlowError(400, "the body must be a JSON object")
    registered = {"registration_time": stored.get("registration_time")}
    body = validated({**(stored if append else registered), **sent})
    if body["registration_time"] != stored.get("registration_time"):
        raise refused("Immutable value: registration_time can not be changed")
    _store(tx, row, body)


def _store(tx: Transaction, row: Row[Any], body: Mapping[str, Any]) -> None:
    template = {"BODY": documents.dumps(body)}
    tx.run(sql_update(document).where(document.c.id == row.id).values(template=template))


def remove(tx: Transaction, caller: Caller, template_id: int, what: str) -> None:
    """Deletes a template; `what`: none, templates (the VM templates too) or all (their images too)."""
    row = documents.managed(tx, caller, template_id, SERVICE_TEMPLATE)
    body = documents.body_of(tx, row)
    tx.run(delete(document).where(document.c.id == row.id))
    used = {role["template_id"] for role in body.get("roles") or []} if what in ("templates", "all") else set()
    for vm_template_id in sorted(used):
        _remove_vm_template(tx, caller, vm_template_id, with_images=what == "all")


def _remove_vm_template(tx: Transaction, caller: Caller, vm_template_id: int, *, with_images: bool) -> None:
    images = templates.image_ids(find(tx, TEMPLATE, vm_template_id).template) if with_images else []
    templates.remove(tx, caller, vm_template_id)
    for image_id in images:
        imagepool.remove(tx, caller, image_id)


def clone(tx: Transaction, caller: Caller, template_id: int, name: str, mode: str) -> int:
    """A copy; VM templates are copied too unless `mode` is none."""
    row = documents.typed(tx, caller, template_id, SERVICE_TEMPLATE)
    body = {**documents.body_of(tx, row), "name": name, "registration_time": tx.now}
    if mode != "none":
        body["roles"] = [_with_copy(tx, caller, role, name) for role in body["roles"]]
    return documents.create(tx, caller, SERVICE_TEMPLATE, name, body)


def _with_copy(tx: Transaction, caller: Caller, role: dict[str, Any], name: str) -> dict[str, Any]:
    copy = templates.clone(tx, caller, role["template_id"], f"{name}-{role['name']}")
    return {**role, "template_id": copy}


def update_by_action(tx: Transaction, caller: Caller, template_id: int, params: Any) -> None:
    """The action `update`: `template_json` text, `append`; as on the platform an immutable key is silently kept."""
    text = params.get("template_json") if isinstance(params, Mapping) else None
    try:
        sent = jsontext.read(text) if isinstance(text, str) else text
    except ValueError as error:
        raise FlowError(400, str(error)) from error
    append = params.get("append") in (True, "true") if isinstance(params, Mapping) else False
    try:
        write(tx, caller, template_id, sent, append=append)
    except FlowError as error:
        if error.status == 400:
            raise
