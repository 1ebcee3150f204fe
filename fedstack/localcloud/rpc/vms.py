"""one.vm.*"""

from __future__ import annotations

from fedstack.localcloud.core import restricted, text
from fedstack.localcloud.core.kinds import HOST, VM
from fedstack.localcloud.core.objects import ADMIN, MANAGE, change, find, get
from fedstack.localcloud.core.tree import pool_xml, xml
from fedstack.localcloud.rpc import shared
from fedstack.localcloud.rpc.method import Call, Method
from fedstack.localcloud.vm import actions, create, hotplug, machine, places, schedule, view
from fedstack.localcloud.vm.placement import MACHINE
from fedstack.localcloud.vm.update import APPEND, merged, update_user_template
from fedstack.opennebula.errors import ErrorCode, OneError
from fedstack.opennebula.states import HostState, LcmState
from fedstack.opennebula.template import Attributes

_CONFIGURABLE = frozenset({"CONTEXT", "OS", "FEATURES", "INPUT", "GRAPHICS", "VIDEO", "RAW", "CPU_MODEL"})


def allocate(call: Call, sent: str, hold: bool = False) -> int:
    """A VM without a template."""
    attributes = text.read(sent)
    restricted.check_new(call.caller, restricted.MACHINE, attributes, "VM Template")
    blueprint = create.prepare(call.tx, call.caller, attributes)
    return create.allocate(call.tx, blueprint, [text.scalar(attributes, "NAME")], hold=hold)[0]


def info(call: Call, vm_id: int, _decrypt: bool = False) -> str:
    """A VM, also when it is DONE."""
    return xml("VM", view.tree(call.tx, get(call.tx, call.caller, VM, vm_id)))


def action(call: Call, name: str, vm_id: int) -> int:
    """terminate, poweroff, resume ... (name first, as on the platform)."""
    get(call.tx, call.caller, VM, vm_id, MANAGE)
    actions.act(call.tx, vm_id, name)
    return vm_id


def recover(call: Call, vm_id: int, operation: int) -> int:
    """failure, success, retry, delete, recreate, delete-db."""
    get(call.tx, call.caller, VM, vm_id, ADMIN)
    actions.recover(call.tx, vm_id, operation)
    return vm_id


def deploy(call: Call, vm_id: int, host_id: int, _enforce: bool = False, _datastore: int = -1, _extra: str = "") -> int:
    """Puts a PENDING or held VM on the host, also while that takes no new VMs by itself."""
    row = get(call.tx, call.caller, VM, vm_id, ADMIN)
    _check_host(call, host_id)
    if machine.place_of(row) not in (places.PENDING, places.HOLD):
        raise OneError(
            ErrorCode.ACTION, f"Deploy action is not available for state {places.name(machine.place_of(row))}", vm_id
        )
    machine.start(call.tx, machine.head(call.tx, vm_id), places.active(LcmState.PROLOG))
    return vm_id


def _check_host(call: Call, host_id: int) -> None:
    """Only the machine itself has capacity; it may be disabled (that holds for new VMs), but not offline."""
    host = find(call.tx, HOST, host_id)
    if host_id != MACHINE:
        text_ = f"Host {host_id} has no capacity: VMs of the local cloud run on host {MACHINE}."
        raise OneError(ErrorCode.ACTION, text_, host_id)
    if host.state == HostState.OFFLINE:
        raise OneError(ErrorCode.ACTION, f"Host {host_id} is in state {HostState(host.state).name}.", host_id)


def update(call: Call, vm_id: int, sent: str, update_type: int = 0) -> int:
    """Writes USER_TEMPLATE."""
    row = get(call.tx, call.caller, VM, vm_id, MANAGE)
    restricted.check_change(call.caller, restricted.MACHINE, text.read(sent), row.user_template)
    update_user_template(call.tx, vm_id, sent, update_type)
    return vm_id


def update_conf(call: Call, vm_id: int, sent: str, update_type: int = 0) -> int:
    """Writes CONTEXT and other settings that are read at the next boot; what the cloud added to CONTEXT stays."""
    row = get(call.tx, call.caller, VM, vm_id, MANAGE)
    given: Attributes = {key: value for key, value in text.read(sent).items() if key in _CONFIGURABLE}
    restricted.check_extra(call.caller, restricted.MACHINE, given, row.template, "Template")
    context = given.get("CONTEXT", {})
    if not isinstance(context, dict):
        raise OneError(ErrorCode.INTERNAL, "Wrong CONTEXT definition: expected one CONTEXT=[ ... ].", vm_id)
    if "CONTEXT" in given:
        stored = row.template.get("CONTEXT", {})
        own = {key: value for key, value in stored.items() if key.startswith("ETH")}
        fixed = {key: stored[key] for key in ("VMID", "ONEGATE_ENDPOINT", "DISK_ID", "TARGET") if key in stored}
        given["CONTEXT"] = {**(stored if update_type == 1 else own), **context, **fixed}
    change(call.tx, VM, vm_id, template=merged(row.template, merged({}, given, update_type), APPEND))
    return vm_id


