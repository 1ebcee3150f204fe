"""Rules about user inputs: which variable stands at which level (ORCH-AP3, AP5, AP6; RES-AP1 to RES-AP3)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from fedstack.context import Level, named
from fedstack.rules.reading import attribute, mapping, texts
from fedstack.rules.rule import Finding, Rule, RuleLevel
from fedstack.rules.settings import declared, is_variable, settings
from fedstack.rules.template import Template

_KINDS = ("user_inputs", "user_inputs_values")
_ADDRESS = re.compile(r"(?<![0-9.])(?!0\.0\.0\.0)(?:[0-9]{1,3}\.){3}[0-9]{1,3}:9092(?![0-9])")
_PARENT_REFERENCE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)+\}")


def _two_levels(template: Template) -> Iterator[Finding]:
    for kind in _KINDS:
        shared = mapping(template.body.get(kind))
        for role in template.roles:
            for name in mapping(role.fields.get(kind)):
                if name in shared:
                    path = role.at(f"{kind}.{name}")
                    yield Finding(path, f"of role {role.name} is an input of the service too")
    yield from _service_variables_in_roles(template)


def _service_variables_in_roles(template: Template) -> Iterator[Finding]:
    """Variables that both appliances must agree on, declared by two roles each for itself."""
    holders: dict[str, list[str]] = {}
    for role in template.roles:
        for path, name, _ in declared(role.fields, role.path):
            if any(row.level is Level.SERVICE for row in named(name)):
                holders.setdefault(name, []).append(path)
    for paths in holders.values():
        for path in paths[1:]:
            yield Finding(path, f"is declared at {paths[0]} too, must be one input of the service")


def _infrastructure(template: Template) -> Iterator[Finding]:
    holders: list[tuple[Mapping[str, Any], str]] = [(template.body, "")]
    holders += [(role.fields, role.path) for role in template.roles]
    for holder, path in holders:
        for place, name, _ in declared(holder, path):
            if any(row.level is Level.CONTEXT for row in named(name)):
                yield Finding(place, "is a user input, must be set in template_contents.CONTEXT alone")


def _static_address(template: Template) -> Iterator[Finding]:
    if not template.superlinks:
        return
    for role in template.supernodes:
        given = settings(template, role).given
        if "FL_SUPERLINK_ADDRESS" in given:
            yield Finding(given["FL_SUPERLINK_ADDRESS"].path, f"reaches role {role.name}, must be absent")


def _literal_address(template: Template) -> Iterator[Finding]:
    for path, text in texts(template.body):
        found = _ADDRESS.search(text)
        if found:
            yield Finding(path, f"contains the address {found.group()}")


def _parent_reference(template: Template) -> Iterator[Finding]:
    for path, text in texts(template.body):
        found = _PARENT_REFERENCE.search(text)
        if found:
            yield Finding(path, f"refers to a parent's attribute by {found.group()[:60]}")


def _fixed_tunables(template: Template) -> Iterator[Finding]:
    for role in template.roles:
        inputs = {name for holder in (template.body, role.fields) for name in mapping(holder.get("user_inputs"))}
        for name in mapping(attribute(role.contents, "CONTEXT")):
            if is_variable(str(name)) and name not in inputs:
                path = role.at(f"template_contents.CONTEXT.{name}")
                yield Finding(path, f"of role {role.name} is no user input")


def _empty_inputs(template: Template) -> Iterator[Finding]:
    for role in template.roles:
        if role.fields.get("user_inputs") == {}:
            yield Finding(role.at("user_inputs"), f"of role {role.name} is empty, must be absent")


ONE_LEVEL = Rule(
    id="one-level-per-input",
    title="Every input stands at one level",
    why="The role's value silently wins over the service's: roles end up with different versions or settings.",
    fix="declare the input once: for the service when both roles read it, else for the role.",
    level=RuleLevel.ADVISORY,
    antipatterns=("ORCH-AP3",),
    find=_two_levels,
)

NO_INFRASTRUCTURE = Rule(
    id="no-infrastructure-inputs",
    title="The guest agent's variables are no inputs",
    why="Whoever fills in the form can break the boot; REPORT_READY as an input even opens the gate by itself.",
    fix="set it in template_contents.CONTEXT (templateContents) and take the input out.",
    level=RuleLevel.ADVISORY,
    antipatterns=("ORCH-AP5",),
    find=_infrastructure,
)

DISCOVERY = Rule(
    id="superlink-is-discovered",
    title="SuperNodes find the SuperLink of their service",
    why="An address in the template bypasses discovery and its TLS settings, and is not known before the SuperLink is.",
    fix="take FL_SUPERLINK_ADDRESS out; it belongs into services without a SuperLink of their own.",
    level=RuleLevel.ADVISORY,
    antipatterns=("ORCH-AP6",),
    source="reference 2.8, 10c",
    find=_static_address,
)

NO_ADDRESS = Rule(
    id="no-literal-address",
    title="No address of a SuperLink in a template",
    why="The SuperLink gets another address with every deployment; SuperNodes then dial the wrong machine.",
    fix="leave the address to discovery, or give it when the service is made.",
    level=RuleLevel.ADVISORY,
    antipatterns=("RES-AP1",),
    find=_literal_address,
)

TUNABLES_ARE_INPUTS = Rule(
    id="tunables-are-inputs",
    title="What people tune is a user input",
    why="A variable that stands in template_contents alone cannot be changed by whoever deploys the service.",
    fix="declare it under user_inputs (userInputs) instead.",
    level=RuleLevel.ADVISORY,
    antipatterns=("RES-AP2",),
    find=_fixed_tunables,
)

NO_PARENT_REFERENCE = Rule(
    id="no-parent-reference",
    title="No reference to an attribute of a parent",
    why="It is replaced when the VM is created, and by nothing when the parent has no such attribute yet.",
    fix="let the guest ask OneGate for what the SuperLink published.",
    level=RuleLevel.ADVISORY,
    antipatterns=("RES-AP3",),
    find=_parent_reference,
)

NO_EMPTY_INPUTS = Rule(
    id="no-empty-user-inputs",
    title="No empty list of inputs",
    why="Even an empty user_inputs of a role makes the platform refuse a service that gives no values by role.",
    fix="take user_inputs (userInputs) of the role out.",
    level=RuleLevel.ADVISORY,
    source="OneFlow, inputs at instantiation",
    find=_empty_inputs,
)
