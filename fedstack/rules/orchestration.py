"""Rules about the order in which a cluster comes up (anti-patterns ORCH-AP1, AP4, AP8)."""

import json
from collections.abc import Iterator

from fedstack.oneflow.unknown import UNKNOWN
from fedstack.rules.reading import SUPERLINK, attribute, roles
from fedstack.rules.rule import Body, Finding, Rule, RuleLevel


def _no_gate(body: Body) -> Iterator[Finding]:
    gate = body.get("ready_status_gate")
    if gate is not UNKNOWN and gate is not True:
        yield Finding("ready_status_gate", f"is {_shown(gate)}, must be true")


def _not_straight(body: Body) -> Iterator[Finding]:
    deployment = body.get("deployment")
    if deployment is not UNKNOWN and deployment != "straight":
        default = " (the platform's default is none)" if deployment is None else ""
        yield Finding("deployment", f"is {_shown(deployment)}{default}, must be straight")


def _orphans(body: Body) -> Iterator[Finding]:
    """Roles beside the SuperLink that do not wait for it; templates without a SuperLink are not concerned."""
    known = roles(body)
    if not any(role.fields.get("name") == SUPERLINK for role in known):
        return
    for role in known:
        if role.fields.get("name") in (SUPERLINK, UNKNOWN) or role.parents is UNKNOWN:
            continue
        if SUPERLINK not in role.parents:
            yield Finding(role.at("parents"), f"of role {role.name} lacks {SUPERLINK}")


def _no_token(body: Body) -> Iterator[Finding]:
    for role in roles(body):
        token = attribute(role.fields.get("template_contents"), "CONTEXT", "TOKEN")
        if token is not UNKNOWN and str(token).strip().upper() != "YES":
            path = role.at("template_contents.CONTEXT.TOKEN")
            yield Finding(path, f"of role {role.name} is {_shown(token)}, must be YES")


def _shown(value: object) -> str:
    return "missing" if value is None else json.dumps(value, default=repr)[:80]


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

TOKEN_IN_CONTEXT = Rule(
    id="token-in-context",
    title="Every VM has a OneGate token",
    why="Without it OneGate answers 401 to everything, nobody reports ready and the service hangs in DEPLOYING.",
    fix='set TOKEN = "YES" in template_contents.CONTEXT (templateContents) of the role.',
    level=RuleLevel.MANDATORY,
    antipatterns=("ORCH-AP4",),
    find=_no_token,
)