def monitoring(call: Call, vm_id: int) -> str:
    """The monitoring records of a VM."""
    row = get(call.tx, call.caller, VM, vm_id)
    return pool_xml("MONITORING_DATA", "MONITORING", [row.monitoring] if row.monitoring else [])


def sched_add(call: Call, vm_id: int, sent: str) -> int:
    """Schedules an action; returns its id."""
    get(call.tx, call.caller, VM, vm_id, MANAGE)
    return schedule.add(call.tx, vm_id, _action(sent, ErrorCode.ACTION))


def _action(sent: str, code: ErrorCode) -> dict[str, str]:
    found = text.vector(text.read(sent), "SCHED_ACTION")
    if not found:
        raise OneError(code, "No SCHED_ACTION attribute in template")
    return found


def sched_update(call: Call, vm_id: int, action_id: int, sent: str) -> int:
    """Writes a scheduled action anew."""
    get(call.tx, call.caller, VM, vm_id, MANAGE)
    schedule.change(call.tx, vm_id, action_id, _action(sent, ErrorCode.INTERNAL))
    return action_id


def sched_delete(call: Call, vm_id: int, action_id: int) -> int:
    """Forgets a scheduled action."""
    get(call.tx, call.caller, VM, vm_id, MANAGE)
    schedule.remove(call.tx, vm_id, action_id)
    return vm_id


def resize(call: Call, vm_id: int, sent: str, _enforce: bool = True) -> int:
    """Other CPU, MEMORY or VCPU."""
    get(call.tx, call.caller, VM, vm_id, MANAGE)
    hotplug.resize(call.tx, vm_id, text.read(sent))
    return vm_id


def attach_nic(call: Call, vm_id: int, sent: str) -> int:
    """A further NIC."""
    get(call.tx, call.caller, VM, vm_id, MANAGE)
    attributes = text.read(sent)
    restricted.check_new(call.caller, restricted.MACHINE, attributes, "NIC")
    vectors = text.vectors(attributes, "NIC")
    if len(vectors) != 1:
        raise OneError(ErrorCode.INTERNAL, f"Wrong NIC definition: expected one NIC=[ ... ], found {len(vectors)}.")
    hotplug.attach_nic(call.tx, call.caller, vm_id, vectors[0])
    return vm_id


def detach_nic(call: Call, vm_id: int, nic_id: int) -> int:
    """A NIC less."""
    get(call.tx, call.caller, VM, vm_id, MANAGE)
    hotplug.detach_nic(call.tx, vm_id, nic_id)
    return vm_id


def attach_group(call: Call, vm_id: int, nic_id: int, group_id: int) -> int:
    """A security group more for a NIC."""
    get(call.tx, call.caller, VM, vm_id, MANAGE)
    hotplug.attach_group(call.tx, call.caller, vm_id, nic_id, group_id)
    return vm_id


def detach_group(call: Call, vm_id: int, nic_id: int, group_id: int) -> int:
    """A security group less for a NIC."""
    get(call.tx, call.caller, VM, vm_id, MANAGE)
    hotplug.detach_group(call.tx, vm_id, nic_id, group_id)
    return vm_id


METHODS = {
    "one.vm.allocate": Method(allocate, "s", "b"),
    "one.vm.info": Method(info, "i", "b"),
    "one.vm.action": Method(action, "si"),
    "one.vm.recover": Method(recover, "ii"),
    "one.vm.deploy": Method(deploy, "ii", "bis"),
    "one.vm.update": Method(update, "is", "i"),
    "one.vm.updateconf": Method(update_conf, "is", "i"),
    "one.vm.resize": Method(resize, "is", "b"),
    "one.vm.attachnic": Method(attach_nic, "is"),
    "one.vm.detachnic": Method(detach_nic, "ii"),
    "one.vm.attachsg": Method(attach_group, "iii"),
    "one.vm.detachsg": Method(detach_group, "iii"),
    "one.vm.monitoring": Method(monitoring, "i"),
    "one.vm.schedadd": Method(sched_add, "is"),
    "one.vm.schedupdate": Method(sched_update, "iis"),
    "one.vm.scheddelete": Method(sched_delete, "ii"),
    **shared.owned(VM, "vm"),
}
