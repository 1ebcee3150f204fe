"""New virtual machines: a blueprint is prepared once, then any number of VMs is made of it (reference 2.10)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from sqlalchemy import func, insert, select

from fedstack.localcloud.core import firewall, imagepool, text
from fedstack.localcloud.core.objects import Caller, check_name, header_values
from fedstack.localcloud.effects import DriveVm
from fedstack.localcloud.events import VmsCreated
from fedstack.localcloud.store import schema
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.vm import context, devices, schedule
from fedstack.opennebula.errors import ErrorCode, OneError
from fedstack.opennebula.states import VmState
from fedstack.opennebula.template import Attributes

_KNOWN = frozenset(
    {
        *("CPU", "MEMORY", "VCPU", "DISK", "NIC", "NIC_ALIAS", "CONTEXT", "OS", "GRAPHICS", "FEATURES", "INPUT", "RAW"),
        *("TOPOLOGY", "PCI", "CPU_MODEL", "CPU_COST", "MEMORY_COST", "DISK_COST", "NUMA_NODE", "VIDEO", "TPM"),
        *("VMGROUP", "BACKUP_CONFIG", "EMULATOR", "SCHED_ACTION", "NIC_DEFAULT", "MEMORY_MAX", "VCPU_MAX"),
        *("MEMORY_RESIZE_MODE", "MEMORY_SLOTS", "HYPERV_OPTIONS", "SUBMIT_ON_HOLD"),
    }
)
_HEADER = frozenset({"NAME", "TEMPLATE_ID", "VMID", "CREATED_BY"})
_AUTOMATIC = {
    "AUTOMATIC_DS_REQUIREMENTS": '("CLUSTERS/ID" @> 0)',
    "AUTOMATIC_NIC_REQUIREMENTS": '("CLUSTERS/ID" @> 0)',
    "AUTOMATIC_REQUIREMENTS": "(CLUSTER_ID = 0) & !(PUBLIC_CLOUD = YES) & !(PIN_POLICY = PINNED)",
}

_LIVING = select(func.count()).select_from(schema.vm).where(schema.vm.c.state != VmState.DONE)
_WHOLE = re.compile(r"[0-9]{1,12}")
_CAPACITY = {
    "CPU": (re.compile(r"[0-9]{0,9}\.?[0-9]{1,9}"), "float or integer"),
    "MEMORY": (_WHOLE, "integer"),
    "VCPU": (_WHOLE, "integer"),
}


@dataclass(frozen=True)
class Blueprint:
    """Everything that VMs of one template have in common."""

    caller: Caller
    prefix: str
    template_id: int | None
    template: Attributes
    user_template: Attributes
    disks: list[dict[str, str]]
    image_ids: list[int]
    nics: list[devices.Nic]
    rules: list[dict[str, str]]
    actions: list[dict[str, str]]
    context: dict[str, str] | None
    user_values: Mapping[str, Any]


def _refused(message: str) -> OneError:
    return OneError(ErrorCode.ALLOCATE, f"Error allocating a new virtual machine. {message}")


def prepare(
    tx: Transaction, caller: Caller, attributes: Attributes, prefix: str = "one", template_id: int | None = None
) -> Blueprint:
    """Checks attributes, resolves images and networks; `prefix` begins the names of unnamed VMs. Raises OneError."""
    check_capacity(attributes)
    completed = [devices.disk(tx, caller, one, number) for number, one in enumerate(text.vectors(attributes, "DISK"))]
    nics = [devices.nic(tx, caller, one, number) for number, one in enumerate(text.vectors(attributes, "NIC"))]
    own = {key: value for key, value in attributes.items() if key in _KNOWN}
    return Blueprint(
        caller=caller,
        prefix=prefix,
        template_id=template_id,
        template={key: value for key, value in own.items() if key not in {"DISK", "NIC", "CONTEXT", "SCHED_ACTION"}},
        user_template={key: value for key, value in attributes.items() if key not in _KNOWN | _HEADER},
        disks=[one for one, _ in completed],
        image_ids=[image_id for _, image_id in completed if image_id is not None],
        nics=nics,
        rules=firewall.rules_of(tx, (one.vector for one in nics)),
        actions=text.vectors(attributes, "SCHED_ACTION"),
        context=text.vector(attributes, "CONTEXT") if "CONTEXT" in attributes else None,
        user_values=tx.value(select(schema.user.c.template).where(schema.user.c.id == caller.uid)) or {},
    )


def check_capacity(attributes: Attributes, code: ErrorCode = ErrorCode.ALLOCATE) -> None:
    """Raises OneError unless CPU and MEMORY, and VCPU where it is given, are positive numbers."""
    for key, (pattern, kind) in _CAPACITY.items():
        value = text.scalar(attributes, key)
        if (value or key != "VCPU") and not (pattern.fullmatch(value) and float(value) > 0):
            message = f"{key} attribute must be a positive {kind} value."
            raise _refused(message) if code == ErrorCode.ALLOCATE else OneError(code, message)


def check_room(tx: Transaction, count: int) -> None:
    """Raises OneError ALLOCATE when so many more VMs would be more than the cloud may hold."""
    living: int = tx.value(_LIVING)
    if living + count > tx.site.max_vms:
        room = f"The local cloud holds {tx.site.max_vms} VMs at most (--max-vms)"
        raise _refused(f"{room}: {living} are there, {count} more are wanted.")


def allocate(
    tx: Transaction,
    blueprint: Blueprint,
    names: Sequence[str],
    *,
    hold: bool = False,
    extra: Mapping[str, str] | None = None,
) -> list[int]:
    """Creates VMs (empty name: prefix and id) and starts them unless held; `extra` goes to USER_TEMPLATE.

    Raises OneError; then the caller's transaction has to be undone.
    """
    check_room(tx, len(names))
    first = tx.take_ids("vm", len(names))
    vm_ids = list(range(first, first + len(names)))
    nics = [devices.addresses(tx, plan, vm_ids) for plan in blueprint.nics]
    rows = []
    for place, (vm_id, name) in enumerate(zip(vm_ids, names, strict=True)):
        own = [one[place] for one in nics]
        rows.append(_row(tx, blueprint, vm_id, name or f"{blueprint.prefix}-{vm_id}", own, hold, extra or {}))
    tx.run(insert(schema.vm), rows)
    _tell(tx, rows, extra or {})
    for vm_id, action in product(vm_ids, blueprint.actions):
        schedule.add(tx, vm_id, action)
    for image_id in blueprint.image_ids:
        imagepool.acquire(tx, image_id, vm_ids)
    if not hold:
        tx.after_each([DriveVm(vm_id) for vm_id in vm_ids])
    return vm_ids


def _tell(tx: Transaction, rows: Sequence[Mapping[str, Any]], extra: Mapping[str, str]) -> None:
    tx.publish(VmsCreated([(row["id"], row["name"]) for row in rows], extra.get("ROLE_NAME")))
    for row in rows:
        tx.record("vm", row["id"], row["name"], "", VmState(row["state"]).name)


def _row(
    tx: Transaction,
    blueprint: Blueprint,
    vm_id: int,
    name: str,
    nics: list[dict[str, str]],
    hold: bool,
    extra: Mapping[str, str],
) -> dict[str, Any]:
    check_name(name)
    return {
        **header_values(blueprint.caller, vm_id, name),
        "template": _template(tx, blueprint, vm_id, name, nics),
        "user_template": {**blueprint.user_template, **extra},
        "monitoring": {},
        "history": [],
        "state": VmState.HOLD if hold else VmState.PENDING,
        "stime": tx.now,
    }


def _template(
    tx: Transaction, blueprint: Blueprint, vm_id: int, name: str, nics: list[dict[str, str]]
) -> dict[str, Any]:
    template: dict[str, Any] = {**_AUTOMATIC, **blueprint.template, "TM_MAD_SYSTEM": "dummy"}
    if blueprint.context is not None:
        template["CONTEXT"] = _context(tx, blueprint, vm_id, name, nics)
    if blueprint.disks:
        template["DISK"] = blueprint.disks
    if nics:
        template["NIC"] = nics
    if blueprint.rules:
        template["SECURITY_GROUP_RULE"] = blueprint.rules
    system = template.get("OS")
    template["OS"] = {"MACHINE": "", "UUID": str(uuid.uuid4()), **(system if isinstance(system, dict) else {})}
    origin = {} if blueprint.template_id is None else {"TEMPLATE_ID": str(blueprint.template_id)}
    return dict(sorted({**template, **origin, "VMID": str(vm_id), "CREATED_BY": str(blueprint.caller.uid)}.items()))


def _context(
    tx: Transaction, blueprint: Blueprint, vm_id: int, name: str, nics: list[dict[str, str]]
) -> dict[str, str]:
    header = {"NAME": name, "UID": str(blueprint.caller.uid), "UNAME": blueprint.caller.name, "VMID": str(vm_id)}
    vectors = {"NIC": nics[0] if nics else {}, "USER": blueprint.user_values, "OS": {}}

    def lookup(key: str, member: str | None) -> str:
        if member is not None:
            found = (
                vectors.get(key) or text.vector(blueprint.template, key) or text.vector(blueprint.user_template, key)
            )
            return str(found.get(member, ""))
        own = header.get(key) or text.scalar(blueprint.template, key)
        return own or text.scalar(blueprint.user_template, key)

    networks = [plan.extra for plan in blueprint.nics]
    return context.complete(
        blueprint.context or {},
        list(zip(nics, networks, strict=True)),
        vm_id=vm_id,
        disk_id=len(blueprint.disks),
        gate_url=tx.site.gate_url,
        lookup=lookup,
    )
