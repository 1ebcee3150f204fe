"""One thing that is wrong with a template, and where."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


def member(path: str, key: str) -> str:
    """The path of a member: `roles[0]` and `name` give `roles[0].name`."""
    return f"{path}.{key}" if path else key


def element(path: str, index: int) -> str:
    """The path of a list element: `roles` and 0 give `roles[0]`."""
    return f"{path}[{index}]"


def within(path: str, other: str) -> bool:
    """Whether `path` is `other` or lies inside it."""
    return path == other or other == "" or path.startswith((f"{other}.", f"{other}["))


@dataclass(frozen=True)
class Problem:
    """`path` in the body's own names (`roles[0].min_vms`), the offending `value` (None: absent), what is expected.

    `also` are other paths that the verdict rests on.
    """

    path: str
    message: str
    value: Any = None
    also: tuple[str, ...] = ()

    def depends_on(self, paths: Iterable[str]) -> bool:
        """Whether one of `paths` could change the verdict."""
        return any(within(mine, path) for path in paths for mine in (self.path, *self.also))

    def __str__(self) -> str:
        shown = "" if self.value is None else f" (got {_short(self.value)})"
        return f"{self.path or 'template'} {self.message}{shown}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
