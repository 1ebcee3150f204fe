"""Passwords at rest, and random secrets."""

from __future__ import annotations

import hashlib
import hmac
import secrets

_COST = 1 << 12


def random_secret() -> str:
    """64 hexadecimal characters."""
    return secrets.token_hex(32)


def hashed(password: str) -> str:
    """What is stored: `scrypt$<salt>$<digest>`."""
    salt = secrets.token_hex(16)
    return f"scrypt${salt}${_digest(password, salt)}"


def matches(password: str, stored: str) -> bool:
    """Whether the password is the one that was hashed."""
    scheme, _, rest = stored.partition("$")
    salt, _, digest = rest.partition("$")
    return scheme == "scrypt" and hmac.compare_digest(_digest(password, salt), digest)


def _digest(password: str, salt: str) -> str:
    secret = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(secret, salt=bytes.fromhex(salt), n=_COST, r=8, p=1, dklen=32).hex()
