"""The rule catalogue: pure functions over typed templates, for the policy pack, the linter and the docs. No I/O."""

from fedstack.oneflow.unknown import UNKNOWN
from fedstack.rules.catalogue import RULES, check, check_properties
from fedstack.rules.rule import Rule, RuleLevel, Violation

__all__ = ["RULES", "UNKNOWN", "Rule", "RuleLevel", "Violation", "check", "check_properties"]
