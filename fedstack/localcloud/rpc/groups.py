"""one.group.*, one.grouppool.*"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, select

from fedstack.localcloud.core import text, users
from fedstack.localcloud.core.kinds import GROUP, USER
from fedstack.localcloud.core.objects import ADMIN, MANAGE, admins_only, change, find, undeletable
from fedstack.localcloud.core.tree import Tree, ids, pool_xml, xml
from fedstack.localcloud.rpc.method import Call, Method
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import group
from fedstack.localcloud.vm.update import merged
from fedstack.opennebula.errors import ErrorCode, OneError

NO_QUOTAS: Tree = {"DATASTORE_QUOTA": {}, "NETWORK_QUOTA": {}, "VM_QUOTA": {}, "IMAGE_QUOTA": {}}
"""What documents of users and groups show: nothing is limited."""


def _tree(tx: Transaction, row: Row[Any]) -> Tree:
    return {
        "ID": str(row.id),
        "NAME": row.name,
        "TEMPLATE": row.template,
        "USERS": ids(users.members_of(tx, row.id)),
        "ADMINS": ids(users.members_of(tx, row.id, admins=True)),
    }


def info(call: Call, group_id: int, _decrypt: bool = False) -> str:
    """A group with its quotas; -1 is the caller's primary one."""
    row = find(call.tx, GROUP, call.caller.gid if group_id == -1 else group_id)
    if not call.caller.admin and row.id not in call.caller.groups:
        message = f"User [{call.caller.uid}] : Not authorized to perform USE GROUP [{row.id}]."
        raise OneError(ErrorCode.AUTHORIZATION, message, row.id)
    return xml("GROUP", {**_tree(call.tx, row), **NO_QUOTAS, "DEFAULT_GROUP_QUOTAS": NO_QUOTAS})


def pool(call: Call) -> str:
    """All groups; the caller's own without administrator's rights."""
    query = select(group).order_by(group.c.id)
    found = call.tx.all(query if call.caller.admin else query.where(group.c.id.in_(call.caller.groups)))
    quotas = [{"ID": str(row.id), **NO_QUOTAS} for row in found]
    rules = [{"ID": str(row.id)} for row in found]
    more = {"QUOTAS": quotas, "VLAN_RULES": rules, "DEFAULT_GROUP_QUOTAS": NO_QUOTAS}
    return pool_xml("GROUP_POOL", "GROUP", (_tree(call.tx, row) for row in found), more)


def allocate(call: Call, name: str) -> int:
    """Adds a group."""
    admins_only(call.caller, "CREATE", GROUP)
    return users.create_group(call.tx, name)


def update(call: Call, group_id: int, sent: str, update_type: int = 0) -> int:
    """Writes the template."""
    admins_only(call.caller, MANAGE, GROUP)
    row = find(call.tx, GROUP, group_id)
    change(call.tx, GROUP, group_id, template=merged(row.template, text.read(sent), update_type))
    return group_id


def remove(call: Call, group_id: int) -> int:
    """Deletes a group without members."""
    admins_only(call.caller, ADMIN, GROUP)
    find(call.tx, GROUP, group_id)
    if group_id < 100 or users.members_of(call.tx, group_id):
        raise undeletable(GROUP, group_id, f"Group {group_id} is not empty or is a default one.")
    call.tx.run(delete(group).where(group.c.id == group_id))
    call.tx.forget_names()
    return group_id


def add_admin(call: Call, group_id: int, user_id: int) -> int:
    """Makes a member administrator of the group."""
    admins_only(call.caller, ADMIN, GROUP)
    users.set_group_admin(call.tx, find(call.tx, USER, user_id).id, find(call.tx, GROUP, group_id).id, True)
    return group_id


def del_admin(call: Call, group_id: int, user_id: int) -> int:
    """Takes that back."""
    admins_only(call.caller, ADMIN, GROUP)
    users.set_group_admin(call.tx, find(call.tx, USER, user_id).id, find(call.tx, GROUP, group_id).id, False)
    return group_id


METHODS = {
    "one.group.info": Method(info, "i", "b"),
    "one.group.allocate": Method(allocate, "s"),
    "one.group.update": Method(update, "is", "i"),
    "one.group.delete": Method(remove, "i"),
    "one.group.addadmin": Method(add_admin, "ii"),
    "one.group.deladmin": Method(del_admin, "ii"),
    "one.grouppool.info": Method(pool),
}
