"""The policy pack: one policy for each rule of the catalogue, on single resources or on the whole stack.

Levels and options per environment are in the JSON files beside this one, for `--policy-pack-config`.
"""

from collections.abc import Mapping
from typing import Any

from conversion import plain, stack_body
from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyConfigSchema,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from fedstack.rules import RULES, Place, Rule, check, check_properties

JUDGED: Mapping[str, Place] = {
    "opennebula:index:ServiceTemplate": Place.SERVICE_TEMPLATE,
    "opennebula:index:VirtualMachineTemplate": Place.VM_TEMPLATE,
}
"""Types of resources that rules are about."""


def policy(rule: Rule) -> Policy:
    """The rule as a policy; each violation is reported with its place and the fix."""
    common: dict[str, Any] = {
        "name": rule.id,
        "description": f"{rule.title}.",
        "enforcement_level": EnforcementLevel(rule.level.value),
        "config_schema": schema(rule),
    }
    if Place.STACK in rule.places:
        return StackValidationPolicy(validate=on_stack(rule), **common)
    return ResourceValidationPolicy(validate=on_resource(rule), **common)


def on_resource(rule: Rule) -> Any:
    """The rule as a check of one resource."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        place = JUDGED.get(args.resource_type)
        if place not in rule.places:
            return
        for violation in check_properties(plain(args.props), [rule], {rule.id: args.get_config() or {}}, place):
            report(str(violation), None)

    return validate


def on_stack(rule: Rule) -> Any:
    """The rule as a check of all resources together."""

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        for violation in check(stack_body(args.resources), [rule], {rule.id: args.get_config() or {}}, Place.STACK):
            report(str(violation), None)

    return validate


def schema(rule: Rule) -> PolicyConfigSchema | None:
    """The rule's options as the engine checks them; None without any."""
    properties = {
        option.name: {"type": option.kind, "default": option.default, "description": option.description}
        for option in rule.options
    }
    return PolicyConfigSchema(properties) if properties else None


PolicyPack(name="fedstack", policies=[policy(rule) for rule in RULES])
