"""Who asks, and which VMs it may reach (reference 7.1, 7.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, select

from fedstack.localcloud.core import token
from fedstack.localcloud.core.numbers import natural
from fedstack.localcloud.core.users import token_password
from fedstack.localcloud.flow import model
from fedstack.localcloud.gate.errors import GateError
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import document, node, vm
from fedstack.opennebula.errors import OneError
from fedstack.opennebula.states import VmState

NOT_AUTHORIZED = "Not authorized"


def authenticated(tx: Transaction, headers: Mapping[str, str], path_id: str | None) -> Row[Any]:
    """The VM that holds the token; raises GateError 401 without saying why."""
    vm_id = natural(headers.get("x-onegate-vmid", path_id))
    row = None if vm_id is None else tx.first(select(vm).where(vm.c.id == vm_id))
    if row is None or row.state == VmState.DONE or not _opens(tx, row, headers.get("x-onegate-token", "")):
        raise GateError(401, NOT_AUTHORIZED)
    return row


def _opens(tx: Transaction, row: Row[Any], given: str) -> bool:
    try:
        password = token_password(tx, int(row.template["CREATED_BY"]))
    except OneError:
        return False
    return token.opens(password, given, row.id, row.stime)


def service_id_of(row: Row[Any]) -> int:
    """SERVICE_ID of a VM; raises GateError 400 when it is in no service."""
    service_id = natural(row.user_template.get("SERVICE_ID"))
    if service_id is None:
        raise GateError(400, f"Empty SERVICE_ID for VM {row.id}")
    return service_id


def own_service(tx: Transaction, row: Row[Any]) -> Row[Any]:
    """The document of the caller's service, which has to contain it; raises GateError 400 or 404."""
    service_id = service_id_of(row)
    found = tx.first(select(document).where(document.c.id == service_id, document.c.type == model.SERVICE))
    if found is None:
        raise GateError(404, f"Error getting document [{service_id}].")
    if not is_member(tx, service_id, row.id):
        raise GateError(400, f"Service {service_id} does not contain VM {row.id}.")
    return found


def is_member(tx: Transaction, service_id: int, vm_id: int) -> bool:
    """Whether a VM is a node of a service."""
    query = select(node.c.vm_id).where(node.c.vm_id == vm_id, node.c.service_id == service_id)
    return tx.first(query) is not None


def sibling(tx: Transaction, row: Row[Any], wanted: str) -> Row[Any]:
    """A VM of the caller's own service, by the id in the path; raises GateError 400 for any other."""
    if wanted == str(row.id):
        return row
    service_id = own_service(tx, row).id
    vm_id = natural(wanted)
    known = vm_id is not None and is_member(tx, service_id, vm_id)
    found = tx.first(select(vm).where(vm.c.id == vm_id)) if known else None
    if found is None:
        raise GateError(400, f"Service {service_id} does not contain VM {wanted}.")
    return found
