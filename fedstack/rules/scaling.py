"""Rules about the number of VMs of a role (anti-patterns ORCH-AP2, ORCH-AP7, SCALE-AP3)."""

from collections.abc import Iterator

from fedstack.oneflow.unknown import UNKNOWN
from fedstack.rules.reading import coordinators, count
from fedstack.rules.rule import Body, Finding, Rule, RuleLevel


def _not_single(body: Body) -> Iterator[Finding]:
    for role in coordinators(body):
        for key in ("cardinality", "min_vms", "max_vms"):
            value = count(role.fields.get(key))
            if value is not UNKNOWN and value != 1:
                shown = "missing" if value is None else value
                yield Finding(role.at(key), f"of role {role.name} is {shown}, must be 1")


def _policies(body: Body) -> Iterator[Finding]:
    for role in coordinators(body):
        for key in ("elasticity_policies", "scheduled_policies"):
            value = role.fields.get(key)
            if value is not UNKNOWN and value:
                yield Finding(role.at(key), f"of role {role.name} must be absent or empty")


SUPERLINK_SINGLETON = Rule(
    id="superlink-singleton",
    title="There is exactly one SuperLink",
    why="A second SuperLink has its own state database: clients split between the two and training is lost.",
    fix="set cardinality, min_vms (minVms) and max_vms (maxVms) of the coordinator role to 1.",
    level=RuleLevel.MANDATORY,
    antipatterns=("ORCH-AP2",),
    find=_not_single,
)

SUPERLINK_WITHOUT_POLICIES = Rule(
    id="superlink-without-policies",
    title="The SuperLink never scales by itself",
    why="A policy on the coordinator can only split it in two, and its cooldown stops the scaling of all other roles.",
    fix="remove elasticity_policies and scheduled_policies from the coordinator role.",
    level=RuleLevel.MANDATORY,
    antipatterns=("ORCH-AP7", "SCALE-AP3"),
    find=_policies,
)
