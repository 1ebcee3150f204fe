"""one.vmpool.*"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Row, String, cast, or_

from fedstack.localcloud.core.kinds import VM
from fedstack.localcloud.core.numbers import natural
from fedstack.localcloud.core.tree import pool_xml
from fedstack.localcloud.rpc.method import Call, Method
from fedstack.localcloud.rpc.shared import rows
from fedstack.localcloud.store.schema import vm
from fedstack.localcloud.vm import view
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


def _short(call: Call, found: list[Row[Any]]) -> str:
    return pool_xml("VM_POOL", "VM", (view.short_tree(call.tx, row) for row in found))


def _full(call: Call, found: list[Row[Any]]) -> str:
    return pool_xml("VM_POOL", "VM", view.trees(call.tx, found))


def info(call: Call, flag: int, start: int, end: int, state: int, query: str = "") -> str:
    """Short bodies."""
    return _short(call, rows(call, VM, flag, start, end, *_conditions(state, query)))


def info_extended(call: Call, flag: int, start: int, end: int, state: int, query: str = "") -> str:
    """Full bodies."""
    return _full(call, rows(call, VM, flag, start, end, *_conditions(state, query)))


def info_set(call: Call, wanted: str, extended: bool = False) -> str:
    """The VMs of a comma-separated list of ids; unknown ones are left out."""
    numbers = [number for one in wanted.split(",") if (number := natural(one.strip())) is not None]
    found = rows(call, VM, -2, -1, -1, vm.c.id.in_(numbers))
    return _full(call, found) if extended else _short(call, found)


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
