"""Finding objects, and what every object shares: ownership, permissions, locks, names (reference 2.4)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, or_, select, true, update

from fedstack.localcloud.core.kinds import Kind
from fedstack.localcloud.core.tree import Tree
from fedstack.localcloud.store.database import Transaction
from fedstack.opennebula.errors import ErrorCode, OneError
from fedstack.opennebula.permissions import Permissions

USE, MANAGE, ADMIN = "USE", "MANAGE", "ADMIN"
_BITS = {USE: 0o4, MANAGE: 0o2, ADMIN: 0o1}
_BLOCKED_BY = {USE: (1, 4), MANAGE: (1, 2, 4), ADMIN: (1, 2, 3, 4)}
_NAME = re.compile(r"[^&|:\\\";/'#{}$<>\t\n\r]+")


@dataclass(frozen=True)
class Caller:
    """Who calls. Members of group 0 are administrators."""

    uid: int
    gid: int
    name: str
    groups: frozenset[int]

    @property
    def admin(self) -> bool:
        """Whether permissions do not matter."""
        return self.uid == 0 or 0 in self.groups


def missing(kind: Kind, object_id: int) -> OneError:
    """The error for an id that does not exist."""
    return OneError(ErrorCode.NO_EXISTS, f"Error getting {kind.word} [{object_id}].", object_id)


def find(tx: Transaction, kind: Kind, object_id: int) -> Row[Any]:
    """The whole row; raises OneError NO_EXISTS."""
    row = tx.first(select(kind.table).where(kind.table.c.id == object_id))
    if row is None:
        raise missing(kind, object_id)
    return row


def allowed(caller: Caller, row: Row[Any], right: str) -> bool:
    """Whether the permission bits give `right` to the caller."""
    if caller.admin:
        return True
    bit = _BITS[right]
    mine = row.uid == caller.uid and row.mode & bit << 6
    ours = row.gid in caller.groups and row.mode & bit << 3
    return bool(mine or ours or row.mode & bit)


def refused(caller: Caller, right: str, code: str, object_id: int) -> OneError:
    """The error for a right that the caller does not have."""
    text = f"User [{caller.uid}] : Not authorized to perform {right} {code} [{object_id}]."
    return OneError(ErrorCode.AUTHORIZATION, text, object_id)


def get(
    tx: Transaction, caller: Caller, kind: Kind, object_id: int, right: str = USE, *, locked: bool = False
) -> Row[Any]:
    """The row, if the caller has `right` on it; raises OneError NO_EXISTS, AUTHORIZATION, LOCKED (unless `locked`)."""
    row = find(tx, kind, object_id)
    _demand(caller, kind, row, right, locked=locked)
    return row


def _demand(caller: Caller, kind: Kind, row: Row[Any], right: str, *, locked: bool = False) -> None:
    if not allowed(caller, row, right):
        raise refused(caller, right, kind.code, row.id)
    if not locked and row.lock_level in _BLOCKED_BY[right] and caller.uid not in (0, row.lock_owner):
        raise OneError(ErrorCode.LOCKED, f"User [{caller.uid}] : {kind.code} [{row.id}] is locked.", row.id)


def undeletable(kind: Kind, object_id: int, why: str) -> OneError:
    """The error for an object that cannot be deleted now."""
    return OneError(ErrorCode.ACTION, f"Cannot delete {kind.word}. {why}", object_id)


def admins_only(caller: Caller, right: str, kind: Kind) -> None:
    """Raises OneError AUTHORIZATION unless the caller is an administrator."""
    if not caller.admin:
        text = f"User [{caller.uid}] : Not authorized to perform {right} {kind.code} Pool."
        raise OneError(ErrorCode.AUTHORIZATION, text)


def visible(caller: Caller, kind: Kind, flag: int) -> ColumnElement[bool]:
    """The condition of a filter flag: -4 primary group, -3 mine, -2 all visible, -1 mine and my groups, >= 0 a user."""
    columns = kind.table.c
    if flag < -4:
        raise OneError(ErrorCode.RPC_API, "Incorrect filter_flag")
    can_use = or_(
        and_(columns.uid == caller.uid, columns.mode.op("&")(0o400) != 0),
        and_(columns.gid.in_(caller.groups), columns.mode.op("&")(0o040) != 0),
        columns.mode.op("&")(0o004) != 0,
    )
    if flag == -4:
        return columns.gid == caller.gid if caller.admin else and_(columns.gid == caller.gid, can_use)
    if flag == -3:
        return columns.uid == caller.uid
    if flag == -1:
        return or_(columns.uid == caller.uid, and_(columns.gid.in_(caller.groups), true() if caller.admin else can_use))
    rights: ColumnElement[bool] = true() if caller.admin else can_use
    return rights if flag == -2 else and_(columns.uid == flag, rights)


def check_name(name: str, code: ErrorCode = ErrorCode.INTERNAL) -> None:
    """Raises OneError unless this may be an object's name."""
    if not name:
        raise OneError(code, "Invalid NAME, it cannot be empty.")
    if len(name) > 128:
        raise OneError(code, "Invalid NAME, max length is 128 chars.")
    if not _NAME.fullmatch(name):
        raise OneError(code, "Invalid NAME, it contains one of the characters & | : \\ \" ; / ' # { } $ < >.")


