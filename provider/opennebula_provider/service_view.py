"""A service and its machines at one moment, as plain data, and what users should read about them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fedstack.oneflow.states import role_state_name, service_state_name
from fedstack.opennebula.states import LCM_FAILURES, vm_state_name

from .cloud import TAG, Cloud
from .rpc import Tree, each, section
from .scaling import Scaling, actual
from .values import Properties

HEALTHY = "healthy"
RUNNING = "RUNNING"
PLATFORM_KEYS = frozenset({"READY", "SERVICE_ID", "ROLE_NAME", TAG})
"""What the platform and this provider keep in a machine's user template."""

_ERROR_NAME = re.compile(r"(?:^|_)ERROR(?:_|$)")
_FAILURES = frozenset(state.name for state in LCM_FAILURES)
_HALF_BUILT = frozenset({"PENDING", "DEPLOYING", "DEPLOYING_NETS"})
_STRICT = frozenset({"PENDING", "DEPLOYING", "FAILED_DEPLOYING", "SCALING", "FAILED_SCALING"})
_ENDING = frozenset({"UNDEPLOYING", "UNDEPLOYING_NETS", "DONE"})


@dataclass(frozen=True)
class Node:
    """A machine of a role; `report` is its attribute READY, empty while it has none."""

    vm_id: int
    name: str
    ip: str
    state: str
    attributes: Mapping[str, str]
    report: str = ""

    @property
    def failed(self) -> bool:
        """Whether it is in one of the platform's failure states."""
        return self.state in _FAILURES

    def ready(self, gate: bool) -> bool:
        """Whether it runs and, with the gate, reported. Stricter than the platform, to which a stopped one is ready."""
        return self.state == RUNNING and (self.report == "YES" or not gate)

    def well(self, gate: bool) -> bool:
        """The same in a role that was ready once: the gate also opens without READY (reference 6.13), so only a READY
        that says something else, as healing writes it, counts against the machine."""
        return self.ready(gate and self.report != "")

    def complaint(self, gate: bool) -> str:
        """What is wrong with it, with what its guest says."""
        words = f"{self.name} is {self.state}"
        if self.state == RUNNING and gate and self.report != "YES":
            words = f"{self.name} runs but has not reported READY"
        return f"{words}{self.errors()}"

    def errors(self) -> str:
        """The error attributes that the guest or the platform put on it."""
        found = [
            f"{key}={value}" for key, value in sorted(self.attributes.items()) if _ERROR_NAME.search(key) and value
        ]
        return f" ({', '.join(found)})" if found else ""

    def output(self) -> Properties:
        """As a `Node` of the schema."""
        shown = {key: value for key, value in self.attributes.items() if key not in PLATFORM_KEYS}
        return {"vmId": self.vm_id, "name": self.name, "ip": self.ip, "state": self.state, "attributes": shown}


@dataclass(frozen=True)
class Role:
    """A role with its machines and the way it scales."""

    name: str
    state: str
    cardinality: int
    nodes: tuple[Node, ...]
    parents: tuple[str, ...] = ()
    scaling: Scaling = field(default_factory=Scaling)

    @property
    def cooldown(self) -> int:
        """Seconds without scaling after a scaling; 0 where there is none."""
        return int(self.scaling.settings.get("cooldown", 0))

    def good(self, node: Node, gate: bool) -> bool:
        """Whether a machine is as it should be: strictly while the role is deployed or scaled."""
        return node.ready(gate) if self.state in _STRICT else node.well(gate)

    def progress(self, gate: bool) -> str:
        """How far it is, such as `supernode 3/5 ready`."""
        ready = sum(self.good(node, gate) for node in self.nodes)
        word = "ready" if gate else "running"
        if ready >= self.cardinality:
            return f"{self.name} {word.upper()} {ready}/{self.cardinality}"
        return f"{self.name} {ready}/{self.cardinality} {word}"

    def output(self) -> Properties:
        """As a `RoleStatus` of the schema."""
        nodes = [node.output() for node in self.nodes]
        return {"name": self.name, "state": self.state, "cardinality": self.cardinality, "nodes": nodes}


