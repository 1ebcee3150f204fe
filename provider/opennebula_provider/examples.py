"""The example of a resource as programs in Python, TypeScript and YAML, for its description in the schema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from .shape import PACKAGE, Definition, Fields, ListOf, Shape, Type

_REFERENCE = re.compile(r"\$\{(\w+)\.(\w+)\}")
INDENT = "    "


def examples(definition: Definition) -> str:
    """Markdown with one block a language; each SDK keeps its own."""
    programs = {"python": _python(definition), "typescript": _typescript(definition), "yaml": _yaml(definition)}
    blocks = [f"```{language}\n{program}\n```" for language, program in programs.items()]
    return "\n\n".join(["## Example Usage", *blocks])


def snake(name: str) -> str:
    """`imageId` gives `image_id`."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def _python(definition: Definition) -> str:
    fields, name = definition.inputs, definition.example_name
    lines = [f"{snake(key)}={_literal(value, fields[key].type, 1)}," for key, value in definition.example.items()]
    call = f"{snake(name)} = {PACKAGE}.{definition.name}("
    return "\n".join(
        [f"import pulumi_{PACKAGE} as {PACKAGE}", "", call, *_indented([f'"{snake(name)}",', *lines]), ")"]
    )


def _literal(value: Any, kind: Type, depth: int) -> str:
    """A value in Python; members of typed objects have the SDK's names."""
    if isinstance(value, Mapping):
        own: Fields = kind.fields if isinstance(kind, Shape) else {}
        kinds: dict[str, Type] = {key: own[key].type if key in own else "any" for key in value}
        members = [
            f'"{snake(key) if key in own else key}": {_literal(one, kinds[key], depth + 1)},'
            for key, one in value.items()
        ]
        return _block("{", members, "}", depth)
    if isinstance(value, list):
        item: Type = kind.item if isinstance(kind, ListOf) else "any"
        return _block("[", [f"{_literal(one, item, depth + 1)}," for one in value], "]", depth)
    if isinstance(value, str) and (found := _REFERENCE.fullmatch(value)):
        return f"{snake(found[1])}.{snake(found[2])}"
    return repr(value) if isinstance(value, bool) else json.dumps(value)


def _typescript(definition: Definition) -> str:
    name = definition.example_name
    lines = [f"{key}: {_expression(value, 1)}," for key, value in definition.example.items()]
    call = f'const {name} = new {PACKAGE}.{definition.name}("{name}", {{'
    return "\n".join([f'import * as {PACKAGE} from "pulumi-{PACKAGE}";', "", call, *_indented(lines), "});"])


def _expression(value: Any, depth: int) -> str:
    if isinstance(value, Mapping):
        return _block("{", [f"{key}: {_expression(one, depth + 1)}," for key, one in value.items()], "}", depth)
    if isinstance(value, list):
        return _block("[", [f"{_expression(one, depth + 1)}," for one in value], "]", depth)
    if isinstance(value, str) and (found := _REFERENCE.fullmatch(value)):
        return f"{found[1]}.{found[2]}"
    return json.dumps(value)


def _yaml(definition: Definition) -> str:
    lines = _yaml_lines(definition.example)
    head = ["resources:", f"  {definition.example_name}:", f"    type: {PACKAGE}:{definition.name}", "    properties:"]
    return "\n".join([*head, *(f"      {line}" for line in lines)])


def _yaml_lines(value: Any) -> list[str]:
    """JSON is YAML, so leaves are written as JSON."""
    if isinstance(value, Mapping):
        return [line for key, one in value.items() for line in _yaml_entry(f"{key}:", one)]
    if isinstance(value, list):
        return [line for one in value for line in _yaml_item(one)]
    return [json.dumps(value)]


def _yaml_entry(key: str, value: Any) -> list[str]:
    lines = _yaml_lines(value)
    return [key, *(f"  {line}" for line in lines)] if isinstance(value, Mapping | list) else [f"{key} {lines[0]}"]


def _yaml_item(value: Any) -> list[str]:
    first, *rest = _yaml_lines(value)
    return [f"- {first}", *(f"  {line}" for line in rest)]


def _block(opening: str, members: list[str], closing: str, depth: int) -> str:
    """On one line where it is short, else a member a line."""
    flat = f"{opening}{' '.join(members).rstrip(',')}{closing}"
    if len(flat) <= 80 and "\n" not in flat:
        return flat
    return "\n".join([opening, *(f"{INDENT * (depth + 1)}{member}" for member in members), INDENT * depth + closing])


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"{INDENT}{line}" for line in lines]
