"""Property names and body names."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedstack.oneflow.names import camel_path, from_camel, to_camel

BODY = {
    "name": "shop",
    "ready_status_gate": True,
    "user_inputs": {"my_input": "O|text|x"},
    "roles": [
        {
            "name": "web",
            "template_id": 1,
            "min_vms": 1,
            "template_contents": {"CONTEXT": {"min_vms": "mine"}},
            "elasticity_policies": [{"min_adjust_step": 2, "last_eval": 3}],
            "scheduled_policies": [{"start_time": "1"}],
        }
    ],
    "fedstack_mark": "m",
}
PROPERTIES = {
    "name": "shop",
    "readyStatusGate": True,
    "userInputs": {"my_input": "O|text|x"},
    "roles": [
        {
            "name": "web",
            "templateId": 1,
            "minVms": 1,
            "templateContents": {"CONTEXT": {"min_vms": "mine"}},
            "elasticityPolicies": [{"minAdjustStep": 2, "last_eval": 3}],
            "scheduledPolicies": [{"startTime": "1"}],
        }
    ],
    "attributes": {"fedstack_mark": "m"},
}


def test_both_ways() -> None:
    assert to_camel(BODY) == PROPERTIES
    assert from_camel(PROPERTIES) == BODY


def test_absent_values_are_left_out() -> None:
    assert from_camel({"name": "x", "roles": None, "userInputs": None}) == {"name": "x"}
    assert to_camel({"name": "x", "networks": None}) == {"name": "x"}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("roles[0].min_vms", "roles[0].minVms"),
        ("roles[1].elasticity_policies[2].period_number", "roles[1].elasticityPolicies[2].periodNumber"),
        ("roles[0].template_contents.CONTEXT.min_vms", "roles[0].templateContents.CONTEXT.min_vms"),
        ("ready_status_gate", "readyStatusGate"),
        ("", ""),
    ],
)
def test_paths(path: str, expected: str) -> None:
    assert camel_path(path) == expected


@given(
    st.dictionaries(
        st.sampled_from(["name", "roles", "deployment", "user_inputs", "x_y"]),
        st.integers() | st.text() | st.lists(st.integers()),
    )
)
def test_nothing_is_lost(body: dict[str, Any]) -> None:
    assert from_camel(to_camel(body)) == body
