"""The key of a SuperNode: ECDSA on P-384, its public half in OpenSSH form (what Flower registers)."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from fedstack.appliance import files

_FINGERPRINT_LENGTH = 16


@dataclass(frozen=True)
class NodeKey:
    """A key pair: `path` of the private half, `public` the OpenSSH line of the other."""

    path: Path
    public: str

    @property
    def fingerprint(self) -> str:
        """What FL_REGISTERED lists."""
        return fingerprint(self.public)


def ensure(directory: Path) -> NodeKey:
    """The key of an earlier boot, or a new one."""
    path = directory / "supernode.key"
    if not path.exists():
        return create(directory)
    key = serialization.load_ssh_private_key(path.read_bytes(), None)
    return NodeKey(path, _public(key.public_key()))


def create(directory: Path) -> NodeKey:
    """Makes a new key in place of the one that is there."""
    files.make_directory(directory, 0o700)
    path = directory / "supernode.key"
    key = ec.generate_private_key(ec.SECP384R1())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    files.write(path, private, 0o600)
    public = _public(key.public_key())
    files.write(directory / "supernode.pub", public + "\n", 0o644)
    return NodeKey(path, public)


def _public(key: object) -> str:
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ValueError("the SuperNode's key is no elliptic-curve key")
    return key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()


def fingerprint(public: str) -> str:
    """The first 16 hex characters of the SHA-256 of an OpenSSH key's blob. Raises ValueError when it is none."""
    words = public.split()
    if len(words) < 2 or not words[0].startswith("ecdsa-sha2-nistp"):
        raise ValueError("expected an OpenSSH public key: ecdsa-sha2-nistp384 <base64>")
    try:
        blob = base64.b64decode(words[1], validate=True)
    except binascii.Error:
        raise ValueError("the key's blob is no base64") from None
    return hashlib.sha256(blob).hexdigest()[:_FINGERPRINT_LENGTH]


def to_pem(public: str) -> str:
    """An OpenSSH public key as the PEM that Flower's Control API speaks. Raises ValueError."""
    key = serialization.load_ssh_public_key(public.encode())
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def from_pem(pem: str) -> str:
    """The inverse of `to_pem`. Raises ValueError."""
    return _public(serialization.load_pem_public_key(pem.encode()))
