"""From settings to context variables: which are given where, what is in force, what a service declares."""

import hashlib
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel

from components.errors import shown
from components.fields import Sets, WithVariables, to_text
from fedstack.context import (
    NAMES,
    Appliance,
    Level,
    Scope,
    Variable,
    Violation,
    advice,
    effective,
    is_set,
    named,
    user_input,
    validate,
    variables,
)

APPLIANCES: tuple[Appliance, ...] = ("superlink", "supernode")
_Keys = Mapping[str, tuple[str, str | None]]

DISCOVERED = frozenset({"FL_SUPERLINK_ADDRESS"})
"""Never set in a service that has its own SuperLink: SuperNodes find it through OneGate."""


def keys(settings: BaseModel, prefix: str = "") -> dict[str, tuple[str, str | None]]:
    """The variables that have a typed key: name to (key path, text; None where it is not set)."""
    found: dict[str, tuple[str, str | None]] = {}
    for name, field in type(settings).model_fields.items():
        path, value = f"{prefix}{field.alias or name}", getattr(settings, name)
        marks = [mark for mark in field.metadata if isinstance(mark, Sets)]
        if isinstance(value, BaseModel):
            found |= keys(value, f"{path}.")
        elif marks:
            found[marks[0].variable] = (path, value)
    return found


def values(settings: WithVariables) -> dict[str, str]:
    """Every variable that the configuration sets, by typed keys or under `variables`."""
    free = {name: to_text(value) or "" for name, value in settings.variables.items()}
    return free | {name: text for name, (_, text) in keys(settings).items() if text is not None}


def check_variables(settings: WithVariables) -> list[str]:
    """Problems of the free variables, and rules between variables (reference 2.8), by key path."""
    typed = keys(settings)
    problems = [problem for name in settings.variables for problem in _free(name, settings.variables[name], typed)]
    if problems:
        return problems
    chosen = values(settings)
    found = [each for appliance in APPLIANCES for each in validate(appliance, chosen, material=True)]
    return _lines(found, settings)


def remarks(settings: WithVariables) -> list[str]:
    """What will work, but hardly as meant, by key path."""
    chosen = values(settings)
    found = [each for appliance in APPLIANCES for each in advice(appliance, effective(appliance, chosen))]
    return _lines(found, settings)


def _lines(found: list[Violation], settings: WithVariables) -> list[str]:
    """One line for each violation; what concerns both appliances is said once."""
    typed = keys(settings)
    lines = (
        f"{_path(each.variable, settings, typed)}: expected {each.expected}, got {shown(each.value)}" for each in found
    )
    return list(dict.fromkeys(lines))


def _path(name: str, settings: WithVariables, typed: _Keys) -> str:
    return typed[name][0] if name in typed and name not in settings.variables else f"variables.{name}"


def _free(name: str, value: Any, typed: _Keys) -> list[str]:
    """What is wrong with one entry of `variables`."""
    place = f"variables.{name}"
    if name not in NAMES:
        near = get_close_matches(name, NAMES, n=1)
        hint = f"did you mean {near[0]}?" if near else "see docs/context-variables.md"
        return [f"{place}: unknown variable (value {shown(value)}); {hint}"]
    if typed.get(name, ("", None))[1] is not None:
        return [f"{place}: already set by {typed[name][0]}"]
    if named(name)[0].level is Level.CONTEXT:
        return [f"{place}: set by the appliance itself, expected no value here"]
    if name in DISCOVERED:
        return [f"{place}: expected no value: SuperNodes of this service find their SuperLink through OneGate"]
    try:
        to_text(value)
    except ValueError as error:
        return [f"{place}: {error}, got {shown(value)}"]
    return []


def in_force(settings: WithVariables) -> dict[Appliance, dict[str, str]]:
    """Per appliance, every variable that a service declares, with its value in force (empty: the guest decides)."""
    chosen = values(settings)
    return {
        appliance: {
            name: value
            for name, value in effective(appliance, chosen).items()
            if name not in DISCOVERED and named(name)[0].level is not Level.CONTEXT
        }
        for appliance in APPLIANCES
    }


def declared(appliance: Appliance, level: Level) -> tuple[Variable, ...]:
    """The rows that a service template declares at a level for an appliance."""
    return tuple(row for row in variables(appliance) if row.level is level and row.name not in DISCOVERED)


def user_inputs(rows: tuple[Variable, ...], chosen: Mapping[str, str]) -> dict[str, str]:
    """USER_INPUT strings of rows with the values in force as their defaults."""
    return {row.name: user_input(row, chosen[row.name]) for row in rows}


def run_scoped() -> list[str]:
    """Names whose change touches no VM."""
    return [name for name in NAMES if all(row.scope is Scope.RUN for row in named(name))]


def digest(chosen: Mapping[str, str]) -> str:
    """A short text that changes with any of the values; it does not reveal them."""
    lines = "\n".join(f"{name}={chosen[name]}" for name in sorted(chosen) if is_set(chosen[name]))
    return hashlib.sha256(lines.encode()).hexdigest()[:16]


def boot_digest(settings: WithVariables) -> str:
    """The digest of all values that a VM reads at boot: another one means another service."""
    run = set(run_scoped())
    merged = {name: value for chosen in in_force(settings).values() for name, value in chosen.items()}
    return digest({name: value for name, value in merged.items() if name not in run})
