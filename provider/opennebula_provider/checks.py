"""Inputs against their definition: types, bounds, unknown names, defaults. Every problem is found in one pass."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fedstack.oneflow.unknown import UNKNOWN

from .shape import Field, Fields, ListOf, MapOf, Shape, Type


@dataclass(frozen=True)
class Problem:
    """What is wrong at a property path; `str()` is the line that users see."""

    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}" if self.path else self.text


def join(path: str, key: str) -> str:
    """The path of a member: `roles[0].name`, or `context["a.b"]` where the key is no plain name."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key):
        return f'{path}["{key}"]'
    return f"{path}.{key}" if path else key


def check(fields: Fields, inputs: Mapping[str, Any], path: str = "") -> tuple[dict[str, Any], list[Problem]]:
    """The inputs with defaults filled in, and all problems; unknown values pass."""
    problems = [_unknown_name(name, fields, path) for name in inputs if name not in fields]
    checked: dict[str, Any] = {}
    for name, one in fields.items():
        place = join(path, name)
        value = inputs.get(name)
        if value is None:
            if one.required:
                problems.append(Problem(place, "is missing"))
            value = one.default
        else:
            value, found = _check_value(one, value, place)
            problems.extend(found)
        if value is not None:
            checked[name] = value
    return checked, problems


def _unknown_name(name: str, fields: Iterable[str], path: str) -> Problem:
    known = sorted(fields)
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(known)}"
    return Problem(join(path, name), f"is not a property; {hint}")


def _check_value(one: Field, value: Any, path: str) -> tuple[Any, list[Problem]]:
    value, problems = _check_type(one.type, value, path)
    if not problems and value is not UNKNOWN:
        problems = _bounds(one, value, path)
    return value, problems


def _check_type(kind: Type, value: Any, path: str) -> tuple[Any, list[Problem]]:
    if value is UNKNOWN:
        return value, []
    match kind:
        case ListOf(item):
            return _check_list(item, value, path)
        case MapOf(inner):
            return _check_map(inner, value, path)
        case Shape():
            if not isinstance(value, Mapping):
                return value, [_wrong(path, "an object", value)]
            return check(kind.fields, value, path)
        case "any":
            return value, []
        case _:
            return _check_scalar(kind, value, path)


def _check_list(item: Type, value: Any, path: str) -> tuple[Any, list[Problem]]:
    if not isinstance(value, list):
        return value, [_wrong(path, "a list", value)]
    pairs = [_check_type(item, element, f"{path}[{index}]") for index, element in enumerate(value)]
    return [element for element, _ in pairs], [problem for _, found in pairs for problem in found]


def _check_map(inner: Type, value: Any, path: str) -> tuple[Any, list[Problem]]:
    if not isinstance(value, Mapping):
        return value, [_wrong(path, "an object", value)]
    pairs = {key: _check_type(inner, member, join(path, key)) for key, member in value.items()}
    return {key: member for key, (member, _) in pairs.items()}, [one for _, found in pairs.values() for one in found]


_SCALARS: dict[str, tuple[type | tuple[type, ...], str]] = {
    "string": (str, "a text"),
    "integer": (int, "a whole number"),
    "number": ((int, float), "a number"),
    "boolean": (bool, "true or false"),
}


def _check_scalar(kind: str, value: Any, path: str) -> tuple[Any, list[Problem]]:
    accepted, words = _SCALARS[kind]
    is_flag = isinstance(value, bool)
    if isinstance(value, accepted) and is_flag == (kind == "boolean"):
        return value, []
    return value, [_wrong(path, words, value)]


def _wrong(path: str, expected: str, value: Any) -> Problem:
    return Problem(path, f"must be {expected}, got {value!r}")


def _bounds(one: Field, value: Any, path: str) -> list[Problem]:
    if one.choices and value not in one.choices:
        return [_wrong(path, f"one of {', '.join(one.choices)}", value)]
    if one.pattern and not re.fullmatch(one.pattern, value):
        return [_wrong(path, one.expected or f"of the form {one.pattern}", value)]
    if one.minimum is not None and value < one.minimum:
        return [_wrong(path, f"at least {one.minimum:g}", value)]
    if one.maximum is not None and value > one.maximum:
        return [_wrong(path, f"at most {one.maximum:g}", value)]
    return []


def known_items(value: Any) -> list[dict[str, Any]]:
    """The objects of a list that are known already."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
