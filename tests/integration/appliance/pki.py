"""Certificates of an operator, and what can be wrong with them."""

import base64
import datetime
import ipaddress
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Authority:
    """A certificate authority with its key."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def create(cls, name: str = "Operator CA") -> "Authority":
        """A new one."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(name, name, key, DAY).add_extension(x509.BasicConstraints(True, 0), critical=True)
        return cls(key, builder.sign(key, hashes.SHA256()))

    @property
    def pem(self) -> str:
        """The certificate as a context variable: base64 of its PEM."""
        return _base64(self.certificate.public_bytes(serialization.Encoding.PEM))

    def server(self, *names: str, valid: datetime.timedelta = DAY) -> "Server":
        """A server certificate for DNS names and IP addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = self.certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value
        builder = _builder("server", str(issuer), key, valid)
        alternatives = x509.SubjectAlternativeName([_name(name) for name in names])
        signed = builder.add_extension(alternatives, critical=False).sign(self.key, hashes.SHA256())
        return Server(
            _base64(signed.public_bytes(serialization.Encoding.PEM)),
            _base64(
                key.private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
                )
            ),
        )


@dataclass(frozen=True)
class Server:
    """A server's certificate and key as context variables."""

    certificate: str
    key: str


def triple(authority: Authority, server: Server) -> dict[str, str]:
    """The context variables of a SuperLink with an operator's certificates."""
    return {
        "FL_TLS_ENABLED": "YES",
        "FL_SSL_CA_CERTFILE": authority.pem,
        "FL_SSL_CERTFILE": server.certificate,
        "FL_SSL_KEYFILE": server.key,
    }


def _builder(
    subject: str, issuer: str, key: ec.EllipticCurvePrivateKey, valid: datetime.timedelta
) -> x509.CertificateBuilder:
    end = datetime.datetime.now(datetime.UTC) + valid
    return (
        x509.CertificateBuilder(
            _common_name(issuer), _common_name(subject), key.public_key(), x509.random_serial_number()
        )
        .not_valid_before(end - 2 * DAY)
        .not_valid_after(end)
    )


def _common_name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