def check_unique(tx: Transaction, kind: Kind, name: str, uid: int, code: ErrorCode = ErrorCode.INTERNAL) -> None:
    """Raises OneError when the owner already has an object of that name."""
    columns = kind.table.c
    taken = tx.value(select(columns.id).where(columns.name == name, columns.uid == uid)) if kind.unique else None
    if taken is not None:
        raise OneError(code, f"NAME is already taken by {kind.code} {taken}.")


def check_new(tx: Transaction, kind: Kind, name: str, uid: int) -> None:
    """Raises OneError ALLOCATE unless a new object of that owner may have the name."""
    try:
        check_name(name)
        check_unique(tx, kind, name, uid)
    except OneError as error:
        raise OneError(ErrorCode.ALLOCATE, f"Error allocating a new {kind.word}. {error.message}") from error


def rename(tx: Transaction, kind: Kind, row: Row[Any], name: str) -> None:
    """Gives an object another name; the same name changes nothing. Raises OneError ACTION."""
    if name == row.name:
        return
    columns = kind.table.c
    taken = tx.value(select(columns.id).where(columns.name == name, columns.uid == row.uid)) if kind.unique else None
    if taken is not None:
        text = f"{kind.word} cannot be renamed to {name} because it collides with {kind.word} {taken}"
        raise OneError(ErrorCode.ACTION, text, row.id)
    check_name(name, ErrorCode.ACTION)
    change(tx, kind, row.id, name=name)


def chmod(tx: Transaction, caller: Caller, kind: Kind, object_id: int, bits: tuple[int, ...]) -> None:
    """Sets, clears (0) or keeps (-1) the permission bits; a change of an admin bit needs ADMIN. Raises OneError."""
    mode = find(tx, kind, object_id).mode
    administers = any(bits[place] not in (-1, mode >> (8 - place) & 1) for place in (2, 5, 8))
    row = get(tx, caller, kind, object_id, ADMIN if administers else MANAGE)
    if any(bit not in (-1, 0, 1) for bit in bits):
        raise OneError(ErrorCode.INTERNAL, "New permission values must be -1, 0 or 1", row.id)
    change(tx, kind, row.id, mode=Permissions(mode).changed(bits).mode)


def chown(tx: Transaction, caller: Caller, kind: Kind, object_id: int, uid: int, gid: int) -> None:
    """`chown_all` of one object."""
    chown_all(tx, caller, kind, [find(tx, kind, object_id)], uid, gid)


