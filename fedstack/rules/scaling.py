"""Rules about the number of VMs of a role (ORCH-AP2, ORCH-AP7, SCALE-AP3, SCALE-AP4)."""

from collections.abc import Iterator

from fedstack.oneflow.unknown import UNKNOWN
from fedstack.rules.reading import RoleView, count
from fedstack.rules.rule import Finding, Rule, RuleLevel
from fedstack.rules.settings import Settings, settings
from fedstack.rules.template import Template

_MINIMA = ("FL_MIN_FIT_CLIENTS", "FL_MIN_AVAILABLE_CLIENTS")


def _not_single(template: Template) -> Iterator[Finding]:
    for role in template.coordinators:
        for key in ("cardinality", "min_vms", "max_vms"):
            value = role.count(key)
            if value is not UNKNOWN and value != 1:
                shown = "missing" if value is None else value
                yield Finding(role.at(key), f"of role {role.name} is {shown}, must be 1")


def _policies(template: Template) -> Iterator[Finding]:
    for role in template.coordinators:
        for key in ("elasticity_policies", "scheduled_policies"):
            value = role.fields.get(key)
            if value is not UNKNOWN and value:
                yield Finding(role.at(key), f"of role {role.name} must be absent or empty")


def _too_few(template: Template) -> Iterator[Finding]:
    """Least nodes against what a round needs; with several SuperNode roles none alone has to provide them."""
    if not template.federates or len(template.supernodes) != 1 or not template.all_roles_known:
        return
    node = template.supernodes[0]
    needed, name = _needed(settings(template, template.superlinks[0]))
    key = "min_vms" if node.fields.get("min_vms") is not None else "cardinality"
    least = node.count(key)
    if isinstance(least, int) and least < needed:
        yield Finding(node.at(key), f"of role {node.name} is {least}, must be at least {name} ({needed})")
    yield from _scheduled_below(node, needed, name)


def _needed(link: Settings) -> tuple[int, str]:
    """The larger of the two minima in force, and its name; 0 while one is not known."""
    if not link.judgeable(_MINIMA):
        return 0, _MINIMA[0]
    values = link.effective()
    return max((count(values[name]) or 0, name) for name in _MINIMA)


def _scheduled_below(node: RoleView, needed: int, name: str) -> Iterator[Finding]:
    for path, policy in node.policies("scheduled_policies"):
        adjust = count(policy.get("adjust"))
        if policy.get("type") == "CARDINALITY" and isinstance(adjust, int) and adjust < needed:
            yield Finding(f"{path}.adjust", f"of role {node.name} is {adjust}, must be at least {name} ({needed})")


def _no_cooldown(template: Template) -> Iterator[Finding]:
    for role in template.supernodes:
        low, high = role.count("min_vms"), role.count("max_vms")
        elastic = isinstance(high, int) and (not isinstance(low, int) or high > low) and low is not UNKNOWN
        if elastic and role.fields.get("cooldown") is None:
            yield Finding(role.at("cooldown"), f"of role {role.name} is missing, must be a number of seconds")


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

ENOUGH_SUPERNODES = Rule(
    id="minimum-covers-clients",
    title="There are never fewer SuperNodes than a round needs",
    why="After a scale-down training waits for nodes that the platform is free to leave out: it never goes on.",
    fix="raise min_vms (minVms), or lower FL_MIN_FIT_CLIENTS and FL_MIN_AVAILABLE_CLIENTS.",
    level=RuleLevel.MANDATORY,
    antipatterns=("SCALE-AP4",),
    source="reference 2.8, 10b; 6.5",
    find=_too_few,
)

COOLDOWN_STATED = Rule(
    id="cooldown-stated",
    title="Elastic roles say how long they rest after scaling",
    why="Without it the platform's 300 seconds hold: for five minutes it refuses every other change of the service.",
    fix="set cooldown of the role.",
    level=RuleLevel.ADVISORY,
    source="OneFlow's default cooldown",
    find=_no_cooldown,
)
