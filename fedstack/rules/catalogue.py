"""The catalogue: every rule, and the check of a template against all of them."""

from collections.abc import Iterable, Mapping
from typing import Any

from fedstack.oneflow import legacy
from fedstack.oneflow.names import camel_path, from_camel
from fedstack.rules.orchestration import READY_GATE, STRAIGHT_DEPLOYMENT, SUPERLINK_IS_PARENT, TOKEN_IN_CONTEXT
from fedstack.rules.rule import Rule, Violation
from fedstack.rules.scaling import SUPERLINK_SINGLETON, SUPERLINK_WITHOUT_POLICIES

RULES: tuple[Rule, ...] = (
    SUPERLINK_SINGLETON,
    SUPERLINK_WITHOUT_POLICIES,
    TOKEN_IN_CONTEXT,
    STRAIGHT_DEPLOYMENT,
    SUPERLINK_IS_PARENT,
    READY_GATE,
)
"""All rules in the order in which they are reported."""


def check(body: Any, rules: Iterable[Rule] = RULES) -> list[Violation]:
    """Violations in a template's body (7.x or 6.x names), rule by rule; anything but an object has none."""
    if not isinstance(body, Mapping):
        return []
    current = legacy.convert(body) if legacy.is_old_format(body) else body
    return [Violation(rule, found.path, found.message) for rule in rules for found in rule.find(current)]


def check_properties(properties: Mapping[str, Any], rules: Iterable[Rule] = RULES) -> list[Violation]:
    """The same for the properties of a ServiceTemplate resource (camelCase), with property paths."""
    found = check(from_camel(properties), rules)
    return [Violation(each.rule, camel_path(each.path), each.message) for each in found]
