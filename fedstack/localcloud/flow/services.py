"""Instantiating a service template (reference 6.8)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy import insert, select

from fedstack.localcloud.core import reservations, text
from fedstack.localcloud.core.objects import Caller
from fedstack.localcloud.flow import documents, lifecycle, model
from fedstack.localcloud.flow.errors import FlowError
from fedstack.localcloud.flow.left_out import check_supported
from fedstack.localcloud.flow.model import SERVICE, SERVICE_TEMPLATE
from fedstack.localcloud.store import schema
from fedstack.localcloud.store.database import Transaction
from fedstack.oneflow.merge import MergeError, merge
from fedstack.oneflow.states import ServiceState
from fedstack.oneflow.template import TemplateError, normalise
from fedstack.opennebula.errors import OneError

_NOT_STORED = frozenset({"roles", "state", "log"})


def instantiate(tx: Transaction, caller: Caller, template_id: int, merge_template: Any) -> dict[str, Any]:
    """A new service; returns its document as first stored (state 0). Raises FlowError, OneError."""
    row = documents.typed(tx, caller, template_id, SERVICE_TEMPLATE)
    merged = _merged(documents.body_of(tx, row), merge_template)
    service_id, body = _create(tx, caller, merged)
    reply = documents.as_document(tx, documents.by_id(tx, service_id), body)
    try:
        create_networks(tx, caller, service_id)
    except FlowError as error:
        tx.lasting.append(partial(_leave_failed, caller=caller, merged=merged, cause=str(error)))
        raise
    lifecycle.prepare(tx, service_id)
    return reply


def _create(tx: Transaction, caller: Caller, merged: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """A service in PENDING, and its body."""
    service_id = documents.create(tx, caller, SERVICE, merged["name"], None)
    body = {**merged, "start_time": tx.now, "state": int(ServiceState.PENDING)}
    body["roles"] = [{**role, "state": 0} for role in merged["roles"]]
    _store(tx, service_id, body)
    return service_id, body


def _leave_failed(tx: Transaction, caller: Caller, merged: Mapping[str, Any], cause: str) -> None:
    """A service whose networks cannot be made stays, for a look at its log, although its request is refused."""
    service_id, _ = _create(tx, caller, merged)
    model.log(tx, service_id, "E", cause)
    model.set_service(tx, service_id, ServiceState.FAILED_DEPLOYING)


def _merged(body: Mapping[str, Any], merge_template: Any) -> dict[str, Any]:
    if merge_template is not None and not isinstance(merge_template, Mapping):
        raise FlowError(400, "merge_template must be an object")
    try:
        merged = normalise(merge(body, merge_template))
    except MergeError as error:
        raise FlowError(error.status, str(error)) from error
    except TemplateError as error:
        raise FlowError(500, str(error)) from error
    check_supported(merged, 500)
    return merged


def _store(tx: Transaction, service_id: int, body: Mapping[str, Any]) -> None:
    own = {key: value for key, value in body.items() if key not in _NOT_STORED}
    values = {
        "id": service_id,
        "state": ServiceState.PENDING,
        "deployment": body["deployment"],
        "gate": body.get("ready_status_gate") is True,
        "body": own,
    }
    tx.run(insert(schema.service), values)
    tx.record("service", service_id, body["name"], "", ServiceState.PENDING.name)
    for place, role in enumerate(body["roles"]):
        model.add_role(tx, service_id, place, role)


def create_networks(tx: Transaction, caller: Caller, service_id: int) -> None:
    """Reserves the networks that the service asks for and writes their ids into `networks_values`; raises FlowError."""
    service = model.load(tx, service_id)
    entries = []
    for entry in service.body.get("networks_values") or []:
        entries.append({name: _network(tx, caller, service_id, name, value) for name, value in entry.items()})
    if entries:
        model.set_body(tx, service_id, {**service.body, "networks_values": entries})


def _network(tx: Transaction, caller: Caller, service_id: int, name: str, value: Any) -> Any:
    if not isinstance(value, Mapping) or "id" in value:
        return value
    if "reserve_from" not in value:
        raise FlowError(500, f"Network {name}: networks from network templates are left out of the local cloud.")
    try:
        attributes = text.read(str(value.get("extra") or ""))
        extra = {**attributes, "NAME": f"{name}-{service_id}"}
        return {**value, "id": reservations.reserve(tx, caller, int(value["reserve_from"]), extra)}
    except (OneError, ValueError) as error:
        raise FlowError(500, f"Network {name}: {getattr(error, 'message', error)}") from error


def services_in(tx: Transaction, *states: ServiceState) -> list[int]:
    """Ids of services in one of the states."""
    return [row.id for row in tx.all(select(schema.service.c.id).where(schema.service.c.state.in_(states)))]
