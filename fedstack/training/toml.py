"""The little of TOML that is written here; the standard library only reads it."""

import json
from collections.abc import Mapping

Value = bool | int | float | str
"""What a run config value may be (a subset of TOML's types)."""


def document(values: Mapping[str, Value]) -> str:
    """Return a TOML document with one line a key; keys are quoted, so that dots in them do not nest."""
    return "".join(f"{text(key)} = {literal(value)}\n" for key, value in values.items())


def literal(value: Value) -> str:
    """Write one value."""
    if isinstance(value, str):
        return text(value)
    return repr(value) if isinstance(value, float) else json.dumps(value)


def text(value: str) -> str:
    """Write a text: JSON's are TOML's, except that JSON leaves DEL as it is and escapes what is beyond 16 bits."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