def chown_all(tx: Transaction, caller: Caller, kind: Kind, rows: Sequence[Row[Any]], uid: int, gid: int) -> None:
    """Gives objects another owner or group (-1 keeps).

    Ordinary users can make themselves the owner, and choose among their groups. Raises OneError NO_EXISTS,
    AUTHORIZATION, ACTION when the new owner has an object of that name.
    """
    if uid >= 0 and uid not in tx.user_names:
        raise OneError(ErrorCode.NO_EXISTS, f"Error getting user [{uid}].", uid)
    if gid >= 0 and gid not in tx.group_names:
        raise OneError(ErrorCode.NO_EXISTS, f"Error getting group [{gid}].", gid)
    uid, gid = max(uid, -1), max(gid, -1)
    for row in rows:
        _check_gift(caller, kind, row, uid, gid)
        if uid not in (-1, row.uid):
            check_unique(tx, kind, row.name, uid, ErrorCode.ACTION)
    values = {key: value for key, value in {"uid": uid, "gid": gid}.items() if value >= 0}
    if values:
        tx.run(update(kind.table).where(kind.table.c.id.in_([row.id for row in rows])).values(**values))


def _check_gift(caller: Caller, kind: Kind, row: Row[Any], uid: int, gid: int) -> None:
    _demand(caller, kind, row, MANAGE)
    if uid not in (-1, row.uid, caller.uid) and not caller.admin:
        raise refused(caller, MANAGE, "USER", uid)
    if gid not in (-1, row.gid, *caller.groups) and not caller.admin:
        raise refused(caller, USE, "GROUP", gid)


def lock(tx: Transaction, caller: Caller, kind: Kind, object_id: int, level: int, *, test: bool) -> None:
    """Locks for everybody else: 1 USE, 2 MANAGE, 3 ADMIN, 4 all (as 1). `test`: only what is not locked yet."""
    row = get(tx, caller, kind, object_id, MANAGE, locked=True)
    if level not in (1, 2, 3, 4):
        raise OneError(ErrorCode.ACTION, "Wrong lock level specified", row.id)
    if row.lock_level and test:
        raise OneError(ErrorCode.ACTION, f"The {kind.word} is locked already.", row.id)
    if row.lock_level and not caller.admin and row.lock_owner != caller.uid:
        raise OneError(ErrorCode.ACTION, "Error trying to lock the resource.", row.id)
    change(tx, kind, row.id, lock_level=1 if level == 4 else level, lock_owner=caller.uid, lock_time=tx.now)


def unlock(tx: Transaction, caller: Caller, kind: Kind, object_id: int) -> None:
    """Removes a lock; only its owner or an administrator may."""
    row = get(tx, caller, kind, object_id, MANAGE, locked=True)
    if not caller.admin and row.lock_owner != caller.uid:
        raise OneError(ErrorCode.ACTION, "Cannot unlock: Lock is owned by another user", row.id)
    change(tx, kind, row.id, lock_level=0, lock_owner=-1, lock_time=0)


def change(tx: Transaction, kind: Kind, object_id: int, **values: Any) -> None:
    """Writes columns of one object."""
    tx.run(update(kind.table).where(kind.table.c.id == object_id).values(**values))


def owner_tree(tx: Transaction, row: Row[Any]) -> Tree:
    """ID, UID, GID, UNAME, GNAME, NAME."""
    return {
        "ID": str(row.id),
        "UID": str(row.uid),
        "GID": str(row.gid),
        "UNAME": tx.user_names.get(row.uid, ""),
        "GNAME": tx.group_names.get(row.gid, ""),
        "NAME": row.name,
    }


def lock_tree(row: Row[Any]) -> Tree:
    """LOCK, or nothing while unlocked."""
    if not row.lock_level:
        return {}
    return {
        "LOCK": {
            "LOCKED": str(row.lock_level),
            "OWNER": str(row.lock_owner),
            "TIME": str(row.lock_time),
            "REQ_ID": "0",
        }
    }


def permission_tree(row: Row[Any]) -> Tree:
    """PERMISSIONS with its nine flags."""
    return {"PERMISSIONS": Permissions(row.mode).as_dict()}


def header_tree(tx: Transaction, row: Row[Any]) -> Tree:
    """The header that most documents start with."""
    return {**owner_tree(tx, row), **lock_tree(row), **permission_tree(row)}


def header_values(caller: Caller, object_id: int, name: str) -> dict[str, Any]:
    """Header columns of a new object of that caller."""
    return {"id": object_id, "uid": caller.uid, "gid": caller.gid, "name": name}
