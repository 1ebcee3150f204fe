"""The policy pack: one resource policy for each rule of the catalogue.

Levels and options per environment are in the JSON files beside this one, for `--policy-pack-config`.
"""

from collections.abc import Mapping

from conversion import plain
from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
)

from fedstack.rules import RULES, Place, Rule, check_properties

JUDGED: Mapping[str, Place] = {
    "opennebula:index:ServiceTemplate": Place.SERVICE_TEMPLATE,
    "opennebula:index:VirtualMachineTemplate": Place.VM_TEMPLATE,
}
"""Types of resources that rules are about."""


def policy(rule: Rule) -> ResourceValidationPolicy:
    """The rule as a policy on templates; each violation is reported with its place and the fix."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        place = JUDGED.get(args.resource_type)
        if place not in rule.places:
            return
        for violation in check_properties(plain(args.props), [rule], {rule.id: args.get_config() or {}}, place):
            report(str(violation), None)

    return ResourceValidationPolicy(
        name=rule.id,
        description=f"{rule.title}.",
        validate=validate,
        enforcement_level=EnforcementLevel(rule.level.value),
        config_schema=schema(rule),
    )


def schema(rule: Rule) -> PolicyConfigSchema | None:
    """The rule's options as the engine checks them; None without any."""
    properties = {
        option.name: {"type": option.kind, "default": option.default, "description": option.description}
        for option in rule.options
    }
    return PolicyConfigSchema(properties) if properties else None


PolicyPack(name="fedstack", policies=[policy(rule) for rule in RULES])
