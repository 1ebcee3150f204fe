"""Rules about the order in which a cluster comes up (anti-patterns ORCH-AP1, AP8; the graph of parents)."""

from collections.abc import Iterator

from fedstack.oneflow.graph import cycles, unknown_parents
from fedstack.oneflow.unknown import UNKNOWN
from fedstack.rules.reading import SUPERLINK
from fedstack.rules.rule import Finding, Rule, RuleLevel, shown
from fedstack.rules.template import Template


def _no_gate(template: Template) -> Iterator[Finding]:
    gate = template.body.get("ready_status_gate")
    if gate is not UNKNOWN and gate is not True:
        yield Finding("ready_status_gate", f"is {shown(gate)}, must be true")


def _not_straight(template: Template) -> Iterator[Finding]:
    deployment = template.body.get("deployment")
    if deployment is not UNKNOWN and deployment != "straight":
        default = " (the platform's default is none)" if deployment is None else ""
        yield Finding("deployment", f"is {shown(deployment)}{default}, must be straight")


def _orphans(template: Template) -> Iterator[Finding]:
    """Roles beside the SuperLink that do not wait for it; templates without a SuperLink are not concerned."""
    if not template.superlinks:
        return
    for role in template.roles:
        if role.fields.get("name") in (SUPERLINK, UNKNOWN) or role.parents is UNKNOWN:
            continue
        if SUPERLINK not in role.parents:
            yield Finding(role.at("parents"), f"of role {role.name} lacks {SUPERLINK}")


def _missing_parents(template: Template) -> Iterator[Finding]:
    """With a role of unknown name the missing one may be that."""
    if not template.all_roles_known:
        return
    missing = unknown_parents([role.fields for role in template.roles])
    for role in template.roles:
        for child, parent in dict.fromkeys(missing):
            if str(role.fields.get("name")) == child:
                yield Finding(role.at("parents"), f"of role {role.name} has {parent!r}, which is no role")


def _circles(template: Template) -> Iterator[Finding]:
    for group in cycles([role.fields for role in template.roles if isinstance(role.fields.get("name"), str)]):
        role = next(role for role in template.roles if role.name == group[0])
        yield Finding(role.at("parents"), f"form a circle: {' waits for '.join([*group, group[0]])}")


READY_GATE = Rule(
    id="ready-gate",
    title="Roles wait until their parents report ready",
    why="Without the gate a running VM counts as ready, so SuperNodes boot before the SuperLink answers and time out.",
    fix="set ready_status_gate (readyStatusGate) to true.",
    level=RuleLevel.MANDATORY,
    antipatterns=("ORCH-AP1",),
    find=_no_gate,
)

STRAIGHT_DEPLOYMENT = Rule(
    id="straight-deployment",
    title="Roles deploy parents first",
    why="With any other strategy the platform ignores parents: all VMs boot at once and race for the SuperLink.",
    fix="set deployment to straight.",
    level=RuleLevel.MANDATORY,
    antipatterns=("ORCH-AP8",),
    find=_not_straight,
)

SUPERLINK_IS_PARENT = Rule(
    id="superlink-is-parent",
    title="SuperNodes are children of the SuperLink",
    why="Order comes from parents alone, not from the order of roles: without them the role boots with the SuperLink.",
    fix=f'set parents of the role to ["{SUPERLINK}"].',
    level=RuleLevel.MANDATORY,
    antipatterns=("ORCH-AP8",),
    find=_orphans,
)

PARENTS_EXIST = Rule(
    id="parents-exist",
    title="Parents are roles of the template",
    why="The platform accepts a parent that does not exist; the role never deploys and the service hangs in DEPLOYING.",
    fix="name an existing role, or take the parent out.",
    level=RuleLevel.MANDATORY,
    source="OneFlow accepts any graph of parents",
    find=_missing_parents,
)

NO_CIRCLES = Rule(
    id="no-circular-parents",
    title="No role waits for itself",
    why="The platform accepts a circle of parents: none of its roles ever deploys, and a delete may leave VMs behind.",
    fix="take one of these parents out.",
    level=RuleLevel.MANDATORY,
    source="OneFlow accepts any graph of parents",
    find=_circles,
)
