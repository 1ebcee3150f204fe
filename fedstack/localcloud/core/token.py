"""OneGate tokens (reference 7.2): AES-256-CBC over `<vm id>:<start time>`, key from the creator's TOKEN_PASSWORD."""

from __future__ import annotations

import base64
import binascii

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

_BLOCK_BITS = 128
_KEY = 32


def _cipher(password: str) -> Cipher[modes.CBC]:
    """Users may write any text over their TOKEN_PASSWORD; the key has 32 bytes nevertheless."""
    key = password.encode("utf-8", "replace")[:_KEY].ljust(_KEY, b"\0")
    return Cipher(algorithms.AES(key), modes.CBC(bytes(16)))


def make(password: str, vm_id: int, stime: int) -> str:
    """The content of a VM's token.txt. `password`: TOKEN_PASSWORD, of which the first 32 bytes count."""
    padder = PKCS7(_BLOCK_BITS).padder()
    plain = padder.update(f"{vm_id}:{stime}".encode()) + padder.finalize()
    encryptor = _cipher(password).encryptor()
    return base64.b64encode(encryptor.update(plain) + encryptor.finalize()).decode()


def opens(password: str, token: str, vm_id: int, stime: int) -> bool:
    """Whether this is that VM's token."""
    try:
        secret = base64.b64decode(token, validate=True)
        decryptor = _cipher(password).decryptor()
        unpadder = PKCS7(_BLOCK_BITS).unpadder()
        plain = unpadder.update(decryptor.update(secret) + decryptor.finalize()) + unpadder.finalize()
    except (ValueError, binascii.Error):
        return False
    return plain == f"{vm_id}:{stime}".encode()
