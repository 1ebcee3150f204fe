"""Rules about networks: without one no VM reaches OneGate, and nobody ever reports ready."""

from collections.abc import Iterator
from typing import Any

from fedstack.oneflow.unknown import UNKNOWN
from fedstack.rules.reading import attribute, mapping, vectors
from fedstack.rules.rule import Finding, Place, Rule, RuleLevel
from fedstack.rules.template import Template

_NETWORK_KEYS = ("NETWORK", "NETWORK_ID", "NETWORK_MODE", "NETWORK_UNAME")


def _unknown_networks(template: Template) -> Iterator[Finding]:
    networks = template.body.get("networks")
    if networks is UNKNOWN:
        return
    for role in template.roles:
        for place, nic in vectors(role.contents, "NIC"):
            name = attribute(nic, "NETWORK_ID")
            if isinstance(name, str) and name.startswith("$") and name[1:] not in mapping(networks):
                path = role.at(f"template_contents.{place}.NETWORK_ID")
                yield Finding(path, f"of role {role.name} is {name!r}, which is none of the service's networks")


def _networks_without_value(template: Template) -> Iterator[Finding]:
    valued = template.body.get("networks_values")
    named = {key for each in (valued if isinstance(valued, list | tuple) else ()) for key in mapping(each)}
    for name, text in mapping(template.body.get("networks")).items():
        if valued is UNKNOWN or not isinstance(text, str) or name in named:
            continue
        if not text.split("|", 4)[4:] or not text.split("|", 4)[4].strip():
            yield Finding(f"networks.{name}", "has no default and no entry in networks_values")


def _guest_network(template: Template) -> Iterator[Finding]:
    for role, _ in template.flower_roles():
        value = role.context("NETWORK")
        if value is not UNKNOWN and str(value).strip().upper() != "YES":
            yield Finding(role.at("template_contents.CONTEXT.NETWORK"), f"of role {role.name} must be YES")


def _no_nic(template: Template) -> Iterator[Finding]:
    if _unknown(template.body, "NIC") or attribute(template.body, "NIC_DEFAULT") is not None:
        return
    nics = [nic for _, nic in vectors(template.body, "NIC")]
    listed = attribute(template.body, "NIC")
    if not nics and not (isinstance(listed, list | tuple) and UNKNOWN in listed):
        yield Finding("NIC", "is missing, must name a network unless each role adds one")


def _nic_without_network(template: Template) -> Iterator[Finding]:
    for place, nic in vectors(template.body, "NIC"):
        if all(attribute(nic, key) in (None, "") for key in _NETWORK_KEYS):
            yield Finding(place, "has no NETWORK_ID (networkId), must name a network")


def _unknown(body: Any, key: str) -> bool:
    return attribute(body, key) is UNKNOWN


NETWORKS_EXIST = Rule(
    id="networks-exist",
    title="NICs refer to networks of the service",
    why="A $name that the service does not have stays as it is, and no VM of the role can be created.",
    fix="declare the network under networks, or write the number of an existing one.",
    level=RuleLevel.MANDATORY,
    source="OneFlow replaces only names that it knows",
    find=_unknown_networks,
)

NETWORKS_HAVE_VALUES = Rule(
    id="networks-have-values",
    title="Networks of a service have a value",
    why="A service is refused while one of its networks has neither a default nor a value at that moment.",
    fix='give the network a default ("M|network|text||id:1") or an entry in networks_values.',
    level=RuleLevel.ADVISORY,
    source="OneFlow, networks at instantiation",
    find=_networks_without_value,
)

GUEST_NETWORK = Rule(
    id="network-in-context",
    title="Guests configure their network",
    why="Without NETWORK=YES a guest gets no address from its context, cannot reach OneGate and never reports ready.",
    fix='set NETWORK = "YES" in template_contents.CONTEXT (templateContents), unless the VM template has it.',
    level=RuleLevel.ADVISORY,
    source="reference 2.5, V39",
    find=_guest_network,
)

VM_HAS_NETWORK = Rule(
    id="vm-has-network",
    title="VM templates have a network interface",
    why="A VM on no network cannot reach OneGate: it never reports ready and the service hangs in DEPLOYING.",
    fix="add a NIC (nics), unless every role adds one from the service's networks.",
    level=RuleLevel.ADVISORY,
    source="OneGate is reached through a NIC",
    places=(Place.VM_TEMPLATE,),
    find=_no_nic,
)

NIC_HAS_NETWORK = Rule(
    id="nic-has-network",
    title="Every network interface is on a network",
    why="Such an interface has no address: the VM cannot reach OneGate and never reports ready.",
    fix="set NETWORK_ID (networkId) of the interface.",
    level=RuleLevel.MANDATORY,
    source="OneGate is reached through a NIC",
    places=(Place.VM_TEMPLATE,),
    find=_nic_without_network,
)
