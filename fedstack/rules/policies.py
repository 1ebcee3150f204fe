"""Rules about elasticity and scheduled policies (SCALE-AP2, SCALE-AP6, SCALE-AP7; reference 8)."""

import re
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from fedstack.oneflow.unknown import UNKNOWN
from fedstack.rules.reading import RoleView, count
from fedstack.rules.rule import Finding, Option, Rule, RuleLevel
from fedstack.rules.template import Template

PLATFORM_COOLDOWN = 300
RAW = frozenset({"CPU", "MEMORY", "NETRX", "NETTX"})
_MONITORED = RAW | {"VCPU", "DISKRDBYTES", "DISKWRBYTES", "DISKRDIOPS", "DISKWRIOPS"}
_PUBLISHED = frozenset({"FL_CLIENT_STATUS", "FL_ROUND_NUMBER"})
_TEXTS = frozenset({"FL_TRAINING_ACTIVE", "READY", "FL_READY", "FL_NODE_READY", "FL_VERSION", "FL_GPU_AVAILABLE"})
_KINDS = ("elasticity_policies", "scheduled_policies")
_COMPARISON = re.compile(r" *[\"']?([A-Za-z]\w*)[\"']? *(<=?|>=?) *(-?[0-9]+(?:\.[0-9]+)?) *")


def _attributes(policy: Mapping[str, Any]) -> list[str]:
    """The attributes that an expression reads, upper-cased; none when it is not known."""
    expression = policy.get("expression")
    return [name.upper() for name in re.findall(r"[A-Za-z]\w*", expression)] if isinstance(expression, str) else []


def _shrinks(role: RoleView, policy: Mapping[str, Any]) -> bool:
    """Whether a policy takes VMs away; CARDINALITY does below the number that there is at first."""
    adjust, number = count(policy.get("adjust")), role.count("cardinality")
    if not isinstance(adjust, int):
        return False
    if policy.get("type") == "CARDINALITY":
        return isinstance(number, int) and adjust < number
    return adjust < 0


def _rest(role: RoleView, policy: Mapping[str, Any]) -> Any:
    """The cooldown that holds after a policy, in seconds; UNKNOWN when it is."""
    for value in (policy.get("cooldown"), role.fields.get("cooldown"), PLATFORM_COOLDOWN):
        if value is UNKNOWN or isinstance(count(value), int):
            return count(value)
    return PLATFORM_COOLDOWN


def _elastic(template: Template) -> Iterator[tuple[RoleView, str, Mapping[str, Any]]]:
    for role in template.roles:
        for path, policy in role.policies("elasticity_policies"):
            yield role, path, policy


def _short_rest(template: Template) -> Iterator[Finding]:
    least = 2 * template.option("roundSeconds")
    for role, path, policy in _elastic(template):
        rest = _rest(role, policy)
        if _shrinks(role, policy) and isinstance(rest, int) and rest < least:
            yield Finding(f"{path}.cooldown", f"of role {role.name} is {rest} s, must be at least {least} s")


def _long_rest(template: Template) -> Iterator[Finding]:
    largest = template.option("largestSeconds")
    found = list(_elastic(template))
    grows = any((count(policy.get("adjust")) or 0) > 0 for _, _, policy in found if policy.get("adjust") is not UNKNOWN)
    for role, path, policy in found if grows else ():
        rest = count(policy.get("cooldown"))
        if _shrinks(role, policy) and isinstance(rest, int) and rest > largest:
            yield Finding(f"{path}.cooldown", f"of role {role.name} is {rest} s, must be at most {largest} s")


def _averages(template: Template) -> Iterator[Finding]:
    for role, path, policy in _elastic(template):
        names = set(_attributes(policy))
        if role in template.supernodes and names and names <= RAW:
            yield Finding(f"{path}.expression", f"of role {role.name} reads nothing but {', '.join(sorted(names))}")


def _unreadable(template: Template) -> Iterator[Finding]:
    more = {name.strip().upper() for name in template.option("attributes").split(",")}
    for role, path, policy in _elastic(template):
        for name in dict.fromkeys(_attributes(policy)):
            place = f"{path}.expression"
            if name in _TEXTS - more:
                yield Finding(place, f"of role {role.name} reads {name}, which is text and counts as 0")
            elif name not in _MONITORED | _PUBLISHED | more:
                yield Finding(place, f"of role {role.name} reads {name}, which no VM is known to have")


def _flapping(template: Template) -> Iterator[Finding]:
    for role in template.roles:
        known = [(path, _threshold(role, policy)) for path, policy in role.policies("elasticity_policies")]
        limits = [(path, *limit) for path, limit in known if limit]
        for up, down in product(limits, limits):
            if up[1] == down[1] and up[2] == ">" and down[2] == "<" and up[3] < down[3]:
                yield Finding(f"{down[0]}.expression", f"of role {role.name} holds together with that of {up[0]}")


