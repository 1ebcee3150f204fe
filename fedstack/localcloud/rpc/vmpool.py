"""one.vmpool.*"""

from __future__ import annotations

import json
from collections.abc import Callable

from sqlalchemy import ColumnElement, String, cast, func, or_, select

from fedstack.localcloud.core.kinds import VM
from fedstack.localcloud.core.numbers import natural
from fedstack.localcloud.core.objects import visible
from fedstack.localcloud.core.tree import pool_xml, xml
from fedstack.localcloud.rpc.method import Call, Method, Pool
from fedstack.localcloud.rpc.shared import page, rows
from fedstack.localcloud.store.schema import vm
from fedstack.localcloud.vm import view
from fedstack.localcloud.vm.pool import ROWS, documents
from fedstack.localcloud.vm.view import Shown
from fedstack.opennebula.errors import ErrorCode, OneError
from fedstack.opennebula.states import VmState


def _conditions(state: int, query: str) -> list[ColumnElement[bool]]:
    """State -2 any, -1 any but DONE, else the number; the query looks into the name and USER_TEMPLATE."""
    if state < -2 or state > max(VmState):
        raise OneError(ErrorCode.RPC_API, "Incorrect filter_flag, state")
    found: list[ColumnElement[bool]] = []
    if state != -2:
        found.append(vm.c.state != VmState.DONE if state == -1 else vm.c.state == state)
    if query:
        wanted = query.split("=", 1)[-1].strip("\"' ")
        body = cast(vm.c.user_template, String)
        found.append(or_(vm.c.name.contains(wanted, autoescape=True), body.contains(wanted, autoescape=True)))
    return found


def _full(shown: Shown) -> str:
    return xml("VM", view.full(shown))


def _short(shown: Shown) -> str:
    return xml("VM", view.short(shown))


def _pool(
    call: Call, write: Callable[[Shown], str], flag: int, start: int, end: int, *conditions: ColumnElement[bool]
) -> Pool:
    query = page(ROWS.where(visible(call.caller, VM, flag), *conditions), VM, start, end)
    return Pool("VM_POOL", documents(call.tx, call.tx.all(query), write))


def info(call: Call, flag: int, start: int, end: int, state: int, query: str = "") -> Pool:
    """Short bodies."""
    return _pool(call, _short, flag, start, end, *_conditions(state, query))


def info_extended(call: Call, flag: int, start: int, end: int, state: int, query: str = "") -> Pool:
    """Full bodies."""
    return _pool(call, _full, flag, start, end, *_conditions(state, query))


def info_set(call: Call, wanted: str, extended: bool = False) -> Pool:
    """The VMs of a comma-separated list of ids; unknown ones are left out."""
    numbers = [number for one in wanted.split(",") if (number := natural(one.strip())) is not None]
    listed = func.json_each(json.dumps(numbers)).table_valued("value")
    return _pool(call, _full if extended else _short, -2, -1, -1, vm.c.id.in_(select(listed.c.value)))


def monitoring(call: Call, flag: int, _seconds: int = -1) -> str:
    """The last record of each VM."""
    found = rows(call, VM, flag, -1, -1, vm.c.state != VmState.DONE)
    return pool_xml("MONITORING_DATA", "MONITORING", (row.monitoring for row in found if row.monitoring))


METHODS = {
    "one.vmpool.info": Method(info, "iiii", "s"),
    "one.vmpool.infoextended": Method(info_extended, "iiii", "s"),
    "one.vmpool.infoset": Method(info_set, "s", "b"),
    "one.vmpool.monitoring": Method(monitoring, "i", "i"),
}
