"""The OneGate client over TLS: which authorities it trusts. The other end is a real server."""

import base64
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from fedstack.appliance import certificates, onegate
from fedstack.appliance.certificates import Material
from fedstack.appliance.context import Context
from fedstack.appliance.failure import StepError
from fedstack.appliance.onegate import GateError


class Answers(BaseHTTPRequestHandler):
    """A VM for everybody who holds the token."""

    def do_GET(self) -> None:
        self.send_response(200 if self.headers["X-ONEGATE-TOKEN"] == "secret" else 401)
        self.end_headers()
        self.wfile.write(b'{"VM": {"ID": "7"}}')

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    """A private CA, and a server certificate for loopback."""
    made = Material(tmp_path_factory.mktemp("certs"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certificates, "KEY_BITS", 2048)
        certificates.generate(made, "127.0.0.1", certificates.alternative_names("127.0.0.1", ""))
    return made


@contextmanager
def serving(material: Material, address: str) -> Iterator[str]:
    """A OneGate on that address, its endpoint."""
    server = ThreadingHTTPServer((address, 0), Answers)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(material.server, material.server_key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"https://{address}:{server.server_address[1]}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def endpoint(material: Material) -> Iterator[str]:
    with serving(material, "127.0.0.1") as address:
        yield address


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


def ask(endpoint: str, **given: str) -> object:
    """The VM as a client with this context sees it. Raises GateError, StepError."""
    gate = onegate.connect(Context("supernode", {"ONEGATE_ENDPOINT": endpoint, "VMID": "7", **given}, {}, "secret"))
    assert gate is not None
    return gate.vm()["VM"]["ID"]


def test_a_private_ca_is_trusted_when_the_context_names_it(endpoint: str, material: Material) -> None:
    encoded = base64.b64encode(material.ca.read_bytes()).decode()
    assert ask(endpoint, FL_ONEGATE_CA=encoded) == "7"


def test_a_private_ca_is_trusted_when_ssl_cert_file_names_it(
    endpoint: str, material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(material.ca))
    assert ask(endpoint) == "7"


@pytest.mark.parametrize("bundle", [None, "/nowhere.pem"])
def test_nobody_else_is_trusted(endpoint: str, bundle: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if bundle:
        monkeypatch.setenv("SSL_CERT_FILE", bundle)
    with pytest.raises(GateError, match="SSLError"):
        ask(endpoint)


def test_a_certificate_for_another_name_is_refused(material: Material) -> None:
    encoded = base64.b64encode(material.ca.read_bytes()).decode()
    with serving(material, "127.0.0.2") as elsewhere, pytest.raises(GateError, match="SSLError"):
        ask(elsewhere, FL_ONEGATE_CA=encoded)


@pytest.mark.parametrize("value", ["?", "bm90IGEgUEVN", base64.b64encode("ü".encode()).decode()])
def test_what_is_no_ca_is_named(endpoint: str, value: str) -> None:
    with pytest.raises(StepError, match=r"FL_ONEGATE_CA: expected base64 of a PEM certificate"):
        ask(endpoint, FL_ONEGATE_CA=value)


def test_the_token_is_in_no_error(endpoint: str) -> None:
    with pytest.raises(GateError) as caught:
        ask(endpoint)
    assert "secret" not in str(caught.value)
