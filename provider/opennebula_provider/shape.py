"""What a property may be: the few types of the schema, from which the schema, the checks and the diffs are derived."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

PACKAGE = "opennebula"

Scalar = Literal["string", "integer", "number", "boolean", "any"]


@dataclass(frozen=True)
class ListOf:
    """A list whose items all have one type."""

    item: Type


@dataclass(frozen=True)
class MapOf:
    """An object whose keys belong to the user and whose values all have one type."""

    value: Scalar


@dataclass(frozen=True)
class Shape:
    """A named object type with known fields."""

    name: str
    description: str
    fields: Mapping[str, Field] = field(hash=False)


Type = Scalar | ListOf | MapOf | Shape


@dataclass(frozen=True)
class Field:
    """One property.

    `attr`: the template attribute that carries it. `replace`: a change needs a new object. `waits`: it only steers how
    the provider makes, waits or compares, so a change of it is no difference. `kept`: where it is not declared, what
    the platform has stays and is no difference. `key`: the order of this list means nothing; items of which these
    members are the same belong together, without members only equal items do.
    """

    type: Type
    description: str
    required: bool = False
    default: str | float | bool | None = None
    replace: bool = False
    waits: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = None
    expected: str | None = None
    secret: bool = False
    attr: str | None = None
    kept: bool = False
    key: tuple[str, ...] | None = None


Fields = Mapping[str, Field]


@dataclass(frozen=True)
class Definition:
    """A resource or a function: its name, what it is for, what goes in and what (else) comes out.

    `example` are inputs of a resource as a program would give them; `${network.networkId}` is an output of another
    resource's example, by its `example_name`.
    """

    name: str
    description: str
    inputs: Fields
    outputs: Fields
    example: Mapping[str, Any] = field(default_factory=dict)

    @property
    def example_name(self) -> str:
        """How other examples refer to this one."""
        return self.name[0].lower() + self.name[1:]

    @property
    def token(self) -> str:
        """The token that programs and states carry."""
        return f"{PACKAGE}:index:{self.name}"


MARK = Field(
    "string",
    "The stack's mark (output `value` of a `Mark`). It is written on the object when that is made, so that a creation "
    "that was cut off finds it again and adopts it. Another mark is no difference.",
    waits=True,
)
GROUP = Field(
    "string",
    "Name or id of the group that the object belongs to. The group of the user who makes it when absent; an object "
    "that exists keeps its own.",
    kept=True,
)
PERMISSIONS = Field(
    "string",
    "Rights of owner, group and others in three octal digits (4 use, 2 manage, 1 administer), such as `640`. As the "
    "platform sets them when absent; an object that exists keeps its own.",
    pattern=r"[0-7]{3}",
    expected="three octal digits such as 640",
    kept=True,
)
LABELS = Field(
    ListOf("string"),
    "Labels (`LABELS`), in any order; `/` makes a tree of them, such as `team/red`. The object keeps those that it has "
    "when absent; an empty list removes them.",
    pattern=r"[^,\s]([^,]*[^,\s])?",
    expected="a label without commas, and without blanks at its ends",
    attr="LABELS",
    kept=True,
    key=(),
)
ENDPOINT = Field("string", "The XML-RPC endpoint on which the object lives.", required=True)


def owned(what: str, fields: Fields) -> Fields:
    """The inputs of an object that has an owner: mark, name, its own fields, then group, rights and labels."""
    common = {"group": GROUP, "permissions": PERMISSIONS, "labels": LABELS}
    return {"mark": MARK, "name": name_field(what), **fields, **common}


def name_field(what: str) -> Field:
    """The `name` property; OpenNebula's own rule for names (no `&|:\\";/'#{}$<>`, at most 128 characters)."""
    return Field(
        "string",
        f"Name of the {what}.",
        required=True,
        pattern=r"[^&|:\\\";/'#{}$<>\t\n]{1,128}",
        expected="1 to 128 characters without & | : \\ \" ; / ' # { } $ < >",
    )


def _type_json(kind: Type) -> dict[str, Any]:
    match kind:
        case ListOf(item):
            return {"type": "array", "items": _type_json(item)}
        case MapOf(value):
            return {"type": "object", "additionalProperties": _type_json(value)}
        case Shape(name):
            return {"$ref": f"#/types/{PACKAGE}:index:{name}"}
        case "any":
            return {"$ref": "pulumi.json#/Any"}
        case _:
            return {"type": kind}


def _describe(one: Field) -> str:
    """The description with the accepted values behind it, so that every language's documentation shows them."""
    if one.choices:
        return f"{one.description} One of {', '.join(f'`{choice}`' for choice in one.choices)}."
    return one.description


def property_json(one: Field) -> dict[str, Any]:
    """A property as the Pulumi package schema writes it."""
    spec = {**_type_json(one.type), "description": _describe(one)}
    if one.default is not None:
        spec["default"] = one.default
    if one.secret:
        spec["secret"] = True
    return spec


def properties_json(fields: Fields) -> dict[str, Any]:
    """The `properties` of an object, in order."""
    return {name: property_json(one) for name, one in fields.items()}


def required(fields: Fields) -> list[str]:
    """Names of the properties that must be given."""
    return [name for name, one in fields.items() if one.required]


def shapes(fields: Fields) -> Iterator[Shape]:
    """Every object type that the fields mention, at any depth."""
    for one in fields.values():
        kind = one.type
        while isinstance(kind, ListOf):
            kind = kind.item
        if isinstance(kind, Shape):
            yield kind
            yield from shapes(kind.fields)


def shape_json(shape: Shape) -> dict[str, Any]:
    """An entry of the schema's `types`."""
    return {"description": shape.description, **_object_json(shape.fields)}


def resource_json(definition: Definition) -> dict[str, Any]:
    """An entry of the schema's `resources`; inputs with a default are always there in the outputs."""
    both = {**definition.inputs, **definition.outputs}
    present = [name for name, one in both.items() if one.required or one.default is not None]
    return {
        "description": definition.description,
        "properties": properties_json({name: _without_default(one) for name, one in both.items()}),
        "required": present,
        "inputProperties": properties_json(definition.inputs),
        "requiredInputs": required(definition.inputs),
    }


def function_json(definition: Definition) -> dict[str, Any]:
    """An entry of the schema's `functions`."""
    return {
        "description": definition.description,
        "inputs": _object_json(definition.inputs),
        "outputs": _object_json(definition.outputs),
    }


def _object_json(fields: Fields) -> dict[str, Any]:
    spec: dict[str, Any] = {"type": "object", "properties": properties_json(fields)}
    if needed := required(fields):
        spec["required"] = needed
    return spec


def _without_default(one: Field) -> Field:
    return Field(one.type, one.description, choices=one.choices, secret=one.secret)
