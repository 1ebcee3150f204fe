"""Old inputs against new ones, property by property: what differs and whether it needs a new object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
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
        return top_names(self.changes)

    def touches(self, *names: str) -> bool:
        """Whether one of these properties differs."""
        return not set(names).isdisjoint(self.names)


def top_names(paths: Iterable[str]) -> list[str]:
    """The properties that paths start with, each once."""
    return sorted({top(path) for path in paths})


def top(path: str) -> str:
    """The property that a path starts with: `roles` of `roles[0].cardinality`."""
    return path.split(".", 1)[0].split("[", 1)[0]


def compare(fields: Fields, old: Mapping[str, Any], new: Mapping[str, Any], path: str = "") -> dict[str, Change]:
    """Changes from old to new inputs, leaf by leaf; an unknown new value counts as changed."""
    changes: dict[str, Change] = {}
    for name, one in fields.items():
        if not one.waits and not (one.kept and new.get(name) is None):
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
    """Elements that belong together: by the list's `key` where it has one, else by position; new order first."""
    if one.key is None:
        count = max(len(old), len(new))
        return [(old[i] if i < len(old) else None, new[i] if i < len(new) else None) for i in range(count)]
    found = matched(one.key, old, new)
    partners = [None if place is None else old[place] for place in found]
    return [*zip(partners, new, strict=True), *((old[i], None) for i in range(len(old)) if i not in found)]


def matched(key: tuple[str, ...], old: Sequence[Any], new: Sequence[Any]) -> list[int | None]:
    """For each new element the index of its old one: an equal one, else one with the same members of `key`.

    A member that the new one leaves open agrees with any; of several old ones, one that agrees in all members is first.
    """
    left = list(range(len(old)))
    found: list[int | None] = [None] * len(new)
    for same in (_equal, _agree, partial(_agree, key=key)) if key else (_equal,):
        for index, item in enumerate(new):
            place = next((place for place in left if found[index] is None and same(old[place], item)), None)
            if place is not None:
                found[index] = place
                left.remove(place)
    return found


def _equal(old: Any, new: Any) -> bool:
    return bool(old == new)


def _agree(old: Any, new: Any, key: Iterable[str] | None = None) -> bool:
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return False
    return all(new.get(name) in (None, old.get(name)) for name in (new if key is None else key))
