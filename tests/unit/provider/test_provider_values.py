"""Property values: everything that goes out comes back."""

from typing import Any

from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from fedstack.oneflow.unknown import UNKNOWN
from opennebula_provider.values import SECRET, SIGNATURE, UNKNOWN_MARKS, from_struct, to_struct

SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: not number.is_integer()),
    st.text(max_size=5),
    st.just(UNKNOWN),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3)
)


@given(st.dictionaries(st.text("xyz", max_size=3), VALUES, max_size=4))
def test_values_survive_the_wire(properties: dict[str, Any]) -> None:
    assert from_struct(to_struct(properties)) == properties


def test_every_kind_of_unknown_is_unknown() -> None:
    struct = struct_pb2.Struct()
    struct.update({mark: mark for mark in UNKNOWN_MARKS})
    assert set(from_struct(struct).values()) == {UNKNOWN}


def test_secrets_are_unwrapped_and_nulls_dropped() -> None:
    struct = struct_pb2.Struct()
    struct.update({"password": {SIGNATURE: SECRET, "value": "x"}, "none": None})
    assert from_struct(struct) == {"password": "x"}
