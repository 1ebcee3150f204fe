"""Keys and certificates for tests: a CA, a server's certificate, a SuperNode's key."""

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PEM = serialization.Encoding.PEM


def write_key(file: Path) -> Path:
    """Write a SuperNode's key and, beside it with ``.pub``, the public half in OpenSSH's format."""
    key = ec.generate_private_key(ec.SECP384R1())
    openssh = serialization.PrivateFormat.OpenSSH
    file.write_bytes(key.private_bytes(PEM, openssh, serialization.NoEncryption()))
    file.chmod(0o600)
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    file.with_name(f"{file.name}.pub").write_bytes(public + b"\n")
    return file


def write_certificates(folder: Path, address: str) -> str:
    """Write ``ca.crt``, ``server.crt`` and ``server.key``; return the CA's PEM."""
    ca_key, ca = certificate("test ca", None, None, None)
    key, server = certificate("superlink", ca, ca_key, address)
    (folder / "ca.crt").write_bytes(ca.public_bytes(PEM))
    (folder / "server.crt").write_bytes(server.public_bytes(PEM))
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "server.key").write_bytes(key.private_bytes(PEM, *plain))
    return ca.public_bytes(PEM).decode()


def certificate(
    name: str, issuer: x509.Certificate | None, signer: ec.EllipticCurvePrivateKey | None, address: str | None
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """Make a key and its certificate: a CA without ``issuer``, else a server at the IP ``address``."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if address:
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        builder = builder.add_extension(names, critical=False)
    return key, builder.sign(signer or key, hashes.SHA256())
