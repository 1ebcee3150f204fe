"""Login tokens: further secrets of a user, each with an end and on request with one group (reference 2.1, 2.5)."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from sqlalchemy import Row, delete, insert, or_, select

from fedstack.localcloud.core.tree import Tree
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import login_token
from fedstack.opennebula.errors import ErrorCode, OneError

MOST = 10
"""Tokens of one user."""
FOREVER = -1


def _digest(uid: int, token: str) -> str:
    return hashlib.sha256(f"{uid}:{token}".encode("utf-8", "surrogatepass")).hexdigest()


def _valid(tx: Transaction, uid: int) -> Any:
    """Tokens of a user that have not ended, in a stable order."""
    columns = login_token.c
    alive = or_(columns.expires == FOREVER, columns.expires > tx.now)
    return select(login_token).where(columns.user_id == uid, alive).order_by(columns.expires, columns.digest)


def create(tx: Transaction, uid: int, token: str, seconds: int, egid: int) -> str:
    """Adds a token (empty: a random one) for so many seconds (-1: for good); returns it. Raises OneError RPC_API."""
    tx.run(delete(login_token).where(login_token.c.expires != FOREVER, login_token.c.expires <= tx.now))
    if len(tx.all(_valid(tx, uid))) >= MOST:
        raise OneError(ErrorCode.RPC_API, f"Max number of tokens limit reached: {MOST}.", uid)
    token = token or secrets.token_hex(20)
    expires = FOREVER if seconds < 0 else tx.now + seconds
    values = {"user_id": uid, "digest": _digest(uid, token), "expires": expires, "egid": egid}
    tx.run(insert(login_token).prefix_with("OR REPLACE"), values)
    return token


def remove(tx: Transaction, uid: int, token: str) -> None:
    """Ends a token (empty: all of them); raises OneError RPC_API when the user has no such one."""
    if not token:
        remove_all(tx, uid)
        return
    where = (login_token.c.user_id == uid, login_token.c.digest == _digest(uid, token))
    if not tx.run(delete(login_token).where(*where)):
        raise OneError(ErrorCode.RPC_API, "Could not find token.", uid)


def remove_all(tx: Transaction, uid: int) -> None:
    """Ends all tokens of a user."""
    tx.run(delete(login_token).where(login_token.c.user_id == uid))


def find(tx: Transaction, uid: int, token: str) -> Row[Any] | None:
    """The user's token with that text, unless it has ended."""
    return tx.first(_valid(tx, uid).where(login_token.c.digest == _digest(uid, token)))


def trees(tx: Transaction, uid: int) -> list[Tree]:
    """LOGIN_TOKEN elements; like PASSWORD they show the digest, for nobody keeps the token itself."""
    keys = (("TOKEN", "digest"), ("EXPIRATION_TIME", "expires"), ("EGID", "egid"))
    return [{key: str(getattr(row, column)) for key, column in keys} for row in tx.all(_valid(tx, uid))]
