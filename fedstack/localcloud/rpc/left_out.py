"""Calls of the platform that the local cloud leaves out on purpose: one table, one kind of answer.

docs/localcloud.md lists the table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fedstack.localcloud.rpc.method import Call, Method
from fedstack.opennebula.errors import ErrorCode, OneError


@dataclass(frozen=True)
class LeftOut:
    """Methods with one reason. `what` begins the sentence, `why` ends it; methods are named without `one.`."""

    what: str
    why: str
    methods: tuple[str, ...]


def _calls(prefix: str, names: str) -> tuple[str, ...]:
    return tuple(f"{prefix}.{name}" for name in names.split())


_OWNED = "chown chmod rename lock unlock"

TABLE: tuple[LeftOut, ...] = (
    LeftOut("Migration", "there is one host", _calls("vm", "migrate")),
    LeftOut(
        "Changing the disks of a VM",
        "the disk of a VM is a directory",
        _calls("vm", "attach detach diskresize disksaveas"),
    ),
    LeftOut(
        "Snapshots",
        "the memory and files of a process cannot be set back",
        (
            *_calls("vm", "snapshotcreate snapshotdelete snapshotrevert"),
            *_calls("vm", "disksnapshotcreate disksnapshotdelete disksnapshotrevert disksnapshotrename"),
            *_calls("image", "snapshotdelete snapshotrevert snapshotflatten"),
        ),
    ),
    LeftOut(
        "Backups",
        "there is no backup datastore",
        (
            *_calls("vm", "backup backupcancel restore"),
            *_calls("image", "restore"),
            *_calls("backupjob", f"allocate info update delete priority backup cancel retry {_OWNED}"),
            *_calls("backupjob", "schedadd schedupdate scheddelete"),
            *_calls("backupjobpool", "info"),
        ),
    ),
    LeftOut("PCI devices", "the host offers none", _calls("vm", "attachpci detachpci")),
    LeftOut("Changing an attached NIC", "detach it and attach another one", _calls("vm", "updatenic")),
    LeftOut("Commands inside of a VM", "there is no guest agent", _calls("vm", "exec retryexec cancelexec")),
    LeftOut(
        "VM groups",
        "there is one host",
        (
            *_calls("vm", "vmgroupadd vmgroupdel"),
            *_calls("vmgroup", f"allocate info update delete roleadd roledelete roleupdate {_OWNED}"),
            *_calls("vmgrouppool", "info"),
        ),
    ),
    LeftOut(
        "Virtual routers",
        "nothing routes between the networks",
        (
            *_calls("vrouter", f"allocate instantiate info update delete attachnic detachnic {_OWNED}"),
            *_calls("vrouterpool", "info"),
        ),
    ),
    LeftOut(
        "Network templates",
        "create networks with one.vn.allocate or one.vn.reserve",
        (
            *_calls("vntemplate", f"allocate instantiate info update delete clone {_OWNED}"),
            *_calls("vntemplatepool", "info"),
        ),
    ),
    LeftOut(
        "Hooks",
        "the events of the cloud are on its command line",
        (
            *_calls("hook", "allocate info update delete rename lock unlock retry"),
            *_calls("hookpool", "info"),
            *_calls("hooklog", "info"),
        ),
    ),
    LeftOut(
        "Marketplaces",
        "images come from recipes on this machine",
        (
            *_calls("market", "allocate info update delete enable chown chmod rename allocatedb updatedb"),
            *_calls("marketpool", "info"),
            *_calls("marketapp", f"allocate info update delete enable {_OWNED} allocatedb updatedb dropdb"),
            *_calls("marketapppool", "info"),
        ),
    ),
    LeftOut(
        "Virtual data centers",
        "users share the one machine",
        (
            *_calls("vdc", "allocate info update rename delete addgroup delgroup addcluster delcluster"),
            *_calls("vdc", "addhost delhost adddatastore deldatastore addvnet delvnet"),
            *_calls("vdcpool", "info"),
        ),
    ),
    LeftOut("ACL rules", "permission bits decide", _calls("acl", "addrule delrule info")),
    LeftOut(
        "Quotas",
        "users share the one machine",
        (
            *_calls("user", "quota"),
            *_calls("group", "quota vlan"),
            *_calls("userquota", "info update"),
            *_calls("groupquota", "info update"),
        ),
    ),
    LeftOut("Accounting", "nothing is charged", _calls("vmpool", "accounting showback calculateshowback")),
    LeftOut(
        "Federation",
        "there is one zone",
        (
            *_calls("zone", "allocate update rename delete enable addserver delserver resetserver"),
            *_calls("zone", "replicate fedreplicate voterequest updatedb"),
        ),
    ),
    LeftOut("Placement plans", "there is one host", _calls("cluster", "optimize planexecute plandelete")),
    LeftOut("Database access", "the tables are the cloud's own", _calls("system", "sql sqlquery")),
)
"""Every call that is known and left out."""


def message(entry: LeftOut) -> str:
    """The text of the refusal."""
    return f"{entry.what}: left out of the local cloud, {entry.why} (docs/localcloud.md, What is left out)."


def _refusal(entry: LeftOut) -> Callable[[Call], int]:
    def refuse(_call: Call) -> int:
        raise OneError(ErrorCode.ACTION, message(entry))

    return refuse


METHODS: Mapping[str, Method] = {f"one.{name}": Method(_refusal(entry)) for entry in TABLE for name in entry.methods}
