"""The SuperNode's key: curve, forms, mode, persistence, fingerprint."""

import base64
import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from fedstack.appliance import keys


def test_the_key_is_p384_in_openssh_form_and_private(tmp_path: Path) -> None:
    key = keys.ensure(tmp_path / "keys")
    loaded = load_ssh_private_key(key.path.read_bytes(), None)
    assert isinstance(loaded, ec.EllipticCurvePrivateKey)
    assert loaded.curve.name == "secp384r1"
    assert key.path.stat().st_mode & 0o777 == 0o600
    assert key.path.parent.stat().st_mode & 0o777 == 0o700
    assert key.public.startswith("ecdsa-sha2-nistp384 ")


def test_a_later_boot_has_the_same_key_and_a_renewal_another(tmp_path: Path) -> None:
    first = keys.ensure(tmp_path)
    assert keys.ensure(tmp_path) == first
    assert keys.create(tmp_path).public != first.public


def test_the_fingerprint_is_of_the_blob_whatever_the_comment(tmp_path: Path) -> None:
    key = keys.ensure(tmp_path)
    expected = hashlib.sha256(base64.b64decode(key.public.split()[1])).hexdigest()[:16]
    assert key.fingerprint == expected
    assert keys.fingerprint(key.public + " somebody@somewhere") == expected


def test_pem_and_openssh_are_the_same_key(tmp_path: Path) -> None:
    key = keys.ensure(tmp_path)
    assert keys.from_pem(keys.to_pem(key.public)) == key.public


@pytest.mark.parametrize("text", ["", "ssh-rsa AAAA", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384 %%%"])
def test_what_is_no_key_has_no_fingerprint(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected an OpenSSH public key|no base64"):
        keys.fingerprint(text)
