"""Where a cloud listens: loopback freely, TLS on request, anything else only protected or on demand."""

from __future__ import annotations

import datetime
import ipaddress
import json
import ssl
import subprocess
import sys
import xmlrpc.client
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from fedstack.localcloud import control

Files = tuple[Path, Path]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """A self-signed certificate for 127.0.0.1 and ::1, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "local cloud")])
    addresses = [x509.IPAddress(ipaddress.ip_address(one)) for one in ("127.0.0.1", "::1")]
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(hours=1))
    builder = builder.not_valid_after(now + datetime.timedelta(hours=1))
    builder = builder.add_extension(x509.SubjectAlternativeName(addresses), critical=False)
    certificate = builder.sign(key, hashes.SHA256())
    paths = tmp_path / "tls.crt", tmp_path / "tls.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    encoding = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    paths[1].write_bytes(key.private_bytes(*encoding))
    return paths


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


def test_machines_report_over_tls(new_cloud: Any, files: Files, until: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(files[0]))
    cloud = new_cloud(hypervisor="process", tls_certificate=files[0], tls_key=files[1])
    server: Any = xmlrpc.client.ServerProxy(cloud.status["rpc"], context=ssl.create_default_context(cafile=files[0]))
    text = 'CPU="0.01"\nMEMORY="16"\nCONTEXT=[TOKEN="YES",REPORT_READY="YES"]'
    vm_id = server.one.vm.allocate(cloud.auth, text, False)[1]
    until(lambda: "<READY><![CDATA[YES]]></READY>" in server.one.vm.info(cloud.auth, vm_id)[1], "ready")


def test_the_next_start_may_be_plain_again(new_cloud: Any, files: Files) -> None:
    cloud = new_cloud(tls_certificate=files[0], tls_key=files[1])
    control.stop(cloud.options.state_dir, destroy_vms=False)
    again = new_cloud()
    assert again.status["rpc"].startswith("http://")
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
