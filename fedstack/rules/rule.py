"""What a rule is, and what it finds."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from fedstack.oneflow.unknown import UNKNOWN
from fedstack.rules.template import Options, Template


class RuleLevel(Enum):
    """How a violation is taken unless an environment says otherwise."""

    MANDATORY = "mandatory"
    ADVISORY = "advisory"
    DISABLED = "disabled"


class Place(Enum):
    """What a rule judges."""

    SERVICE_TEMPLATE = "service template"
    VM_TEMPLATE = "VM template"
    STACK = "stack"


@dataclass(frozen=True)
class Finding:
    """A place where a rule is broken: path in the body and what is there."""

    path: str
    message: str


@dataclass(frozen=True)
class Option:
    """A value that an environment may choose; the type of `default` is the type that is expected."""

    name: str
    default: bool | int | str
    description: str

    @property
    def kind(self) -> str:
        """The type's name in JSON schema."""
        names = {bool: "boolean", int: "integer", str: "string"}
        return names[type(self.default)]

    def read(self, given: Any) -> bool | int | str:
        """The value to use: what is given when its type is right (3.0 is 3), else the default."""
        if isinstance(given, float) and given.is_integer():
            given = int(given)
        return given if type(given) is type(self.default) else self.default


@dataclass(frozen=True)
class Rule:
    """A pure function over a template with what people need to know about it.

    `id` is stable: configuration and reports refer to it. `antipatterns` are the reference's ids that it covers,
    `source` names other places that the rule comes from (such as "reference 2.8, 10g"). `find` never raises, whatever
    JSON it is given, and judges only what is known.
    """

    id: str
    title: str
    why: str
    fix: str
    level: RuleLevel
    find: Callable[[Template], Iterable[Finding]]
    antipatterns: tuple[str, ...] = ()
    source: str = ""
    places: tuple[Place, ...] = (Place.SERVICE_TEMPLATE,)
    options: tuple[Option, ...] = ()

    def chosen(self, given: Options) -> Options:
        """Every option with the value in force."""
        return {option.name: option.read(given.get(option.name)) for option in self.options}


@dataclass(frozen=True)
class Violation:
    """A finding with its rule."""

    rule: Rule
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path or 'template'} {self.message}. {self.rule.why} Fix: {self.rule.fix}"


def shown(value: object) -> str:
    """A value in a message: `missing` for none, else JSON, shortened."""
    return "missing" if value is None or value is UNKNOWN else json.dumps(value, default=repr)[:80]
