"""The rule catalogue: pure functions over typed templates, for the policy pack, the linter and the docs. No I/O."""

from fedstack.oneflow.unknown import UNKNOWN
from fedstack.rules.by_design import BY_DESIGN, ByDesign
from fedstack.rules.catalogue import RULES, check, check_properties
from fedstack.rules.rule import Option, Place, Rule, RuleLevel, Violation

__all__ = [
    "BY_DESIGN",
    "RULES",
    "UNKNOWN",
    "ByDesign",
    "Option",
    "Place",
    "Rule",
    "RuleLevel",
    "Violation",
    "check",
    "check_properties",
]
