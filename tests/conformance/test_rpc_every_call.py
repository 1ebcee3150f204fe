"""Unmodified pyone drives every call of the catalogue, which is what the server itself says that it has."""

from __future__ import annotations

import xmlrpc.client
from typing import Any

import pytest

from tests.conformance import method_cases_objects, method_cases_world
from tests.conformance.method_cases import CASES

FILLED_BY = (method_cases_objects, method_cases_world)

OTHER_POOLS = frozenset(
    {
        *("acl", "backupjob", "backupjobpool", "groupquota", "hook", "hooklog", "hookpool", "market", "marketapp"),
        *("marketapppool", "marketpool", "userquota", "vdc", "vdcpool", "vmgroup", "vmgrouppool", "vntemplate"),
        *("vntemplatepool", "vrouter", "vrouterpool"),
    }
)
"""Pools that the catalogue does not list."""

LEFT_OUT = frozenset(
    {
        *(f"vm.{name}" for name in ("attach", "detach", "diskresize", "disksaveas", "migrate", "updatenic")),
        *(f"vm.{name}" for name in ("attachpci", "detachpci", "exec", "retryexec", "cancelexec")),
        *(f"vm.{name}" for name in ("backup", "backupcancel", "restore", "vmgroupadd", "vmgroupdel")),
        *(f"vm.snapshot{name}" for name in ("create", "delete", "revert")),
        *(f"vm.disksnapshot{name}" for name in ("create", "delete", "revert", "rename")),
        *(f"image.{name}" for name in ("restore", "snapshotdelete", "snapshotrevert", "snapshotflatten")),
        *(f"vmpool.{name}" for name in ("accounting", "showback", "calculateshowback")),
        *(f"cluster.{name}" for name in ("optimize", "planexecute", "plandelete")),
        *(f"zone.{name}" for name in ("allocate", "update", "rename", "delete", "enable", "addserver", "delserver")),
        *(f"zone.{name}" for name in ("resetserver", "replicate", "fedreplicate", "voterequest", "updatedb")),
        *("user.quota", "group.quota", "group.vlan", "system.sql", "system.sqlquery"),
    }
)
"""Calls of the catalogue's pools that a target need not have; without a case here."""


@pytest.fixture(scope="module")
def offered(target: Any) -> set[str]:
    """The calls that the server lists, without the first word."""
    names: Any = xmlrpc.client.ServerProxy(target.rpc).system.listMethods()
    return {name.removeprefix("one.") for name in names if name.startswith("one.")}


def test_the_server_has_every_call_that_has_a_case(offered: set[str]) -> None:
    assert CASES.keys() - offered == set()


def test_every_call_of_the_server_has_a_case(offered: set[str]) -> None:
    concerned = {name for name in offered if name.split(".")[0] not in OTHER_POOLS}
    assert concerned - CASES.keys() - LEFT_OUT == set()


@pytest.mark.parametrize("name", sorted(CASES))
def test_call(lab: Any, name: str) -> None:
    CASES[name](lab)


def test_a_server_tells_what_its_calls_take(target: Any) -> None:
    server: Any = xmlrpc.client.ServerProxy(target.rpc)
    (signature,) = server.system.methodSignature("one.vm.info")
    assert signature[:3] == ["array", "string", "int"]
    assert server.system.methodHelp("one.vm.info")
    assert {"system.listMethods", "one.vm.info"} <= set(server.system.listMethods())
    with pytest.raises(xmlrpc.client.Fault):
        server.system.methodHelp("one.vm.levitate")
