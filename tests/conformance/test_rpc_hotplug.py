"""Changes to existing VMs: capacity, NICs, their groups, configuration (reference 2.5, 2.8)."""

from __future__ import annotations

from typing import Any

import pytest

RUNNING, POWEROFF = (3, 3), (8, 0)


@pytest.fixture
def running(lab: Any) -> int:
    """A VM that runs, with one NIC."""
    vm_id: int = lab.vm(lab.template(network=lab.network()))
    lab.vm_in(vm_id, RUNNING)
    return vm_id


@pytest.fixture
def off(lab: Any, running: int) -> int:
    """The same VM, off."""
    lab.one.vm.action("poweroff", running)
    lab.vm_in(running, POWEROFF)
    return running


def nics(lab: Any, vm_id: int) -> list[Any]:
    """NICs of a VM, always a list."""
    found = lab.one.vm.info(vm_id).TEMPLATE.get("NIC", [])
    return found if isinstance(found, list) else [found]


def used(lab: Any, network_id: int) -> int:
    """Addresses of a network that are in use."""
    return int(lab.one.vn.info(network_id).USED_LEASES)


def test_machines_that_are_off_are_resized(lab: Any, off: int) -> None:
    assert lab.one.vm.resize(off, 'CPU="0.02"\nMEMORY="32"\nVCPU="2"', False) == off
    template = lab.one.vm.info(off).TEMPLATE
    assert (template["CPU"], template["MEMORY"], template["VCPU"]) == ("0.02", "32", "2")
    lab.one.vm.resize(off, 'MEMORY="64"', False)
    assert lab.one.vm.info(off).TEMPLATE["CPU"] == "0.02"
    lab.one.vm.action("resume", off)
    lab.vm_in(off, RUNNING)


@pytest.mark.parametrize("text", ['CPU="0"', 'CPU="-1"', 'MEMORY="x"', 'VCPU="-1"', 'CPU="inf"'])
def test_wrong_sizes_are_refused(lab: Any, off: int, text: str) -> None:
    assert lab.call("one.vm.resize", off, text, False)[0] is False
    assert lab.one.vm.info(off).TEMPLATE["CPU"] == "0.01"


def test_running_machines_are_not_resized(lab: Any, running: int) -> None:
    assert lab.call("one.vm.resize", running, 'CPU="1"', False)[2] == 0x0800


@pytest.mark.parametrize("state", ["running", "off"])
def test_nics_come_and_go(lab: Any, running: int, state: str) -> None:
    place = RUNNING
    if state == "off":
        lab.one.vm.action("poweroff", running)
        place = POWEROFF
        lab.vm_in(running, place)
    network = lab.network(2, "10.78.1.1")
    assert lab.one.vm.attachnic(running, f'NIC=[NETWORK_ID="{network}"]') == running
    lab.vm_in(running, place)
    second = nics(lab, running)[1]
    assert (second["NIC_ID"], second["IP"], used(lab, network)) == ("1", "10.78.1.1", 1)
    context = lab.one.vm.info(running).TEMPLATE["CONTEXT"]
    assert (context["ETH1_IP"], context["ETH1_MAC"]) == ("10.78.1.1", second["MAC"])
    lab.one.vm.detachnic(running, 1)
    lab.vm_in(running, place)
    assert [one["NIC_ID"] for one in nics(lab, running)] == ["0"]
    assert used(lab, network) == 0
    assert "ETH1_IP" not in lab.one.vm.info(running).TEMPLATE["CONTEXT"]


def test_attached_addresses_are_given_back_at_the_end(lab: Any, running: int) -> None:
    network = lab.network(2, "10.78.2.1")
    lab.one.vm.attachnic(running, f'NIC=[NETWORK_ID="{network}",IP="10.78.2.2"]')
    lab.vm_in(running, RUNNING)
    assert nics(lab, running)[1]["IP"] == "10.78.2.2"
    lab.gone(running)
    assert used(lab, network) == 0


