"""What `fedstack cloud status`, `events` and `fault list` show on a terminal. Colours come with a terminal only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

_WELL = frozenset({"RUNNING"})
_ILL = frozenset({"WARNING", "POWEROFF", "UNKNOWN"})
_WRAPPED = frozenset({"name", "selection"})
SHOWN_VMS = 50


def _style(state: str) -> str:
    if state in _WELL:
        return "green"
    if state in _ILL or "FAIL" in state:
        return "red"
    return "" if state in ("DONE", "HOLD", "PENDING") else "yellow"


def _state(state: str) -> Text:
    return Text(state, style=_style(state))


def _table(title: str, headings: Sequence[str]) -> Table:
    made = Table(box=SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", pad_edge=False)
    for heading in headings:
        made.add_column(heading, no_wrap=heading not in _WRAPPED, overflow="fold")
    return made


def show(overview: Mapping[str, Any], *, every_vm: bool) -> None:
    """Prints services, VMs and networks; a cloud without any of a sort has no table of it."""
    limit = None if every_vm else SHOWN_VMS
    tables = [_services(overview["services"]), _vms(overview["vms"][:limit]), _networks(overview["networks"])]
    shown: list[Any] = [table for table in tables if table.row_count]
    console = Console()
    console.print(Group(*shown))
    hidden = overview["vm_count"] - len(overview["vms"][:limit])
    if hidden:
        console.print(f"{hidden} more VMs" + ("" if every_vm else "; --all shows them"), highlight=False)


def _services(services: Iterable[Mapping[str, Any]]) -> Table:
    table = _table("Services", ("id", "name", "role", "state", "running", "ready"))
    for service in services:
        table.add_row(str(service["id"]), escape(service["name"]), "", _state(service["state"]), "", "")
        for role in service["roles"]:
            running, ready = f"{role['running']}/{role['cardinality']}", f"{role['ready']}/{role['cardinality']}"
            gated = ready if service["gate"] or role["ready"] else "-"
            table.add_row("", "", escape(role["name"]), _state(role["state"]), running, gated)
    return table


def _vms(vms: Iterable[Mapping[str, Any]]) -> Table:
    table = _table("VMs", ("id", "name", "service", "role", "state", "ready", "IP"))
    for vm in vms:
        service = "" if vm["service"] is None else str(vm["service"])
        ready = "yes" if vm["ready"] else "no"
        table.add_row(
            str(vm["id"]), escape(vm["name"]), service, escape(vm["role"] or ""), _state(vm["state"]), ready, vm["ip"]
        )
    return table


def _networks(networks: Iterable[Mapping[str, Any]]) -> Table:
    table = _table("Networks", ("id", "name", "first address", "leases"))
    for one in networks:
        table.add_row(str(one["id"]), escape(one["name"]), one["first"], f"{one['used']}/{one['size']}")
    return table


def show_faults(faults: Iterable[Mapping[str, Any]]) -> None:
    """Prints the faults, or that there is none."""
    table = _table("Faults", ("id", "kind", "selection", "seconds", "left", "struck"))
    for one in faults:
        left = "always" if one["left"] is None else str(one["left"])
        table.add_row(
            str(one["id"]), one["kind"], escape(selection(one)), f"{one['seconds']:g}", left, str(one["struck"])
        )
    Console().print(table if table.row_count else "no faults")


def selection(fault: Mapping[str, Any]) -> str:
    """Which VMs a fault concerns, in words."""
    named = [f"{key} {fault[key]}" for key in ("name", "role") if fault[key] is not None]
    if fault["nth"] is not None:
        bound = "" if fault["vm"] is None else f" (VM {fault['vm']})"
        return ", ".join([*named, f"number {fault['nth']} created{bound}"])
    return ", ".join(named) or ("any VM" if fault["vm"] is None else f"VM {fault['vm']}")


def event_line(event: Mapping[str, Any]) -> Text:
    """One transition as a line: time, object, name, from -> to, cause."""
    moment = datetime.fromtimestamp(event["time"]).astimezone().strftime("%H:%M:%S.%f")[:-3]
    subject = f"{event['object']} {event['id']} {event['name']}"
    line = Text(f"{moment}  {subject}: {event['from'] or '(new)'} -> ")
    line.append(event["to"], style=_style(event["to"]))
    return line.append(f"  ({event['cause']})" if event["cause"] else "")
