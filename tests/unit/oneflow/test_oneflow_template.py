"""The outcomes of the platform's own validation, as recorded on a running OneFlow."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedstack.oneflow.template import TemplateError, normalise, problems
from fedstack.oneflow.unknown import UNKNOWN

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def role(**fields: Any) -> dict[str, Any]:
    return {"name": "web", "type": "vm", "template_id": 0, **fields}


def body(*roles: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"name": "shop", "roles": list(roles), **fields}


def policy(**fields: Any) -> dict[str, Any]:
    return {"type": "CHANGE", "adjust": 1, "expression": "CPU > 80", **fields}


def test_defaults_are_added_and_nothing_else() -> None:
    stored = normalise(body(role()))
    assert stored == {
        "name": "shop",
        "roles": [{"name": "web", "type": "vm", "template_id": 0, "cardinality": 0}],
        "deployment": "none",
        "description": "",
    }
    assert list(stored) == ["name", "roles", "deployment", "description"]


@pytest.mark.parametrize(("given_value", "stored"), [("3", 3), (1.7, 1), (3, 3), (None, 0), (False, 0)])
def test_integers_are_coerced(given_value: Any, stored: int) -> None:
    assert normalise(body(role(cardinality=given_value)))["roles"][0]["cardinality"] == stored


def test_unknown_keys_stay_everywhere_and_order_is_kept() -> None:
    given_body = body(
        role(x_note="a", elasticity_policies=[policy(last_eval=1)], min_vms=0, max_vms=2), fedstack_mark="m"
    )
    stored = normalise(given_body)
    assert stored["fedstack_mark"] == "m"
    assert stored["roles"][0]["x_note"] == "a"
    assert stored["roles"][0]["elasticity_policies"][0]["last_eval"] == 1
    assert list(stored)[:3] == ["name", "roles", "fedstack_mark"]


def test_false_is_stored_although_it_counts_as_absent() -> None:
    assert normalise(body(ready_status_gate=False))["ready_status_gate"] is False


@pytest.mark.parametrize(
    "accepted",
    [
        body(),
        body(role(parents=["nobody"])),
        body(role(parents=["web"])),
        body(role(elasticity_policies=[])),
        body(role(type="vr", min_vms="x", elasticity_policies="y")),
        body(role(type="vr", cardinality=2, template_contents={"NIC": [{"FLOATING_IP": "YES"}]})),
        body(
            role(min_vms=0, max_vms=3, scheduled_policies=[{"type": "CHANGE", "adjust": 1, "start_time": "1700000000"}])
        ),
        body(
            role(
                min_vms=0,
                max_vms=3,
                scheduled_policies=[{"type": "CHANGE", "adjust": 1, "recurrence": "0 9 * * mon-fri"}],
            )
        ),
        body(deployment="straight", ready_status_gate=True, shutdown_action="shutdown-hard"),
    ],
)
def test_accepted(accepted: dict[str, Any]) -> None:
    normalise(accepted)


@pytest.mark.parametrize(
    ("refused", "path"),
    [
        ({"roles": []}, "name"),
        ({"name": "shop"}, "roles"),
        ({"name": "shop", "roles": None}, "roles"),
        (body({"name": "web", "template_id": 0}), "roles[0].type"),
        (body(role(type="x")), "roles[0].type"),
        (body({"name": "web", "type": "vm"}), "roles[0].template_id"),
        (body(role(template_id=None)), "roles[0].template_id"),
        (body(role(template_id=True)), "roles[0].template_id"),
        (body(role(name="my-web")), "roles[0].name"),
        (body(role(name="my web")), "roles[0].name"),
        (body(role(), role()), "roles[1].name"),
        (body(role(cardinality=-1)), "roles[0].cardinality"),
        (body(role(cardinality="x")), "roles[0].cardinality"),
        (body(role(cardinality=1, min_vms=2)), "roles[0].cardinality"),
        (body(role(cardinality=3, max_vms=2)), "roles[0].cardinality"),
        (body(role(elasticity_policies=[policy()], min_vms=0)), "roles[0].max_vms"),
        (
            body(role(scheduled_policies=[{"type": "CHANGE", "adjust": 1, "start_time": "1"}], max_vms=1)),
            "roles[0].min_vms",
        ),
        (body(role(parents="web")), "roles[0].parents"),
        (body(ready_status_gate="yes"), "ready_status_gate"),
        (body(deployment="x"), "deployment"),
        (body(role(shutdown_action="kill")), "roles[0].shutdown_action"),
        (body(role(type="vr", cardinality=2, template_contents={"NIC": [{}]})), "roles[0].template_contents.NIC"),
    ],
)
def test_refused_at(refused: dict[str, Any], path: str) -> None:
    with pytest.raises(TemplateError) as error:
        normalise(refused)
    assert [problem.path for problem in error.value.problems] == [path]
    assert path in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("fields", "word"),
    [({"expression": None}, "mandatory"), ({"expression": " "}, "empty"), ({"expression": "A >"}, "not an elasticity")],
)
def test_three_texts_for_expressions_each_names_the_policy(fields: dict[str, Any], word: str) -> None:
    found = problems(body(role(min_vms=0, max_vms=1, elasticity_policies=[policy(), policy(**fields)])))
    assert [problem.path for problem in found] == ["roles[0].elasticity_policies[1].expression"]
    assert word in found[0].message


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"start_time": "1", "recurrence": "* * * * *"},
        {"start_time": "soon"},
        {"recurrence": "0 25 * * *"},
        {"recurrence": "x"},
    ],
)
def test_schedules_need_exactly_one_good_time(fields: dict[str, str]) -> None:
    policies = [{"type": "CHANGE", "adjust": 1, **fields}]
    found = problems(body(role(min_vms=0, max_vms=1, scheduled_policies=policies)))
    assert len(found) == 1
    assert found[0].path.startswith("roles[0].scheduled_policies[0]")


def test_all_problems_at_once() -> None:
    found = problems(body(role(name="a-b", cardinality=-1), role(parents="x"), deployment="x"))
    assert {problem.path for problem in found} == {
        "roles[0].name",
        "roles[0].cardinality",
        "roles[1].parents",
        "deployment",
    }


def test_unknown_values_hide_nothing_else() -> None:
    unknown = role(template_id=UNKNOWN, cardinality=UNKNOWN, min_vms=5)
    assert problems(body(unknown)) == []
    assert [problem.path for problem in problems(body(role(template_id=UNKNOWN, name="a-b")))] == ["roles[0].name"]
    assert problems({"name": UNKNOWN, "roles": UNKNOWN}) == []
    assert [problem.path for problem in problems(body(UNKNOWN, role(name="x-")))] == ["roles[1].name"]  # type: ignore[arg-type]


def test_old_names_are_converted_only_when_every_role_has_them() -> None:
    old = {
        "name": "shop",
        "custom_attrs": {"A": "O|text|a"},
        "roles": [
            {"name": "web", "vm_template": "4", "cardinality": 1, "vm_template_contents": 'NIC=[IP="1"]\nA=1\nA=2'}
        ],
    }
    stored = normalise(old)
    assert stored["user_inputs"] == {"A": "O|text|a"}
    assert stored["roles"][0]["type"] == "vm"
    assert stored["roles"][0]["template_id"] == 4
    assert stored["roles"][0]["template_contents"] == {"NIC": [{"IP": "1"}], "A": ["1", "2"]}
    mixed = {"name": "shop", "roles": [old["roles"][0], role(name="db")]}  # type: ignore[index]
    assert "roles[0].type" in {problem.path for problem in problems(mixed)}


@given(JSON)
def test_never_raises_anything_but_problems(value: Any) -> None:
    problems(value)
    problems({"name": "x", "roles": [value]})
    problems({"name": "x", "roles": [role(elasticity_policies=value, scheduled_policies=value, min_vms=value)]})


@given(
    st.lists(
        st.builds(role, name=st.from_regex(r"\A[a-z]{1,5}\Z"), cardinality=st.integers(0, 9) | st.just("2")), max_size=4
    )
)
def test_normalising_twice_changes_nothing(roles: list[dict[str, Any]]) -> None:
    template = body(*roles)
    if problems(template):
        return
    once = normalise(template)
    assert normalise(once) == once
    assert json.loads(json.dumps(once)) == once
