"""Properties and template attributes: written, read back, compared by meaning."""

from typing import Any

import pytest

from opennebula_provider.attributes import encode, present, seen, seen_all, seen_declared
from opennebula_provider.shape import LABELS, Field, ListOf, MapOf, Shape

DISK = Shape(
    "D",
    "",
    {
        "imageId": Field("integer", "", attr="IMAGE_ID"),
        "cache": Field("string", "", attr="CACHE", choices=("none", "writeback")),
        "attributes": Field(MapOf("string"), ""),
    },
)
FIELDS = {
    "cpu": Field("number", "", attr="CPU"),
    "flag": Field("boolean", "", attr="FLAG"),
    "text": Field("string", "", attr="TEXT"),
    "disks": Field(ListOf(DISK), "", attr="DISK"),
    "any": Field(ListOf(DISK), "", attr="ANY", key=()),
    "groups": Field(ListOf("integer"), "", attr="GROUPS", key=()),
    "context": Field(MapOf("string"), "", attr="CONTEXT"),
    "labels": LABELS,
    "beside": Field("string", ""),
    "attributes": Field(MapOf("any"), ""),
}


def test_what_is_declared_is_written() -> None:
    inputs = {
        **{"cpu": 0.5, "flag": False, "text": "", "beside": "x", "groups": [3, 1], "context": {"a": "1"}},
        "disks": [{"imageId": 4, "attributes": {"io": "native"}}, {"imageId": 5}],
        "attributes": {"x": 1, "list": [{"a": True}, {"b": "2"}], "vector": {"k": "v"}},
    }
    assert encode(FIELDS, inputs) == {
        **{"CPU": "0.5", "FLAG": "NO", "TEXT": "", "GROUPS": "3,1", "CONTEXT": {"A": "1"}},
        "DISK": [{"IMAGE_ID": "4", "IO": "native"}, {"IMAGE_ID": "5"}],
        **{"X": "1", "LIST": [{"A": "YES"}, {"B": "2"}], "VECTOR": {"K": "v"}},
    }
    assert present(encode(FIELDS, {"labels": [], "disks": [], "context": {}, "text": ""})) == {"TEXT": ""}


@pytest.mark.parametrize(
    ("name", "declared", "stored"),
    [
        ("cpu", 0.5, "0.50"),
        ("cpu", 2, "2.0"),
        ("flag", True, "yes"),
        ("flag", False, "0"),
        ("text", "", ""),
        ("groups", [3, 1], "1, 3"),
        ("labels", ["b", "a"], "a,b"),
        ("labels", [], ""),
        ("context", {"a": "1"}, {"A": "1"}),
        ("disks", [{"imageId": 4, "cache": "none"}], {"CACHE": "NONE", "IMAGE_ID": "4"}),
        ("any", [{"imageId": 1}, {"imageId": 2}], [{"IMAGE_ID": "2"}, {"IMAGE_ID": "1"}]),
    ],
)
def test_what_means_the_same_keeps_its_spelling(name: str, declared: Any, stored: Any) -> None:
    found = seen(FIELDS, {name: declared}, {FIELDS[name].attr or "": stored})
    assert found[name] == declared


@pytest.mark.parametrize(
    ("name", "declared", "stored", "found"),
    [
        ("cpu", 0.5, "1", 1),
        ("cpu", 0.5, "$CPU", "$CPU"),
        ("text", "a", "", None),
        ("groups", [3], "0,3", [0, 3]),
        ("labels", ["a"], "a,b", ["a", "b"]),
        ("disks", [{"imageId": 4}], [{"IMAGE_ID": "4"}, {"IMAGE_ID": "5"}], [{"imageId": 4}, {"imageId": 5}]),
        ("disks", [{"imageId": 1}, {"imageId": 2}], [{"IMAGE_ID": "2"}, {"IMAGE_ID": "1"}], None),
        ("context", {"a": "1"}, {"A": "1", "B": "2"}, {"A": "1", "B": "2"}),
    ],
)
def test_what_does_not_is_shown_as_it_is(name: str, declared: Any, stored: Any, found: Any) -> None:
    expected = [{"imageId": 2}, {"imageId": 1}] if name == "disks" and found is None else found
    assert seen(FIELDS, {name: declared}, {FIELDS[name].attr or "": stored})[name] == expected


def test_what_the_platform_keeps_is_only_looked_at_where_it_is_declared_or_on_import() -> None:
    stored = {"LABELS": "a", "TEXT": "t"}
    found = seen(FIELDS, {"cpu": 1}, stored)
    assert (found["text"], found["cpu"], "labels" in found) == ("t", None, False)
    assert seen(FIELDS, {}, stored)["labels"] == ["a"]


def test_free_attributes_are_looked_at_as_declared_or_all() -> None:
    stored = {"TIER": "b", "OTHER": "1", "CPU": "1", "V": {"A": "1"}, "PULUMI_MARK": "m urn"}
    assert seen_declared({"tier": "a", "gone": "x"}, stored, ["CPU"]) == {"tier": "b"}
    assert seen_declared(None, stored, ["CPU"]) == {"TIER": "b", "OTHER": "1"}
    assert seen_all({"other": 1, "v": {"a": 1}}, stored, ["CPU"]) == {"TIER": "b", "other": 1, "v": {"a": 1}}
