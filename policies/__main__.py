"""The policy pack: one resource policy for each rule of the catalogue."""

from conversion import plain
from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
)

from fedstack.rules import RULES, Rule, check_properties

SERVICE_TEMPLATE = "opennebula:index:ServiceTemplate"


def policy(rule: Rule) -> ResourceValidationPolicy:
    """The rule as a policy on service templates; each violation is reported with its place and the fix."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if args.resource_type != SERVICE_TEMPLATE:
            return
        for violation in check_properties(plain(args.props), [rule]):
            report(str(violation), None)

    return ResourceValidationPolicy(
        name=rule.id,
        description=f"{rule.title}.",
        validate=validate,
        enforcement_level=EnforcementLevel(rule.level.value),
    )


PolicyPack(name="fedstack", policies=[policy(rule) for rule in RULES])
