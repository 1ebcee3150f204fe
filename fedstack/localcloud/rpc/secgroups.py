"""one.secgroup.*, one.secgrouppool.*"""

from __future__ import annotations

from fedstack.localcloud.core import firewall, text
from fedstack.localcloud.core.kinds import SECURITY_GROUP
from fedstack.localcloud.core.objects import MANAGE, change, get
from fedstack.localcloud.core.tree import xml
from fedstack.localcloud.rpc import shared
from fedstack.localcloud.rpc.method import Call, Method
from fedstack.localcloud.vm.update import merged


def allocate(call: Call, sent: str) -> int:
    """A group with its rules."""
    return firewall.create(call.tx, call.caller, text.read(sent))


def info(call: Call, group_id: int, _decrypt: bool = False) -> str:
    """A group and the VMs that have it."""
    return xml("SECURITY_GROUP", firewall.tree(call.tx, get(call.tx, call.caller, SECURITY_GROUP, group_id)))


def update(call: Call, group_id: int, sent: str, update_type: int = 0) -> int:
    """Writes description and rules; the VMs have the new rules at once."""
    row = get(call.tx, call.caller, SECURITY_GROUP, group_id, MANAGE)
    template = firewall.checked(merged(row.template, text.read(sent), update_type))
    change(call.tx, SECURITY_GROUP, group_id, template=template)
    firewall.apply(call.tx, group_id)
    return group_id


def commit(call: Call, group_id: int, _recover: bool = False) -> int:
    """Applies the rules to the VMs once more."""
    get(call.tx, call.caller, SECURITY_GROUP, group_id, MANAGE)
    firewall.apply(call.tx, group_id)
    return group_id


def clone(call: Call, group_id: int, name: str) -> int:
    """A copy."""
    row = get(call.tx, call.caller, SECURITY_GROUP, group_id)
    return firewall.store(call.tx, call.caller, name, row.template)


def remove(call: Call, group_id: int) -> int:
    """Deletes a group that no VM has."""
    firewall.remove(call.tx, call.caller, group_id)
    return group_id


METHODS = {
    "one.secgroup.allocate": Method(allocate, "s"),
    "one.secgroup.info": Method(info, "i", "b"),
    "one.secgroup.update": Method(update, "is", "i"),
    "one.secgroup.commit": Method(commit, "i", "b"),
    "one.secgroup.clone": Method(clone, "is"),
    "one.secgroup.delete": Method(remove, "i"),
    "one.secgrouppool.info": Method(shared.pool(SECURITY_GROUP, firewall.tree), "i", "ii"),
    **shared.owned(SECURITY_GROUP, "secgroup", lockable=False),
}
