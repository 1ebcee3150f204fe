"""From a service's inputs to the `merge_template` that the platform wants (reference 6.8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .attributes import LABELS_KEY, labels_text
from .checks import Problem, join
from .cloud import TAG
from .errors import ProviderError
from .scaling import declared
from .values import Properties


def merge_template(inputs: Properties, body: Properties, tag: str | None) -> Properties:
    """The body of an instantiation; raises ProviderError with every input that is missing or has no role."""
    problems: list[Problem] = []
    entries = {entry["name"]: entry for entry in inputs.get("roles", [])}
    known = [role["name"] for role in body.get("roles", [])]
    for index, entry in enumerate(inputs.get("roles", [])):
        if entry["name"] not in known:
            problems.append(
                Problem(f"roles[{index}].name", f"{entry['name']!r} is no role of the template ({', '.join(known)})")
            )
    further = {TAG.lower(): tag, LABELS_KEY: labels_text(inputs)}
    merged: Properties = {"name": inputs["name"], **{key: value for key, value in further.items() if value is not None}}
    if values := _values(body.get("user_inputs"), inputs.get("userInputsValues"), "userInputsValues", problems):
        merged["user_inputs_values"] = values
    roles = [_role(role, entries.get(role["name"], {}), inputs, problems) for role in body.get("roles", [])]
    if any(len(role) > 1 for role in roles) or any("user_inputs" in role for role in body.get("roles", [])):
        merged["roles"] = roles
    if problems:
        raise ProviderError("; ".join(str(problem) for problem in problems))
    return merged


def _role(role: Properties, entry: Properties, inputs: Properties, problems: list[Problem]) -> Properties:
    """What the service says about a role. The platform joins lists, so policies only go where there are none."""
    from fedstack.oneflow.names import from_camel

    merged: Properties = {"name": role["name"]}
    if "cardinality" in entry:
        merged["cardinality"] = entry["cardinality"]
    if role.get("type", "vm") == "vm":
        (scaling,) = from_camel({"roles": [declared(inputs, role["name"]).settings]})["roles"]
        merged |= {key: value for key, value in scaling.items() if not (isinstance(value, list) and role.get(key))}
    path = f'roles["{role["name"]}"].userInputsValues'
    if values := _values(role.get("user_inputs"), entry.get("userInputsValues"), path, problems):
        merged["user_inputs_values"] = values
    return merged


def _values(wanted: Any, given: Mapping[str, str] | None, path: str, problems: list[Problem]) -> dict[str, str]:
    """A value for every declared input (the platform itself applies no default), and what was given besides."""
    values = dict(given or {})
    for name, kind in (wanted or {}).items():
        if name in values:
            continue
        default = _default(str(kind))
        if default is None:
            problems.append(Problem(join(path, name), f"is missing; the template declares it as {kind!r}"))
        else:
            values[name] = default
    return values


def _default(kind: str) -> str | None:
    """The default of a type string `M|text|Description|options|default`; an optional input without one is empty."""
    fields = kind.split("|")
    if len(fields) >= 5 and fields[4]:
        return fields[4]
    return "" if fields[0].strip().upper() == "O" else None
