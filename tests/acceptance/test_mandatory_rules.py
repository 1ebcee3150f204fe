"""Every mandatory rule blocks a real preview: programs that break them all, judged by the real CLI."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from support.workspace import Workspace
from unit.rules.rule_templates import GOOD, GOOD_VM, changed
from unit.rules.test_rule_table import BAD, OTHERS, VM

from fedstack.oneflow.names import to_camel
from fedstack.review.events import read_preview
from fedstack.rules import RULES, UNKNOWN, Place, RuleLevel, check

PROGRAM = """
import json

import pulumi

for place, (kind, properties) in enumerate(json.load(open("resources.json"))):
    pulumi.CustomResource(f"opennebula:index:{kind}", f"r{place}", properties)
"""
STACK = """
import json

import pulumi
import pulumi_opennebula as one

GOOD = json.load(open("good.json"))
bare = one.VirtualMachineTemplate("bare", name="bare", cpu=0.1, memory_mb=64, disks=[one.DiskArgs(image_id=77)])
for role in GOOD["roles"]:
    role["templateId"] = bare.template_id
template = pulumi.CustomResource("opennebula:index:ServiceTemplate", "template", {**GOOD, "serviceTemplateId": None})
pulumi.CustomResource(
    "opennebula:index:Service",
    "service",
    {
        "name": "service",
        "serviceTemplateId": template.id.apply(int),
        "roles": [
            {"name": "superlink", "cardinality": 2},
            {"name": "supernode", "cardinality": 1},
            {"name": "worker", "cardinality": 1},
        ],
    },
)
"""
MANDATORY = [rule for rule in RULES if rule.level is RuleLevel.MANDATORY]
ON_STACKS = {rule.id for rule in MANDATORY if Place.STACK in rule.places}


def changed_fields(changes: dict[str, Any]) -> set[str]:
    """What changes touch: `deployment`, or a field of a role, `1/user_inputs`."""
    return {"/".join(path.split("/")[:2]) for path in changes}


def grouped(cases: list[tuple[str, dict[str, Any]]], good: dict[str, Any], place: Place) -> list[dict[str, Any]]:
    """As few bodies as break all these rules: changes are put together as long as none hides another."""
    groups: list[dict[str, Any]] = []
    bodies: list[dict[str, Any]] = []
    wanted: list[set[str]] = []
    for rule, changes in cases:
        for place_of, group in enumerate(groups):
            if changed_fields(group) & changed_fields(changes):
                continue
            merged = changed({**group, **changes}, good)
            if {each.rule.id for each in check(merged, place=place)} >= wanted[place_of] | {rule}:
                groups[place_of], bodies[place_of] = {**group, **changes}, merged
                wanted[place_of].add(rule)
                break
        else:
            groups.append(changes)
            bodies.append(changed(changes, good))
            wanted.append({rule})
    return bodies


def vm_properties(attributes: dict[str, Any]) -> dict[str, Any]:
    """Properties of a VM template with these attributes."""
    own = {"CPU", "MEMORY", "DISK", "NIC", "CONTEXT"}
    nics = [{"networkId": nic["NETWORK_ID"]} if "NETWORK_ID" in nic else {} for nic in attributes.get("NIC", [])]
    return {
        "name": "vm",
        "cpu": 0.1,
        "memoryMb": 64,
        "nics": nics,
        "context": attributes.get("CONTEXT", {}),
        "attributes": {key: value for key, value in attributes.items() if key not in own},
    }


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with Workspace.running(tmp_path_factory.mktemp("mandatory"), "--hypervisor", "simulated") as space:
        space.create_stack()
        yield space


def blocked_by(workspace: Workspace, resources: list[tuple[str, dict[str, Any]]]) -> set[str]:
    """The mandatory policies that a preview of these resources violates."""
    (workspace.root / "__main__.py").write_text(PROGRAM)
    (workspace.root / "resources.json").write_text(json.dumps(resources))
    return violated(workspace)


def violated(workspace: Workspace, *options: str) -> set[str]:
    """The mandatory policies that a preview of the program violates; nothing may exist afterwards."""
    log = workspace.root / "events.json"
    log.unlink(missing_ok=True)
    extra = {"PULUMI_DEBUG_COMMANDS": "true"}
    done = workspace.pulumi("preview", "--policy-pack", "policies", *options, "--event-log", str(log), **extra)
    assert done.returncode != 0
    assert "Traceback" not in done.stdout + done.stderr
    assert workspace.vms() == []
    assert workspace.flow("service_template")["DOCUMENT_POOL"] == {}
    violations = read_preview(log.read_text().splitlines()).violations
    return {violation.policy for violation in violations if violation.level == "mandatory"}


def first_of_each(table: list[tuple[str, dict[str, Any], str]]) -> list[tuple[str, dict[str, Any]]]:
    """The first entry of each mandatory rule that is JSON."""
    mandatory = {rule.id for rule in MANDATORY}
    known = [(rule, changes) for rule, changes, _ in table if rule in mandatory and repr(UNKNOWN) not in repr(changes)]
    return list({rule: (rule, changes) for rule, changes in reversed(known)}.values())


def previews() -> list[tuple[str, dict[str, Any]]]:
    """One resource a preview: the first violation ends it, and tells everything about its resource."""
    templates = grouped(first_of_each(BAD), GOOD, Place.SERVICE_TEMPLATE)
    machines = grouped(first_of_each(VM), GOOD_VM, Place.VM_TEMPLATE)
    sites = [body for _, body in first_of_each(OTHERS)]
    return [
        *(("ServiceTemplate", to_camel(body)) for body in (*templates, *sites)),
        *(("VirtualMachineTemplate", vm_properties(body)) for body in machines),
    ]


def test_rules_on_templates(workspace: Workspace) -> None:
    found = set[str]().union(*(blocked_by(workspace, [resource]) for resource in previews()))
    assert found - ON_STACKS == {rule.id for rule in MANDATORY} - ON_STACKS


def test_rules_on_stacks(workspace: Workspace) -> None:
    (workspace.root / "__main__.py").write_text(STACK)
    (workspace.root / "good.json").write_text(json.dumps(to_camel(GOOD)))
    levels = workspace.root / "required.json"
    levels.write_text('{"service-protected": {"required": true}}')
    assert violated(workspace, "--policy-pack-config", str(levels)) == ON_STACKS