def _threshold(role: RoleView, policy: Mapping[str, Any]) -> tuple[str, str, float] | None:
    """Attribute, direction and limit of a policy that grows above a limit or shrinks below one."""
    expression = policy.get("expression")
    match = _COMPARISON.fullmatch(expression) if isinstance(expression, str) else None
    adjust = count(policy.get("adjust"))
    if not match or not isinstance(adjust, int):
        return None
    direction = match[2][0]
    grows = adjust > 0 and not _shrinks(role, policy)
    fits = direction == ">" if grows else direction == "<" and _shrinks(role, policy)
    return (match[1].upper(), direction, float(match[3])) if fits else None


def _no_step(template: Template) -> Iterator[Finding]:
    for role in template.roles:
        for kind in _KINDS:
            for path, policy in role.policies(kind):
                yield from _useless(role, path, policy)


def _useless(role: RoleView, path: str, policy: Mapping[str, Any]) -> Iterator[Finding]:
    adjust, low, high = count(policy.get("adjust")), role.count("min_vms"), role.count("max_vms")
    if not isinstance(adjust, int):
        return
    if policy.get("type") != "CARDINALITY":
        if adjust == 0:
            yield Finding(f"{path}.adjust", f"of role {role.name} is 0, which changes nothing")
    elif isinstance(low, int) and adjust < low:
        yield Finding(f"{path}.adjust", f"of role {role.name} is {adjust}, but min_vms is {low}")
    elif isinstance(high, int) and adjust > high:
        yield Finding(f"{path}.adjust", f"of role {role.name} is {adjust}, but max_vms is {high}")


def _unseen_period(template: Template) -> Iterator[Finding]:
    interval = template.option("scanSeconds")
    for role, path, policy in _elastic(template):
        period = count(policy.get("period"))
        if isinstance(period, int) and 0 < period < interval:
            yield Finding(
                f"{path}.period", f"of role {role.name} is {period} s, below the {interval} s between two looks"
            )


REST_OF_TWO_ROUNDS = Rule(
    id="cooldown-of-two-rounds",
    title="Between two scale-downs there is time for two rounds",
    why="Shorter than that, VMs are taken out of round after round, and none of them completes.",
    fix="set cooldown of the policy to at least two rounds (600 is a good start).",
    level=RuleLevel.ADVISORY,
    antipatterns=("SCALE-AP2",),
    options=(Option("roundSeconds", 150, "length of a round in seconds"),),
    find=_short_rest,
)

REST_NOT_ENDLESS = Rule(
    id="cooldown-leaves-room",
    title="A scale-down does not block growth for long",
    why="The cooldown of one policy stops the scaling of the whole service, a needed scale-up included.",
    fix="choose a cooldown of 300 to 600 and keep a floor by min_vms (minVms).",
    level=RuleLevel.ADVISORY,
    antipatterns=("SCALE-AP7",),
    options=(Option("largestSeconds", 600, "longest cooldown in seconds that is not reported"),),
    find=_long_rest,
)

FLOWER_METRICS = Rule(
    id="scale-by-flower-metrics",
    title="Scaling looks at what training does",
    why="The platform averages over the role: nine idle nodes hide the one that is overloaded.",
    fix="use an attribute that SuperNodes publish, such as FL_CLIENT_STATUS > 1.5.",
    level=RuleLevel.ADVISORY,
    antipatterns=("SCALE-AP6",),
    find=_averages,
)

ATTRIBUTES_EXIST = Rule(
    id="expressions-read-numbers",
    title="Expressions read attributes that are numbers",
    why="An attribute that no VM has makes the comparison false, text counts as 0: the policy never does what it says.",
    fix="use a monitored attribute such as CPU, or a published number such as FL_CLIENT_STATUS.",
    level=RuleLevel.ADVISORY,
    source="reference 8.2, 8.5",
    options=(Option("attributes", "", "more attributes that the VMs have, separated by commas"),),
    find=_unreadable,
)

NO_FLAPPING = Rule(
    id="thresholds-apart",
    title="Growing and shrinking have different conditions",
    why="Between the two limits both policies hold: the role grows and shrinks in turns.",
    fix="choose a limit for shrinking well below that for growing.",
    level=RuleLevel.ADVISORY,
    source="reference 7.2",
    find=_flapping,
)

STEPS_COUNT = Rule(
    id="policies-change-something",
    title="Policies ask for a number that is allowed",
    why="A step of 0 changes nothing, and a number outside the bounds is refused or cut each time.",
    fix="choose a step other than 0, or a number from min_vms to max_vms.",
    level=RuleLevel.ADVISORY,
    source="reference 7.2, 8.3",
    find=_no_step,
)

PERIOD_SEEN = Rule(
    id="period-is-seen",
    title="Policies are not asked more often than the platform looks",
    why="OneFlow looks every 90 seconds: a shorter period has no effect, and period_number counts those looks.",
    fix="choose a period of at least 90, and period_number by it.",
    level=RuleLevel.ADVISORY,
    source="reference 7.2, 8.3",
    options=(Option("scanSeconds", 90, "seconds between two looks (autoscaler_interval of OneFlow)"),),
    find=_unseen_period,
)
