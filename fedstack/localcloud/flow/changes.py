"""PUT /service/:id, add_role and remove_role (reference 6.16, 6.17)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row

from fedstack.localcloud.core import jsontext
from fedstack.localcloud.effects import DrainRole
from fedstack.localcloud.flow import contents, documents, lifecycle, model, teardown
from fedstack.localcloud.flow.errors import FlowError, refused
from fedstack.localcloud.flow.left_out import check_supported
from fedstack.localcloud.flow.model import LEAVING, Service
from fedstack.localcloud.store.database import Transaction
from fedstack.oneflow.states import FAILED, TRANSIENT, RoleState, ServiceState
from fedstack.oneflow.template import TemplateError, normalise

_FIXED = (
    "user_inputs",
    "user_inputs_values",
    "deployment",
    "log",
    "name",
    "networks",
    "networks_values",
    "ready_status_gate",
    "state",
    "start_time",
    "registration_time",
)
_FIXED_IN_ROLES = ("cardinality", "last_vmname", "nodes", "parents", "state", "template_id")


def validated(body: Any) -> dict[str, Any]:
    """A normalised body; raises FlowError 400."""
    if not isinstance(body, Mapping):
        raise FlowError(400, "the body must be a JSON object")
    try:
        normalised = normalise(body)
    except TemplateError as error:
        raise FlowError(400, str(error)) from error
    check_supported(normalised, 400)
    return normalised


def update(tx: Transaction, service_id: int, sent: Any) -> None:
    """Changes a service in place; raises FlowError."""
    service = model.load(tx, service_id)
    if service.state in TRANSIENT | FAILED:
        raise refused(f"Service cannot be updated in state: {service.state.name}")
    if not isinstance(sent, Mapping):
        raise FlowError(400, "the body must be a JSON object")
    current = documents.service_body(tx, service_id)
    wanted = _wanted(current, sent)
    model.set_body(
        tx, service_id, {key: value for key, value in wanted.items() if key not in {"roles", "state", "log"}}
    )
    for role in service.roles:
        _update_role(tx, service_id, role, next(one for one in wanted["roles"] if one["name"] == role.name))


def _wanted(current: dict[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """The body after the update: with `append` the new one is JSON text in `template`."""
    if "append" not in sent:
        return _full(current, sent)
    if "template" not in sent:
        raise FlowError(400, "Missing template to append")
    try:
        given = jsontext.read(str(sent["template"]))
    except ValueError as error:
        raise FlowError(400, f"template must be JSON text: {error}") from error
    if not isinstance(given, Mapping):
        raise FlowError(400, "template must be a JSON object as text")
    return _full(current, given) if sent["append"] in (None, False) else _appended(current, given)


def _immutable(what: str) -> FlowError:
    return refused(f"Immutable value: `{what}` can not be changed")


def _appended(current: dict[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    for key in _FIXED:
        if extra.get(key) is not None:
            raise _immutable(f"service/{key}")
    merged = {**current, **extra}
    validated(merged)
    _check_roles(current, merged)
    return merged


def _full(current: dict[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    wanted = validated(sent)
    for key in _FIXED:
        if wanted.get(key) != current.get(key) and key != "registration_time":
            raise _immutable(f"service/{key}")
    _check_roles(current, wanted)
    return {"registration_time": current.get("registration_time"), **wanted}


def _check_roles(current: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    before, after = ({role["name"]: role for role in body["roles"]} for body in (current, wanted))
    if len(before) != len(after):
        raise _immutable("service/roles size")
    if set(before) != set(after):
        raise refused("To change `service/name` use rename operation")
    for name, role in before.items():
        for key in _FIXED_IN_ROLES:
            if role.get(key) != after[name].get(key):
                raise _immutable(f"role/{key}")


def _update_role(tx: Transaction, service_id: int, role: Row[Any], wanted: Mapping[str, Any]) -> None:
    own = {key: value for key, value in wanted.items() if key not in {*_FIXED_IN_ROLES, "name", "scale_way"}}
    kept = {key: role.body[key] for key in ("parents", "template_id") if key in role.body}
    model.set_role(tx, service_id, role.name, body={**own, **kept})


def _running(tx: Transaction, service_id: int) -> Service:
    service = model.load(tx, service_id)
    if service.state != ServiceState.RUNNING:
        raise refused(f"Cannot modify roles in state: {service.state.name}")
    return service


def add_role(tx: Transaction, service_id: int, sent: Any) -> None:
    """A further role, deployed at once; raises FlowError."""
    role = _role_of(sent)
    name = str(role.get("name"))
    whole = validated({"name": "service", "roles": [role]})
    service = _running(tx, service_id)
    if service.role(name) is not None:
        raise refused(f"Role {name} already exists")
    model.add_role(tx, service_id, len(service.roles), whole["roles"][0])
    model.set_service(tx, service_id, ServiceState.DEPLOYING)
    added = model.find_role(tx, service_id, name)
    if added is None:
        return
    fields = {"on_hold": added.body.get("on_hold") is True, "template_contents": contents.filled(service, added)}
    body = {"cooldown": tx.site.default_cooldown, **added.body, **fields}
    model.set_role(tx, service_id, name, body=body)
    lifecycle.deploy_next(tx, service_id)


def _role_of(sent: Any) -> Mapping[str, Any]:
    try:
        role = jsontext.read(sent) if isinstance(sent, str) else sent
    except ValueError as error:
        raise FlowError(400, f"role must be a JSON object: {error}") from error
    if not isinstance(role, Mapping):
        raise FlowError(400, "role must be a JSON object")
    return role


def remove_role(tx: Transaction, service_id: int, name: str) -> None:
    """Terminates the VMs of a role and takes it out of the service; raises FlowError."""
    service = _running(tx, service_id)
    if service.role(name) is None:
        raise refused(f"Role {name} does not exist")
    model.set_service(tx, service_id, ServiceState.UNDEPLOYING)
    model.set_role(tx, service_id, name, RoleState.UNDEPLOYING, removing=True)
    model.set_phases(tx, LEAVING, service_id, name)
    if model.any_node(tx, service_id, name, LEAVING):
        tx.after(DrainRole(service_id, name))
    else:
        teardown.remove_role(tx, service_id, name)