def test_a_full_network_gives_no_nic(lab: Any, running: int) -> None:
    network = lab.network(1, "10.78.3.1")
    lab.one.vn.hold(network, 'LEASES=[IP="10.78.3.1"]')
    assert lab.call("one.vm.attachnic", running, f'NIC=[NETWORK_ID="{network}"]')[0] is False
    assert len(nics(lab, running)) == 1
    lab.one.vn.release(network, 'LEASES=[IP="10.78.3.1"]')


@pytest.mark.parametrize("text", ["", 'NIC="x"', 'NIC=[NETWORK_ID="99999"]', 'NIC=[NETWORK="no-such-net"]'])
def test_wrong_nics_are_refused(lab: Any, running: int, text: str) -> None:
    assert lab.call("one.vm.attachnic", running, text)[0] is False
    assert lab.place(running) == RUNNING


def test_nics_that_are_not_there(lab: Any, running: int) -> None:
    assert lab.call("one.vm.detachnic", running, 7)[0] is False


def test_nics_need_a_machine_that_runs_or_is_off(lab: Any) -> None:
    vm_id = lab.vm(lab.template(), hold=True)
    assert lab.call("one.vm.attachnic", vm_id, f'NIC=[NETWORK_ID="{lab.network()}"]')[2] == 0x0800


def test_security_groups_of_an_attached_nic(lab: Any, running: int) -> None:
    group = lab.one.secgroup.allocate(f'NAME="{lab.name("sg")}"\nRULE=[PROTOCOL="TCP",RULE_TYPE="INBOUND"]')
    lab.one.vm.attachsg(running, 0, group)
    lab.vm_in(running, RUNNING)
    assert str(group) in nics(lab, running)[0]["SECURITY_GROUPS"].split(",")
    lab.one.vm.detachsg(running, 0, group)
    lab.vm_in(running, RUNNING)
    assert str(group) not in nics(lab, running)[0]["SECURITY_GROUPS"].split(",")
    assert lab.call("one.vm.detachsg", running, 0, group)[0] is False
    assert lab.call("one.vm.attachsg", running, 0, 99999)[2] == 0x0400
    lab.one.secgroup.delete(group)


def test_a_node_stays_a_node_while_its_nics_change(lab: Any) -> None:
    role = {"name": "r", "type": "vm", "template_id": lab.template(network=lab.network()), "cardinality": 1}
    service_id = lab.service([role])
    lab.in_state(service_id, 2)
    (vm_id,) = lab.nodes(service_id, "r")
    lab.one.vm.attachnic(vm_id, f'NIC=[NETWORK_ID="{lab.network()}"]')
    lab.vm_in(vm_id, RUNNING)
    assert lab.body(service_id)["state"] == 2


def test_configuration_is_for_the_next_boot(lab: Any, off: int) -> None:
    lab.one.vm.updateconf(off, 'CONTEXT=[TOKEN="YES",NETWORK="YES",EXTRA="1"]\nCPU="9"', 0)
    template = lab.one.vm.info(off).TEMPLATE
    assert (template["CONTEXT"]["EXTRA"], template["CPU"]) == ("1", "0.01")
    assert template["CONTEXT"]["ETH0_IP"] == nics(lab, off)[0]["IP"]
    assert lab.call("one.vm.updateconf", off, 'CONTEXT=[A="1"]', 7)[2] == 0x1000
    assert lab.call("one.vm.updateconf", off, 'CONTEXT="x"', 0)[0] is False


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("resize", ('CPU="1"', False)),
        ("attachnic", ('NIC=[NETWORK_ID="0"]',)),
        ("detachnic", (0,)),
        ("attachsg", (0, 0)),
        ("detachsg", (0, 0)),
        ("updateconf", ('CONTEXT=[A="1"]', 1)),
        ("recover", (3,)),
        ("deploy", (0, False, -1, "")),
    ],
)
def test_machines_of_others_stay_as_they_are(
    other: Any, running: int, method: str, parameters: tuple[Any, ...]
) -> None:
    assert other.call(f"one.vm.{method}", running, *parameters)[2] == 0x0200
