"""A value that is not known yet, as in the preview of a stack whose ids do not exist."""

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final


class Unknown(Enum):
    """The type of `UNKNOWN`; an enum, so that there is exactly one and type checkers can tell it apart."""

    UNKNOWN = "unknown"

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown.UNKNOWN
"""Stands wherever a value will only be known later: as a whole, as a member or as an element."""


def without_unknowns(value: Any, path: str = "") -> tuple[Any, frozenset[str]]:
    """A copy without unknown members, and the paths of what was left out.

    An unknown element of a list becomes None, so that its neighbours keep their index.
    """
    if value is UNKNOWN:
        return None, frozenset({path})
    if isinstance(value, Mapping):
        return _known_members(value, path)
    if isinstance(value, list | tuple):
        return _known_elements(list(value), path)
    return value, frozenset()


def _known_members(value: Mapping[str, Any], path: str) -> tuple[dict[str, Any], frozenset[str]]:
    known: dict[str, Any] = {}
    left_out: frozenset[str] = frozenset()
    for key, member in value.items():
        place = f"{path}.{key}" if path else str(key)
        member, missing = without_unknowns(member, place)
        left_out |= missing
        if place not in missing:
            known[key] = member
    return known, left_out


def _known_elements(value: list[Any], path: str) -> tuple[list[Any], frozenset[str]]:
    parts = [without_unknowns(element, f"{path}[{index}]") for index, element in enumerate(value)]
    return [element for element, _ in parts], frozenset().union(*(missing for _, missing in parts))
