"""Diff: in place or replace, property by property."""

from typing import Any

from fedstack.oneflow.unknown import UNKNOWN
from opennebula_provider.diffs import Change, Difference, Kind
from opennebula_provider.engine import Engine
from opennebula_provider.provider import OpenNebula, Request


def diff(kind: str, old: dict[str, Any], new: dict[str, Any], state: dict[str, Any] | None = None) -> Difference:
    request = Request(f"urn:pulumi:s::p::opennebula:index:{kind}::x", "1", new, old, {**old, **(state or {})})
    return OpenNebula(Engine(""), {}).diff(request)


IMAGE = {"name": "a", "path": "/x", "readyDeadline": 10}
SERVICE = {
    "name": "s",
    "serviceTemplateId": 1,
    "roles": [
        {"name": "a", "cardinality": 1},
        {"name": "b", "cardinality": 2, "userInputsValues": {"X": "1", "R": "1"}},
    ],
    "userInputsValues": {"BOOT": "1", "RUN": "1"},
    "triggers": {"boot": "abc"},
    "ignoredInputs": ["RUN", "R"],
    "readyDeadline": 60,
}


def service(**changes: Any) -> Difference:
    return diff("Service", SERVICE, {**SERVICE, **changes})


def test_nothing_changed() -> None:
    assert diff("Image", IMAGE, dict(IMAGE)).changes == {}
    assert service().changes == {}


def test_a_name_changes_in_place_and_a_path_replaces() -> None:
    found = diff("Image", IMAGE, {**IMAGE, "name": "b", "path": "/y"})
    assert found.changes == {"name": Change(Kind.UPDATE), "path": Change(Kind.UPDATE, replace=True)}
    assert found.replaces == ["path"]
    assert not found.delete_first


def test_objects_of_one_name_cannot_exist_side_by_side() -> None:
    assert diff("Image", IMAGE, {**IMAGE, "path": "/y"}).delete_first


def test_knobs_of_the_provider_are_no_difference() -> None:
    assert diff("Image", IMAGE, {**IMAGE, "readyDeadline": 99}).changes == {}
    roles = [{**role, "readyDeadline": 5} for role in SERVICE["roles"]]
    assert service(readyDeadline=99, roles=roles).changes == {}


def test_leaves_are_named() -> None:
    old = {"name": "t", "cpu": 1, "memoryMb": 64, "context": {"A": "1", "B": "2"}, "disks": [{"imageId": 1}]}
    new = {
        "name": "t",
        "cpu": 2,
        "memoryMb": 64,
        "context": {"A": "3", "C": "2"},
        "disks": [{"imageId": 1}, {"imageId": 2}],
    }
    assert diff("VirtualMachineTemplate", old, new).changes == {
        "cpu": Change(Kind.UPDATE),
        "disks[1]": Change(Kind.ADD),
        "context.A": Change(Kind.UPDATE),
        "context.B": Change(Kind.DELETE),
        "context.C": Change(Kind.ADD),
    }


def test_absent_and_empty_are_the_same_wish() -> None:
    old = {"name": "t", "cpu": 1, "memoryMb": 64}
    assert diff("VirtualMachineTemplate", old, {**old, "disks": [], "context": {}}).changes == {}


def test_an_unknown_value_is_a_change() -> None:
    old = {"name": "t", "cpu": 1, "memoryMb": 64, "disks": [{"imageId": 1}]}
    assert list(diff("VirtualMachineTemplate", old, {**old, "disks": [{"imageId": UNKNOWN}]}).changes) == [
        "disks[0].imageId"
    ]


def test_a_count_is_one_change_in_place_whatever_the_order_of_roles() -> None:
    roles = [{**SERVICE["roles"][1], "cardinality": 3}, SERVICE["roles"][0]]
    found = service(roles=roles)
    assert found.changes == {"roles[0].cardinality": Change(Kind.UPDATE)}
    assert found.replaces == []


def test_triggers_and_boot_inputs_replace_and_the_old_service_goes_first() -> None:
    found = service(triggers={"boot": "xyz"}, userInputsValues={"BOOT": "2", "RUN": "1"})
    assert found.replaces == ["triggers", "userInputsValues"]
    assert found.delete_first


def test_ignored_inputs_never_differ() -> None:
    roles = [SERVICE["roles"][0], {**SERVICE["roles"][1], "userInputsValues": {"X": "1"}}]
    assert service(userInputsValues={"BOOT": "1", "RUN": "7"}, roles=roles).changes == {}


def test_a_role_entry_comes_and_goes_in_place_unless_it_brings_inputs() -> None:
    assert service(roles=[*SERVICE["roles"], {"name": "c", "cardinality": 1}]).changes == {
        "roles[2].cardinality": Change(Kind.ADD)
    }
    added = [*SERVICE["roles"], {"name": "c", "userInputsValues": {"X": "1"}}]
    assert service(roles=added).replaces == ["roles"]


def test_health_is_part_of_the_diff() -> None:
    found = diff("Service", SERVICE, SERVICE, {"health": "WARNING: b_0 is POWEROFF"})
    assert found.changes == {"health": Change(Kind.UPDATE, from_state=True)}
    assert found.replaces == []


def test_the_marker_makes_the_next_diff_replace() -> None:
    found = diff("Service", SERVICE, SERVICE, {"health": "FAILED_SCALING", "mustReplace": "recovering did not help"})
    assert found.replaces == ["health"]


def test_marks_and_what_stays_where_it_is_not_declared_are_no_difference() -> None:
    old = {**IMAGE, "mark": "m1", "group": "lab", "permissions": "640", "labels": ["a"], "type": "OS"}
    assert diff("Image", old, {**IMAGE, "mark": "m2"}).changes == {}
    assert diff("Image", old, {**IMAGE, "labels": []}).names == ["labels"]


RANGES = [{"type": "IP4", "ip": "10.0.0.1", "size": 4}, {"type": "IP4", "ipam": "local", "size": 8}]


def network(*ranges: dict[str, Any]) -> dict[str, Change]:
    old, new = ({"name": "n", "addressRanges": list(side)} for side in (RANGES, ranges))
    return diff("VirtualNetwork", old, new).changes


def test_address_ranges_belong_together_by_what_is_declared_of_them() -> None:
    first, second = RANGES
    assert network(second, first) == {}
    assert network(second, {**first, "size": 5}) == {"addressRanges[1].size": Change(Kind.UPDATE)}
    assert network(second) == {"addressRanges[1]": Change(Kind.DELETE)}
    assert network({**first, "ip": "10.0.0.9"}, second) == {
        "addressRanges[0]": Change(Kind.ADD),
        "addressRanges[2]": Change(Kind.DELETE),
    }


def test_rules_are_a_set() -> None:
    rules = [{"protocol": "TCP", "direction": "INBOUND"}, {"protocol": "ALL", "direction": "OUTBOUND"}]
    old = {"name": "g", "rules": rules}
    assert diff("SecurityGroup", old, {"name": "g", "rules": rules[::-1]}).changes == {}
    assert diff("SecurityGroup", old, {"name": "g", "rules": rules[1:]}).changes == {"rules[1]": Change(Kind.DELETE)}
