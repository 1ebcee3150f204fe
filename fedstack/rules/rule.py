"""What a rule is, and what it finds."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

Body = Mapping[str, Any]
"""A service template's body in its own names (snake_case); any part may be UNKNOWN."""


class RuleLevel(Enum):
    """How a violation is taken unless an environment says otherwise."""

    MANDATORY = "mandatory"
    ADVISORY = "advisory"


@dataclass(frozen=True)
class Finding:
    """A place where a rule is broken: path in the body and what is there."""

    path: str
    message: str


@dataclass(frozen=True)
class Rule:
    """A pure function over a template with what people need to know about it.

    `id` is stable: configuration and reports refer to it. `antipatterns` are the reference's ids that it covers.
    `find` never raises, whatever JSON it is given, and judges only what is known.
    """

    id: str
    title: str
    why: str
    fix: str
    level: RuleLevel
    antipatterns: tuple[str, ...]
    find: Callable[[Body], Iterable[Finding]]


@dataclass(frozen=True)
class Violation:
    """A finding with its rule."""

    rule: Rule
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path or 'template'} {self.message}. {self.rule.why} Fix: {self.rule.fix}"
