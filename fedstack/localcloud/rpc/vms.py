"""one.vm.*"""

from __future__ import annotations

from fedstack.localcloud.core import text
from fedstack.localcloud.core.kinds import VM
from fedstack.localcloud.core.objects import ADMIN, MANAGE, change, find, get
from fedstack.localcloud.core.tree import pool_xml, xml
from fedstack.localcloud.rpc import shared
from fedstack.localcloud.rpc.method import Call, Method
from fedstack.localcloud.vm import actions, create, machine, places, schedule, view
from fedstack.localcloud.vm.update import merged, update_user_template
from fedstack.opennebula.errors import ErrorCode, OneError
from fedstack.opennebula.template import Attributes

_CONFIGURABLE = frozenset({"CONTEXT", "OS", "FEATURES", "INPUT", "GRAPHICS", "VIDEO", "RAW", "CPU_MODEL"})


def allocate(call: Call, sent: str, hold: bool = False) -> int:
    """A VM without a template."""
    attributes = text.read(sent)
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
    """Puts a PENDING or held VM on the host."""
    row = get(call.tx, call.caller, VM, vm_id, ADMIN)
    if host_id != 0:
        raise OneError(ErrorCode.NO_EXISTS, f"Error getting host [{host_id}].", host_id)
    if machine.place_of(row) not in (places.PENDING, places.HOLD):
        raise OneError(
            ErrorCode.ACTION, f"Deploy action is not available for state {places.name(machine.place_of(row))}", vm_id
        )
    machine.start(call.tx, machine.head(call.tx, vm_id), places.PENDING)
    return vm_id


def update(call: Call, vm_id: int, sent: str, update_type: int = 0) -> int:
    """Writes USER_TEMPLATE."""
    get(call.tx, call.caller, VM, vm_id, MANAGE)
    update_user_template(call.tx, vm_id, sent, update_type)
    return vm_id


def update_conf(call: Call, vm_id: int, sent: str, update_type: int = 0) -> int:
    """Writes CONTEXT and other settings that are read at the next boot; what the cloud added to CONTEXT stays."""
    row = get(call.tx, call.caller, VM, vm_id, MANAGE)
    given: Attributes = {key: value for key, value in text.read(sent).items() if key in _CONFIGURABLE}
    if isinstance(context := given.get("CONTEXT"), dict):
        stored = row.template.get("CONTEXT", {})
        own = {key: value for key, value in stored.items() if key.startswith("ETH")}
        fixed = {key: stored[key] for key in ("VMID", "ONEGATE_ENDPOINT", "DISK_ID", "TARGET") if key in stored}
        given["CONTEXT"] = {**(stored if update_type == 1 else own), **context, **fixed}
    change(call.tx, VM, vm_id, template=merged(row.template, given, 1))
    return vm_id


def monitoring(call: Call, vm_id: int) -> str:
    """The monitoring records of a VM."""
    row = get(call.tx, call.caller, VM, vm_id)
    return pool_xml("MONITORING_DATA", "MONITORING", [row.monitoring] if row.monitoring else [])


def sched_add(call: Call, vm_id: int, sent: str) -> int:
    """Schedules an action; returns its id."""
    get(call.tx, call.caller, VM, vm_id, MANAGE)
    return schedule.add(call.tx, vm_id, text.vector(text.read(sent), "SCHED_ACTION"))


def sched_update(call: Call, vm_id: int, action_id: int, sent: str) -> int:
    """Writes a scheduled action anew."""
    get(call.tx, call.caller, VM, vm_id, MANAGE)
    schedule.change(call.tx, vm_id, action_id, text.vector(text.read(sent), "SCHED_ACTION"))
    return action_id


def sched_delete(call: Call, vm_id: int, action_id: int) -> int:
    """Forgets a scheduled action."""
    get(call.tx, call.caller, VM, vm_id, MANAGE)
    schedule.remove(call.tx, vm_id, action_id)
    return vm_id


def _unsupported(what: str) -> Method:
    """A call that exists on the platform and that the local cloud refuses."""

    def refuse(call: Call, vm_id: int) -> int:
        find(call.tx, VM, vm_id)
        raise OneError(ErrorCode.ACTION, f"{what} is not supported by the local cloud.", vm_id)

    return Method(refuse, "i")


_REFUSED = {
    "migrate": "Migration",
    "resize": "Resizing",
    "attach": "Attaching disks",
    "detach": "Detaching disks",
    "attachnic": "Attaching NICs",
    "detachnic": "Detaching NICs",
    "diskresize": "Resizing disks",
    "disksaveas": "Saving disks",
    "snapshotcreate": "Taking snapshots",
    "disksnapshotcreate": "Taking disk snapshots",
    "backup": "Taking backups",
}

METHODS = {
    "one.vm.allocate": Method(allocate, "s", "b"),
    "one.vm.info": Method(info, "i", "b"),
    "one.vm.action": Method(action, "si"),
    "one.vm.recover": Method(recover, "ii"),
    "one.vm.deploy": Method(deploy, "ii", "bis"),
    "one.vm.update": Method(update, "is", "i"),
    "one.vm.updateconf": Method(update_conf, "is", "i"),
    "one.vm.monitoring": Method(monitoring, "i"),
    "one.vm.schedadd": Method(sched_add, "is"),
    "one.vm.schedupdate": Method(sched_update, "iis"),
    "one.vm.scheddelete": Method(sched_delete, "ii"),
    **{f"one.vm.{name}": _unsupported(what) for name, what in _REFUSED.items()},
    **shared.owned(VM, "vm"),
}
