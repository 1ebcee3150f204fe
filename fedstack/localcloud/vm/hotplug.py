"""Changes to a VM after its creation: capacity, NICs and their security groups (reference 2.5, 2.8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from fedstack.localcloud.core import firewall, leases, text
from fedstack.localcloud.core.addresses import mac_number
from fedstack.localcloud.core.kinds import SECURITY_GROUP, VM
from fedstack.localcloud.core.objects import Caller, change, get, missing
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import lease, vm
from fedstack.localcloud.vm import context, devices, machine, places
from fedstack.localcloud.vm.create import check_capacity
from fedstack.localcloud.vm.places import Place
from fedstack.opennebula.errors import ErrorCode, OneError
from fedstack.opennebula.template import Attributes

_RESIZABLE = frozenset({places.PENDING, places.HOLD, places.POWEROFF, places.UNDEPLOYED})
_CAPACITY = ("CPU", "MEMORY", "VCPU")


def _template(tx: Transaction, vm_id: int) -> dict[str, Any]:
    template: dict[str, Any] | None = tx.value(select(vm.c.template).where(vm.c.id == vm_id))
    if template is None:
        raise missing(VM, vm_id)
    return template


def _wrong_state(what: str, place: Place, vm_id: int) -> OneError:
    return OneError(ErrorCode.ACTION, f"{what} is not available for state {places.name(place)}", vm_id)


def resize(tx: Transaction, vm_id: int, attributes: Attributes) -> None:
    """Other CPU, MEMORY or VCPU for the next boot; raises OneError ACTION while the VM runs, INTERNAL for a value."""
    place = machine.place_of(machine.head(tx, vm_id))
    if place not in _RESIZABLE:
        raise _wrong_state("Resize", place, vm_id)
    wanted = {key: value for key in _CAPACITY if (value := text.scalar(attributes, key))}
    template = {**_template(tx, vm_id), **wanted}
    check_capacity(template, ErrorCode.INTERNAL)
    change(tx, VM, vm_id, template=template)


def attach_nic(tx: Transaction, caller: Caller, vm_id: int, vector: Mapping[str, str]) -> None:
    """A further NIC with an address of its network; CONTEXT gets its ETH<n> values. Raises OneError."""
    passed = _passing(tx, vm_id, "Attaching a NIC")
    template = _template(tx, vm_id)
    nics = template.get("NIC", [])
    number = 1 + max((int(one["NIC_ID"]) for one in nics), default=-1)
    plan = devices.nic(tx, caller, vector, number)
    (attached,) = devices.addresses(tx, plan, [vm_id])
    given = template.get("CONTEXT", {})
    if text.truth(given.get("NETWORK", "")):
        template["CONTEXT"] = dict(sorted({**given, **context.interface(number, attached, plan.extra)}.items()))
    change(tx, VM, vm_id, template=firewall.with_rules(tx, template, [*nics, attached]))
    _pass(tx, vm_id, passed)


def detach_nic(tx: Transaction, vm_id: int, nic_id: int) -> None:
    """Takes a NIC away; its address is free again. Raises OneError."""
    passed = _passing(tx, vm_id, "Detaching a NIC")
    template = _template(tx, vm_id)
    detached = _nic(template, vm_id, nic_id)
    _give_back(tx, vm_id, detached)
    if "CONTEXT" in template:
        own = f"ETH{nic_id}_"
        template["CONTEXT"] = {key: value for key, value in template["CONTEXT"].items() if not key.startswith(own)}
    rest = [one for one in template["NIC"] if one is not detached]
    change(tx, VM, vm_id, template=firewall.with_rules(tx, template, rest))
    _pass(tx, vm_id, passed)


def attach_group(tx: Transaction, caller: Caller, vm_id: int, nic_id: int, group_id: int) -> None:
    """Puts a NIC into a security group; raises OneError."""
    get(tx, caller, SECURITY_GROUP, group_id)
    _set_groups(tx, vm_id, nic_id, lambda groups: groups | {group_id})


def detach_group(tx: Transaction, vm_id: int, nic_id: int, group_id: int) -> None:
    """Takes a NIC out of a security group; raises OneError ACTION when it is not in it."""
    if group_id not in firewall.numbers(_nic(_template(tx, vm_id), vm_id, nic_id).get("SECURITY_GROUPS", "")):
        raise OneError(ErrorCode.ACTION, f"NIC {nic_id} is not in security group {group_id}.", vm_id)
    _set_groups(tx, vm_id, nic_id, lambda groups: groups - {group_id})


def _set_groups(tx: Transaction, vm_id: int, nic_id: int, changed: Any) -> None:
    template = _template(tx, vm_id)
    chosen = _nic(template, vm_id, nic_id)
    groups = changed(set(firewall.numbers(chosen.get("SECURITY_GROUPS", ""))))
    chosen["SECURITY_GROUPS"] = ",".join(str(one) for one in sorted(groups))
    change(tx, VM, vm_id, template=firewall.with_rules(tx, template, template["NIC"]))


def _nic(template: Mapping[str, Any], vm_id: int, nic_id: int) -> dict[str, str]:
    for one in template.get("NIC", []):
        if one["NIC_ID"] == str(nic_id):
            found: dict[str, str] = one
            return found
    raise OneError(ErrorCode.ACTION, f"NIC with NIC_ID {nic_id} does not exist.", vm_id)


def _give_back(tx: Transaction, vm_id: int, nic: Mapping[str, str]) -> None:
    """Frees the lease of a NIC; a range that was removed by force has none any longer."""
    if "NETWORK_ID" not in nic:
        return
    network_id = int(nic["NETWORK_ID"])
    for row in leases.ranges(tx, network_id):
        if str(row.ar_id) == nic["AR_ID"]:
            place = mac_number(nic["MAC"]) - row.mac
            where = (lease.c.network_id == network_id, lease.c.ar_id == row.ar_id, lease.c.place == place)
            for held in tx.all(select(lease).where(*where, lease.c.vm_id == vm_id)):
                leases.free(tx, held)


def _passing(tx: Transaction, vm_id: int, what: str) -> Place:
    """The place that a VM passes through while its NICs change; raises OneError ACTION where they cannot."""
    place = machine.place_of(machine.head(tx, vm_id))
    if place not in places.HOTPLUGS:
        raise _wrong_state(what, place, vm_id)
    return places.HOTPLUGS[place]


def _pass(tx: Transaction, vm_id: int, passed: Place) -> None:
    """There and back in one transaction: nothing has to be done in the world, and no kill can leave the VM there."""
    row = machine.head(tx, vm_id)
    machine.move(tx, row, passed)
    machine.move(tx, machine.head(tx, vm_id), machine.place_of(row))
