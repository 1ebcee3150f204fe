"""one.user.*, one.userpool.*"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, select

from fedstack.localcloud.core import logintokens, restricted, text, users
from fedstack.localcloud.core.kinds import GROUP, USER
from fedstack.localcloud.core.objects import ADMIN, MANAGE, admins_only, change, find, undeletable
from fedstack.localcloud.core.text import clean
from fedstack.localcloud.core.tree import Tree, ids, pool_xml, xml
from fedstack.localcloud.rpc.groups import NO_QUOTAS
from fedstack.localcloud.rpc.method import Call, Method
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import membership, user
from fedstack.localcloud.vm.update import merged
from fedstack.opennebula.errors import ErrorCode, OneError
from fedstack.opennebula.template import Attributes


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
        "LOGIN_TOKEN": logintokens.trees(tx, row.id),
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
    return xml("USER", {**_user_tree(call.tx, row), **NO_QUOTAS, "DEFAULT_USER_QUOTAS": NO_QUOTAS})


def pool(call: Call) -> str:
    """All users; oneself only without administrator's rights."""
    query = select(user).order_by(user.c.id)
    found = call.tx.all(query if call.caller.admin else query.where(user.c.id == call.caller.uid))
    quotas = [{"ID": str(row.id), **NO_QUOTAS} for row in found]
    more = {"QUOTAS": quotas, "DEFAULT_USER_QUOTAS": NO_QUOTAS}
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
        raise undeletable(USER, user_id, f"User {user_id} is one of the platform's own.")
    call.tx.run(delete(user).where(user.c.id == user_id))
    call.tx.run(delete(membership).where(membership.c.user_id == user_id))
    logintokens.remove_all(call.tx, user_id)
    call.tx.forget_names()
    return user_id


def update(call: Call, user_id: int, sent: str, update_type: int = 0) -> int:
    """Writes the template; TOKEN_PASSWORD stays when it is not in it."""
    row = _reachable(call, user_id, MANAGE)
    restricted.check_change(call.caller, restricted.ACCOUNT, text.read(sent), row.template)
    template: Attributes = merged(row.template, text.read(sent), update_type)
    secret = {"TOKEN_PASSWORD": row.template["TOKEN_PASSWORD"]}
    change(call.tx, USER, row.id, template={**secret, **template})
    return int(row.id)


def passwd(call: Call, user_id: int, password: str) -> int:
    """Another password; users of some drivers cannot change their own."""
    row = _reachable(call, user_id, MANAGE)
    if row.driver not in users.CHANGEABLE and not call.caller.admin:
        raise OneError(ErrorCode.ACTION, f"Password for driver {row.driver} cannot be changed.", row.id)
    users.set_password(call.tx, row.id, password)
    return int(row.id)


def chauth(call: Call, user_id: int, driver: str, password: str = "") -> int:
    """Another way to log in, and another password unless it is empty."""
    admins_only(call.caller, ADMIN, USER)
    row = find(call.tx, USER, user_id)
    users.check_driver(driver)
    change(call.tx, USER, row.id, driver=driver)
    if password:
        users.set_password(call.tx, row.id, password)
    return user_id


def login(call: Call, name: str, token: str, seconds: int, egid: int = -1) -> str:
    """A login token for so many seconds (-1: for good), in effect for one group on request; 0 seconds end it."""
    uid = next((uid for uid, known in call.tx.user_names.items() if known == name), None)
    if uid is None:
        raise OneError(ErrorCode.NO_EXISTS, f"Error getting user [{clean(name)}].")
    _reachable(call, uid, MANAGE)
    if seconds == 0:
        logintokens.remove(call.tx, uid, token)
        return token or "0"
    if seconds < -1:
        raise OneError(ErrorCode.RPC_API, "Wrong valid period for token", uid)
    if egid >= 0 and egid not in users.groups_of(call.tx, uid) and not call.caller.admin:
        raise OneError(ErrorCode.RPC_API, "EGID is not in user group list", uid)
    return logintokens.create(call.tx, uid, token, seconds, egid)


def enable(call: Call, user_id: int, enabled: bool) -> int:
    """Lets a user in, or no longer."""
    admins_only(call.caller, ADMIN, USER)
    find(call.tx, USER, user_id)
    if user_id == users.ONEADMIN:
        raise OneError(ErrorCode.ACTION, "Cannot enable/disable oneadmin user", user_id)
    change(call.tx, USER, user_id, enabled=enabled)
    return user_id


def chgrp(call: Call, user_id: int, gid: int) -> int:
    """Another primary group; the one before is left, unless the user was in the new one already."""
    if gid < 0:
        raise OneError(ErrorCode.RPC_API, "Wrong group ID", user_id)
    row = find(call.tx, USER, user_id)
    find(call.tx, GROUP, gid)
    if user_id == users.ONEADMIN:
        text_ = "user [0] oneadmin cannot be moved outside of the group [0] oneadmin"
        raise OneError(ErrorCode.INTERNAL, text_, user_id)
    admins_only(call.caller, ADMIN, USER)
    if gid not in users.groups_of(call.tx, user_id):
        users.join_group(call.tx, user_id, gid)
        users.leave_group(call.tx, user_id, row.gid)
    change(call.tx, USER, user_id, gid=gid)
    return user_id


def add_group(call: Call, user_id: int, gid: int) -> int:
    """A further group."""
    _found(call, user_id, gid)
    if gid in users.groups_of(call.tx, user_id):
        raise OneError(ErrorCode.ACTION, "User is already in this group", user_id)
    users.join_group(call.tx, user_id, gid)
    return user_id


def del_group(call: Call, user_id: int, gid: int) -> int:
    """One group less; not the primary one."""
    row = _found(call, user_id, gid)
    if gid not in users.groups_of(call.tx, user_id):
        raise OneError(ErrorCode.ACTION, "User is not part of this group", user_id)
    if row.gid == gid:
        raise OneError(ErrorCode.ACTION, "Cannot remove user from the primary group.", user_id)
    users.leave_group(call.tx, user_id, gid)
    return user_id


def _found(call: Call, user_id: int, gid: int) -> Row[Any]:
    """A user whose groups an administrator changes; the group exists too."""
    row = find(call.tx, USER, user_id)
    find(call.tx, GROUP, gid)
    admins_only(call.caller, MANAGE, USER)
    return row


METHODS = {
    "one.user.info": Method(info, "i", "b"),
    "one.user.allocate": Method(allocate, "ss", "sa"),
    "one.user.delete": Method(remove, "i"),
    "one.user.update": Method(update, "is", "i"),
    "one.user.passwd": Method(passwd, "is"),
    "one.user.chauth": Method(chauth, "is", "s"),
    "one.user.login": Method(login, "ssi", "i"),
    "one.user.enable": Method(enable, "ib"),
    "one.user.chgrp": Method(chgrp, "ii"),
    "one.user.addgroup": Method(add_group, "ii"),
    "one.user.delgroup": Method(del_group, "ii"),
    "one.userpool.info": Method(pool),
}
