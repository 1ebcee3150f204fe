"""Reads a template of which parts may be missing, malformed or not known yet, without ever raising.

Every function answers about what is known: UNKNOWN stands for itself, None for absent.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fedstack.oneflow.graph import parent_names
from fedstack.oneflow.problem import element, member
from fedstack.oneflow.unknown import UNKNOWN

SUPERLINK = "superlink"
"""The role name that SuperNodes look for when they discover their SuperLink."""
SUPERNODE = "supernode"


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

    @property
    def contents(self) -> Any:
        """What the role adds to its VM template."""
        return self.fields.get("template_contents")

    def context(self, name: str) -> Any:
        """A variable of the CONTEXT that the role adds."""
        return attribute(self.contents, "CONTEXT", name)

    def count(self, key: str) -> Any:
        """A field that holds a number of VMs or of seconds."""
        return count(self.fields.get(key))

    def at(self, key: str) -> str:
        """The path of one of its fields."""
        return member(self.path, key)

    def policies(self, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Path and fields of the policies that are known; `kind` is elasticity_policies or scheduled_policies."""
        listed = self.fields.get(kind)
        for index, policy in enumerate(listed if isinstance(listed, list | tuple) else ()):
            if isinstance(policy, Mapping):
                yield element(self.at(kind), index), policy


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


def mapping(value: Any) -> Mapping[str, Any]:
    """The value when it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def attribute(values: Any, *names: str) -> Any:
    """A template attribute by its names from the outside in, in any case (`CONTEXT`, `TOKEN`).

    A vector that is written as a list of objects, as in converted 6.x templates, counts as its members together.
    """
    for name in names:
        if values is UNKNOWN:
            return UNKNOWN
        values = _member(values, name.upper())
    return values


def vectors(values: Any, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The vectors of a name in template attributes (`NIC`, `DISK`), one or a list, with their relative paths."""
    for key, value in mapping(values).items():
        if str(key).upper() != name:
            continue
        listed = list(enumerate(value)) if isinstance(value, list | tuple) else [(None, value)]
        for index, vector in listed:
            if isinstance(vector, Mapping):
                yield (str(key) if index is None else element(str(key), index)), vector


def texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a value with its path; deep values are walked without recursion."""
    todo: list[tuple[str, Any]] = [(path, value)]
    while todo:
        place, each = todo.pop()
        if isinstance(each, str):
            yield place, each
        elif isinstance(each, Mapping):
            todo.extend((member(place, str(key)), inner) for key, inner in reversed(list(each.items())))
        elif isinstance(each, list | tuple):
            todo.extend((element(place, index), inner) for index, inner in reversed(list(enumerate(each))))


def _member(values: Any, name: str) -> Any:
    if isinstance(values, Sequence) and not isinstance(values, str):
        found = [_member(value, name) for value in values if value is not UNKNOWN]
        known = [value for value in found if value is not None]
        return known[-1] if known else (UNKNOWN if UNKNOWN in values else None)
    if not isinstance(values, Mapping):
        return None
    found = [value for key, value in values.items() if str(key).upper() == name]
    return found[-1] if found else None
