"""The catalogue as a whole: what is judged, how it is told, that nothing raises, and that nothing is left out."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.rules.rule_templates import ABSENT, GOOD, GOOD_VM, changed

from fedstack.oneflow.names import to_camel
from fedstack.rules import BY_DESIGN, RULES, UNKNOWN, Place, RuleLevel, check, check_properties

ANTIPATTERNS = {
    "ORCH-AP": 8,
    "SCALE-AP": 7,
    "MS-AP": 6,
    "TRAIN-AP": 4,
    "GPU-AP": 11,
    "MON-AP": 6,
    "TLS-AP": 1,
    "RES-AP": 4,
}
"""The anti-patterns of the reference: groups, and how many each has."""

OLDEST = {
    "ready-gate",
    "straight-deployment",
    "superlink-is-parent",
    "superlink-singleton",
    "superlink-without-policies",
    "token-in-context",
}


def broken(body: Any) -> list[tuple[str, str]]:
    return [(violation.rule.id, violation.path) for violation in check(body)]


def test_unknown_values_hide_no_violation_on_known_fields() -> None:
    body = changed({"0/max_vms": 3, "0/template_id": UNKNOWN, "name": UNKNOWN})
    body["roles"][1] = UNKNOWN
    assert broken(body) == [("superlink-singleton", "roles[0].max_vms")]


def test_without_a_superlink_the_role_that_others_wait_for_is_the_coordinator() -> None:
    body = changed({"0/name": "gateway", "0/max_vms": 3, "1/name": "worker", "1/parents": ["gateway"]})
    assert broken(body) == [("superlink-singleton", "roles[0].max_vms")]
    body["roles"][1]["parents"] = []
    assert broken(body) == []


def test_old_names_are_judged_too() -> None:
    role: dict[str, Any] = {
        "name": "web",
        "vm_template": 1,
        "cardinality": 1,
        "vm_template_contents": 'CONTEXT=[TOKEN="YES", REPORT_READY="YES"]',
    }
    body = {"name": "old", "deployment": "straight", "ready_status_gate": True, "roles": [role]}
    old = [("current-names", f"roles[0].{key}") for key in ("vm_template", "vm_template_contents")]
    assert broken(body) == old
    role["vm_template_contents"] = 'CONTEXT=[REPORT_READY="YES"]'
    assert broken(body) == [("token-in-context", "roles[0].template_contents.CONTEXT.TOKEN"), *old]


def test_a_mixture_of_names_is_told_apart() -> None:
    found = check({"roles": [{"name": "a", "vm_template": 1}, {"name": "b", "template_id": 1}]})
    (message,) = [each.message for each in found if each.rule.id == "current-names"]
    assert "not converted" in message


def test_two_roles_of_one_name_are_both_named() -> None:
    found = broken(changed({"0/name": "supernode", "1/parents": ABSENT}))
    assert [path for rule, path in found if rule == "role-names"] == ["roles[0].name", "roles[1].name"]


def test_properties_are_judged_with_property_paths() -> None:
    found = check_properties(to_camel(changed({"0/max_vms": 2})))
    assert [violation.path for violation in found] == ["roles[0].maxVms"]
    assert check_properties(to_camel(GOOD)) == []


def test_vm_templates_are_judged_with_property_paths() -> None:
    properties: dict[str, Any] = {
        "name": "x",
        "cpu": 1,
        "memoryMb": 512,
        "disks": UNKNOWN,
        "nics": [{"networkId": UNKNOWN}, {"model": "virtio"}],
        "context": {"READY_TOKEN": "x"},
        "attributes": {"FL_READY": "YES", "PCI": {"VENDOR": "10de"}, "OS": {"FIRMWARE": "UEFI", "MACHINE": "q35"}},
    }
    found = check_properties(properties, place=Place.VM_TEMPLATE)
    assert {(violation.rule.id, violation.path) for violation in found} == {
        ("nic-has-network", "nics[1]"),
        ("ready-not-preset", "attributes.FL_READY"),
        ("no-plain-secrets", "context.READY_TOKEN"),
        ("gpu-pinning", "attributes.TOPOLOGY.PIN_POLICY"),
    }


def test_every_message_says_place_reason_and_fix() -> None:
    for violation in check({"roles": [{"name": "superlink", "elasticity_policies": [1]}, {"name": "b"}]}):
        text = str(violation)
        assert text.startswith(violation.path)
        assert violation.rule.why in text and f"Fix: {violation.rule.fix}" in text


def test_ids_are_unique_and_the_oldest_rules_are_still_mandatory() -> None:
    levels = {rule.id: rule.level for rule in RULES}
    assert len(levels) == len(RULES)
    assert all(levels[rule] is RuleLevel.MANDATORY for rule in OLDEST)


@pytest.mark.parametrize("group", ANTIPATTERNS)
def test_every_antipattern_of_the_reference_has_a_rule_or_a_design(group: str) -> None:
    expected = {f"{group}{number}" for number in range(1, ANTIPATTERNS[group] + 1)}
    ruled = {pattern for rule in RULES for pattern in rule.antipatterns}
    designed = {each.antipattern for each in BY_DESIGN}
    assert {pattern for pattern in ruled | designed if pattern.startswith(group)} == expected
    assert not ruled & designed


def test_every_rule_says_where_it_comes_from_and_ends_its_sentences() -> None:
    for rule in RULES:
        assert rule.antipatterns or rule.source, rule.id
        assert rule.why.endswith(".") and rule.fix.endswith(".") and not rule.title.endswith("."), rule.id


NAMES = [*GOOD, *GOOD["roles"][1], *GOOD_VM, "CONTEXT", "TOKEN", "READY", "START_SCRIPT_BASE64", "NETWORK_ID", "NIC"]
OLD = ["vm_template", "vm_template_contents", "custom_attrs", "networks_values", "user_inputs_values", "expression"]
VARIABLES = ["FL_STRATEGY", "FL_NUM_MALICIOUS", "FL_GRPC_KEEPALIVE_TIME", "FL_TLS_ENABLED", "FL_EDGE_BACKOFF"]
TEXTS = ["superlink", "supernode", "straight", "YES", "[", "Krum", "9", "CPU > 1", "M|text|x||3", "$net", UNKNOWN]
KEYS = st.sampled_from([*NAMES, *OLD, *VARIABLES, "name", "parents", "adjust", "type", "cooldown"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(TEXTS) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)
ROLE = st.dictionaries(KEYS, VALUES, max_size=8)


def exercise(body: Any) -> None:
    for place in Place:
        for violation in check(body, place=place):
            assert str(violation)
        if isinstance(body, dict):
            check_properties(body, place=place)


@settings(deadline=None, max_examples=60)
@given(VALUES)
def test_no_rule_raises_on_any_json(body: Any) -> None:
    exercise(body)


@settings(deadline=None, max_examples=60)
@given(ROLE, ROLE, ROLE)
def test_no_rule_raises_on_anything_that_looks_like_a_federation(body: Any, link: Any, node: Any) -> None:
    exercise({**body, "roles": [link | {"name": "superlink"}, node | {"name": "supernode"}]})
    exercise({**body, "roles": [node | {"name": "supernode"}]})


@settings(deadline=None, max_examples=60)
@given(st.sampled_from([*GOOD["roles"][1]]), VALUES)
def test_no_rule_raises_on_one_odd_field(key: str, value: Any) -> None:
    exercise(changed({f"1/{key}": value}))
    exercise(changed({f"0/{key}": value}))


@settings(deadline=None, max_examples=60)
@given(VALUES, VALUES, VALUES, st.dictionaries(st.sampled_from(["templates", "images", "networks"]), VALUES))
def test_no_rule_raises_on_anything_that_looks_like_a_stack(one: Any, two: Any, needs: Any, target: Any) -> None:
    bodies = [GOOD, GOOD_VM, one, {"roles": two}, {"roles": [{"name": "superlink", "cardinality": one}]}]
    resources = [
        {"type": kind, "name": "x", "body": body, "needs": needs}
        for kind in ("Service", "ServiceTemplate", "VirtualMachineTemplate")
        for body in bodies
    ]
    linked = {"type": "Service", "name": "y", "body": {"roles": two}, "needs": {"serviceTemplateId": ["x"]}}
    exercise({"resources": [*resources, linked, one], "target": target})
    exercise({"resources": one, "target": two})


def test_the_documentation_names_every_antipattern() -> None:
    text = (Path(__file__).resolve().parents[3] / "docs/policies.md").read_text()
    for group, size in ANTIPATTERNS.items():
        for number in range(1, size + 1):
            assert re.search(rf"\b{group}{number}\b", text), f"{group}{number}"
