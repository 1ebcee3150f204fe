"""Users, groups and sessions (reference 2.1, 7.2)."""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select, update

from fedstack.localcloud.core import logintokens, secrets
from fedstack.localcloud.core.kinds import GROUP, USER
from fedstack.localcloud.core.objects import Caller, check_name, missing
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import group, membership, user
from fedstack.opennebula.errors import ErrorCode, OneError

CORE = "core"
"""The driver of users with a password."""
ONEADMIN = 0
"""Id of the first administrator."""
CHANGEABLE = frozenset({CORE, "ssh", "ldap"})
"""Drivers whose users may change their own passwords."""
DRIVERS = (CORE, "public", "ssh", "x509", "ldap", "server_cipher", "server_x509")
"""Known drivers; users of another one than core cannot log in by a password."""

_NOBODY = OneError(ErrorCode.AUTHENTICATION, "User couldn't be authenticated, aborting call.")


class Sessions:
    """Checks `user:password` sessions; remembers by digest which ones were right for which stored hash."""

    def __init__(self) -> None:
        self._known: dict[bytes, str] = {}

    def authenticate(self, tx: Transaction, session: str) -> Caller:
        """The caller; raises OneError AUTHENTICATION for an unknown or disabled user or a wrong secret."""
        name, colon, secret = session.partition(":")
        row = tx.first(select(user).where(user.c.name == name)) if colon else None
        if row is None or not row.enabled:
            raise OneError(_NOBODY.code, _NOBODY.message)
        digest = hashlib.sha256(session.encode("utf-8", "surrogatepass")).digest()
        if row.driver == CORE and self._known.get(digest) == row.password:
            return caller_of(tx, row)
        if (found := _by_token(tx, row, secret)) is not None:
            return found
        if row.driver != CORE or not secrets.matches(secret, row.password):
            raise OneError(_NOBODY.code, _NOBODY.message)
        self._known[digest] = row.password
        return caller_of(tx, row)


def _by_token(tx: Transaction, row: Row[Any], secret: str) -> Caller | None:
    """The user, if the secret is a login token: with the token's group alone if it names one and has the user."""
    token = logintokens.find(tx, row.id, secret)
    if token is None or token.egid < 0:
        return None if token is None else caller_of(tx, row)
    member = token.egid in groups_of(tx, row.id)
    return Caller(row.id, token.egid, row.name, frozenset({token.egid})) if member else None


def caller_of(tx: Transaction, row: Row[Any]) -> Caller:
    """The user as a caller, with all groups."""
    return Caller(row.id, row.gid, row.name, frozenset(groups_of(tx, row.id)) | {row.gid})


def caller_by_id(tx: Transaction, uid: int) -> Caller:
    """A user by id, for work that the cloud does on somebody's behalf; raises OneError NO_EXISTS."""
    row = tx.first(select(user).where(user.c.id == uid))
    if row is None:
        raise missing(USER, uid)
    return caller_of(tx, row)


def groups_of(tx: Transaction, uid: int) -> list[int]:
    """Group ids of a user, ascending."""
    query = select(membership.c.group_id).where(membership.c.user_id == uid).order_by(membership.c.group_id)
    return [row.group_id for row in tx.all(query)]


def members_of(tx: Transaction, gid: int, *, admins: bool = False) -> list[int]:
    """User ids in a group, ascending; only its administrators on request."""
    query = select(membership.c.user_id).where(membership.c.group_id == gid).order_by(membership.c.user_id)
    return [row.user_id for row in tx.all(query.where(membership.c.admin) if admins else query)]


def create_user(tx: Transaction, name: str, password: str, driver: str, gid: int, user_id: int | None = None) -> int:
    """Adds a user with a TOKEN_PASSWORD of its own; raises OneError."""
    _check_plain_name(tx, name, USER.table.c, "USER")
    if not password:
        raise OneError(ErrorCode.INTERNAL, "Invalid password, it cannot be empty.")
    check_driver(driver or CORE)
    user_id = tx.take_ids("user") if user_id is None else user_id
    values = {
        "id": user_id,
        "uid": user_id,
        "gid": gid,
        "name": name,
        "template": {"TOKEN_PASSWORD": secrets.random_secret()},
        "password": secrets.hashed(password),
        "driver": driver or CORE,
    }
    tx.run(insert(user), values)
    join_group(tx, user_id, gid)
    tx.forget_names()
    return user_id


def create_group(tx: Transaction, name: str, group_id: int | None = None) -> int:
    """Adds a group; raises OneError."""
    _check_plain_name(tx, name, GROUP.table.c, "GROUP")
    group_id = tx.take_ids("group") if group_id is None else group_id
    tx.run(insert(group), {"id": group_id, "name": name, "template": {}})
    tx.forget_names()
    return group_id


def _check_plain_name(tx: Transaction, name: str, columns: Any, code: str) -> None:
    """User and group names: unique in the cloud, without blanks."""
    check_name(name)
    if " " in name:
        raise OneError(ErrorCode.INTERNAL, "Invalid NAME, it contains a blank.")
    taken = tx.value(select(columns.id).where(columns.name == name))
    if taken is not None:
        raise OneError(ErrorCode.INTERNAL, f"NAME is already taken by {code} {taken}.")


def join_group(tx: Transaction, uid: int, gid: int) -> None:
    """Makes a user a member; a member stays one."""
    tx.run(insert(membership).prefix_with("OR IGNORE"), {"user_id": uid, "group_id": gid})


def leave_group(tx: Transaction, uid: int, gid: int) -> None:
    """Ends a membership."""
    tx.run(delete(membership).where(membership.c.user_id == uid, membership.c.group_id == gid))


def set_group_admin(tx: Transaction, uid: int, gid: int, admin: bool) -> None:
    """Makes a member administrator of the group, or no longer; raises OneError INTERNAL when that changes nothing."""
    where = (membership.c.user_id == uid, membership.c.group_id == gid)
    if not tx.run(update(membership).where(*where, membership.c.admin != admin).values(admin=admin)):
        state = "is no administrator of" if not admin else "is not part of, or already administrator of,"
        raise OneError(ErrorCode.INTERNAL, f"Cannot edit group. User {uid} {state} group {gid}.", gid)


def check_driver(driver: str) -> None:
    """Raises OneError INTERNAL for a driver that the platform does not know either."""
    if driver not in DRIVERS:
        known = ", ".join(DRIVERS)
        raise OneError(ErrorCode.INTERNAL, f'Auth driver "{driver}" is not available: expected one of {known}.')


def set_password(tx: Transaction, uid: int, password: str) -> None:
    """Stores the hash of another password."""
    if not password:
        raise OneError(ErrorCode.ACTION, "Invalid password, it cannot be empty.")
    tx.run(update(user).where(user.c.id == uid).values(password=secrets.hashed(password)))


_TEMPLATE = select(user.c.template).where(user.c.id == bindparam("user"))


def token_password(tx: Transaction, uid: int) -> str:
    """The secret of a user's OneGate tokens; raises OneError NO_EXISTS."""
    template = tx.value(_TEMPLATE, {"user": uid})
    if template is None:
        raise missing(USER, uid)
    return str(template.get("TOKEN_PASSWORD", ""))
