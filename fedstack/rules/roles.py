"""Rules about roles as such: names, numbers, types, how they end."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from fedstack.oneflow.legacy import is_old_format
from fedstack.oneflow.unknown import UNKNOWN
from fedstack.rules.reading import count, mapping
from fedstack.rules.rule import Finding, Rule, RuleLevel, shown
from fedstack.rules.template import Template

_NUMBERS = ("template_id", "cardinality", "min_vms", "max_vms", "cooldown")
_OLD_ROLE_NAMES = ("vm_template", "vm_template_contents", "custom_attrs", "custom_attrs_values")
_OLD_NAMES = ("custom_attrs", "custom_attrs_values")


def _names(template: Template) -> Iterator[Finding]:
    names = [role.fields.get("name") for role in template.roles]
    times = Counter(name for name in names if isinstance(name, str))
    for role, name in zip(template.roles, names, strict=True):
        if name is UNKNOWN:
            continue
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_]+", name):
            yield Finding(role.at("name"), f"is {shown(name)}, must consist of letters, digits and underscores")
        elif times[name] > 1:
            yield Finding(role.at("name"), f"is {shown(name)} in {times[name]} roles, must be unique")


def _no_cardinality(template: Template) -> Iterator[Finding]:
    """A coordinator's number is the concern of another rule; 0 counts as not said where nothing says min_vms."""
    for role in template.roles:
        if role in template.coordinators:
            continue
        if role.fields.get("cardinality") is None:
            yield Finding(role.at("cardinality"), f"of role {role.name} is missing, must be a number")
        elif role.count("cardinality") == 0 and role.fields.get("min_vms") is None:
            yield Finding(role.at("cardinality"), f"of role {role.name} is 0 without min_vms, must be at least 1")


def _out_of_bounds(template: Template) -> Iterator[Finding]:
    for role in template.roles:
        if role in template.coordinators:
            continue
        low, number, high = (role.count(key) for key in ("min_vms", "cardinality", "max_vms"))
        if isinstance(low, int) and isinstance(number, int) and number < low:
            yield Finding(role.at("cardinality"), f"of role {role.name} is {number}, must be at least min_vms ({low})")
        if isinstance(high, int) and isinstance(number, int) and number > high:
            yield Finding(role.at("cardinality"), f"of role {role.name} is {number}, must be at most max_vms ({high})")


def _numbers_as_text(template: Template) -> Iterator[Finding]:
    for role in template.roles:
        for key in _NUMBERS:
            value = role.fields.get(key)
            text = isinstance(value, str) and count(value) is not None
            fraction = isinstance(value, float) and count(value) not in (None, value)
            if text or fraction:
                yield Finding(role.at(key), f"of role {role.name} is {shown(value)}, must be a whole number")


def _old_names(template: Template) -> Iterator[Finding]:
    if not template.written.get("roles"):
        return
    mixed = not is_old_format(template.written)
    for path, key in _old_keys(template.written):
        effect = "is not converted because other roles have new names" if mixed else "is a name of 6.x"
        yield Finding(path, effect)
        if not mixed and key == "custom_attrs_values" and path.startswith("roles"):
            yield Finding(path, "is lost in the conversion")


def _old_keys(written: Any) -> Iterator[tuple[str, str]]:
    for key in _OLD_NAMES:
        if key in written:
            yield key, key
    listed = written.get("roles")
    for index, role in enumerate(listed if isinstance(listed, list | tuple) else ()):
        for key in _OLD_ROLE_NAMES:
            if key in mapping(role):
                yield f"roles[{index}].{key}", key


def _hard(template: Template) -> Iterator[Finding]:
    """Of the service, and of the coordinator: the only ones that end a database."""
    holders = [("shutdown_action", template.body.get("shutdown_action"))]
    holders += [(role.at("shutdown_action"), role.fields.get("shutdown_action")) for role in template.coordinators]
    for path, action in holders:
        if action == "terminate-hard":
            yield Finding(path, "is terminate-hard, must be shutdown or terminate")


ROLE_NAMES = Rule(
    id="role-names",
    title="Role names are words, each used once",
    why="The platform refuses any other template, so nothing is deployed.",
    fix="use letters, digits and underscores, and another name for each role.",
    level=RuleLevel.MANDATORY,
    source="OneFlow's schema of roles",
    find=_names,
)

CARDINALITY = Rule(
    id="cardinality-stated",
    title="Every role says how many VMs it has",
    why="Without it OpenNebula 7 takes 0 (6.x took 1): the service reaches RUNNING without a single SuperNode.",
    fix="set cardinality of the role.",
    level=RuleLevel.MANDATORY,
    source="OneFlow's schema of roles",
    find=_no_cardinality,
)

BOUNDS = Rule(
    id="cardinality-within-bounds",
    title="The number of VMs lies between its bounds",
    why="The platform refuses such a template, and a service whose number is changed so when it is made.",
    fix="choose min_vms (minVms) <= cardinality <= max_vms (maxVms).",
    level=RuleLevel.MANDATORY,
    source="OneFlow's check of roles",
    find=_out_of_bounds,
)

NUMBERS = Rule(
    id="numbers-as-numbers",
    title="Numbers are written as whole numbers",
    why="The platform stores the number that it reads, so every later comparison shows a change that is none.",
    fix="write the number without quotes and without a fraction.",
    level=RuleLevel.ADVISORY,
    source="OneFlow coerces integers",
    find=_numbers_as_text,
)

CURRENT_NAMES = Rule(
    id="current-names",
    title="Keys have the names of OpenNebula 7",
    why="Old names are converted only when every role uses them, and then differ from what was written for ever.",
    fix="write template_id, template_contents, user_inputs, user_inputs_values and the type of each role.",
    level=RuleLevel.ADVISORY,
    source="OneFlow converts templates of 6.x",
    find=_old_names,
)

GRACEFUL_END = Rule(
    id="graceful-shutdown",
    title="The SuperLink is shut down, not cut off",
    why="A hard stop may corrupt the SuperLink's state database, and with it every run that it knows.",
    fix="set shutdown_action (shutdownAction) to shutdown.",
    level=RuleLevel.ADVISORY,
    source="reference 6.9",
    find=_hard,
)
