"""Every resource on a real local cloud, below the CLI: made, unchanged, changed outside, imported, updated, removed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from provider_cloud import TestCloud, running_cloud
from provider_driver import Driver

from opennebula_provider.errors import InitFailedError, ProviderError
from opennebula_provider.resource import Call
from opennebula_provider.resources.image import first_name
from opennebula_provider.rpc import each
from tests.support.waiting import wait_for

TEMPLATE = {
    **{"mark": "m1", "name": "node", "cpu": 0.5, "memoryMb": 128, "permissions": "640"},
    "context": {"token": "YES", "TEXT": 'a "quoted" = [text], with\nlines \\ and \t tabs'},
    "labels": ["b", "a"],
    "attributes": {"SCHED": {"A": 1, "b": True}, "USER_FLAG": True, "NOTE": ["x", "y"]},
}


def test_a_virtual_machine_template(cloud: TestCloud) -> None:
    template = Driver(cloud, "VirtualMachineTemplate")
    template.create(**TEMPLATE)
    template.refresh()
    assert template.diff(**TEMPLATE).changes == {}
    again = Driver(cloud, "VirtualMachineTemplate")
    assert again.create(**TEMPLATE).id == template.id

    cloud.call("template.update", int(template.id), 'MEMORY="256"\nEXTRA="by hand"', 1)
    template.refresh()
    assert template.diff(**TEMPLATE).names == ["attributes", "memoryMb"]
    assert template.diff(**TEMPLATE).replaces == []
    template.update(**{**TEMPLATE, "name": "other", "nics": [], "vcpu": 2})
    template.refresh()
    assert template.diff(**{**TEMPLATE, "name": "other", "vcpu": 2}).changes == {}
    assert "EXTRA" not in template.state["attributes"]

    imported = template.imported().inputs
    assert (imported["name"], imported["memoryMb"], imported["cpu"], imported["vcpu"]) == ("other", 128, 0.5, 2)
    assert imported["context"]["TOKEN"] == "YES"
    template.delete()
    assert template.refresh() is None
    template.delete()


def test_a_network_and_its_ranges(cloud: TestCloud) -> None:
    network = Driver(cloud, "VirtualNetwork")
    first = {"size": 4, "ipam": "local"}
    wanted = {"mark": "m1", "name": "net", "addressRanges": [first], "dns": "1.1.1.1", "attributes": {"note": "x"}}
    made = network.create(**wanted)
    assert made.properties["state"] == "READY"
    assert made.properties["ranges"][0]["ip"]
    network.refresh()
    assert network.diff(**wanted).changes == {}

    second = {"ip": "10.0.0.10", "size": 5}
    wanted = {**wanted, "addressRanges": [{**first, "size": 6}, second], "dns": "9.9.9.9", "attributes": {}}
    assert set(network.diff(**wanted).changes) == {
        *("addressRanges[0].size", "addressRanges[1]", "dns", "attributes.note"),
    }
    network.update(**wanted)
    assert [one["size"] for one in network.state["ranges"]] == [6, 5]
    network.refresh()
    assert network.diff(**wanted).changes == {}
    network.update(**{**wanted, "addressRanges": [wanted["addressRanges"][0]]})
    assert [one["size"] for one in network.state["ranges"]] == [6]

    cloud.call("vn.rename", int(network.id), "renamed")
    network.refresh()
    assert network.diff(**{**wanted, "addressRanges": wanted["addressRanges"][:1]}).names == ["name"]
    imported = network.imported().inputs
    assert (imported["name"], imported["vnMad"]) == ("renamed", "dummy")
    assert imported["addressRanges"][0]["size"] == 6
    network.delete()
    assert network.refresh() is None


RULES = [
    {"protocol": "TCP", "direction": "INBOUND", "ports": "22,9092:9093", "ip": "10.0.0.1", "size": 8},
    {"protocol": "ICMP", "direction": "INBOUND", "icmpType": 8},
    {"protocol": "ALL", "direction": "OUTBOUND"},
]


def test_a_security_group_and_its_rules(cloud: TestCloud) -> None:
    group = Driver(cloud, "SecurityGroup")
    wanted = {"mark": "m1", "name": "web", "description": "first", "rules": RULES, "attributes": {"tier": "a"}}
    group.create(**wanted, permissions="640")
    group.refresh()
    assert group.diff(**wanted, permissions="640").changes == {}
    assert group.diff(**{**wanted, "rules": RULES[::-1]}, permissions="640").changes == {}
    again = Driver(cloud, "SecurityGroup")
    assert again.create(**wanted).id == group.id

    changed = {**wanted, "name": "shop", "description": "second", "rules": RULES[1:], "attributes": {}}
    assert group.diff(**changed).replaces == []
    group.update(**changed)
    group.refresh()
    assert group.diff(**changed).changes == {}
    cloud.call("secgroup.update", int(group.id), 'RULE=[PROTOCOL="udp",RULE_TYPE="inbound",RANGE="53"]', 1)
    group.refresh()
    assert group.state["rules"] == [{"protocol": "UDP", "direction": "INBOUND", "ports": "53"}]
    assert group.diff(**changed).names == ["rules"]
    group.update(**changed)

    imported = group.imported().inputs
    assert {"name": "shop", "description": "second", "rules": RULES[1:]}.items() <= imported.items()
    group.delete()
    assert group.refresh() is None
    group.delete()


def test_rules_reach_the_machines_and_a_group_in_use_is_not_deleted(cloud: TestCloud) -> None:
    group, network = Driver(cloud, "SecurityGroup"), Driver(cloud, "VirtualNetwork")
    number = int(group.create(name="used", rules=RULES).id)
    wanted = {"name": "guarded", "addressRanges": [{"size": 4, "ipam": "local"}], "securityGroups": [number]}
    network.create(**wanted)
    network.refresh()
    assert network.diff(**wanted).changes == {}
    text = f'CPU="0.1"\nMEMORY="32"\nNIC=[NETWORK_ID="{network.id}"]'
    machine = cloud.call("vm.allocate", text)
    group.update(name="used", rules=RULES[:1])
    (rule,) = [
        one
        for one in each(cloud.info("vm.info", machine)["TEMPLATE"], "SECURITY_GROUP_RULE")
        if one["SECURITY_GROUP_ID"] == group.id
    ]
    assert rule["RANGE"] == "22,9092:9093"
    with pytest.raises(ProviderError, match=f"security group {number} is still there after 0.2 s: .*use"):
        group.delete(timeout=0.2)
    cloud.call("vm.action", "terminate-hard", machine)
    group.delete()
    network.delete()


def test_an_image(cloud: TestCloud, tmp_path: Path) -> None:
    image = Driver(cloud, "Image")
    wanted = {"mark": "m1", "name": "disk", "path": str(tmp_path), "description": "first", "attributes": {"kind": "a"}}
    made = image.create(**wanted)
    assert made.properties["state"] == "READY"
    image.refresh()
    assert image.diff(**wanted).changes == {}
    changed = {**wanted, "description": "second", "attributes": {"kind": "b"}, "persistent": True, "name": "disk2"}
    image.update(**changed)
    image.refresh()
    assert image.diff(**changed).changes == {}
    assert image.imported().inputs["description"] == "second"
    assert image.diff(**{**changed, "path": "/other"}).replaces == ["path"]
    image.delete()
    assert image.refresh() is None


def test_an_image_that_cannot_be_made(tmp_path: Path) -> None:
    with running_cloud(tmp_path / "state", "--hypervisor", "process") as cloud:
        image = Driver(cloud, "Image")
        with pytest.raises(InitFailedError, match=r"image 'bad' \(0\) is in state ERROR: .*/no/such/recipe") as caught:
            image.create(name="bad", path="/no/such/recipe")
        image.id, image.inputs, image.state = "0", image.checked({"name": "bad", "path": "/no/such/recipe"}), {}
        assert caught.value.object_id == "0"
        with pytest.raises(InitFailedError, match="is in state ERROR"):
            image.refresh()
        image.state = dict(caught.value.properties)
        assert image.diff(name="bad", path="/no/such/recipe").replaces == ["state"]
        image.delete()
        assert image.refresh() is None


@pytest.fixture(scope="module")
def origin(cloud: TestCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A persistent data block of somebody's."""
    text = f'NAME="origin"\nTYPE="DATABLOCK"\nPERSISTENT="YES"\nPATH="{tmp_path_factory.mktemp("image")}"\nKIND="a"'
    number = cloud.call("image.allocate", text, 1)
    wait_for(lambda: cloud.info("image.info", number)["STATE"] == "1", 10, "the image")
    yield number
    cloud.call("image.delete", number)


