"""docs/localcloud.md lists exactly the calls that are left out."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from fedstack.localcloud.rpc import left_out
from fedstack.localcloud.rpc.urls import METHODS

DOCS = Path(__file__).parents[3] / "docs" / "localcloud.md"


def calls(entry: left_out.LeftOut) -> str:
    """`one.vm.migrate`, or `one.vm.{attach, detach}` for several of one pool."""
    shown = []
    for pool, names in groupby(entry.methods, key=lambda name: name.split(".")[0]):
        members = ", ".join(name.split(".")[1] for name in names)
        shown.append(f"`one.{pool}.{{{members}}}`" if "," in members else f"`one.{pool}.{members}`")
    return ", ".join(shown)


def test_the_documentation_has_every_row_and_no_other() -> None:
    lines = DOCS.read_text().splitlines()
    start = lines.index("| calls that are left out | because | calls |") + 2
    rows = lines[start : lines.index("", start)]
    assert rows == [f"| {entry.what} | {entry.why} | {calls(entry)} |" for entry in left_out.TABLE]


def test_no_call_is_left_out_twice_or_there_after_all() -> None:
    names = [f"one.{name}" for entry in left_out.TABLE for name in entry.methods]
    assert len(names) == len(set(names)) == len(left_out.METHODS)
    assert all(METHODS[name] is left_out.METHODS[name] for name in names)
