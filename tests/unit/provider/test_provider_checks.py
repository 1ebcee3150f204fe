"""Check: every problem at once, with path and value; defaults filled in; unknown values pass."""

from typing import Any

import pytest

from fedstack.oneflow.unknown import UNKNOWN
from opennebula_provider.engine import Engine
from opennebula_provider.provider import OpenNebula, Request


def check(kind: str, **inputs: Any) -> tuple[dict[str, Any], list[str]]:
    provider = OpenNebula(Engine(""), {})
    checked, problems = provider.check(Request(f"urn:pulumi:s::p::opennebula:index:{kind}::x", inputs=inputs))
    return checked, [str(one) for one in problems]


def test_all_problems_of_a_resource_come_at_once() -> None:
    _, problems = check("Image", nam="a", path=3, type="DISC", persistent="yes", sizeMb=0, permissions="9")
    assert problems == [
        "nam: is not a property; did you mean name?",
        "name: is missing",
        "path: must be a text, got 3",
        "type: must be one of OS, CDROM, DATABLOCK, KERNEL, RAMDISK, CONTEXT, got 'DISC'",
        "persistent: must be true or false, got 'yes'",
        "sizeMb: must be at least 1, got 0",
        "permissions: must be three octal digits such as 640, got '9'",
    ]


def test_defaults_are_filled_in() -> None:
    checked, problems = check("Image", name="a", path="/x")
    assert problems == []
    assert checked == {"name": "a", "path": "/x", "datastoreId": 1, "persistent": False, "readyDeadline": 1800}


def test_unknown_values_pass_at_any_depth() -> None:
    disks = [{"imageId": UNKNOWN}, UNKNOWN]
    _, problems = check("VirtualMachineTemplate", name=UNKNOWN, cpu=1, memoryMb=64, disks=disks, context={"A": UNKNOWN})
    assert problems == []


def test_nested_paths() -> None:
    _, problems = check(
        "VirtualMachineTemplate", name="a", cpu=1, memoryMb=64, disks=[{"imageId": -1}], context={"a.b": 1}
    )
    assert problems == ["disks[0].imageId: must be at least 0, got -1", 'context["a.b"]: must be a text, got a number']


def test_typed_attributes_are_not_given_twice() -> None:
    _, problems = check(
        "VirtualMachineTemplate", name="a", cpu=1, memoryMb=64, attributes={"memory": "1", "LABEL": "x"}
    )
    assert problems == ["attributes.memory: has a property of its own; use that"]


def test_a_name_that_the_platform_refuses() -> None:
    _, problems = check("VirtualNetwork", name="a/b")
    assert problems == ["name: must be 1 to 128 characters without & | : \\ \" ; / ' # { } $ < >, got 'a/b'"]


def test_a_service_template_is_validated_by_the_platform_s_rules() -> None:
    roles = [
        {"name": "a-b", "templateId": 1, "elasticityPolicies": [{"type": "CHANGE", "adjust": 1, "expression": "A >"}]},
        {"name": "b", "templateId": UNKNOWN, "minVms": 3, "parents": ["zz"]},
    ]
    _, problems = check("ServiceTemplate", name="s", deployment="straight", roles=roles)
    assert [problem.split(":")[0] for problem in problems] == [
        "roles[0].name",
        "roles[0].minVms",
        "roles[0].maxVms",
        "roles[0].elasticityPolicies[0].expression",
        "roles[1].cardinality",
        "roles",
    ]
    assert problems[-1] == "roles: role 'b' has the parent 'zz', which no role is called"


def test_roles_that_wait_for_each_other() -> None:
    roles = [{"name": "a", "templateId": 1, "parents": ["b"]}, {"name": "b", "templateId": 1, "parents": ["a"]}]
    _, problems = check("ServiceTemplate", name="s", roles=roles)
    assert problems == ["roles: these roles wait for each other for ever: a, b"]


def test_a_service_names_a_role_once_and_is_declared_healthy() -> None:
    checked, problems = check("Service", name="s", serviceTemplateId=1, roles=[{"name": "a"}, {"name": "a"}])
    assert problems == ["roles[1].name: must be unique (got 'a')"]
    assert checked["health"] == "healthy"


@pytest.mark.parametrize("value", [True, 1.5, "3", [], {}])
def test_a_whole_number_is_a_whole_number(value: Any) -> None:
    _, problems = check("Image", name="a", path="/x", sizeMb=value)
    assert problems == [f"sizeMb: must be a whole number, got {value!r}"]


def test_members_of_a_rule_that_do_not_go_together() -> None:
    rules = [
        {"protocol": "ICMP", "direction": "INBOUND", "ports": "22", "ip": "10.0.0.1"},
        {"protocol": "TCP", "direction": "IN", "ports": "22-24"},
        {"protocol": UNKNOWN, "direction": "INBOUND", "ports": "22"},
    ]
    _, problems = check("SecurityGroup", name="a", rules=rules)
    assert problems == [
        "rules[1].direction: must be one of INBOUND, OUTBOUND, got 'IN'",
        "rules[1].ports: must be ports and ranges of ports such as 22,80:90, got '22-24'",
        "rules[0].ports: goes with protocol TCP or UDP only, got ICMP",
        "rules[0].size: is missing: ip and size name a block together",
    ]


def test_attributes_of_a_machine_that_are_not_the_user_s() -> None:
    checked, problems = check("VirtualMachine", name="a", templateId=1, attributes={"memory": "1", "nic": "x", "L": ""})
    assert problems == [
        "attributes.memory: has a property of its own; use that",
        "attributes.nic: belongs into the template; set it there",
    ]
    assert (checked["powerState"], checked["hardShutdown"], checked["readyDeadline"]) == ("on", False, 600)


def test_an_unknown_type_is_named() -> None:
    with pytest.raises(Exception, match="unknown resource type 'opennebula:index:Nothing'"):
        check("Nothing")
