"""The catalogue: every rule, and the check of a template against all of them."""

from collections.abc import Iterable, Mapping
from typing import Any

from fedstack.oneflow import legacy
from fedstack.rules import (
    gpu,
    inputs,
    networks,
    orchestration,
    policies,
    readiness,
    roles,
    scaling,
    scripts,
    security,
    sides,
    sites,
    stack,
    variables,
)
from fedstack.rules.rule import Place, Rule, Violation
from fedstack.rules.template import Options, Template

_THEMES = (
    scaling,
    readiness,
    orchestration,
    roles,
    networks,
    inputs,
    variables,
    sides,
    policies,
    sites,
    security,
    gpu,
    scripts,
    stack,
)

RULES: tuple[Rule, ...] = tuple(value for theme in _THEMES for value in vars(theme).values() if isinstance(value, Rule))
"""All rules in the order in which they are reported: theme by theme, as they are written down."""


def check(
    body: Any,
    rules: Iterable[Rule] = RULES,
    options: Mapping[str, Options] | None = None,
    place: Place = Place.SERVICE_TEMPLATE,
) -> list[Violation]:
    """Violations in a template's body, rule by rule; anything but an object has none.

    `body` is a service template (7.x or 6.x names), the attributes of a VM template, or a stack (as described in
    `fedstack.rules.stack`); `place` says which. `options` are by rule id; what is left out has its default.
    """
    if not isinstance(body, Mapping):
        return []
    converts = place is Place.SERVICE_TEMPLATE and legacy.is_old_format(body)
    current = legacy.convert(body) if converts else body
    found: list[Violation] = []
    for rule in rules:
        if place in rule.places:
            template = Template(current, body, rule.chosen((options or {}).get(rule.id, {})))
            found.extend(Violation(rule, each.path, each.message) for each in rule.find(template))
    return found


def check_properties(
    properties: Mapping[str, Any],
    rules: Iterable[Rule] = RULES,
    options: Mapping[str, Options] | None = None,
    place: Place = Place.SERVICE_TEMPLATE,
) -> list[Violation]:
    """The same for the properties of a resource (camelCase), with property paths."""
    from fedstack.rules import properties as names  # imported on use: the linter has no need of the typed models

    found = check(names.body(properties, place), rules, options, place)
    return [Violation(each.rule, names.path(each.path, place), each.message) for each in found]
