"""one.user.*, one.userpool.*, one.group.*, one.grouppool.*"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, select
from sqlalchemy import update as sql_update

from fedstack.localcloud.core import objects, text, users
from fedstack.localcloud.core.kinds import GROUP, USER
from fedstack.localcloud.core.objects import ADMIN, MANAGE, admins_only, change, find
from fedstack.localcloud.core.tree import Tree, ids, pool_xml, xml
from fedstack.localcloud.rpc.method import Call, Method
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import group, membership, user
from fedstack.localcloud.vm.update import merged
from fedstack.opennebula.errors import ErrorCode, OneError
from fedstack.opennebula.template import Attributes

_QUOTAS: Tree = {"DATASTORE_QUOTA": {}, "NETWORK_QUOTA": {}, "VM_QUOTA": {}, "IMAGE_QUOTA": {}}


def _user_tree(tx: Transaction, row: Row[Any]) -> Tree:
    return {
        "ID": str(row.id),
        "GID": str(row.gid),
        "GROUPS": ids(users.groups_of(tx, row.id)),
        "GNAME": tx.group_names.get(row.gid, ""),
        "NAME": row.name,
        "PASSWORD": row.password,
        "AUTH_DRIVER": row.driver,
        "ENABLED": str(int(row.enabled)),
        "TEMPLATE": row.template,
    }


def _reachable(call: Call, user_id: int, right: str = "USE") -> Row[Any]:
    """A user that the caller may see or change: itself, or any for administrators; -1 is oneself."""
    row = find(call.tx, USER, call.caller.uid if user_id == -1 else user_id)
    if row.id != call.caller.uid and not call.caller.admin:
        message = f"User [{call.caller.uid}] : Not authorized to perform {right} USER [{row.id}]."
        raise OneError(ErrorCode.AUTHORIZATION, message, row.id)
    return row


def info(call: Call, user_id: int, _decrypt: bool = False) -> str:
    """A user with its quotas."""
    row = _reachable(call, user_id)
    return xml("USER", {**_user_tree(call.tx, row), **_QUOTAS, "DEFAULT_USER_QUOTAS": _QUOTAS})


def pool(call: Call) -> str:
    """All users; oneself only without administrator's rights."""
    query = select(user).order_by(user.c.id)
    found = call.tx.all(query if call.caller.admin else query.where(user.c.id == call.caller.uid))
    quotas = [{"ID": str(row.id), **_QUOTAS} for row in found]
    more = {"QUOTAS": quotas, "DEFAULT_USER_QUOTAS": _QUOTAS}
    return pool_xml("USER_POOL", "USER", (_user_tree(call.tx, row) for row in found), more)


def allocate(call: Call, name: str, password: str, driver: str = "", groups: list[Any] | None = None) -> int:
    """Adds a user; the first group is the primary one (default: users)."""
    admins_only(call.caller, "CREATE", USER)
    wanted = [one for one in groups or [] if isinstance(one, int)] or [1]
    for gid in wanted:
        find(call.tx, GROUP, gid)
    user_id = users.create_user(call.tx, name, password, driver, wanted[0])
    for gid in wanted[1:]:
        users.join_group(call.tx, user_id, gid)
    return user_id


def remove(call: Call, user_id: int) -> int:
    """Deletes a user."""
    admins_only(call.caller, "ADMIN", USER)
    find(call.tx, USER, user_id)
    if user_id in (0, 1):
        raise OneError(ErrorCode.ACTION, f"User {user_id} cannot be deleted.", user_id)
    call.tx.run(delete(user).where(user.c.id == user_id))
    call.tx.run(delete(membership).where(membership.c.user_id == user_id))
    call.tx.forget_names()
    return user_id


def update(call: Call, user_id: int, sent: str, update_type: int = 0) -> int:
    """Writes the template; TOKEN_PASSWORD stays when it is not in it."""
    row = _reachable(call, user_id, MANAGE)
    template: Attributes = merged(row.template, text.read(sent), update_type)
    secret = {"TOKEN_PASSWORD": row.template["TOKEN_PASSWORD"]}
    change(call.tx, USER, row.id, template={**secret, **template})
    return int(row.id)


def passwd(call: Call, user_id: int, password: str) -> int:
    """Another password."""
    row = _reachable(call, user_id, MANAGE)
    users.set_password(call.tx, row.id, password)
    return int(row.id)


def enable(call: Call, user_id: int, enabled: bool) -> int:
    """Lets a user in, or no longer."""
    admins_only(call.caller, ADMIN, USER)
    change(call.tx, USER, find(call.tx, USER, user_id).id, enabled=enabled)
    return user_id


