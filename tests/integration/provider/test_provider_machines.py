"""Virtual machines on a real local cloud: made, powered, resized, changed outside, adopted, ended."""

from collections.abc import Iterator
from typing import Any

import pytest
from provider_cloud import TestCloud
from provider_driver import Driver

from opennebula_provider.errors import ProviderError
from tests.support.waiting import wait_for


@pytest.fixture(scope="module")
def wanted(cloud: TestCloud) -> Iterator[dict[str, Any]]:
    """A machine of a template with a network and a context."""
    network, template = Driver(cloud, "VirtualNetwork"), Driver(cloud, "VirtualMachineTemplate")
    network.create(name="lab", addressRanges=[{"size": 8, "ipam": "local"}])
    nics = [{"networkId": int(network.id)}]
    template.create(name="node", cpu=0.5, memoryMb=128, context={"TOKEN": "YES", "GREETING": "hello"}, nics=nics)
    yield {"mark": "m1", "name": "web", "templateId": int(template.id)}
    template.delete()
    network.delete()


def tree(cloud: TestCloud, machine: Driver) -> dict[str, Any]:
    return cloud.info("vm.info", int(machine.id))


def test_a_machine_from_its_start_to_its_end(cloud: TestCloud, wanted: dict[str, Any]) -> None:
    machine = Driver(cloud, "VirtualMachine")
    wanted = {**wanted, "context": {"greeting": "moin"}, "labels": ["a"], "attributes": {"tier": "x"}, "memoryMb": 64}
    made = machine.create(**wanted)
    assert made.properties["state"] == "RUNNING"
    assert made.properties["ip"].startswith("127.")
    actual = tree(cloud, machine)["TEMPLATE"]
    assert (actual["CPU"], actual["MEMORY"]) == ("0.5", "64")
    assert {"TOKEN": "YES", "GREETING": "moin"}.items() <= actual["CONTEXT"].items()
    machine.refresh()
    assert machine.diff(**wanted).changes == {}
    again = Driver(cloud, "VirtualMachine")
    assert again.create(**wanted).id == machine.id

    changed = {**wanted, "name": "shop", "labels": [], "attributes": {"tier": "y"}, "memoryMb": 96, "vcpu": 2}
    assert machine.diff(**changed).replaces == []
    cloud.report_ready(int(machine.id))
    machine.update(**changed)
    seen = tree(cloud, machine)
    assert (seen["NAME"], seen["TEMPLATE"]["MEMORY"], seen["TEMPLATE"]["VCPU"]) == ("shop", "96", "2")
    assert seen["USER_TEMPLATE"]["TIER"] == "y"
    assert "LABELS" not in seen["USER_TEMPLATE"]
    assert seen["USER_TEMPLATE"]["READY"] == "YES"
    assert machine.state["state"] == "RUNNING"
    machine.refresh()
    assert machine.diff(**changed).changes == {}

    imported = machine.imported().inputs
    assert {"name": "shop", "memoryMb": 96, "vcpu": 2, "templateId": wanted["templateId"]}.items() <= imported.items()
    assert imported["attributes"] == {"TIER": "y"}
    assert machine.diff(**{**changed, "context": {"greeting": "hey"}}).replaces == ["context"]
    machine.delete()
    assert machine.refresh() is None
    machine.delete()


def test_power(cloud: TestCloud, wanted: dict[str, Any]) -> None:
    machine = Driver(cloud, "VirtualMachine")
    machine.create(**wanted, powerState="off")
    assert machine.state["state"] == "POWEROFF"
    machine.update(**wanted)
    assert machine.state["state"] == "RUNNING"
    cloud.call("vm.action", "poweroff-hard", int(machine.id))
    wait_for(lambda: tree(cloud, machine)["STATE"] == "8", 10, "the machine to be off")
    machine.refresh()
    assert list(machine.diff(**wanted).changes) == ["powerState"]
    machine.update(**wanted)
    assert machine.state["state"] == "RUNNING"
    machine.update(**wanted, powerState="off", hardShutdown=True)
    assert machine.state["state"] == "POWEROFF"
    machine.delete()
    assert machine.refresh() is None


def test_a_suspended_machine_is_resized_and_stays_off(cloud: TestCloud, wanted: dict[str, Any]) -> None:
    machine = Driver(cloud, "VirtualMachine")
    machine.create(**wanted)
    cloud.call("vm.action", "suspend", int(machine.id))
    wait_for(lambda: tree(cloud, machine)["STATE"] == "5", 10, "the machine to be suspended")
    machine.refresh()
    assert machine.diff(**wanted, powerState="off").changes == {}
    machine.update(**wanted, powerState="off", cpu=0.25)
    assert (machine.state["state"], tree(cloud, machine)["TEMPLATE"]["CPU"]) == ("POWEROFF", "0.25")
    machine.update(**wanted, powerState="off")
    assert tree(cloud, machine)["TEMPLATE"]["CPU"] == "0.5"
    machine.delete()


def test_a_machine_that_is_ended_while_it_boots(cloud: TestCloud, wanted: dict[str, Any]) -> None:
    machine = Driver(cloud, "VirtualMachine", inputs={"name": "late"})
    machine.id = str(cloud.call("template.instantiate", wanted["templateId"], "late", False, "", False))
    machine.delete()
    assert machine.refresh() is None
    assert cloud.machines() == []


def test_a_machine_that_failed_is_replaced(cloud: TestCloud, wanted: dict[str, Any]) -> None:
    machine = Driver(cloud, "VirtualMachine")
    machine.inputs, machine.state = machine.checked(wanted), {"state": "BOOT_FAILURE"}
    assert machine.diff(**wanted).replaces == ["state"]


def test_a_template_that_is_not_there(cloud: TestCloud) -> None:
    machine = Driver(cloud, "VirtualMachine")
    with pytest.raises(ProviderError, match=r"one\.template\.instantiate: .*\(NO_EXISTS 0x0400, object 999\)"):
        machine.create(name="a", templateId=999)
