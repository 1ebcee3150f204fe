"""Calls that objects share: update, rename, chmod, chown, lock, unlock, and the filtered pools (reference 2.4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Row, select

from fedstack.localcloud.core import objects, restricted, text
from fedstack.localcloud.core.kinds import Kind
from fedstack.localcloud.core.objects import MANAGE, change, get, visible
from fedstack.localcloud.core.tree import Tree, pool_xml
from fedstack.localcloud.rpc.method import Call, Method
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.vm.update import merged

View = Callable[[Transaction, Row[Any]], Tree]


def owned(kind: Kind, prefix: str, *, lockable: bool = True) -> dict[str, Method]:
    """rename, chmod and chown of one kind; lock and unlock too where the platform has them."""

    def rename(call: Call, object_id: int, name: str) -> int:
        objects.rename(call.tx, kind, get(call.tx, call.caller, kind, object_id, MANAGE), name)
        return object_id

    def chmod(call: Call, object_id: int, *bits: int) -> int:
        objects.chmod(call.tx, call.caller, kind, object_id, bits[:9])
        return object_id

    def chown(call: Call, object_id: int, uid: int, gid: int) -> int:
        objects.chown(call.tx, call.caller, kind, object_id, uid, gid)
        return object_id

    def lock(call: Call, object_id: int, level: int, test: bool = False) -> int:
        objects.lock(call.tx, call.caller, kind, object_id, level, test=test)
        return object_id

    def unlock(call: Call, object_id: int) -> int:
        objects.unlock(call.tx, call.caller, kind, object_id)
        return object_id

    locks = {f"one.{prefix}.lock": Method(lock, "ii", "b"), f"one.{prefix}.unlock": Method(unlock, "i")}
    return {
        f"one.{prefix}.rename": Method(rename, "is"),
        f"one.{prefix}.chmod": Method(chmod, "i" + "i" * 9, "b"),
        f"one.{prefix}.chown": Method(chown, "iii"),
        **(locks if lockable else {}),
    }


def update_template(kind: Kind, forbidden: restricted.Table) -> Callable[..., int]:
    """`*.update` for kinds whose TEMPLATE may be anything but for what only administrators may set."""

    def update(call: Call, object_id: int, sent: str, update_type: int = 0) -> int:
        row = get(call.tx, call.caller, kind, object_id, MANAGE)
        restricted.check_change(call.caller, forbidden, text.read(sent), row.template)
        change(call.tx, kind, object_id, template=merged(row.template, text.read(sent), update_type))
        return object_id

    return update


def page(query: Any, kind: Kind, start: int, end: int) -> Any:
    """Ascending ids; start and end as ids, or (end < -1) an offset and a size."""
    query = query.order_by(kind.table.c.id)
    if end < -1:
        return query.offset(max(start, 0)).limit(-end)
    if start >= 0:
        query = query.where(kind.table.c.id >= start)
    return query.where(kind.table.c.id <= end) if end >= 0 else query


def rows(call: Call, kind: Kind, flag: int, start: int, end: int, *conditions: ColumnElement[bool]) -> list[Row[Any]]:
    """Rows of a pool that the caller may see; raises OneError RPC_API for an unknown flag."""
    query = select(kind.table).where(visible(call.caller, kind, flag), *conditions)
    return list(call.tx.all(page(query, kind, start, end)))


def pool(kind: Kind, view: View) -> Callable[..., str]:
    """`*pool.info` with filter, start and end."""

    def info(call: Call, flag: int, start: int = -1, end: int = -1) -> str:
        found = rows(call, kind, flag, start, end)
        return pool_xml(kind.pool, kind.root, (view(call.tx, row) for row in found))

    return info
