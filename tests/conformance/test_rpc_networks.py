"""Virtual networks: ranges, leases, holds, reservations, deletion (reference 2.5, 2.10)."""

from __future__ import annotations

import uuid
from typing import Any

import pyone
import pytest


def ranges(lab: Any, network_id: int) -> list[Any]:
    """Address ranges of a network."""
    found: list[Any] = lab.one.vn.info(network_id).AR_POOL.AR
    return found


def fresh() -> str:
    """The first address of a range that nobody else uses."""
    low, high = uuid.uuid4().bytes[:2]
    return f"10.{low}.{high}.1"


def test_a_network_is_ready_and_complete(lab: Any) -> None:
    network = lab.one.vn.info(lab.network(8, "10.77.1.10"))
    assert network.STATE == 1
    assert network.TEMPLATE["SECURITY_GROUPS"] == "0"
    (only,) = network.AR_POOL.AR
    assert (only.IP, only.SIZE, only.IP_END, only.USED_LEASES) == ("10.77.1.10", 8, "10.77.1.17", "0")
    assert only.MAC == "02:00:0a:4d:01:0a"


@pytest.mark.parametrize("text", ['NAME="x"', 'VN_MAD="dummy"', ""])
def test_name_and_driver_are_mandatory(lab: Any, text: str) -> None:
    with pytest.raises(pyone.OneInternalException):
        lab.one.vn.allocate(text, -1)


def test_ranges_come_and_go(lab: Any) -> None:
    network_id = lab.network()
    lab.one.vn.add_ar(network_id, f'AR=[TYPE="IP4",IP="{fresh()}",SIZE="4"]')
    assert [int(one.AR_ID) for one in ranges(lab, network_id)] == [0, 1]
    lab.one.vn.update_ar(network_id, 'AR=[AR_ID="1",SIZE="6"]')
    assert ranges(lab, network_id)[1].SIZE == 6
    lab.one.vn.rm_ar(network_id, 0)
    assert [int(one.AR_ID) for one in ranges(lab, network_id)] == [1]


def test_hold_and_release(lab: Any) -> None:
    network_id = lab.network(2, "10.77.2.1")
    lab.one.vn.hold(network_id, 'LEASES=[IP="10.77.2.1"]')
    (only,) = ranges(lab, network_id)
    assert (only.USED_LEASES, only.LEASES.LEASE[0].VM) == ("1", -1)
    with pytest.raises(pyone.OneException):
        lab.one.vn.hold(network_id, 'LEASES=[IP="10.77.2.1"]')
    with pytest.raises(pyone.OneException):
        lab.one.vn.delete(network_id)
    lab.one.vn.release(network_id, 'LEASES=[IP="10.77.2.1"]')
    assert ranges(lab, network_id)[0].USED_LEASES == "0"


def test_leases_belong_to_vms_until_they_are_done(lab: Any) -> None:
    network_id = lab.network(2, "10.77.3.1")
    template_id = lab.template(network=network_id)
    first, second = lab.vm(template_id), lab.vm(template_id)
    addresses = {lab.one.vm.info(one).TEMPLATE["NIC"]["IP"] for one in (first, second)}
    assert addresses == {"10.77.3.1", "10.77.3.2"}
    with pytest.raises(pyone.OneException, match="lease"):
        lab.one.template.instantiate(template_id, "", False, "", False)
    with pytest.raises(pyone.OneActionException, match="Can not remove a virtual network with leases in use"):
        lab.one.vn.delete(network_id)
    lab.vm_in(first, (3, 3))
    lab.one.vm.action("terminate-hard", first)
    lab.vm_in(first, (6, 0))
    assert ranges(lab, network_id)[0].USED_LEASES == "1"


def test_a_nic_can_ask_for_its_address(lab: Any) -> None:
    network_id = lab.network(4, "10.77.4.1")
    template_id = lab.template()
    vm_id = lab.vm(template_id, f'NIC=[NETWORK_ID="{network_id}",IP="10.77.4.3"]')
    assert lab.one.vm.info(vm_id).TEMPLATE["NIC"]["IP"] == "10.77.4.3"
    with pytest.raises(pyone.OneException):
        lab.vm(template_id, f'NIC=[NETWORK_ID="{network_id}",IP="10.77.4.3"]')


def test_reservation(lab: Any) -> None:
    parent = lab.network(8, "10.77.5.1")
    child = lab.one.vn.reserve(parent, f'NAME="{lab.name("res")}"\nSIZE="3"')
    network = lab.one.vn.info(child)
    assert int(network.PARENT_NETWORK_ID) == parent
    assert (network.AR_POOL.AR[0].SIZE, network.AR_POOL.AR[0].IP) == (3, "10.77.5.1")
    assert ranges(lab, parent)[0].USED_LEASES == "3"
    lab.one.vn.delete(child)
    assert ranges(lab, parent)[0].USED_LEASES == "0"


def test_deleted_networks_are_gone(lab: Any, until: Any) -> None:
    network_id = lab.network()
    lab.one.vn.delete(network_id)
    until(lambda: lab.call("one.vn.info", network_id, False)[2] == 1024, "network gone")


def test_update_keeps_what_identifies_the_network(lab: Any) -> None:
    network_id = lab.network()
    lab.one.vn.update(network_id, 'GATEWAY="10.1.1.1"', 1)
    template = lab.one.vn.info(network_id).TEMPLATE
    assert template["GATEWAY"] == "10.1.1.1"
    assert template["VN_MAD"] == "dummy"


def test_networks_of_clusters(lab: Any) -> None:
    network_id = lab.network()
    assert network_id in lab.one.cluster.info(0).VNETS.ID


def test_new_networks_are_checked(lab: Any) -> None:
    text = f'NAME="{lab.name("net")}"\nVN_MAD="dummy"'
    assert lab.call("one.vn.allocate", text, 99999)[2] == 0x0400
    assert lab.call("one.vn.allocate", f'{text}\nSECURITY_GROUPS="x"', -1)[0] is False


def test_a_ready_network_needs_no_recovery(lab: Any) -> None:
    assert lab.call("one.vn.recover", lab.network(), 0)[0] is False


def test_a_nic_outlives_a_range_that_was_removed_by_force(lab: Any) -> None:
    network_id = lab.network(2)
    vm_id = lab.vm(lab.template(network=network_id))
    lab.vm_in(vm_id, (3, 3))
    assert lab.call("one.vn.rm_ar", network_id, 0, True)[0] is True
    assert lab.one.vm.detachnic(vm_id, 0) == vm_id
    lab.vm_in(vm_id, (3, 3))
    assert "NIC" not in lab.one.vm.info(vm_id).TEMPLATE
