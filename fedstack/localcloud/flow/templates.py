"""Service templates: store, update, clone, delete (reference 6.5 to 6.7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, delete
from sqlalchemy import update as sql_update

from fedstack.localcloud.core import jsontext, text
from fedstack.localcloud.core.objects import Caller
from fedstack.localcloud.flow import documents
from fedstack.localcloud.flow.changes import validated
from fedstack.localcloud.flow.errors import FlowError, MalformedError, refused
from fedstack.localcloud.flow.model import SERVICE_TEMPLATE
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import document
from fedstack.localcloud.vm import templates
from fedstack.localcloud.vm.update import APPEND, REPLACE, merged


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
        templates.remove(tx, caller, vm_template_id, with_images=what == "all")


def clone(tx: Transaction, caller: Caller, template_id: int, name: str, mode: str) -> int:
    """A copy; VM templates are copied too unless `mode` is none, and their images if it is all."""
    row = documents.typed(tx, caller, template_id, SERVICE_TEMPLATE)
    body = {**documents.body_of(tx, row), "name": name, "registration_time": tx.now}
    if mode != "none":
        body["roles"] = [_with_copy(tx, caller, role, name, mode) for role in body["roles"]]
    return documents.create(tx, caller, SERVICE_TEMPLATE, name, body)


def _with_copy(tx: Transaction, caller: Caller, role: dict[str, Any], name: str, mode: str) -> dict[str, Any]:
    own = f"{name}-{role['name']}"
    copy = templates.clone(tx, caller, role["template_id"], own, with_images=mode == "all")
    return {**role, "template_id": copy}


def update_by_action(tx: Transaction, caller: Caller, template_id: int, params: Any) -> None:
    """The action `update`: `template_json` text, or `template_raw` for what is beside the body; `append`.

    As on the platform an immutable key is silently kept, and without both nothing happens.
    """
    given = params if isinstance(params, Mapping) else {}
    append = given.get("append") in (True, "true")
    if given.get("template_json"):
        _write_json(tx, caller, template_id, given["template_json"], append=append)
    elif given.get("template_raw"):
        _write_raw(tx, caller, template_id, str(given["template_raw"]), append=append)


def _write_json(tx: Transaction, caller: Caller, template_id: int, sent: Any, *, append: bool) -> None:
    try:
        body = jsontext.read(sent) if isinstance(sent, str) else sent
    except ValueError as error:
        raise FlowError(400, str(error)) from error
    try:
        write(tx, caller, template_id, body, append=append)
    except FlowError as error:
        if error.status == 400:
            raise


def _write_raw(tx: Transaction, caller: Caller, template_id: int, sent: str, *, append: bool) -> None:
    """Attributes of the document beside BODY, which stays."""
    row = documents.managed(tx, caller, template_id, SERVICE_TEMPLATE)
    template = merged(row.template, text.read(sent), APPEND if append else REPLACE)
    tx.run(
        sql_update(document).where(document.c.id == row.id).values(template={**template, "BODY": row.template["BODY"]})
    )
