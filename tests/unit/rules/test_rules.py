"""The catalogue: each rule on good and bad templates, with unknown parts, and on any JSON."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedstack.oneflow.names import to_camel
from fedstack.rules import RULES, UNKNOWN, check, check_properties

CONTEXT = {"CONTEXT": {"TOKEN": "YES"}}
GOOD: dict[str, Any] = {
    "name": "federation",
    "deployment": "straight",
    "ready_status_gate": True,
    "roles": [
        {
            "name": "superlink",
            "type": "vm",
            "template_id": 1,
            "cardinality": 1,
            "min_vms": 1,
            "max_vms": 1,
            "template_contents": CONTEXT,
        },
        {
            "name": "supernode",
            "type": "vm",
            "template_id": 2,
            "cardinality": 2,
            "min_vms": 2,
            "max_vms": 10,
            "parents": ["superlink"],
            "elasticity_policies": [{"type": "CHANGE", "adjust": 1, "expression": "CPU > 80"}],
            "template_contents": CONTEXT,
        },
    ],
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """GOOD with one value replaced; `None` removes it. `path`: "deployment" or "0.max_vms"."""
    body = deepcopy(GOOD)
    *index, key = path.split(".")
    holder = body["roles"][int(index[0])] if index else body
    holder[key] = value
    if value is None:
        del holder[key]
    return body


def broken(body: Any) -> list[tuple[str, str]]:
    return [(violation.rule.id, violation.path) for violation in check(body)]


def test_good() -> None:
    assert check(GOOD) == []


@pytest.mark.parametrize(
    ("path", "value", "rule", "place"),
    [
        ("0.cardinality", 2, "superlink-singleton", "roles[0].cardinality"),
        ("0.cardinality", None, "superlink-singleton", "roles[0].cardinality"),
        ("0.min_vms", 0, "superlink-singleton", "roles[0].min_vms"),
        ("0.max_vms", 2, "superlink-singleton", "roles[0].max_vms"),
        ("0.max_vms", None, "superlink-singleton", "roles[0].max_vms"),
        ("0.max_vms", "2", "superlink-singleton", "roles[0].max_vms"),
        ("0.elasticity_policies", [{}], "superlink-without-policies", "roles[0].elasticity_policies"),
        ("0.scheduled_policies", [UNKNOWN], "superlink-without-policies", "roles[0].scheduled_policies"),
        ("0.template_contents", None, "token-in-context", "roles[0].template_contents.CONTEXT.TOKEN"),
        ("1.template_contents", {}, "token-in-context", "roles[1].template_contents.CONTEXT.TOKEN"),
        (
            "1.template_contents",
            {"CONTEXT": {"TOKEN": "NO"}},
            "token-in-context",
            "roles[1].template_contents.CONTEXT.TOKEN",
        ),
        ("deployment", "none", "straight-deployment", "deployment"),
        ("deployment", None, "straight-deployment", "deployment"),
        ("1.parents", None, "superlink-is-parent", "roles[1].parents"),
        ("1.parents", [], "superlink-is-parent", "roles[1].parents"),
        ("ready_status_gate", False, "ready-gate", "ready_status_gate"),
        ("ready_status_gate", None, "ready-gate", "ready_status_gate"),
        ("ready_status_gate", "true", "ready-gate", "ready_status_gate"),
    ],
)
def test_bad(path: str, value: Any, rule: str, place: str) -> None:
    assert broken(changed(path, value)) == [(rule, place)]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("0.max_vms", "1"),
        ("0.cardinality", 1.0),
        ("0.elasticity_policies", []),
        ("0.template_contents", {"context": {"token": "yes"}}),
        ("0.template_contents", {"CONTEXT": [{"TOKEN": "YES"}]}),
        ("0.template_contents", UNKNOWN),
        ("0.template_contents", {"CONTEXT": {"TOKEN": UNKNOWN}}),
        ("0.cardinality", UNKNOWN),
        ("0.elasticity_policies", UNKNOWN),
        ("0.name", UNKNOWN),
        ("1.parents", UNKNOWN),
        ("1.parents", [UNKNOWN]),
        ("deployment", UNKNOWN),
        ("ready_status_gate", UNKNOWN),
        ("roles", UNKNOWN),
    ],
)
def test_still_good(path: str, value: Any) -> None:
    assert broken(changed(path, value)) == []


def test_unknown_values_hide_no_violation_on_known_fields() -> None:
    body = changed("0.max_vms", 3)
    body["roles"][0]["template_id"] = UNKNOWN
    body["roles"][1] = UNKNOWN
    body["name"] = UNKNOWN
    assert broken(body) == [("superlink-singleton", "roles[0].max_vms")]


def test_without_a_superlink_the_role_that_others_wait_for_is_the_coordinator() -> None:
    body = changed("0.max_vms", 3)
    body["roles"][0]["name"] = "gateway"
    body["roles"][1]["parents"] = ["gateway"]
    assert broken(body) == [("superlink-singleton", "roles[0].max_vms")]
    body["roles"][1]["parents"] = []
    assert broken(body) == []


def test_old_names_are_judged_too() -> None:
    body = {
        "name": "old",
        "deployment": "straight",
        "ready_status_gate": True,
        "roles": [{"name": "web", "vm_template": 1, "vm_template_contents": 'CONTEXT=[TOKEN="YES"]'}],
    }
    assert broken(body) == []
    body["roles"][0]["vm_template_contents"] = "A=1"  # type: ignore[index]
    assert broken(body) == [("token-in-context", "roles[0].template_contents.CONTEXT.TOKEN")]


def test_properties_are_judged_with_property_paths() -> None:
    found = check_properties(to_camel(changed("0.max_vms", 2)))
    assert [violation.path for violation in found] == ["roles[0].maxVms"]
    assert check_properties(to_camel(GOOD)) == []


def test_every_message_says_place_reason_and_fix() -> None:
    for violation in check({"roles": [{"name": "superlink", "elasticity_policies": [1]}, {"name": "b"}]}):
        text = str(violation)
        assert text.startswith(violation.path)
        assert violation.rule.why in text and f"Fix: {violation.rule.fix}" in text


def test_catalogue_is_complete_and_ids_are_unique() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    covered = {pattern for rule in RULES for pattern in rule.antipatterns}
    assert covered >= {"ORCH-AP1", "ORCH-AP2", "ORCH-AP4", "ORCH-AP7", "ORCH-AP8", "SCALE-AP3"}


KEYS = st.sampled_from([*GOOD, *GOOD["roles"][1], "CONTEXT", "TOKEN", "vm_template", "vm_template_contents"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["superlink", "straight", "YES", "[", UNKNOWN]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)


@given(VALUES)
def test_no_rule_raises_on_any_json(body: Any) -> None:
    for violation in check(body):
        assert str(violation)
    if isinstance(body, dict):
        check_properties(body)
        check({"roles": [body]})