@dataclass(frozen=True)
class View:
    """A service; `complaint` is the last error of its log, `header` its document without the body."""

    number: int
    name: str
    state: str
    gate: bool
    roles: tuple[Role, ...]
    complaint: str
    body: Properties
    header: Properties = field(default_factory=dict)

    @property
    def nodes(self) -> list[Node]:
        """All machines of all roles."""
        return [node for role in self.roles for node in role.nodes]

    @property
    def half_built(self) -> bool:
        """Whether it never got to run, or is on its way out."""
        return self.state in _HALF_BUILT | _ENDING or self.state.startswith("FAILED_")

    def bad(self) -> list[Node]:
        """Machines that are not as they should be; those of a role that is scaling have time."""
        return [
            node
            for role in self.roles
            if role.state != "SCALING"
            for node in role.nodes
            if not role.good(node, self.gate)
        ]

    def progress(self) -> str:
        """How far all roles are, with the first error that a guest reported."""
        roles = ", ".join(role.progress(self.gate) for role in self.roles)
        errors = next((f"{node.name}{node.errors()}" for node in self.nodes if node.errors()), "")
        return f"{roles}; {errors}" if errors else roles

    def cause(self) -> str:
        """Why it is as it is: machines first, then the service's log."""
        parts = [node.complaint(self.gate) for node in self.bad()]
        return "; ".join([*parts, *([f"service log: {self.complaint}"] if self.complaint else [])])

    def health(self) -> str:
        """`healthy`, or the state and what is wrong."""
        bad = self.bad()
        if self.half_built or self.state == "WARNING":
            cause = self.cause() if self.half_built else "; ".join(node.complaint(self.gate) for node in bad)
            return f"{self.state}: {cause}" if cause else self.state
        return f"WARNING: {'; '.join(node.complaint(self.gate) for node in bad)}" if bad else HEALTHY


async def observe(cloud: Cloud, number: int) -> View | None:
    """The service now, in two shared calls; None when it is gone."""
    document = await cloud.reads.one("service", number)
    if document is None:
        return None
    return view(document, await machines(cloud, vm_ids(document)))


async def machines(cloud: Cloud, ids: Iterable[int]) -> dict[int, Tree]:
    """The documents of these machines by id; unknown ones are missing."""
    return await cloud.reads.some("vm", ids)


def vm_ids(document: Properties) -> list[int]:
    """The ids of all machines of a service."""
    roles = document["TEMPLATE"]["BODY"].get("roles", [])
    return [int(node["deploy_id"]) for role in roles for node in role.get("nodes", [])]


def view(document: Properties, vms: Mapping[int, Tree]) -> View:
    """A service document and the documents of its machines as one view."""
    body = document["TEMPLATE"]["BODY"]
    errors = [entry["message"] for entry in body.get("log", []) if entry.get("severity") == "E"]
    return View(
        number=int(document["ID"]),
        name=document["NAME"],
        state=service_state_name(int(body.get("state", 0))),
        gate=bool(body.get("ready_status_gate")),
        roles=tuple(_role(role, vms, body.get("user_inputs_values") or {}) for role in body.get("roles", [])),
        complaint=" ".join(str(errors[-1]).split()) if errors else "",
        body=body,
        header={key: value for key, value in document.items() if key != "TEMPLATE"},
    )


def _role(role: Properties, vms: Mapping[int, Tree], values: Mapping[str, Any]) -> Role:
    given = {**values, **(role.get("user_inputs_values") or {})}
    return Role(
        name=role["name"],
        state=role_state_name(int(role.get("state", 0))),
        cardinality=int(role.get("cardinality", 0)),
        nodes=tuple(_node(node, vms.get(int(node["deploy_id"])), given) for node in role.get("nodes", [])),
        parents=tuple(role.get("parents") or ()),
        scaling=actual(role),
    )


def _node(node: Properties, vm: Tree | None, given: Mapping[str, Any]) -> Node:
    number = int(node["deploy_id"])
    return machine(number, str(node.get("vm_info", {}).get("VM", {}).get("NAME", f"machine {number}")), vm, given)


def machine(number: int, name: str, vm: Tree | None, given: Mapping[str, Any] | None = None) -> Node:
    """One machine from its document; one without a document is DONE.

    Inputs that it was `given` are among its attributes on the platform (reference 6.9), but nothing that it published:
    they may be secrets, so they are left out.
    """
    if vm is None:
        return Node(number, name, "", "DONE", {})
    known = given or {}
    found = {key: value for key, value in section(vm, "USER_TEMPLATE").items() if isinstance(value, str)}
    attributes = {key: value for key, value in found.items() if not (key in known and str(known[key]) == value)}
    state = vm_state_name(int(vm.get("STATE") or 0), int(vm.get("LCM_STATE") or 0))
    return Node(number, str(vm.get("NAME", name)), address(vm), state, attributes, attributes.get("READY", "").strip())


def address(vm: Tree) -> str:
    """The IPv4 address of the first interface, empty without one."""
    nics = each(section(vm, "TEMPLATE"), "NIC")
    first: Any = nics[0] if nics else {}
    return str(first.get("IP", "")) if isinstance(first, dict) else ""
