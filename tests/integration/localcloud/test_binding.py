"""Where a cloud listens: loopback freely, TLS on request, anything else only protected or on demand."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
import ssl
import subprocess
import sys
import xmlrpc.client
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from fedstack.localcloud import control
from fedstack.operations.environment import cloud_settings

Files = tuple[Path, Path]


LOOPBACK = x509.SubjectAlternativeName(
    [x509.IPAddress(ipaddress.ip_address(one)) for one in ("127.0.0.1", "::1")],
)


@dataclass
class Signer:
    """Makes PEM files: an authority, and certificates that it has signed."""

    folder: Path
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def certificate(self, name: str, key: ec.EllipticCurvePrivateKey, *more: x509.ExtensionType) -> Path:
        """A certificate of a name, for an hour."""
        now, issuer = datetime.datetime.now(datetime.UTC), self.subject("authority")
        builder = x509.CertificateBuilder(issuer, self.subject(name), key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(hours=1))
        builder = builder.not_valid_after(now + datetime.timedelta(hours=1))
        for extension in more:
            builder = builder.add_extension(extension, critical=False)
        path = self.folder / f"{name}.crt"
        path.write_bytes(builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return path

    @staticmethod
    def subject(name: str) -> x509.Name:
        """A name."""
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])

    def authority(self) -> Path:
        """Its own certificate."""
        return self.certificate("authority", self.key, x509.BasicConstraints(ca=True, path_length=None))

    def server(self) -> Files:
        """A certificate for this machine that the authority has signed, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        return self.certificate("server", key, LOOPBACK), self.written(key)

    def alone(self) -> Files:
        """A self-signed certificate for this machine, and its key."""
        return self.certificate("authority", self.key, LOOPBACK), self.written(self.key)

    def written(self, key: ec.EllipticCurvePrivateKey) -> Path:
        """The file of a private key."""
        encoding = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (self.folder / "server.key").write_bytes(key.private_bytes(*encoding))
        return self.folder / "server.key"


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    """A private authority."""
    return Signer(tmp_path)


@pytest.fixture
def files(signer: Signer) -> Files:
    """A self-signed certificate, and its key."""
    return signer.alone()


def version(status: Any, auth: str, authority: Path | None = None) -> str:
    """one.system.version of a cloud."""
    context = None if authority is None else ssl.create_default_context(cafile=str(authority))
    server: Any = xmlrpc.client.ServerProxy(status["rpc"], context=context)
    found: str = server.one.system.version(auth)[1]
    return found


def test_all_three_servers_speak_tls(new_cloud: Any, files: Files) -> None:
    cloud = new_cloud(tls_certificate=files[0], tls_key=files[1])
    written = json.loads((cloud.options.state_dir / "cloud.json").read_text())
    for name in ("rpc", "flow", "gate"):
        assert written[name] == cloud.status[name]
        assert written[name].startswith("https://127.0.0.1:")
    assert version(cloud.status, cloud.auth, files[0])
    user, _, password = cloud.auth.partition(":")
    flow = f"{cloud.status['flow']}/service"
    assert requests.get(flow, auth=(user, password), verify=str(files[0]), timeout=10).status_code == 200
    assert requests.get(f"{cloud.status['gate']}/vm", verify=str(files[0]), timeout=10).status_code == 401
    with pytest.raises(ssl.SSLError):
        version(cloud.status, cloud.auth, _other_authority())
    with pytest.raises(requests.RequestException):
        requests.get(flow.replace("https", "http"), timeout=10).raise_for_status()


def _other_authority() -> Path:
    """Authorities that have not signed the cloud's certificate."""
    import certifi

    return Path(certifi.where())


SCRIPT = """#!/bin/sh
. "$ONE_ENV"
curl -fsS -H "X-ONEGATE-TOKEN: $TOKENTXT" -H "X-ONEGATE-VMID: $VMID" "$ONEGATE_ENDPOINT/vm" -X PUT -d 'NOTE="by curl"'
"""


def test_machines_and_clients_trust_a_private_authority(
    new_cloud: Any, signer: Signer, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(signer.authority()))
    certificate, key = signer.server()
    cloud = new_cloud(hypervisor="process", tls_certificate=certificate, tls_key=key)
    settings = cloud_settings(cloud.status)
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, settings[name])
    script = base64.b64encode(SCRIPT.encode()).decode()
    context = f'TOKEN="YES",REPORT_READY="YES",START_SCRIPT_BASE64="{script}"'
    vm_id = cloud.one.vm.allocate(f'CPU="0.01"\nMEMORY="16"\nCONTEXT=[{context}]', False)
    until(lambda: cloud.one.vm.info(vm_id).USER_TEMPLATE.get("READY") == "YES", "ready")
    assert cloud.one.vm.info(vm_id).USER_TEMPLATE["NOTE"] == "by curl"
    assert cloud.flow("GET", "service").status_code == 200
    authorities = ssl.create_default_context(cafile=settings["SSL_CERT_FILE"]).cert_store_stats()["x509_ca"]
    assert authorities > 1 or not ssl.get_default_verify_paths().openssl_cafile


def test_a_second_start_adds_nothing_to_the_authorities(
    new_cloud: Any, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = new_cloud(tls_certificate=files[0], tls_key=files[1])
    path = Path(cloud.status["authorities"])
    before = path.read_text()
    control.stop(cloud.options.state_dir, destroy_vms=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    cloud.restart()
    assert path.read_text() == before


def test_the_next_start_may_be_plain_again(new_cloud: Any, files: Files) -> None:
    cloud = new_cloud(tls_certificate=files[0], tls_key=files[1])
    control.stop(cloud.options.state_dir, destroy_vms=False)
    again = new_cloud()
    assert again.status["rpc"].startswith("http://")
    assert again.status["authorities"] == ""
    assert "SSL_CERT_FILE" not in cloud_settings(again.status)
    assert again.one.system.version()


def test_ipv6_loopback(new_cloud: Any) -> None:
    cloud = new_cloud(host="::1")
    assert cloud.status["rpc"].startswith("http://[::1]:")
    assert version(cloud.status, cloud.auth)


def test_other_addresses_need_protection_or_a_flag(new_cloud: Any, files: Files) -> None:
    with pytest.raises(
        control.OptionsError, match=r"--host 0\.0\.0\.0 .*--tls-certificate and --tls-key.*--insecure-bind"
    ):
        new_cloud(host="0.0.0.0")  # noqa: S104
    bare = new_cloud("bare", host="0.0.0.0", insecure_bind=True)  # noqa: S104
    assert bare.status["rpc"].startswith("http://127.0.0.1:")
    assert bare.one.system.version()
    safe = new_cloud("safe", host="0.0.0.0", tls_certificate=files[0], tls_key=files[1])  # noqa: S104
    assert version(safe.status, safe.auth, files[0])


def test_addresses_of_other_machines_are_named(new_cloud: Any) -> None:
    with pytest.raises(control.CloudError, match=r"192\.0\.2\.1"):
        new_cloud(host="192.0.2.1", insecure_bind=True)


def test_what_cannot_be_ends_with_code_2_and_one_line(tmp_path: Path) -> None:
    state_dir = tmp_path / "never"
    command = [sys.executable, "-m", "fedstack.localcloud", "--state-dir", str(state_dir), "--host", "192.0.2.1"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1), ended.stderr
    assert "--insecure-bind" in ended.stderr
    assert not state_dir.exists()