def test_a_copy_is_what_is_declared_and_else_like_its_origin(cloud: TestCloud, origin: int) -> None:
    copy = Driver(cloud, "Image")
    wanted = {"mark": "m1", "name": "copy", "cloneFrom": origin, "labels": ["red"], "attributes": {"tier": "x"}}
    copy.create(**wanted)
    found = cloud.info("image.info", int(copy.id))
    assert (found["NAME"], found["TYPE"], found["PERSISTENT"]) == ("copy", "2", "0")
    assert {"KIND": "a", "TIER": "x", "LABELS": "red"}.items() <= found["TEMPLATE"].items()
    copy.refresh()
    assert copy.diff(**wanted).changes == {}
    assert copy.diff(**{**wanted, "cloneFrom": 4711}).replaces == ["cloneFrom"]
    copy.update(**wanted, type="OS")
    assert cloud.info("image.info", int(copy.id))["TYPE"] == "0"
    copy.delete()


@pytest.mark.parametrize("tagged", [False, True])
def test_a_copy_that_was_cut_off_is_finished(cloud: TestCloud, origin: int, tagged: bool) -> None:
    copy = Driver(cloud, "Image", name=f"cut-{tagged}")
    wanted = {"mark": "m1", "name": "cut", "cloneFrom": origin}
    tag = f"m1 {copy.urn}"
    number = cloud.call("image.clone", origin, first_name(Call(None, copy.urn, "", wanted)), 1)  # type: ignore[arg-type]
    if tagged:
        cloud.call("image.update", number, f'PULUMI_MARK="{tag}"', 1)
    assert copy.create(**wanted).id == str(number)
    found = cloud.info("image.info", number)
    assert (found["NAME"], found["TEMPLATE"]["PULUMI_MARK"]) == ("cut", tag)
    copy.delete()


