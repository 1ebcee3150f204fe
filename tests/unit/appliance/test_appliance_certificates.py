"""The generated CA and server certificate: names, parameters, modes, reuse, verification."""

import datetime
import ipaddress
import shutil
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from fedstack.appliance import certificates, files
from fedstack.appliance.certificates import CertificateError, Material

ADDRESS = "127.1.2.3"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Material:
    material = Material(tmp_path_factory.mktemp("certs"))
    names = certificates.alternative_names(ADDRESS, "DNS:fl.example.org,IP:10.0.0.9")
    certificates.generate(material, ADDRESS, names)
    return material


def load(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_names_come_in_the_reference_order() -> None:
    names = certificates.alternative_names(ADDRESS, " IP:10.0.0.9 , DNS:fl.example.org,")
    assert [name.value for name in names] == [
        "localhost",
        ipaddress.ip_address("127.0.0.1"),
        ipaddress.ip_address("::1"),
        ipaddress.ip_address(ADDRESS),
        ipaddress.ip_address("10.0.0.9"),
        "fl.example.org",
    ]


def test_a_name_is_listed_once() -> None:
    names = certificates.alternative_names("127.0.0.1", "DNS:localhost")
    assert len(names) == 3


@pytest.mark.parametrize("entry", ["IP:fl.example.org", "DNS:", "10.0.0.9", "URI:x"])
def test_a_malformed_extra_name_is_named(entry: str) -> None:
    with pytest.raises(CertificateError, match="FL_CERT_EXTRA_SAN has"):
        certificates.alternative_names(ADDRESS, entry)


def test_parameters_are_those_of_the_reference(made: Material) -> None:
    for path, subject in ((made.ca, "O=Flower FL,CN=Flower CA"), (made.server, f"O=Flower FL,CN={ADDRESS}")):
        certificate = load(path)
        key = certificate.public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        assert key.key_size == 4096
        assert certificate.signature_hash_algorithm is not None
        assert certificate.signature_hash_algorithm.name == "sha256"
        assert certificate.subject.rfc4514_string() == ",".join(reversed(subject.split(",")))
        lifetime = certificate.not_valid_after_utc - certificate.not_valid_before_utc
        assert abs(lifetime - datetime.timedelta(days=365)) < datetime.timedelta(hours=1)


def test_only_the_owner_reads_the_keys(made: Material) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in made.directory.iterdir()}
    assert modes == {"ca.key": 0o600, "server.key": 0o600, "ca.crt": 0o644, "server.pem": 0o644}


def test_the_chain_verifies(made: Material) -> None:
    assert certificates.verify(made).subject.rfc4514_string().startswith(f"CN={ADDRESS}")


def test_material_is_reused_while_it_covers_the_names(made: Material) -> None:
    assert certificates.is_reusable(made, certificates.alternative_names(ADDRESS, "DNS:fl.example.org"))
    assert not certificates.is_reusable(made, certificates.alternative_names("127.9.9.9", ""))


def test_material_is_not_reused_on_its_last_day(made: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "REUSE_MARGIN", datetime.timedelta(days=366))
    assert not certificates.is_reusable(made, certificates.alternative_names(ADDRESS, ""))


def test_nothing_is_reused_where_nothing_is(tmp_path: Path) -> None:
    assert not certificates.is_reusable(Material(tmp_path), [])


def test_a_foreign_server_certificate_is_refused(
    made: Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificates, "KEY_BITS", 2048)
    other = Material(tmp_path)
    certificates.generate(other, ADDRESS, certificates.alternative_names(ADDRESS, ""))
    other.ca.write_bytes(made.ca.read_bytes())
    with pytest.raises(CertificateError, match="not signed by"):
        certificates.verify(other)


def test_a_key_of_another_certificate_is_refused(
    made: Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificates, "KEY_BITS", 2048)
    other = Material(tmp_path)
    certificates.generate(other, ADDRESS, certificates.alternative_names(ADDRESS, ""))
    other.server_key.write_bytes(made.server_key.read_bytes())
    with pytest.raises(CertificateError, match="does not belong"):
        certificates.verify(other)


class Authority:
    """A small PKI: a root, and what it signs."""

    def __init__(self, days: int = 1) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._sign("root", self.key, self, days)

    @classmethod
    def below(cls, parent: "Authority") -> "Authority":
        made = cls.__new__(cls)
        made.key = ec.generate_private_key(ec.SECP256R1())
        made.certificate = parent._sign("between", made.key, parent)
        return made

    def issue(self, days: int = 1) -> tuple[bytes, bytes]:
        """A server certificate and its key, as PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return self.pem(self._sign("server", key, self, days)), pem

    @staticmethod
    def pem(certificate: x509.Certificate) -> bytes:
        return certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def ca(self) -> bytes:
        return self.pem(self.certificate)

    @staticmethod
    def _sign(name: str, key: ec.EllipticCurvePrivateKey, by: "Authority", days: int = 1) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = by.certificate.subject if hasattr(by, "certificate") else subject
        start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=30)
        end = start + datetime.timedelta(days=30 + days)
        builder = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number(), start, end)
        return builder.sign(by.key, hashes.SHA256())


def test_certificates_in_between_may_lie_with_either_file() -> None:
    root = Authority()
    between = Authority.below(root)
    server, key = between.issue()
    certificates.check(root.ca, server + between.ca, key)
    certificates.check(root.ca + between.ca, server, key)
    certificates.check(Authority().ca + root.ca, server + between.ca, key)
    for ca, chain in ((root.ca, server), (Authority().ca, server + between.ca)):
        with pytest.raises(CertificateError, match="not signed by"):
            certificates.check(ca, chain, key)


def test_what_is_not_valid_any_more_is_refused() -> None:
    root, old = Authority(), Authority(days=-1)
    server, key = root.issue(days=-1)
    with pytest.raises(CertificateError, match=r"server\.pem is valid from"):
        certificates.check(root.ca, server, key)
    server, key = old.issue()
    with pytest.raises(CertificateError, match=r"ca\.crt is valid from"):
        certificates.check(old.ca, server, key)


def test_a_successor_takes_over_only_when_it_is_complete(made: Material, tmp_path: Path) -> None:
    material = Material(Path(shutil.copytree(made.directory, tmp_path / "certs")))
    before = material.ca.read_bytes()
    root = Authority()
    server, key = root.issue()
    for path, content in zip((material.successor.ca, material.successor.server), (root.ca, server), strict=True):
        files.write(path, content, 0o644)
    files.write(material.successor.server_key, key, 0o600)
    material.settle()
    assert material.ca.read_bytes() == before
    files.write(material.successor.rotation, "id", 0o644)
    material.settle()
    assert material.ca.read_bytes() == root.ca
    assert certificates.verify(material)
    assert not material.ca_key.exists(), "the operator's CA has no key here"
    assert material.rotation.read_text() == "id"
    material.settle()
    assert material.ca.read_bytes() == root.ca
