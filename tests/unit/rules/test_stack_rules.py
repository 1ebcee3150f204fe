"""Rules on several resources together: what breaks each, and what comes close but does not."""

from copy import deepcopy
from typing import Any

import pytest
from unit.rules.rule_templates import GOOD, GOOD_VM, changed

from fedstack.rules import RULES, UNKNOWN, Place, check
from fedstack.rules.properties import resource

SERVICE = {"name": "federation", "serviceTemplateId": UNKNOWN, "roles": [{"name": "supernode", "cardinality": 3}]}


def entry(kind: str, name: str, body: dict[str, Any], **needs: list[str]) -> dict[str, Any]:
    return {"type": kind, "name": name, "body": {"id": UNKNOWN, **body}, "needs": needs, "protect": False}


def stack(**changes: Any) -> dict[str, Any]:
    """A stack whose objects have no numbers yet; roles refer to the two VM templates by what they need."""
    template = changed({"0/template_id": UNKNOWN, "1/template_id": UNKNOWN}, GOOD)
    parts = {
        "link": entry("VirtualMachineTemplate", "vm-superlink", deepcopy(GOOD_VM), NIC=["net"], DISK=["image"]),
        "node": entry("VirtualMachineTemplate", "vm-supernode", deepcopy(GOOD_VM), NIC=["net"], DISK=["image"]),
        "template": entry("ServiceTemplate", "template", template, roles=["vm-superlink", "vm-supernode"]),
        "service": resource("Service", "service", SERVICE, {"serviceTemplateId": ["template"]}, protect=False),
    }
    for name, change in changes.items():
        part, _, key = name.partition("_")
        parts[part]["body"][key] = change
    return {"resources": list(parts.values())}


def numbered(**numbers: int) -> dict[str, Any]:
    """The stack after it was deployed: objects have numbers and refer to each other by them."""
    body = stack()
    link, node, template, service = body["resources"]
    link["body"]["id"], node["body"]["id"], template["body"]["id"] = 11, 12, 13
    template["body"]["roles"][0]["template_id"] = numbers.get("superlink", 11)
    template["body"]["roles"][1]["template_id"] = numbers.get("supernode", 12)
    service["body"]["service_template_id"], service["needs"] = 13, {}
    for machine in (link, node):
        machine["needs"] = {}
    return body


def broken(body: Any, **options: Any) -> list[tuple[str, str]]:
    found = check(body, options=options, place=Place.STACK)
    return [(violation.rule.id, violation.path) for violation in found]


def without_nic(kind: str) -> dict[str, Any]:
    body = stack()
    for each in body["resources"]:
        if each["name"] == kind:
            del each["body"]["NIC"]
    return body


def two_services() -> dict[str, Any]:
    body = stack()
    body["resources"].append({**deepcopy(body["resources"][3]), "name": "second"})
    return body


COUNT = "service: roles[0].cardinality"
TARGET = {"templates": [11, 12], "images": [1], "networks": [0]}
BAD: list[tuple[str, dict[str, Any], str]] = [
    (
        "service-keeps-one-superlink",
        stack(service_roles=[{"name": "superlink", "cardinality": 2}]),
        "service: roles[0].cardinality",
    ),
    ("service-covers-clients", stack(service_roles=[{"name": "supernode", "cardinality": 1}]), COUNT),
    ("service-within-bounds", stack(service_roles=[{"name": "supernode", "cardinality": 11}]), COUNT),
    ("service-within-bounds", stack(service_roles=[{"name": "supernode", "cardinality": 1}]), COUNT),
    ("service-roles-exist", stack(service_roles=[{"name": "supernodes"}]), "service: roles[0].name"),
    ("role-has-network", without_nic("vm-supernode"), "template: roles[1]"),
    ("objects-exist", {**numbered(supernode=99), "target": TARGET}, "template: roles[1].template_id"),
    ("objects-exist", {**numbered(), "target": {**TARGET, "images": []}}, "vm-superlink: DISK[0].IMAGE_ID"),
    ("objects-exist", {**numbered(), "target": {**TARGET, "networks": [7]}}, "vm-supernode: NIC[0].NETWORK_ID"),
    ("service-names-differ", two_services(), "second: name"),
]
"""Rule, stack, and the place that is reported."""

EXPECTED_TOO = {
    "service-covers-clients": {"service-within-bounds"},
    "service-within-bounds": {"service-covers-clients"},
    "service-keeps-one-superlink": {"service-within-bounds"},
}


def test_a_good_stack_breaks_nothing() -> None:
    assert broken(stack()) == []
    assert broken(numbered()) == []
    assert broken({**numbered(), "target": TARGET}) == []


@pytest.mark.parametrize(("rule", "body", "path"), BAD)
def test_bad_stacks(rule: str, body: dict[str, Any], path: str) -> None:
    found = broken(body)
    assert (rule, path) in found
    assert {name for name, _ in found} <= {rule} | EXPECTED_TOO.get(rule, set())


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"resources": UNKNOWN},
        {"resources": [UNKNOWN, {"type": "Service"}, {"type": "ServiceTemplate", "body": UNKNOWN}]},
        stack(service_roles=UNKNOWN),
        stack(service_roles=[{"name": "supernode", "cardinality": UNKNOWN}]),
        stack(template_roles=UNKNOWN),
        stack(node_NIC=UNKNOWN),
        {**numbered(supernode=99), "target": UNKNOWN},
        {**numbered(supernode=99), "target": {"templates": UNKNOWN}},
        {**numbered(supernode=99), "target": {"templates": [99]}},
    ],
)
def test_what_is_not_known_is_not_judged(body: dict[str, Any]) -> None:
    assert broken(body) == []


def test_a_network_that_the_role_adds_is_enough() -> None:
    body = without_nic("vm-supernode")
    body["resources"][2]["body"]["roles"][1]["template_contents"]["NIC"] = [{"NETWORK_ID": "$private"}]
    assert broken(body) == []


def test_protection_is_asked_for_where_an_environment_says_so() -> None:
    required = {"service-protected": {"required": True}}
    assert broken(stack(), **required) == [("service-protected", "service: protect")]
    protected = stack()
    protected["resources"][3]["protect"] = True
    assert broken(protected, **required) == []


def test_every_rule_on_stacks_is_in_the_table() -> None:
    named = {rule for rule, _, _ in BAD} | {"service-protected"}
    assert {rule.id for rule in RULES if Place.STACK in rule.places} == named
