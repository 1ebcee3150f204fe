"""Old inputs against new ones, property by property: what differs and whether it needs a new object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from .checks import join
from .shape import Field, Fields, ListOf, Shape


class Kind(Enum):
    """What happened to a property."""

    ADD = "add"
    DELETE = "delete"
    UPDATE = "update"


@dataclass(frozen=True)
class Change:
    """A difference at a property path. `from_state`: the old value is an output, not an input."""

    kind: Kind
    replace: bool = False
    from_state: bool = False


@dataclass
class Difference:
    """All changes by path; `delete_first` where old and new object cannot exist side by side."""

    changes: dict[str, Change] = field(default_factory=dict)
    delete_first: bool = False

    @property
    def replaces(self) -> list[str]:
        """Top-level names of the properties that need a new object."""
        return sorted({top(path) for path, change in self.changes.items() if change.replace})

    @property
    def names(self) -> list[str]:
        """Top-level names of everything that differs."""
        return sorted({top(path) for path in self.changes})

    def touches(self, *names: str) -> bool:
        """Whether one of these properties differs."""
        return not set(names).isdisjoint(self.names)


def top(path: str) -> str:
    """The property that a path starts with: `roles` of `roles[0].cardinality`."""
    return path.split(".", 1)[0].split("[", 1)[0]


def compare(fields: Fields, old: Mapping[str, Any], new: Mapping[str, Any], path: str = "") -> dict[str, Change]:
    """Changes from old to new inputs, leaf by leaf; an unknown new value counts as changed."""
    changes: dict[str, Change] = {}
    for name, one in fields.items():
        if not one.waits:
            changes.update(_compare_values(one, old.get(name), new.get(name), join(path, name)))
    return changes


def _compare_values(one: Field, old: Any, new: Any, path: str) -> Iterator[tuple[str, Change]]:
    if old == new or (_is_empty(old) and _is_empty(new)):
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from _compare_maps(one, old, new, path)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _compare_lists(one, old, new, path)
    else:
        kind = Kind.ADD if old is None else Kind.DELETE if new is None else Kind.UPDATE
        yield path, Change(kind, one.replace)


def _is_empty(value: Any) -> bool:
    """An absent list or object and an empty one are the same wish."""
    return value is None or value == [] or value == {}


def _compare_maps(
    one: Field, old: Mapping[str, Any], new: Mapping[str, Any], path: str
) -> Iterator[tuple[str, Change]]:
    if isinstance(one.type, Shape):
        nested = compare(one.type.fields, old, new, path)
        yield from ((place, Change(found.kind, found.replace or one.replace)) for place, found in nested.items())
        return
    for key in [*old, *(key for key in new if key not in old)]:
        inner = Field("any", "", replace=one.replace)
        yield from _compare_values(inner, old.get(key), new.get(key), join(path, key))


def _compare_lists(one: Field, old: Sequence[Any], new: Sequence[Any], path: str) -> Iterator[tuple[str, Change]]:
    item = one.type.item if isinstance(one.type, ListOf) else "any"
    inner = Field(item, "", replace=one.replace)
    for index, (before, after) in enumerate(_pairs(one, old, new)):
        yield from _compare_values(inner, before, after, f"{path}[{index}]")


def _pairs(one: Field, old: Sequence[Any], new: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Elements that belong together: by their key member where there is one, else by position; new order first."""
    if one.key is None:
        count = max(len(old), len(new))
        return [(old[i] if i < len(old) else None, new[i] if i < len(new) else None) for i in range(count)]
    before = {item[one.key]: item for item in old if isinstance(item, Mapping)}
    after = [item for item in new if isinstance(item, Mapping)]
    pairs = [(before.pop(item.get(one.key), None), item) for item in after]
    return [*pairs, *((item, None) for item in before.values())]
