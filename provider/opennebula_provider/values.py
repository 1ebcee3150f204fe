"""Property values: the engine's wire form to plain Python and back.

The SDK's `PropertyValue` neither knows the engine's marks for unknown values nor takes integers, so the provider
converts by itself. Secrets arrive unwrapped: the provider declines them and the engine marks them again in the results.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf import struct_pb2

from fedstack.oneflow.unknown import UNKNOWN

Properties = dict[str, Any]

UNKNOWN_STRING = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
UNKNOWN_MARKS = frozenset(
    {
        UNKNOWN_STRING,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the wire's own mark, no password
OUTPUT_VALUE = "d0e6a833031e9bbcd3f4e8bde6ca49a4"


def from_struct(struct: struct_pb2.Struct) -> Properties:
    """The properties as plain Python: null members are dropped, whole numbers are `int`, unknown ones `UNKNOWN`."""
    plain = {key: _from_value(value) for key, value in struct.fields.items()}
    return {key: value for key, value in plain.items() if value is not None}


def _from_value(value: struct_pb2.Value) -> Any:
    match value.WhichOneof("kind"):
        case "bool_value":
            return value.bool_value
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "string_value":
            return UNKNOWN if value.string_value in UNKNOWN_MARKS else value.string_value
        case "list_value":
            return [_from_value(item) for item in value.list_value.values]
        case "struct_value":
            return _from_nested(value.struct_value)
        case _:
            return None


def _from_nested(struct: struct_pb2.Struct) -> Any:
    signature = struct.fields[SIGNATURE].string_value if SIGNATURE in struct.fields else ""
    if signature in {SECRET, OUTPUT_VALUE}:
        return _from_value(struct.fields["value"]) if "value" in struct.fields else UNKNOWN
    return from_struct(struct)


def to_struct(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    """The wire form; members that are None are left out."""
    fields = {key: _to_value(value) for key, value in properties.items() if value is not None}
    return struct_pb2.Struct(fields=fields)


def _to_value(value: Any) -> struct_pb2.Value:
    if value is UNKNOWN:
        return struct_pb2.Value(string_value=UNKNOWN_STRING)
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, int | float):
        return struct_pb2.Value(number_value=float(value))
    if isinstance(value, str):
        return struct_pb2.Value(string_value=value)
    if isinstance(value, Mapping):
        return struct_pb2.Value(struct_value=to_struct(value))
    if value is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    return struct_pb2.Value(list_value=struct_pb2.ListValue(values=[_to_value(item) for item in value]))
