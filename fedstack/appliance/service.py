"""What a SuperNode reads from the service document of OneGate (reference 4.3 and 4.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SUPERLINK_ROLE = "superlink"
SUPERNODE_ROLE = "supernode"


@dataclass(frozen=True)
class Node:
    """A VM of a role: its number, the attributes that it published, and the context that the platform holds for it."""

    vm_id: int
    attributes: Mapping[str, str]
    context: Mapping[str, str]


@dataclass(frozen=True)
class Announcement:
    """What a SuperLink published: its Fleet address, and how to talk to it. `ca` is base64 of a PEM."""

    vm_id: int
    endpoint: str
    tls: bool
    ca: str
    supernode_auth: bool
    version: str
    registered: frozenset[str]


def nodes(document: Mapping[str, Any], role: str) -> list[Node]:
    """The VMs of a role, in the document's order; none when there is no such role."""
    for candidate in document.get("SERVICE", {}).get("roles", []):
        if candidate.get("name") == role:
            return [_node(entry) for entry in candidate.get("nodes", [])]
    return []


def cardinality(document: Mapping[str, Any], role: str) -> int:
    """How many VMs a role is to have; 0 when there is no such role."""
    roles = document.get("SERVICE", {}).get("roles", [])
    return next((int(candidate.get("cardinality", 0)) for candidate in roles if candidate.get("name") == role), 0)


def _node(entry: Mapping[str, Any]) -> Node:
    machine = (entry.get("vm_info") or {}).get("VM") or {}
    context = (machine.get("TEMPLATE") or {}).get("CONTEXT") or {}
    return Node(int(entry["deploy_id"]), machine.get("USER_TEMPLATE") or {}, context)


def own(document: Mapping[str, Any], vm_id: str) -> Node | None:
    """The VM of that number; None when it is in neither role."""
    everyone = [*nodes(document, SUPERLINK_ROLE), *nodes(document, SUPERNODE_ROLE)]
    return next((node for node in everyone if str(node.vm_id) == vm_id), None)


def announcement(document: Mapping[str, Any]) -> Announcement | None:
    """The first SuperLink that is ready and has an address; None: not yet."""
    everyone = (announced(node.vm_id, node.attributes) for node in nodes(document, SUPERLINK_ROLE))
    return next(filter(None, everyone), None)


def announced(vm_id: int, said: Mapping[str, str]) -> Announcement | None:
    """What the SuperLink in a VM says; None while it is not ready or has no address."""
    if said.get("FL_READY") != "YES" or not said.get("FL_ENDPOINT"):
        return None
    return Announcement(
        vm_id=vm_id,
        endpoint=said["FL_ENDPOINT"],
        tls=said.get("FL_TLS") == "YES",
        ca=said.get("FL_CA_CERT", ""),
        supernode_auth=said.get("FL_ENROLMENT") == "YES",
        version=said.get("FL_VERSION", ""),
        registered=frozenset(said.get("FL_REGISTERED", "").split()),
    )


def partition(document: Mapping[str, Any], vm_id: str) -> str | None:
    """The node config of this VM by its place among the SuperNodes; None when it is not among them."""
    numbers = [str(node.vm_id) for node in nodes(document, SUPERNODE_ROLE)]
    if vm_id not in numbers:
        return None
    return f"partition-id={numbers.index(vm_id)} num-partitions={len(numbers)}"
