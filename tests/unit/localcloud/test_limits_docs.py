"""docs/localcloud.md states every limit as the code has it."""

from __future__ import annotations

from pathlib import Path

from h11._connection import DEFAULT_MAX_INCOMPLETE_EVENT_SIZE as HEAD

from fedstack.localcloud import connections, daemon, limits
from fedstack.localcloud.core import jsontext, logintokens, ranges, text
from fedstack.localcloud.core.addresses import free_run, ip_text
from fedstack.localcloud.faults import table
from fedstack.localcloud.flow import left_out, model
from fedstack.localcloud.options import MAX_VMS
from fedstack.localcloud.rpc import decode
from fedstack.localcloud.store import journal
from fedstack.localcloud.vm import driver
from fedstack.oneflow import elasticity

DOCS = Path(__file__).parents[3] / "docs" / "localcloud.md"


def rows() -> dict[str, str]:
    """The table of limits, by its first column."""
    section = DOCS.read_text().split("## Limits\n")[1].split("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return {what: limit for what, limit, _ in lines[1:]}


def test_every_limit_is_the_one_in_the_code() -> None:
    assert rows() == {
        "body of a request": f"{limits.MAX_BODY >> 20} MiB, complete within {limits.BODY_SECONDS:g} s",
        "head of a request": f"{HEAD >> 10} KiB, complete within {connections.HEAD_SECONDS:g} s",
        "connections of one server": f"{connections.MAX_CONNECTIONS}",
        "connection without a request; reply that is not taken": (
            f"{daemon.KEEP_ALIVE} s; {connections.REPLY_SECONDS:g} s"
        ),
        "XML-RPC call": (
            f"{decode.MAX_DEPTH} levels, {decode.MAX_ELEMENTS:,} elements, whole numbers of 32 bits, no document type"
        ),
        "template, as it is sent and as it is stored": f"{text.MAX_TEMPLATE >> 10} Ki characters",
        "JSON": (
            f"{jsontext.MAX_DEPTH} levels, {jsontext.MAX_MEMBERS:,} members of an object or array,"
            " whole numbers of 64 bits"
        ),
        "name of an object": "128 characters",
        "VMs that live at once": f"{MAX_VMS['process']}, simulated {MAX_VMS['simulated']}; `--max-vms`",
        "roles of a service": f"{left_out.MAX_ROLES}",
        "elasticity expression": f"{elasticity.MAX_LENGTH} characters, {elasticity.MAX_NESTING} times `!` and `(`",
        "address range": f"{ranges.MAX_SIZE} addresses",
        "addresses of the cloud's own block": "127.B.1.1 to 127.B.255.254",
        "login tokens of a user": f"{logintokens.MOST}",
        "faults": f"{table.LIMIT}",
        "log of a service; transitions; directories of VMs that are DONE": (
            f"{model.LOG_LENGTH}; {journal.KEPT:,}; {driver.KEPT_DIRECTORIES}"
        ),
    }


def test_the_block_is_where_the_table_says() -> None:
    whole = 65534 - 256
    assert ip_text(free_run(16, whole, [])) == "127.16.1.1"
    assert ip_text(free_run(16, 1, [(127 << 24 | 16 << 16 | 257, whole - 1)])) == "127.16.255.254"
