"""Reads a template of which parts may be missing, malformed or not known yet, without ever raising.

Every function answers about what is known: UNKNOWN stands for itself, None for absent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fedstack.oneflow.graph import parent_names
from fedstack.oneflow.problem import element, member
from fedstack.oneflow.unknown import UNKNOWN

SUPERLINK = "superlink"
"""The role name that SuperNodes look for when they discover their SuperLink."""


@dataclass(frozen=True)
class RoleView:
    """A role of a template with its path."""

    path: str
    fields: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The role's name as far as it is known, else its path."""
        name = self.fields.get("name")
        return name if isinstance(name, str) else self.path

    @property
    def parents(self) -> Any:
        """The list of parents; empty when absent or malformed, UNKNOWN when any of it is."""
        parents = self.fields.get("parents")
        if parents is UNKNOWN or not isinstance(parents, list | tuple):
            return UNKNOWN if parents is UNKNOWN else []
        return UNKNOWN if any(parent is UNKNOWN for parent in parents) else list(parents)

    def at(self, key: str) -> str:
        """The path of one of its fields."""
        return member(self.path, key)


def roles(body: Mapping[str, Any]) -> list[RoleView]:
    """The roles that are known; an unknown role keeps its index to itself."""
    listed = body.get("roles")
    if not isinstance(listed, list | tuple):
        return []
    return [RoleView(element("roles", index), role) for index, role in enumerate(listed) if isinstance(role, Mapping)]


def coordinators(body: Mapping[str, Any]) -> list[RoleView]:
    """The roles that must stay single: those named superlink, else those that other roles name as a parent."""
    known = roles(body)
    named = [role for role in known if role.fields.get("name") == SUPERLINK]
    parents = parent_names(role.fields for role in known)
    return named or [role for role in known if role.name in parents]


def count(value: Any) -> Any:
    """A number of VMs as the platform reads it; None when absent or malformed, UNKNOWN stays."""
    if value is UNKNOWN:
        return UNKNOWN
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return int(value)
    except (ValueError, OverflowError):
        return None


def attribute(values: Any, *names: str) -> Any:
    """A template attribute by its names from the outside in, in any case (`CONTEXT`, `TOKEN`).

    A vector that is written as a list of objects, as in converted 6.x templates, counts as its members together.
    """
    for name in names:
        if values is UNKNOWN:
            return UNKNOWN
        values = _member(values, name.upper())
    return values


def _member(values: Any, name: str) -> Any:
    if isinstance(values, Sequence) and not isinstance(values, str):
        found = [_member(value, name) for value in values if value is not UNKNOWN]
        known = [value for value in found if value is not None]
        return known[-1] if known else (UNKNOWN if UNKNOWN in values else None)
    if not isinstance(values, Mapping):
        return None
    found = [value for key, value in values.items() if str(key).upper() == name]
    return found[-1] if found else None
