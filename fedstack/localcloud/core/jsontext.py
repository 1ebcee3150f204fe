"""JSON that strangers wrote: read within bounds that keep every later step cheap and every value storable."""

from __future__ import annotations

import json
from collections.abc import Iterator
from json.encoder import encode_basestring
from typing import Any

MAX_DEPTH = 100
"""Levels of arrays and objects, the limit of the platform's parser."""

MAX_MEMBERS = 10_000
"""Members of one array or object."""

_LIMIT = 1 << 63


def read(text: str | bytes) -> Any:
    """The value; raises ValueError naming what is wrong.

    Refused besides what is no JSON: text that no UTF-8 holds, NaN and infinities, whole numbers of more than 64 bits,
    values that are nested or branch too far.
    """
    try:
        value = json.loads(text, parse_constant=_no_number)
    except RecursionError:
        raise _too_deep() from None
    for level in _levels(value):
        for one in level:
            _check(one)
    return value


def pretty(value: Any, margin: str = "\n") -> str:
    """JSON with two spaces a level, as the platform prints it; `margin` begins the lines of the level outside."""
    inner = margin + "  "
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, dict) and value:
        members = [f"{inner}{encode_basestring(str(key))}: {pretty(one, inner)}" for key, one in value.items()]
        return f"{{{','.join(members)}{margin}}}"
    if isinstance(value, list | tuple) and value:
        return f"[{','.join([inner + pretty(one, inner) for one in value])}{margin}]"
    return json.dumps(value)


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON number")


def _too_deep() -> ValueError:
    return ValueError(f"nesting is deeper than {MAX_DEPTH} levels")


def _levels(value: Any) -> Iterator[list[Any]]:
    """All values by their depth, the outermost first; raises ValueError when arrays and objects nest too deep."""
    level, depth = [value], 0
    while level:
        yield level
        depth += any(isinstance(one, list | dict) for one in level)
        if depth > MAX_DEPTH:
            raise _too_deep()
        level = [member for one in level for member in _members(one)]


def _members(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    return value if isinstance(value, list) else []


def _check(value: Any) -> None:
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, int):
        if not -_LIMIT <= value < _LIMIT:
            raise ValueError("a whole number has more than 64 bits")
    elif isinstance(value, float):
        if value in (float("inf"), float("-inf")):
            raise ValueError("a number is too large")
    elif isinstance(value, list | dict) and len(value) > MAX_MEMBERS:
        raise ValueError(f"an array or object has more than {MAX_MEMBERS} members")


def _check_text(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("a text has half of a surrogate pair") from None
