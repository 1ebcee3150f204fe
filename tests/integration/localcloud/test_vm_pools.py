"""Documents of VMs in pools are kept while a VM stays as it is: they always say what `one.vm.info` says."""

from __future__ import annotations

import xmlrpc.client
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(scope="module")
def calls(cloud: Any) -> Callable[..., Any]:
    """XML-RPC calls, values as they come."""
    server = xmlrpc.client.ServerProxy(cloud.status["rpc"])

    def call(method: str, *parameters: Any) -> Any:
        reply: Any = getattr(server, method)(cloud.auth, *parameters)
        assert reply[0] is True, reply
        return reply[1]

    return call


@pytest.fixture(scope="module")
def vm_id(cloud: Any, until: Any) -> int:
    """A VM that runs."""
    found: int = cloud.one.template.instantiate(cloud.template(), "kept")
    until(lambda: cloud.place(found) == (3, 3), "running")
    return found


CHANGES: dict[str, tuple[Any, ...]] = {
    "one.vm.info": (False,),
    "one.vm.update": ('A="1 & 2"', 1),
    "one.vm.rename": ("renamed",),
    "one.vm.chmod": (1, 1, 1, 1, 0, 0, 0, 0, 0),
    "one.vm.chown": (1, 1),
    "one.vm.lock": (3, False),
    "one.vm.unlock": (),
    "one.vm.schedadd": ('SCHED_ACTION=[ACTION="poweroff",TIME="4000000000"]',),
    "one.vm.updateconf": ('CONTEXT=[EXTRA="1"]', 1),
}


@pytest.mark.parametrize("method", CHANGES)
def test_pools_know_every_change(calls: Callable[..., Any], vm_id: int, method: str) -> None:
    before = calls("one.vmpool.infoset", str(vm_id), False)
    calls(method, vm_id, *CHANGES[method])
    shown = calls("one.vm.info", vm_id, False)
    assert calls("one.vmpool.infoset", str(vm_id), True) == f"<VM_POOL>{shown}</VM_POOL>"
    assert calls("one.vmpool.infoextended", -2, vm_id, vm_id, -1) == f"<VM_POOL>{shown}</VM_POOL>"
    changes_short = method in ("one.vm.update", "one.vm.rename", "one.vm.chown", "one.vm.lock", "one.vm.unlock")
    assert (calls("one.vmpool.infoset", str(vm_id), False) != before) is changes_short


def test_pools_know_the_names_of_owners(cloud: Any, calls: Callable[..., Any], vm_id: int) -> None:
    owner = cloud.one.user.allocate("keeper", "x", "core", [])
    calls("one.vm.chown", vm_id, owner, -1)
    assert "<UNAME>keeper</UNAME>" in calls("one.vmpool.info", -2, vm_id, vm_id, -1)
    cloud.one.user.delete(owner)
    assert "keeper" not in calls("one.vmpool.info", -2, vm_id, vm_id, -1)


def test_pools_follow_a_vm_to_its_end(cloud: Any, calls: Callable[..., Any], vm_id: int, until: Any) -> None:
    calls("one.vm.action", "terminate-hard", vm_id)
    until(lambda: cloud.place(vm_id) == (6, 0), "done")
    assert calls("one.vmpool.infoset", str(vm_id), True) == f"<VM_POOL>{calls('one.vm.info', vm_id, False)}</VM_POOL>"
