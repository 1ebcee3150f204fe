"""Every resource on a real local cloud, below the CLI: made, unchanged, changed outside, imported, updated, removed."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from provider_cloud import TestCloud, running_cloud
from provider_driver import Driver

from opennebula_provider.errors import InitFailedError, ProviderError
from opennebula_provider.rpc import each

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


NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=8)
ROLES = st.lists(
    st.fixed_dictionaries(
        {"name": NAMES, "templateId": st.integers(0, 9)},
        optional={
            "cardinality": st.integers(0, 3),
            "cooldown": st.integers(0, 9),
            "maxVms": st.integers(3, 9),
            "onHold": st.booleans(),
            "shutdownAction": st.sampled_from(["terminate", "terminate-hard"]),
            "templateContents": st.dictionaries(NAMES, TEXTS, max_size=2),
            "userInputs": st.dictionaries(NAMES, TEXTS, max_size=2),
        },
    ),
    max_size=3,
    unique_by=lambda role: role["name"],
)
SERVICE_TEMPLATES = st.fixed_dictionaries(
    {"name": NAMES, "roles": ROLES},
    optional={
        "description": TEXTS,
        "deployment": st.sampled_from(["none", "straight"]),
        "readyStatusGate": st.booleans(),
        "automaticDeletion": st.booleans(),
        "userInputs": st.dictionaries(NAMES, TEXTS, max_size=2),
        "attributes": st.dictionaries(NAMES.map(lambda name: f"x_{name}"), st.integers(0, 3) | TEXTS, max_size=2),
    },
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=SERVICE_TEMPLATES)
def test_no_service_template_ever_drifts_by_itself(cloud: TestCloud, wanted: dict[str, Any]) -> None:
    template = Driver(cloud, "ServiceTemplate")
    template.create(**wanted)
    template.refresh()
    assert template.diff(**wanted).changes == {}
    assert set(template.imported().inputs) >= {"name", "roles", "deployment"}
    template.delete()
    assert template.refresh() is None


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
