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


@pytest.mark.parametrize(("operation", "code"), [(0, 0x2000), (1, 0x2000), (2, 0x2000), (3, 0x2000), (4, 0x0800)])
def test_a_ready_network_needs_no_recovery(lab: Any, operation: int, code: int) -> None:
    assert lab.call("one.vn.recover", lab.network(), operation)[2] == code


@pytest.mark.parametrize(
    "lease", ["", 'LEASES=[NOTE="n"]', 'LEASES=[IP="10.1.1.1"]', 'LEASES=[IP="10.1.1.1",MAC="02:00:0a:01:01:01"]']
)
def test_addresses_that_cannot_be_held(lab: Any, lease: str) -> None:
    assert lab.call("one.vn.hold", lab.network(2, "10.77.6.1"), lease)[2] == 0x2000


def test_releasing_what_is_not_held_changes_nothing(lab: Any) -> None:
    network_id = lab.network(2, "10.77.7.1")
    for address in ("10.77.7.1", "10.99.99.99"):
        assert lab.call("one.vn.release", network_id, f'LEASES=[IP="{address}"]')[0] is True


def test_addresses_are_held_by_their_mac_too(lab: Any) -> None:
    network_id = lab.network(4, "10.77.8.1")
    lab.one.vn.hold(network_id, 'LEASES=[MAC="02:00:0a:4d:08:03"]')
    assert ranges(lab, network_id)[0].LEASES.LEASE[0].IP == "10.77.8.3"
    lab.one.vn.release(network_id, 'LEASES=[MAC="02:00:0a:4d:08:03"]')
    assert ranges(lab, network_id)[0].USED_LEASES == "0"


def test_an_address_in_two_ranges_is_held_in_both_or_in_one(lab: Any) -> None:
    network_id = lab.network(4, "10.77.9.1")
    lab.one.vn.add_ar(network_id, 'AR=[TYPE="IP4",IP="10.77.9.1",SIZE="4"]')
    lab.one.vn.hold(network_id, 'LEASES=[IP="10.77.9.2",AR_ID="1"]')
    assert [one.USED_LEASES for one in ranges(lab, network_id)] == ["0", "1"]
    lab.one.vn.hold(network_id, 'LEASES=[IP="10.77.9.3"]')
    assert [one.USED_LEASES for one in ranges(lab, network_id)] == ["1", "2"]
    for address in ("10.77.9.2", "10.77.9.3"):
        lab.one.vn.release(network_id, f'LEASES=[IP="{address}"]')
    assert [one.USED_LEASES for one in ranges(lab, network_id)] == ["0", "0"]


class TestRanges:
    def test_an_update_replaces_what_is_free_to_change(self, lab: Any) -> None:
        network_id = lab.network()
        lab.one.vn.update_ar(network_id, 'AR=[AR_ID="0",A="1",B="2"]')
        lab.one.vn.update_ar(network_id, 'AR=[AR_ID="0",B="3",IP="10.9.9.9",TYPE="ETHER"]')
        text = lab.call("one.vn.info", network_id)[1]
        assert ("<A>" in text, "<B>" in text, "10.9.9.9" in text) == (False, True, False)
        assert ranges(lab, network_id)[0].TYPE == "IP4"

    @pytest.mark.parametrize("vector", ["", 'AR=[SIZE="4"]', 'AR=[AR_ID="7",SIZE="4"]', 'AR=[AR_ID="0",SIZE="x"]'])
    def test_wrong_updates(self, lab: Any, vector: str) -> None:
        assert lab.call("one.vn.update_ar", lab.network(), vector)[2] == 0x2000

    def test_a_range_does_not_shrink_below_its_leases(self, lab: Any) -> None:
        network_id = lab.network(8, "10.77.10.1")
        lab.one.vn.hold(network_id, 'LEASES=[IP="10.77.10.6"]')
        assert lab.call("one.vn.update_ar", network_id, 'AR=[AR_ID="0",SIZE="4"]')[2] == 0x2000
        assert lab.call("one.vn.update_ar", network_id, 'AR=[AR_ID="0",SIZE="6"]')[0] is True
        lab.one.vn.release(network_id, 'LEASES=[IP="10.77.10.6"]')

    def test_ranges_in_use_stay(self, lab: Any) -> None:
        network_id = lab.network(4, "10.77.11.1")
        lab.one.vn.hold(network_id, 'LEASES=[IP="10.77.11.1"]')
        for call in ("rm_ar", "free_ar"):
            reply = lab.call(f"one.vn.{call}", network_id, 0)
            assert (reply[2], "Address Range has leases in use" in reply[1]) == (0x2000, True)
        assert lab.call("one.vn.rm_ar", network_id, 5)[2] == 0x2000
        lab.one.vn.release(network_id, 'LEASES=[IP="10.77.11.1"]')

    def test_ranges_belong_to_who_may_administer(self, lab: Any, other: Any) -> None:
        network_id = lab.network()
        lab.one.vn.chmod(network_id, -1, -1, -1, -1, -1, -1, 1, 1, 0)
        vector = f'AR=[TYPE="IP4",IP="{fresh()}",SIZE="4"]'
        assert other.call("one.vn.add_ar", network_id, vector)[2] == 0x0200
        assert other.call("one.vn.rm_ar", network_id, 0)[2] == 0x0200
        assert other.call("one.vn.update_ar", network_id, 'AR=[AR_ID="0",BRIDGE="b"]')[2] == 0x0200
        lab.one.vn.chmod(network_id, -1, -1, -1, -1, -1, -1, 1, 1, 1)
        assert other.call("one.vn.add_ar", network_id, vector)[0] is True


