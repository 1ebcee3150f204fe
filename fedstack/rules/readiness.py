"""Rules about what opens the gate: the guest agent's context, and nothing else (ORCH-AP4; READY in templates)."""

from collections.abc import Callable, Iterator
from typing import Any

from fedstack.oneflow.unknown import UNKNOWN
from fedstack.rules.reading import RoleView, mapping
from fedstack.rules.rule import Finding, Place, Rule, RuleLevel, shown
from fedstack.rules.settings import declared
from fedstack.rules.template import Template

PUBLISHED = ("READY", "FL_READY", "FL_NODE_READY")
"""What guests publish when they are ready; nobody else may."""


def _must_be_yes(name: str) -> Callable[[Template], Iterator[Finding]]:
    def find(template: Template) -> Iterator[Finding]:
        for role in template.roles:
            value = role.context(name)
            if value is not UNKNOWN and str(value).strip().upper() != "YES":
                path = role.at(f"template_contents.CONTEXT.{name}")
                yield Finding(path, f"of role {role.name} is {shown(value)}, must be YES")

    return find


def _no_report(template: Template) -> Iterator[Finding]:
    """Only the gate waits for reports."""
    if template.body.get("ready_status_gate") is True:
        yield from _must_be_yes("REPORT_READY")(template)


def _no_script(template: Template) -> Iterator[Finding]:
    for role, appliance in template.flower_roles():
        value = role.context("READY_SCRIPT_PATH")
        if value is not UNKNOWN and not str(value or "").strip():
            path = role.at("template_contents.CONTEXT.READY_SCRIPT_PATH")
            yield Finding(path, f"of role {role.name} is missing, must be the health check of the {appliance}")


def _preset(template: Template) -> Iterator[Finding]:
    """Attributes and inputs; inputs become attributes. A name that ends in READY opens the gate as READY does."""
    yield from _preset_inputs(template.body, "")
    for role in template.roles:
        yield from _preset_inputs(role.fields, role.path)
        yield from _preset_contents(role)


def _preset_inputs(holder: Any, path: str) -> Iterator[Finding]:
    for place, name, _ in declared(holder, path):
        if name.upper().endswith("READY"):
            yield Finding(place, "declares an input that becomes an attribute of each VM, must be absent")
    for name in mapping(holder.get("user_inputs_values")):
        if str(name).upper().endswith("READY"):
            place = f"{path}.user_inputs_values.{name}".lstrip(".")
            yield Finding(place, "becomes an attribute of each VM, must be absent")


def _preset_contents(role: RoleView) -> Iterator[Finding]:
    for key in mapping(role.contents):
        if str(key).upper().endswith("READY"):
            yield Finding(role.at(f"template_contents.{key}"), f"of role {role.name} must be absent")
    for name in PUBLISHED:
        if role.context(name) is not None and role.context(name) is not UNKNOWN:
            yield Finding(role.at(f"template_contents.CONTEXT.{name}"), f"of role {role.name} must be absent")


def _preset_vm(template: Template) -> Iterator[Finding]:
    for key in template.body:
        if str(key).upper().endswith("READY"):
            yield Finding(str(key), "must be absent")


def _preset_anywhere(template: Template) -> Iterator[Finding]:
    yield from _preset(template) if "roles" in template.body else _preset_vm(template)


TOKEN_IN_CONTEXT = Rule(
    id="token-in-context",
    title="Every VM has a OneGate token",
    why="Without it OneGate answers 401 to everything, nobody reports ready and the service hangs in DEPLOYING.",
    fix='set TOKEN = "YES" in template_contents.CONTEXT (templateContents) of the role.',
    level=RuleLevel.MANDATORY,
    antipatterns=("ORCH-AP4",),
    find=_must_be_yes("TOKEN"),
)

REPORT_READY = Rule(
    id="report-ready",
    title="Every VM reports when it is ready",
    why="Behind the gate a role is ready only when each VM says so; without the report the service hangs in DEPLOYING.",
    fix='set REPORT_READY = "YES" in template_contents.CONTEXT (templateContents) of the role.',
    level=RuleLevel.MANDATORY,
    antipatterns=("ORCH-AP4",),
    find=_no_report,
)

READY_SCRIPT = Rule(
    id="ready-script",
    title="Readiness is checked before it is reported",
    why="Without a script a VM reports ready at the end of its boot, whether Flower answers or not.",
    fix="set READY_SCRIPT_PATH in template_contents.CONTEXT to /opt/flower/scripts/health-check.sh.",
    level=RuleLevel.ADVISORY,
    source="reference 2.5, V41",
    find=_no_script,
)

READY_NOT_PRESET = Rule(
    id="ready-not-preset",
    title="Nobody but the guest says that it is ready",
    why="The gate opens for READY=YES anywhere in an update of the VM, so children boot before their parent answers.",
    fix="take the attribute or input out; guests publish READY, FL_READY and FL_NODE_READY themselves.",
    level=RuleLevel.MANDATORY,
    source="OneFlow looks for the text READY=YES, whatever stands before it",
    places=(Place.SERVICE_TEMPLATE, Place.VM_TEMPLATE),
    find=_preset_anywhere,
)
