"""The certificate authority and the server certificate of a SuperLink (reference 5.1)."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from fedstack.appliance import files

KEY_BITS = 4096
VALID_FOR = datetime.timedelta(days=365)
REUSE_MARGIN = datetime.timedelta(hours=24)
_CLOCK_SKEW = datetime.timedelta(minutes=5)
_ORGANIZATION = "Flower FL"
_CA_NAME = "Flower CA"


class CertificateError(Exception):
    """Material that cannot be used; the message says which file and why."""


@dataclass(frozen=True)
class Material:
    """Where the four files lie. `ca_key` exists only when the certificates were made here."""

    directory: Path

    @property
    def ca(self) -> Path:
        """ca.crt, the only file that leaves the VM."""
        return self.directory / "ca.crt"

    @property
    def ca_key(self) -> Path:
        """ca.key."""
        return self.directory / "ca.key"

    @property
    def server(self) -> Path:
        """server.pem, shown in the handshake."""
        return self.directory / "server.pem"

    @property
    def server_key(self) -> Path:
        """server.key."""
        return self.directory / "server.key"

    @property
    def rotation(self) -> Path:
        """The id of the last rotation."""
        return self.directory / "rotation"

    @property
    def successor(self) -> Material:
        """What takes the place of these files, once it is complete: with its `rotation`, which is written last."""
        return Material(self.directory / "next")

    def settle(self) -> None:
        """Puts a complete successor in place; goes on where an earlier call was cut off."""
        new = self.successor
        if not new.rotation.exists():
            return
        for path in (new.ca_key, new.server_key, new.ca, new.server):
            if path.exists():
                path.replace(self.directory / path.name)
        if self.ca_key.exists() and not _belongs(self.ca_key, self.ca):
            self.ca_key.unlink()
        new.rotation.replace(self.rotation)


def _belongs(key: Path, certificate: Path) -> bool:
    """Whether a private key is that of a (first) certificate. Raises CertificateError, OSError."""
    own = parse_key(key.read_bytes(), key.name).public_key()
    return own == parse_certificates(certificate.read_bytes(), certificate.name)[0].public_key()


def alternative_names(address: str, extra: str) -> list[x509.GeneralName]:
    """The names that a server certificate is for: loopback, the VM's address, then FL_CERT_EXTRA_SAN.

    `extra` is a comma-separated list of ``IP:...`` and ``DNS:...``. Raises CertificateError.
    """
    own = ["DNS:localhost", "IP:127.0.0.1", "IP:::1", f"IP:{address}"]
    wanted = dict.fromkeys([*own, *(entry.strip() for entry in extra.split(",") if entry.strip())])
    return [_alternative_name(entry) for entry in wanted]


def _alternative_name(entry: str) -> x509.GeneralName:
    kind, _, value = entry.partition(":")
    try:
        if kind == "IP":
            return x509.IPAddress(ipaddress.ip_address(value))
        if kind == "DNS" and value:
            return x509.DNSName(value)
    except ValueError:
        pass
    raise CertificateError(f"FL_CERT_EXTRA_SAN has {entry!r}, expected IP:<address> or DNS:<name>")


def generate(material: Material, address: str, names: Sequence[x509.GeneralName]) -> None:
    """Makes a CA and a server certificate and writes all four files, keys with mode 0600."""
    ca_key, server_key = _new_key(), _new_key()
    ca_name = _name(_CA_NAME)
    ca_id = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())
    ca = _builder(ca_name, ca_name, ca_key.public_key())
    ca = ca.add_extension(x509.BasicConstraints(True, 0), critical=True)
    ca = ca.add_extension(_usage(signs_certificates=True), critical=True).add_extension(ca_id, critical=False)
    server = _builder(_name(address), ca_name, server_key.public_key())
    server = server.add_extension(x509.BasicConstraints(False, None), critical=True)
    server = server.add_extension(_usage(signs_certificates=False), critical=True)
    server = server.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ca_id)
    server = server.add_extension(issuer, critical=False)
    server = server.add_extension(x509.SubjectAlternativeName(names), critical=False)
    files.write(material.ca_key, _pem(ca_key), 0o600)
    files.write(material.server_key, _pem(server_key), 0o600)
    files.write(material.ca, _sign(ca, ca_key), 0o644)
    files.write(material.server, _sign(server, ca_key), 0o644)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=not signs_certificates,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)


def _name(common_name: str) -> x509.Name:
    organization = x509.NameAttribute(NameOID.ORGANIZATION_NAME, _ORGANIZATION)
    return x509.Name([organization, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(subject: x509.Name, issuer: x509.Name, key: rsa.RSAPublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    named = x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
    return named.not_valid_before(now - _CLOCK_SKEW).not_valid_after(now + VALID_FOR)


def _sign(builder: x509.CertificateBuilder, key: rsa.RSAPrivateKey) -> bytes:
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def parse_certificates(content: bytes, what: str) -> list[x509.Certificate]:
    """The certificates of a PEM, one at least. Raises CertificateError naming `what`."""
    try:
        return x509.load_pem_x509_certificates(content)
    except ValueError:
        raise CertificateError(f"{what} is no X.509 certificate in PEM form") from None


def parse_key(content: bytes, what: str) -> PrivateKeyTypes:
    """The private key of a PEM. Raises CertificateError naming `what`."""
    try:
        return serialization.load_pem_private_key(content, None)
    except (ValueError, TypeError):
        raise CertificateError(f"{what} is no unencrypted private key in PEM form") from None


def verify(material: Material) -> x509.Certificate:
    """Checks the files as `check` does; returns the server certificate. Raises CertificateError, OSError."""
    return check(material.ca.read_bytes(), material.server.read_bytes(), material.server_key.read_bytes())


def check(ca: bytes, server: bytes, key: bytes) -> x509.Certificate:
    """Checks that the CA vouches for the server certificate, that the key belongs to it, and that all are valid now.

    The CA may be several certificates, and the server's own may be followed by those in between. Returns the server's.
    Raises CertificateError.
    """
    anchors, chain = parse_certificates(ca, "ca.crt"), parse_certificates(server, "server.pem")
    if chain[0].public_key() != parse_key(key, "server.key").public_key():
        raise CertificateError("server.key does not belong to server.pem")
    for certificate, what in _path(chain, anchors):
        _check_dates(certificate, what, datetime.timedelta())
    return chain[0]


def _path(chain: Sequence[x509.Certificate], anchors: Sequence[x509.Certificate]) -> list[tuple[x509.Certificate, str]]:
    """The certificates from the server's up to the CA's, each with its file."""
    path = [(chain[0], "server.pem")]
    between = list(chain[1:])
    while True:
        if anchor := _issuer(path[-1][0], anchors):
            return [*path, (anchor, "ca.crt")]
        if not (step := _issuer(path[-1][0], between)):
            raise CertificateError("server.pem is not signed by ca.crt")
        between.remove(step)
        path.append((step, "server.pem"))


def _issuer(certificate: x509.Certificate, candidates: Sequence[x509.Certificate]) -> x509.Certificate | None:
    for candidate in candidates:
        with contextlib.suppress(ValueError, TypeError, InvalidSignature):
            certificate.verify_directly_issued_by(candidate)
            return candidate
    return None


def _check_dates(certificate: x509.Certificate, what: str, margin: datetime.timedelta) -> None:
    now = datetime.datetime.now(datetime.UTC)
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc - margin:
        until = certificate.not_valid_after_utc
        raise CertificateError(f"{what} is valid from {certificate.not_valid_before_utc} until {until}, not now")


def is_reusable(material: Material, names: Sequence[x509.GeneralName]) -> bool:
    """Whether what an earlier boot made still serves: chain right, a day left, every wanted name covered."""
    try:
        server = verify(material)
        _check_dates(server, "server.pem", REUSE_MARGIN)
        extension = server.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (CertificateError, OSError, x509.ExtensionNotFound):
        return False
    return material.ca_key.exists() and set(names) <= set(extension.value)