def test_ranges_change_beside_machines_that_have_addresses(cloud: TestCloud) -> None:
    network = Driver(cloud, "VirtualNetwork")
    used, free = {"size": 2, "ipam": "local"}, {"ip": "10.5.0.1", "size": 2}
    network.create(name="busy", addressRanges=[used, free], heldLeases=["10.5.0.2"])
    machine = cloud.call("vm.allocate", f'CPU="0.1"\nMEMORY="8"\nNIC=[NETWORK_ID="{network.id}"]')
    (address,) = [nic["IP"] for nic in each(cloud.info("vm.info", machine)["TEMPLATE"], "NIC")]
    moved = {"name": "busy", "addressRanges": [{"ip": "10.5.0.2", "size": 3}, {**used, "size": 4}]}
    network.update(**moved, heldLeases=["10.5.0.2", "10.5.0.4"])
    network.refresh()
    assert network.diff(**moved, heldLeases=["10.5.0.4", "10.5.0.2"]).changes == {}
    assert [(one["ip"], one["size"]) for one in network.state["ranges"]] == [(address, 4), ("10.5.0.2", 3)]
    with pytest.raises(ProviderError, match=r"one\.vn\.rm_ar: Address Range has leases in use"):
        network.update(name="busy", addressRanges=moved["addressRanges"][:1])
    cloud.call("vm.recover", machine, DELETE)
    network.delete()


DELETE = 3


def test_what_changed_since_a_creation_was_cut_off_is_caught_up(cloud: TestCloud) -> None:
    network = Driver(cloud, "VirtualNetwork")
    network.create(mark="m1", name="late", addressRanges=[{"ip": "10.6.0.1", "size": 2}])
    again = Driver(cloud, "VirtualNetwork")
    again.create(mark="m1", name="late", addressRanges=[{"ip": "10.6.0.1", "size": 5}], labels=["red"])
    assert again.id == network.id
    assert (again.state["ranges"][0]["size"], again.state["labels"]) == (5, ["red"])
    other = Driver(cloud, "VirtualNetwork")
    other.create(mark="m1", name="late", vnMad="bridge")
    assert other.id != network.id, "what cannot be changed in place is made anew"
    assert network.refresh() is None
    other.delete()


def test_a_service_template_changed_outside(cloud: TestCloud) -> None:
    template = Driver(cloud, "ServiceTemplate")
    role = {"name": "a", "templateId": 0, "cardinality": 1, "minVms": 1, "maxVms": 3}
    wanted = {"mark": "m1", "name": "s", "deployment": "straight", "roles": [role], "attributes": {"x_note": "n"}}
    template.create(**wanted)
    again = Driver(cloud, "ServiceTemplate")
    assert again.create(**wanted).id == template.id
    path = f"service_template/{template.id}"
    body = cloud.flow("GET", path).json()["DOCUMENT"]["TEMPLATE"]["BODY"]
    body["roles"][0]["max_vms"] = 5
    assert cloud.flow("PUT", path, body).status_code == 200
    template.refresh()
    assert list(template.diff(**wanted).changes) == ["roles[0].maxVms"]
    template.update(**{**wanted, "name": "t"})
    template.refresh()
    assert template.diff(**{**wanted, "name": "t"}).changes == {}
    template.delete()


def test_what_the_platform_refuses_keeps_its_words(cloud: TestCloud) -> None:
    service = Driver(cloud, "Service")
    with pytest.raises(ProviderError, match=r"OneFlow GET /service_template/9999: .* \(HTTP 404\)"):
        service.create(name="s", serviceTemplateId=9999)
    template = Driver(cloud, "VirtualMachineTemplate")
    template.create(name="twin", cpu=1, memoryMb=64)
    other = Driver(cloud, "VirtualMachineTemplate", name="y")
    with pytest.raises(ProviderError, match=r"one\.template\.allocate: NAME is already taken .*\(INTERNAL 0x2000"):
        other.create(name="twin", cpu=1, memoryMb=64)
    template.delete()
