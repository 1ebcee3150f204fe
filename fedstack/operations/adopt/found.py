"""What a service consists of on the platform: its document, its template, the VM templates of its roles."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fedstack.operations.cloud_client import Access
from fedstack.operations.errors import OperationError

ALL_VISIBLE = -2
"""Pool filter: objects of any owner that the user may see."""


@dataclass(frozen=True)
class Machine:
    """The VM template of a role; `attributes` as the platform stores them, in capitals."""

    template_id: int
    name: str
    attributes: Mapping[str, Any]

    def first(self, vector: str) -> Mapping[str, Any]:
        """The first of a repeated vector attribute such as DISK or NIC; empty without one."""
        value = self.attributes.get(vector) or {}
        return value[0] if isinstance(value, list) else value


@dataclass(frozen=True)
class Found:
    """A service: `service` and `template` are the bodies, `machines` the VM templates by role."""

    service_id: int
    name: str
    service: Mapping[str, Any]
    template_id: int
    template: Mapping[str, Any]
    machines: Mapping[str, Machine]

    @property
    def mark(self) -> str | None:
        """The mark of the stack that made it, where one did."""
        return str(self.service.get("pulumi_mark", "")).partition(" ")[0] or None


def read(access: Access, service_id: int) -> Found:
    """Reads the service and what it is made from; raises OperationError when something is gone."""
    document = access.service(service_id)
    body = document["TEMPLATE"]["BODY"]
    template = _origin(access, service_id, body)
    machines = {role["name"]: _machine(access, role) for role in body.get("roles", [])}
    return Found(service_id, document["NAME"], body, int(template["ID"]), template["TEMPLATE"]["BODY"], machines)


def _origin(access: Access, service_id: int, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The service template: registered when the service says, with the same roles."""
    when, names = body.get("registration_time"), _role_names(body)
    same = [
        document
        for document in access.documents("service_template")
        if document["TEMPLATE"]["BODY"].get("registration_time") == when
        and _role_names(document["TEMPLATE"]["BODY"]) == names
    ]
    if len(same) != 1:
        raise OperationError(
            f"service {service_id}: expected exactly one service template that was registered at {when} with the roles "
            f"{', '.join(names)}, found {len(same)}; a stack cannot own a service whose template is not known"
        )
    return same[0]


def _role_names(body: Mapping[str, Any]) -> list[str]:
    return [role["name"] for role in body.get("roles", [])]


def _machine(access: Access, role: Mapping[str, Any]) -> Machine:
    number = int(role["template_id"])
    found = access.pool("templatepool", "VMTEMPLATE", (ALL_VISIBLE, number, number))
    if not found:
        raise OperationError(f"role {role['name']!r}: VM template {number} is gone")
    return Machine(number, str(found[0].NAME), found[0].TEMPLATE)
