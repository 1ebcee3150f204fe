"""What guests have reported."""

from __future__ import annotations

from sqlalchemy import select

from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import vm


def reported_ready(tx: Transaction, vm_id: int) -> bool:
    """Whether USER_TEMPLATE/READY is YES."""
    template = tx.value(select(vm.c.user_template).where(vm.c.id == vm_id)) or {}
    value = template.get("READY")
    return isinstance(value, str) and value.strip() == "YES"
