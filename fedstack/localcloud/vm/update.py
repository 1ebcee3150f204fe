"""Writing USER_TEMPLATE of a VM."""

from __future__ import annotations

from sqlalchemy import select, update

from fedstack.localcloud.core import text
from fedstack.localcloud.events import VmUpdated
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import vm
from fedstack.opennebula.errors import ErrorCode, OneError
from fedstack.opennebula.template import Attributes, append

REPLACE, APPEND = 0, 1


def merged(stored: Attributes, sent: Attributes, kind: int) -> Attributes:
    """The template after an update of that type; raises OneError RPC_API for other types."""
    if kind not in (REPLACE, APPEND):
        raise OneError(ErrorCode.RPC_API, f"Wrong update type [{kind}]: expected 0 (replace) or 1 (append)")
    result = append(stored, sent) if kind == APPEND else sent
    if sum(len(key) + len(str(value)) for key, value in result.items()) > text.MAX_TEMPLATE:
        raise OneError(ErrorCode.INTERNAL, f"The template would be longer than {text.MAX_TEMPLATE} characters.")
    return result


def update_user_template(tx: Transaction, vm_id: int, sent: str, kind: int) -> None:
    """`one.vm.update`; whoever waits for READY hears of it in the same transaction. Raises OneError."""
    stored: Attributes = tx.value(select(vm.c.user_template).where(vm.c.id == vm_id))
    write(tx, vm_id, merged(stored, text.read(sent), kind), sent)


def write(tx: Transaction, vm_id: int, attributes: Attributes, sent: str) -> None:
    """Stores USER_TEMPLATE as it is; `sent` is the text that the platform's event would carry."""
    tx.run(update(vm).where(vm.c.id == vm_id).values(user_template=attributes))
    tx.publish(VmUpdated(vm_id, sent))


def put(tx: Transaction, vm_id: int, key: str, value: str) -> None:
    """Sets one attribute that is not a report of the guest (ERROR)."""
    stored: Attributes = tx.value(select(vm.c.user_template).where(vm.c.id == vm_id))
    tx.run(update(vm).where(vm.c.id == vm_id).values(user_template={**stored, key: text.clean(value)}))