class TestReservations:
    @pytest.fixture
    def parent(self, lab: Any) -> int:
        """A network of eight addresses."""
        found: int = lab.network(8, "10.77.12.1")
        return found

    def reserve(self, lab: Any, parent: int, text: str) -> int:
        """A reservation, removed after the test."""
        made: int = lab.one.vn.reserve(parent, f'NAME="{lab.name("res")}"\n{text}')
        lab.made.append(lambda: lab.one.vn.delete(made))
        return made

    @pytest.mark.parametrize(
        "text",
        [
            *(
                'NAME="r"',
                'NAME="r"\nSIZE="0"',
                'SIZE="1"',
                'NAME="r"\nSIZE="9"',
                'NAME="r"\nSIZE="1"\nIP="10.77.12.2"',
            ),
            *('NAME="r"\nSIZE="1"\nAR_ID="7"', 'NAME="r"\nSIZE="2"\nAR_ID="0"\nIP="10.77.12.8"'),
            *('NETWORK_ID="{parent}"\nSIZE="1"', 'NETWORK_ID="{plain}"\nSIZE="1"'),
        ],
    )
    def test_what_cannot_be_reserved(self, lab: Any, parent: int, text: str) -> None:
        given = text.format(parent=parent, plain=lab.network())
        assert lab.call("one.vn.reserve", parent, given)[2] == 0x0800
        assert ranges(lab, parent)[0].USED_LEASES == "0"

    def test_from_a_certain_address_on(self, lab: Any, parent: int) -> None:
        by_ip = self.reserve(lab, parent, 'SIZE="2"\nAR_ID="0"\nIP="10.77.12.3"')
        by_mac = self.reserve(lab, parent, 'SIZE="2"\nAR_ID="0"\nMAC="02:00:0a:4d:0c:06"')
        assert [ranges(lab, one)[0].IP for one in (by_ip, by_mac)] == ["10.77.12.3", "10.77.12.6"]

    def test_a_reservation_grows_and_shrinks(self, lab: Any, parent: int) -> None:
        child = self.reserve(lab, parent, 'SIZE="2"')
        assert lab.one.vn.reserve(parent, f'NETWORK_ID="{child}"\nSIZE="3"') == child
        assert [one.SIZE for one in ranges(lab, child)] == [2, 3]
        assert ranges(lab, parent)[0].USED_LEASES == "5"
        lab.one.vn.rm_ar(child, 0)
        assert ranges(lab, parent)[0].USED_LEASES == "3"
        assert lab.call("one.vn.update_ar", child, 'AR=[AR_ID="1",SIZE="4"]')[2] == 0x2000

    def test_reservations_are_not_reserved_from(self, lab: Any, parent: int) -> None:
        child = self.reserve(lab, parent, 'SIZE="2"')
        assert lab.call("one.vn.reserve", child, 'NAME="r"\nSIZE="1"')[2] == 0x0800

    def test_reservations_are_in_the_clusters_of_their_parent(self, lab: Any, parent: int) -> None:
        cluster = lab.one.cluster.allocate(lab.name("cluster"))
        lab.one.cluster.addvnet(cluster, parent)
        child = self.reserve(lab, parent, 'SIZE="2"')
        assert sorted(lab.one.vn.info(child).CLUSTERS.ID) == [0, cluster]
        for one in (parent, child):
            lab.one.cluster.delvnet(cluster, one)
        lab.one.cluster.delete(cluster)

    def test_ordinary_users_reserve_what_they_may_use(self, lab: Any, other: Any, parent: int) -> None:
        assert other.call("one.vn.reserve", parent, 'NAME="r"\nSIZE="1"')[2] == 0x0200
        lab.one.vn.chmod(parent, -1, -1, -1, -1, -1, -1, 1, 0, 0)
        child = self.reserve(other, parent, 'SIZE="1"')
        assert other.one.vn.free_ar(child, 0) == child


def test_a_nic_outlives_a_range_that_was_removed_by_force(lab: Any) -> None:
    network_id = lab.network(2)
    vm_id = lab.vm(lab.template(network=network_id))
    lab.vm_in(vm_id, (3, 3))
    assert lab.call("one.vn.rm_ar", network_id, 0, True)[0] is True
    assert lab.one.vm.detachnic(vm_id, 0) == vm_id
    lab.vm_in(vm_id, (3, 3))
    assert "NIC" not in lab.one.vm.info(vm_id).TEMPLATE
