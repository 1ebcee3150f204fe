"""Actions on a service: ownership, name, recover, release, and actions that VMs perform later (reference 5, 6.18)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy import Row, select

from fedstack.localcloud.core import objects
from fedstack.localcloud.core.kinds import DOCUMENT, VM
from fedstack.localcloud.core.numbers import natural, whole
from fedstack.localcloud.core.objects import Caller
from fedstack.localcloud.flow import documents, model, recovery
from fedstack.localcloud.flow.errors import FlowError, MalformedError, refused
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import node, sched_action, vm
from fedstack.localcloud.vm import schedule
from fedstack.oneflow.states import RoleState
from fedstack.opennebula.errors import OneError
from fedstack.opennebula.permissions import Permissions

SCHEDULED = frozenset(
    {
        *("terminate", "terminate-hard", "undeploy", "undeploy-hard", "hold", "release", "stop", "suspend", "resume"),
        *("reboot", "reboot-hard", "poweroff", "poweroff-hard", "snapshot-create", "snapshot-revert"),
        *("snapshot-delete", "disk-snapshot-create", "disk-snapshot-revert", "disk-snapshot-delete"),
    }
)
OWNERSHIP = frozenset({"chown", "chgrp", "chmod", "rename"})
_PERIOD, _NUMBER = 60, 1
_MISSING = {"owner_id": "a UID", "group_id": "a GID", "octet": "an OCTET", "name": "a name"}


def action_of(sent: Any) -> tuple[str, Any]:
    """`perform` and `params` of an action's body; raises FlowError."""
    action = sent.get("action") if isinstance(sent, Mapping) else None
    if not isinstance(action, Mapping) or "perform" not in action:
        raise FlowError(400, 'the body must be {"action": {"perform": ..., "params": {...}}}')
    return str(action["perform"]), action.get("params")


def parameter(perform: str, params: Any, key: str) -> Any:
    """A parameter that the action needs; raises FlowError."""
    if not isinstance(params, Mapping) or params.get(key) is None:
        raise refused(f"Action {perform}: You have to specify {_MISSING[key]}")
    return params[key]


def _number(perform: str, params: Any, key: str) -> int:
    value = parameter(perform, params, key)
    number = whole(value)
    if number is None:
        raise refused(f"Parameter {key} must be a whole number, not {value!r}")
    return number


def change_ownership(tx: Transaction, caller: Caller, document_id: int, kind: int, perform: str, params: Any) -> None:
    """chown, chgrp, chmod, rename of a service or a template. Raises FlowError, OneError."""
    row = documents.managed(tx, caller, document_id, kind)
    if perform == "rename":
        objects.rename(tx, DOCUMENT, row, str(parameter(perform, params, "name")))
    elif perform == "chmod":
        bits = tuple(int(bit) for bit in f"{_mode(str(parameter(perform, params, 'octet'))):09b}")
        objects.chmod(tx, caller, DOCUMENT, row.id, bits)
    elif perform == "chgrp":
        _give(tx, caller, row, -1, _number(perform, params, "group_id"))
    else:
        owner = _number(perform, params, "owner_id")
        group = _number(perform, params, "group_id") if params.get("group_id") is not None else -1
        _give(tx, caller, row, owner, group)


def _give(tx: Transaction, caller: Caller, row: Row[Any], uid: int, gid: int) -> None:
    """Another owner or group; the VMs of a service go with it, or all stays as it was."""
    objects.chown_all(tx, caller, DOCUMENT, [row], uid, gid)
    vms = tx.all(select(vm).join(node, node.c.vm_id == vm.c.id).where(node.c.service_id == row.id))
    try:
        objects.chown_all(tx, caller, VM, vms, uid, gid)
    except OneError as error:
        message = f"Chown failed, all VMs keep the old user and group: {error.message}"
        tx.lasting.append(partial(model.log, service_id=row.id, severity="E", message=message))
        raise refused(error.message) from error


def _mode(octet: str) -> int:
    try:
        return Permissions.from_octal(octet).mode
    except ValueError as error:
        raise refused(str(error)) from error


def perform_on_service(tx: Transaction, caller: Caller, service_id: int, sent: Any) -> None:
    """POST /service/:id/action. Raises FlowError, OneError."""
    perform, params = action_of(sent)
    documents.managed(tx, caller, service_id, model.SERVICE)
    if perform == "recover":
        wanted = params.get("delete") if isinstance(params, Mapping) else None
        recovery.recover(tx, service_id, with_delete=wanted not in (None, False))
    elif perform == "release":
        recovery.release(tx, service_id)
    elif perform in OWNERSHIP:
        change_ownership(tx, caller, service_id, model.SERVICE, perform, params)
    elif perform in SCHEDULED:
        for role in model.load(tx, service_id).roles:
            if role.state != RoleState.DONE:
                schedule_on_role(tx, service_id, role.name, perform, params)
    else:
        raise refused(f"Action {perform} not supported")


def perform_on_role(tx: Transaction, caller: Caller, service_id: int, name: str, sent: Any) -> None:
    """POST /service/:id/role/:role/action. Raises FlowError, OneError."""
    perform, params = action_of(sent)
    documents.managed(tx, caller, service_id, model.SERVICE)
    role = model.load(tx, service_id).role(name)
    if role is None:
        raise refused(f"Role {name} not found")
    if role.state == RoleState.DONE:
        raise refused(f"Role {name} is in DONE state")
    if perform not in SCHEDULED:
        raise refused(f"Action {perform} not supported")
    schedule_on_role(tx, service_id, name, perform, params)


def schedule_on_role(tx: Transaction, service_id: int, name: str, perform: str, params: Any) -> None:
    """Each VM of the role gets a scheduled action, `number` at a time every `period` seconds."""
    if not isinstance(params, Mapping):
        raise MalformedError("params must be an object")
    period, number = (_positive(params, key) for key in ("period", "number"))
    staggered = bool(period and number)
    for place, vm_id in enumerate(model.node_ids(tx, service_id, name)):
        delay = place // (number or _NUMBER) * (period or _PERIOD) if staggered else 0
        vector = {"ACTION": perform, "ARGS": str(params.get("args") or ""), "TIME": str(tx.now + delay)}
        try:
            schedule.add(tx, vm_id, vector)
        except OneError as error:
            model.log(tx, service_id, "E", f"Role {name} : VM {vm_id} {perform} failed: {error.message}")
    model.log(tx, service_id, "I", f"Action:{perform} performed on role: {name}")


def _positive(params: Mapping[str, Any], key: str) -> int:
    return natural(str(params.get(key) or 0)) or 0


def unschedule(tx: Transaction, caller: Caller, service_id: int, name: str | None, action_id: str) -> None:
    """Takes a scheduled action off the VMs of a service or role; one that is not there changes nothing."""
    documents.managed(tx, caller, service_id, model.SERVICE)
    number = natural(action_id)
    if number is None:
        raise FlowError(400, "Sched action ID must be an integer number")
    if name is not None and model.load(tx, service_id).role(name) is None:
        raise refused(f"Role {name} not found")
    vm_ids = model.node_ids(tx, service_id, name)
    found = tx.first(select(sched_action.c.vm_id).where(sched_action.c.id == number))
    if found is not None and found.vm_id in vm_ids:
        schedule.remove(tx, found.vm_id, number)
