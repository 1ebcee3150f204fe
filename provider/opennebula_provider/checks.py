"""Inputs against their definition: types, bounds, unknown names, defaults. Every problem is found in one pass."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
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
    """The inputs with defaults filled in, and all problems; unknown values pass.

    What is missing or wrong is UNKNOWN in the result, so that further checks can look at the rest.
    """
    problems = [_unknown_name(name, fields, path) for name in inputs if name not in fields]
    checked: dict[str, Any] = {}
    for name, one in fields.items():
        place = join(path, name)
        value = inputs.get(name)
        if value is None and one.required:
            problems.append(Problem(place, "is missing"))
            value = UNKNOWN
        elif value is None:
            value = one.default
        else:
            value, found = _check_value(one, value, place)
            problems.extend(found)
        if value is not None:
            checked[name] = value
    return checked, problems


def completed(fields: Fields, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs with defaults at every depth, unchecked: what a program would get for them."""
    defaults = {name: one.default for name, one in fields.items() if one.default is not None}
    given = {name: _completed(fields[name].type, value) for name, value in inputs.items() if name in fields}
    return {**defaults, **given}


def _completed(kind: Type, value: Any) -> Any:
    match kind:
        case ListOf(item) if isinstance(value, list):
            return [_completed(item, element) for element in value]
        case Shape(fields=fields) if isinstance(value, Mapping):
            return completed(fields, value)
        case _:
            return value


def _unknown_name(name: str, fields: Iterable[str], path: str) -> Problem:
    known = sorted(fields)
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(known)}"
    return Problem(join(path, name), f"is not a property; {hint}")


Checked = tuple[Any, list[Problem]]


def _check_value(one: Field, value: Any, path: str) -> Checked:
    """The value, or UNKNOWN where it is wrong. Only values of typed properties that are no secrets are shown."""
    match one.type:
        case _ if value is UNKNOWN or one.type == "any":
            return value, []
        case ListOf(item) if isinstance(value, list):
            inner = replace(one, type=item)
            return _all([(_check_value(inner, each, f"{path}[{index}]")) for index, each in enumerate(value)])
        case MapOf(item) if isinstance(value, Mapping):
            inner = Field(item, "", secret=True)
            members, problems = _all([_check_value(inner, each, join(path, key)) for key, each in value.items()])
            return dict(zip(value, members, strict=True)), problems
        case Shape(fields=fields) if isinstance(value, Mapping):
            return check(fields, value, path)
        case ListOf() | MapOf() | Shape():
            return _wrong(
                replace(one, secret=True), path, "a list" if isinstance(one.type, ListOf) else "an object", value
            )
        case _:
            return _check_scalar(one, value, path)


def _all(parts: list[Checked]) -> tuple[list[Any], list[Problem]]:
    return [value for value, _ in parts], [problem for _, found in parts for problem in found]


_SCALARS: dict[str, tuple[type | tuple[type, ...], str]] = {
    "string": (str, "a text"),
    "integer": (int, "a whole number"),
    "number": ((int, float), "a number"),
    "boolean": (bool, "true or false"),
}


def _check_scalar(one: Field, value: Any, path: str) -> Checked:
    accepted, words = _SCALARS[str(one.type)]
    is_flag = isinstance(value, bool)
    if not isinstance(value, accepted) or is_flag != (one.type == "boolean"):
        return _wrong(one, path, words, value)
    expected = _bounds(one, value)
    return _wrong(one, path, expected, value) if expected else (value, [])


def _wrong(one: Field, path: str, expected: str, value: Any) -> Checked:
    return UNKNOWN, [Problem(path, f"must be {expected}, got {_word(value) if one.secret else repr(value)}")]


def _word(value: Any) -> str:
    """What kind of value it is: of one that may be a secret nothing else is said."""
    if isinstance(value, bool):
        return "true or false"
    kinds = {str: "another text", int: "a number", float: "a number", list: "a list"}
    return kinds.get(type(value), "an object")


def _bounds(one: Field, value: Any) -> str:
    """What was expected of a value of the right type, empty when it is fine."""
    if one.choices and value not in one.choices:
        return f"one of {', '.join(one.choices)}"
    if one.pattern and not re.fullmatch(one.pattern, value):
        return one.expected or f"of the form {one.pattern}"
    if one.minimum is not None and value < one.minimum:
        return f"at least {one.minimum:g}"
    if one.maximum is not None and value > one.maximum:
        return f"at most {one.maximum:g}"
    return ""


def known_items(value: Any) -> list[dict[str, Any]]:
    """The objects of a list that are known already."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
