"""Instantiation: inputs that must be complete, networks, and the merge of bodies."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedstack.oneflow.merge import MergeError, deep_merge, merge


def template(**fields: Any) -> dict[str, Any]:
    return {"name": "shop", "roles": [{"name": "db", "cardinality": 1}, {"name": "web", "cardinality": 2}], **fields}


def test_without_a_merge_template_the_body_is_the_service() -> None:
    assert merge(template(), None) == template()


def test_roles_merge_by_name_and_cannot_be_added() -> None:
    merged = merge(template(), {"roles": [{"name": "web", "cardinality": 5}, {"name": "new"}, {"cardinality": 9}]})
    assert merged["roles"] == [{"name": "db", "cardinality": 1}, {"name": "web", "cardinality": 5}]


def test_arrays_concatenate_and_objects_are_unique() -> None:
    body = template(x={"names": ["a"], "objects": [{"k": 1}]})
    merged = merge(body, {"name": "mine", "x": {"names": ["a"], "objects": [{"k": 1}, {"k": 2}], "n": 1}})
    assert merged["name"] == "mine"
    assert merged["x"] == {"names": ["a", "a"], "objects": [{"k": 1}, {"k": 2}], "n": 1}


def test_every_service_input_needs_a_value() -> None:
    body = template(user_inputs={"A": "O|text|a||default", "B": "O|text|b"}, user_inputs_values={"A": "stored"})
    with pytest.raises(MergeError, match="A") as error:
        merge(body, {"user_inputs_values": {"B": "1"}})
    assert error.value.status == 400
    merged = merge(body, {"custom_attrs_values": {"A": "", "B": "1"}})
    assert merged["user_inputs_values"] == {"A": "", "B": "1"}


def test_role_inputs_need_a_list_of_roles_and_complete_entries() -> None:
    body = template()
    body["roles"][1]["user_inputs"] = {}
    with pytest.raises(MergeError, match="web"):
        merge(body, {})
    body["roles"][1]["user_inputs"] = {"A": "O|text|a"}
    with pytest.raises(MergeError, match="A"):
        merge(body, {"roles": [{"name": "web"}]})
    assert merge(body, {"roles": [{"name": "db"}]})["roles"][1]["cardinality"] == 2
    merged = merge(body, {"roles": [{"name": "web", "custom_attrs_values": {"A": "1"}}]})
    assert merged["roles"][1]["user_inputs_values"] == {"A": "1"}


@pytest.mark.parametrize(
    ("field", "value"),
    [("id:0", {"id": "0"}), ("template_id:1", {"template_id": "1"}), ("reserve_from:7", {"reserve_from": "7"})],
)
def test_network_defaults_come_from_the_fifth_field(field: str, value: dict[str, str]) -> None:
    merged = merge(template(networks={"pub": f"M|network|front||{field}"}), {})
    assert merged["networks_values"] == [{"pub": value}]


@pytest.mark.parametrize("text", ["M|network|front", "M|network|front||", "M|network|front||name:0", ""])
def test_networks_without_a_default_need_a_value(text: str) -> None:
    with pytest.raises(MergeError, match="pub"):
        merge(template(networks={"pub": text}), {})
    given_value = {"networks_values": [{"pub": {"id": 3}}]}
    assert merge(template(networks={"pub": text}), given_value)["networks_values"] == [{"pub": {"id": 3}}]


def test_every_network_needs_an_object_when_values_are_given() -> None:
    with pytest.raises(MergeError, match="pub"):
        merge(template(networks={"pub": "M|network|x||id:0"}), {"networks_values": []})


def test_network_values_of_the_same_name_are_replaced() -> None:
    body = template(networks_values=[{"pub": {"id": 1}}, {"old": {"id": 2}}])
    merged = merge(body, {"networks_values": [{"pub": {"id": 5}}, {"new": {"id": 6}}]})
    assert merged["networks_values"] == [{"old": {"id": 2}}, {"pub": {"id": 5}}, {"new": {"id": 6}}]


TREES = st.recursive(
    st.integers() | st.text(max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3) | st.lists(inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from("abc"), TREES), st.dictionaries(st.sampled_from("abc"), TREES))
def test_a_merge_keeps_all_keys_and_changes_no_argument(base: dict[str, Any], extra: dict[str, Any]) -> None:
    before = repr((base, extra))
    merged = deep_merge(base, extra)
    assert set(merged) == set(base) | set(extra)
    assert repr((base, extra)) == before
    assert deep_merge(base, {}) == base
