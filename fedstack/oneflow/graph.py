"""The graph of `parents`, which the platform never checks although `straight` hangs on a bad one (reference 6.14)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Role = Mapping[str, Any]
"""A role as in a template or service body: `name` and, optionally, `parents`."""


def parents(role: Role) -> list[str]:
    """The names in `parents`; an absent or malformed list counts as none."""
    named = role.get("parents")
    return [name for name in named if isinstance(name, str)] if isinstance(named, list | tuple) else []


def parent_names(roles: Iterable[Role]) -> set[str]:
    """Every name that some role has as a parent."""
    return {name for role in roles for name in parents(role)}


def unknown_parents(roles: Sequence[Role]) -> list[tuple[str, str]]:
    """Pairs (role, parent) where no role has the parent's name; such a role never deploys."""
    names = {str(role.get("name")) for role in roles}
    return [(str(role.get("name")), parent) for role in roles for parent in parents(role) if parent not in names]


def cycles(roles: Sequence[Role]) -> list[list[str]]:
    """Each group of roles that wait for each other, in template order; a role that names itself is one of its own."""
    edges = {str(role.get("name")): parents(role) for role in roles}
    reach = {name: _ancestors(name, edges) for name in edges}
    groups: list[list[str]] = []
    for name in edges:
        if name in reach[name] and not any(name in group for group in groups):
            groups.append([other for other in edges if other in reach[name] and name in reach[other]])
    return groups


def _ancestors(name: str, edges: Mapping[str, Sequence[str]]) -> set[str]:
    """Everything that `name` waits for, directly or not; contains `name` itself only when it is in a cycle."""
    found: set[str] = set()
    todo = list(edges[name])
    while todo:
        parent = todo.pop()
        if parent in edges and parent not in found:
            found.add(parent)
            todo.extend(edges[parent])
    return found