def chgrp(call: Call, user_id: int, gid: int) -> int:
    """Another primary group."""
    admins_only(call.caller, ADMIN, USER)
    find(call.tx, USER, user_id)
    find(call.tx, GROUP, gid)
    change(call.tx, USER, user_id, gid=gid)
    users.join_group(call.tx, user_id, gid)
    return user_id


def add_group(call: Call, user_id: int, gid: int) -> int:
    """A further group."""
    admins_only(call.caller, ADMIN, USER)
    find(call.tx, USER, user_id)
    find(call.tx, GROUP, gid)
    users.join_group(call.tx, user_id, gid)
    return user_id


def del_group(call: Call, user_id: int, gid: int) -> int:
    """One group less; not the primary one."""
    admins_only(call.caller, ADMIN, USER)
    if find(call.tx, USER, user_id).gid == gid:
        raise OneError(ErrorCode.ACTION, "User cannot be removed from the primary group.", user_id)
    users.leave_group(call.tx, user_id, gid)
    return user_id


def _group_tree(tx: Transaction, row: Row[Any]) -> Tree:
    return {
        "ID": str(row.id),
        "NAME": row.name,
        "TEMPLATE": row.template,
        "USERS": ids(users.members_of(tx, row.id)),
        "ADMINS": ids(users.members_of(tx, row.id, admins=True)),
    }


def group_info(call: Call, group_id: int, _decrypt: bool = False) -> str:
    """A group with its quotas; -1 is the caller's primary one."""
    row = find(call.tx, GROUP, call.caller.gid if group_id == -1 else group_id)
    if not call.caller.admin and row.id not in call.caller.groups:
        message = f"User [{call.caller.uid}] : Not authorized to perform USE GROUP [{row.id}]."
        raise OneError(ErrorCode.AUTHORIZATION, message, row.id)
    return xml("GROUP", {**_group_tree(call.tx, row), **_QUOTAS, "DEFAULT_GROUP_QUOTAS": _QUOTAS})


def group_pool(call: Call) -> str:
    """All groups; the caller's own without administrator's rights."""
    query = select(group).order_by(group.c.id)
    found = call.tx.all(query if call.caller.admin else query.where(group.c.id.in_(call.caller.groups)))
    quotas = [{"ID": str(row.id), **_QUOTAS} for row in found]
    rules = [{"ID": str(row.id)} for row in found]
    more = {"QUOTAS": quotas, "VLAN_RULES": rules, "DEFAULT_GROUP_QUOTAS": _QUOTAS}
    return pool_xml("GROUP_POOL", "GROUP", (_group_tree(call.tx, row) for row in found), more)


def group_allocate(call: Call, name: str) -> int:
    """Adds a group."""
    admins_only(call.caller, "CREATE", GROUP)
    return users.create_group(call.tx, name)


def group_update(call: Call, group_id: int, sent: str, update_type: int = 0) -> int:
    """Writes the template."""
    admins_only(call.caller, MANAGE, GROUP)
    row = find(call.tx, GROUP, group_id)
    change(call.tx, GROUP, group_id, template=merged(row.template, text.read(sent), update_type))
    return group_id


def group_remove(call: Call, group_id: int) -> int:
    """Deletes a group without members."""
    admins_only(call.caller, ADMIN, GROUP)
    find(call.tx, GROUP, group_id)
    if group_id < 100 or users.members_of(call.tx, group_id):
        raise OneError(ErrorCode.ACTION, f"Group {group_id} is not empty or is a default one.", group_id)
    call.tx.run(delete(group).where(group.c.id == group_id))
    call.tx.forget_names()
    return group_id


def group_rename(call: Call, group_id: int, name: str) -> int:
    """Another name."""
    admins_only(call.caller, MANAGE, GROUP)
    objects.check_name(name)
    call.tx.run(sql_update(group).where(group.c.id == find(call.tx, GROUP, group_id).id).values(name=name))
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
    "one.user.info": Method(info, "i", "b"),
    "one.user.allocate": Method(allocate, "ss", "sa"),
    "one.user.delete": Method(remove, "i"),
    "one.user.update": Method(update, "is", "i"),
    "one.user.passwd": Method(passwd, "is"),
    "one.user.enable": Method(enable, "ib"),
    "one.user.chgrp": Method(chgrp, "ii"),
    "one.user.addgroup": Method(add_group, "ii"),
    "one.user.delgroup": Method(del_group, "ii"),
    "one.userpool.info": Method(pool),
    "one.group.info": Method(group_info, "i", "b"),
    "one.group.allocate": Method(group_allocate, "s"),
    "one.group.update": Method(group_update, "is", "i"),
    "one.group.delete": Method(group_remove, "i"),
    "one.group.rename": Method(group_rename, "is"),
    "one.group.addadmin": Method(add_admin, "ii"),
    "one.group.deladmin": Method(del_admin, "ii"),
    "one.grouppool.info": Method(group_pool),
}
