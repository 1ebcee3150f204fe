"""What a federation looks like now: service, roles and nodes as data and as a table."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from threading import Event
from typing import Any

from fedstack.oneflow.states import RoleState, ServiceState
from fedstack.opennebula.states import vm_state_name
from fedstack.operations.cloud_client import Access
from fedstack.operations.expiry import Certificate, certificates

SHOWN = ("FL_ERROR", "FL_ENDPOINT", "FL_NODE_CONFIG")
"""What VMs publish that an operator wants to see at a glance."""


@dataclass(frozen=True)
class Node:
    """One VM of a role. `facts` is what it published through OneGate."""

    vm_id: int
    name: str
    ip: str
    state: str
    ready: bool
    facts: dict[str, str]


@dataclass(frozen=True)
class Role:
    """One role; `cardinality` is what the platform wants, `nodes` what there is."""

    name: str
    state: str
    cardinality: int
    minimum: int | None
    maximum: int | None
    nodes: list[Node]


@dataclass(frozen=True)
class Federation:
    """A running service; `certificates` are those of its SuperLink."""

    service_id: int
    name: str
    state: str
    roles: list[Role]
    certificates: list[Certificate] = field(default_factory=list)

    def role(self, name: str) -> Role | None:
        """The role of that name."""
        return next((role for role in self.roles if role.name == name), None)

    @property
    def warnings(self) -> list[str]:
        """What an operator should do something about."""
        return [warning for each in self.certificates if (warning := each.warning)]

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for `--json`."""
        return {**asdict(self), "warnings": self.warnings}


def _ip(template: dict[str, Any]) -> str:
    nics = template.get("NIC") or []
    first = nics[0] if isinstance(nics, list) and nics else nics
    return str(first.get("IP", "")) if first else ""


def _node(vm: Any) -> Node:
    facts = {str(key): str(value) for key, value in (vm.USER_TEMPLATE or {}).items()}
    return Node(
        vm_id=int(vm.ID),
        name=str(vm.NAME),
        ip=_ip(vm.TEMPLATE or {}),
        state=vm_state_name(int(vm.STATE), int(vm.LCM_STATE)),
        ready=facts.get("READY", "").strip() == "YES",
        facts={key: facts[key] for key in SHOWN if key in facts},
    )


def _role(body: dict[str, Any], vms: dict[int, Any]) -> Role:
    ids = [int(node["deploy_id"]) for node in body.get("nodes") or []]
    return Role(
        name=body["name"],
        state=RoleState(body["state"]).name,
        cardinality=int(body["cardinality"]),
        minimum=body.get("min_vms"),
        maximum=body.get("max_vms"),
        nodes=[_node(vms[vm_id]) for vm_id in ids if vm_id in vms],
    )


def read(access: Access, service_id: int) -> Federation:
    """Asks the platform; raises OperationError when the service is gone or nothing answers."""
    document = access.service(service_id)
    body = document["TEMPLATE"]["BODY"]
    roles = body.get("roles") or []
    vms = access.vms([int(node["deploy_id"]) for role in roles for node in role.get("nodes") or []])
    return Federation(
        service_id=service_id,
        name=document["NAME"],
        state=ServiceState(body["state"]).name,
        roles=[_role(role, vms) for role in roles],
        certificates=_certificates(roles, vms),
    )


def _certificates(roles: list[dict[str, Any]], vms: dict[int, Any]) -> list[Certificate]:
    ids = [int(node["deploy_id"]) for role in roles if role["name"] == "superlink" for node in role.get("nodes") or []]
    facts = (vms[vm_id].USER_TEMPLATE or {} for vm_id in ids if vm_id in vms)
    return [found for each in facts for found in certificates(each, datetime.now(UTC))]


def table(federation: Federation) -> Any:
    """A rich table of the federation, a line a node; it fits into 80 columns."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    title = f"{federation.name} (service {federation.service_id}): {federation.state}"
    shown = Table(box=SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for heading in ("role", "nodes", "VM", "IP", "state", "ready"):
        shown.add_column(heading, no_wrap=True)
    shown.add_column("published", overflow="fold")
    for role in federation.roles:
        head = (role.name, f"{len(role.nodes)}/{role.cardinality} {role.state}")
        shown.add_row(*head, *(_cells(role.nodes[0]) if role.nodes else ()))
        for node in role.nodes[1:]:
            shown.add_row("", "", *_cells(node))
    return shown


def _cells(node: Node) -> tuple[str, ...]:
    published = " ".join(node.facts[key] for key in SHOWN if node.facts.get(key))
    return (str(node.vm_id), node.ip, node.state, "yes" if node.ready else "no", published)


def view(federation: Federation) -> Any:
    """The table, the certificates and the warnings, for rich."""
    from rich.console import Group
    from rich.text import Text

    ends = [Text(f"certificates: {', '.join(map(str, federation.certificates))}")] if federation.certificates else []
    warnings = (Text(f"warning: {warning}", style="yellow") for warning in federation.warnings)
    return Group(table(federation), *ends, *warnings)


def show(federation: Federation) -> None:
    """Prints the view; colours only on a terminal."""
    from rich.console import Console

    Console().print(view(federation))


def watch(read: Callable[[], Federation]) -> None:
    """Shows the view again every second until Ctrl-C."""
    from rich.live import Live

    stop = Event()
    with Live(view(read()), auto_refresh=False) as live, suppress(KeyboardInterrupt):
        while not stop.wait(1.0):
            live.update(view(read()), refresh=True)
