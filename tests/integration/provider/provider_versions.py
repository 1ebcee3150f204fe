"""A stack of every kind of resource in four versions, and how what a cloud has of it compares with its state."""

import json
from collections import Counter
from typing import Any

from provider_cloud import TestCloud
from provider_stack import ROOT, Stack

from opennebula_provider.cloud import found_tag
from opennebula_provider.rpc import each, section

POOLS = {
    "Image": ("imagepool.info", "IMAGE"),
    "SecurityGroup": ("secgrouppool.info", "SECURITY_GROUP"),
    "VirtualMachineTemplate": ("templatepool.info", "VMTEMPLATE"),
    "VirtualNetwork": ("vnpool.info", "VNET"),
}
DOCUMENTS = {"Service": "service", "ServiceTemplate": "service_template"}


PACK = {
    "PulumiPolicy.yaml": """
runtime:
  name: python
  options: {{toolchain: pip, virtualenv: {root}/.venv}}
""",
    "__main__.py": """
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

allowed = ResourceValidationPolicy("allowed", "Everything is.", lambda args, report: None, EnforcementLevel.ADVISORY)
PolicyPack("lenient", [allowed])
""",
}
"""A policy pack: its process is one more that outlives a killed update."""


def add_pack(stack: Stack) -> None:
    """Gives the project a policy pack."""
    (stack.root / "policies").mkdir()
    for name, text in PACK.items():
        (stack.root / "policies" / name).write_text(text.format(root=ROOT))


def versions() -> list[dict[str, Any]]:
    """Created, scaled and changed in place, replaced, destroyed (all but the mark)."""
    return [_stack("a"), _stack("a", size=3, memory=256), _stack("b", size=2), {"mark": _one("Mark")}]


def _one(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"type": kind, "inputs": inputs}


def _stack(generation: str, size: int = 1, memory: int = 128) -> dict[str, Any]:
    """`generation` is what only another object can have; the rest changes in place."""
    mark = {"mark": "@mark.value"}
    node = {"cpu": 0.1, "memory_mb": memory, "nics": [{"network_id": "@network.network_id"}]}
    gate = {"context": {"REPORT_READY": "YES", "TOKEN": "YES"}}
    rule = {"protocol": "TCP", "direction": "INBOUND", "ports": str(memory)}
    return {
        "mark": _one("Mark"),
        "group": _one("SecurityGroup", **mark, name="lab", rules=[rule]),
        "network": _one(
            "VirtualNetwork", **mark, name="lab", address_ranges=[{"size": 32, "ipam": "local"}], dns=f"10.0.0.{size}"
        ),
        "spare": _one("VirtualNetwork", **mark, name="spare", bridge=f"br-{generation}"),
        "image": _one("Image", **mark, name="disk", path=f"/images/{generation}", description=str(size)),
        "node": _one("VirtualMachineTemplate", **mark, **node, **gate, name="node"),
        "other": _one("VirtualMachineTemplate", **mark, **node, name=f"other-{generation}"),
        "machine": _one(
            "VirtualMachine", **mark, name="bastion", template_id="@other.template_id", attributes={"SIZE": str(size)}
        ),
        "template": _one("ServiceTemplate", **mark, name="fed", ready_status_gate=True, roles=_roles()),
        "service": _service("fed", generation, size),
        "loose": _service("loose", generation, 1),
    }


def _roles() -> list[dict[str, Any]]:
    role = {"template_id": "@node.template_id", "cooldown": 0}
    return [
        {**role, "name": "head", "cardinality": 1, "max_vms": 1},
        {**role, "name": "worker", "cardinality": 1, "max_vms": 5, "parents": ["head"]},
    ]


def _service(name: str, generation: str, size: int) -> dict[str, Any]:
    return _one(
        "Service",
        mark="@mark.value",
        name=name,
        service_template_id="@template.service_template_id",
        roles=[{"name": "head"}, {"name": "worker", "cardinality": size}],
        triggers={"generation": generation},
        ready_deadline=60,
    )


def in_state(stack: Stack) -> tuple[Counter[tuple[str, str]], list[Any]]:
    """Kind and id of everything that the state has, and the operations that it holds for unfinished."""
    deployment = json.loads(stack.run("stack", "export").stdout)["deployment"]
    found = [(one["type"].split(":")[-1], one["id"]) for one in deployment["resources"] if one.get("id")]
    known = Counter(entry for entry in found if entry[0] not in {"Stack", "opennebula", "Mark"})
    return known, deployment.get("pending_operations") or []


def in_cloud(cloud: TestCloud, mark: str) -> Counter[tuple[str, str]]:
    """Kind and id of everything that carries the mark, and of every machine that belongs to no service of the cloud.

    Nobody else makes machines here, so one of a service that is gone is an orphan.
    """
    found = {kind: each(cloud.info(call, -2, -1, -1), element) for kind, (call, element) in POOLS.items()}
    found |= {kind: documents(cloud, path) for kind, path in DOCUMENTS.items()}
    marked = [(kind, one) for kind, objects in found.items() for one in objects if _tag(one).startswith(mark)]
    services = {str(one["ID"]) for one in found["Service"]}
    alone = [("VirtualMachine", one) for one in cloud.machines() if _service_of(one) not in services]
    return Counter((kind, str(one["ID"])) for kind, one in [*marked, *alone])


def documents(cloud: TestCloud, path: str) -> list[dict[str, Any]]:
    """All OneFlow documents of a kind."""
    return each(cloud.flow("GET", path).json()["DOCUMENT_POOL"], "DOCUMENT")


def _tag(one: dict[str, Any]) -> str:
    return str(found_tag(one) or "")


def _service_of(machine: dict[str, Any]) -> str:
    return str(section(machine, "USER_TEMPLATE").get("SERVICE_ID", ""))


def sizes(cloud: TestCloud) -> dict[str, int]:
    """How many machines each service has."""
    names = {str(one["ID"]): str(one["NAME"]) for one in documents(cloud, "service")}
    return dict(Counter(names[_service_of(one)] for one in cloud.machines() if _service_of(one) in names))
