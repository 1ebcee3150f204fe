"""The Control API's address, the probe (against real sockets), and Flower's configuration."""

import contextlib
import socket
import ssl
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fedstack.training.connection import Connection, probe, write_home
from fedstack.training.errors import TrainingError
from tests.integration.training.certificates import write_certificates


@contextmanager
def listening(context: ssl.SSLContext | None) -> Iterator[str]:
    """Accept connections; with a context, greet them by TLS, without one, by a text that is no TLS."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while connection := accepted(server):
                with connection, contextlib.suppress(OSError):
                    if context is not None:
                        context.wrap_socket(connection, server_side=True).close()
                    else:
                        connection.sendall(b"this is no TLS\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"127.0.0.1:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def accepted(server: socket.socket) -> socket.socket | None:
    """Return the next connection, None when the server was shut down."""
    try:
        return server.accept()[0]
    except OSError:
        return None


def server_context(folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    return context


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("pki")
    return folder, write_certificates(folder, "127.0.0.1")


def test_a_superlink_with_a_certificate_of_the_ca_answers(pki: tuple[Path, str]) -> None:
    folder, ca = pki
    with listening(server_context(folder)) as address:
        probe(Connection(address, ca))


def test_a_superlink_without_tls_answers_when_no_ca_is_given() -> None:
    with listening(None) as address:
        probe(Connection(address, None))


def test_a_superlink_with_tls_is_named_when_no_ca_is_given(pki: tuple[Path, str]) -> None:
    with listening(server_context(pki[0])) as address, pytest.raises(TrainingError, match="it has TLS") as caught:
        probe(Connection(address, None))
    assert caught.value.exit_code == 2


def test_another_ca_is_named(pki: tuple[Path, str], tmp_path: Path) -> None:
    folder, _ = pki
    other = write_certificates(tmp_path, "127.0.0.1")
    with listening(server_context(folder)) as address, pytest.raises(TrainingError) as caught:
        probe(Connection(address, other))
    assert f"SuperLink {address}: its certificate is not valid for this CA" in str(caught.value)
    assert caught.value.exit_code == 1


def test_a_server_without_tls_is_named(pki: tuple[Path, str]) -> None:
    with listening(None) as address, pytest.raises(TrainingError, match="no TLS there"):
        probe(Connection(address, pki[1]))


def test_a_closed_port_is_named(pki: tuple[Path, str]) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{bound.getsockname()[1]}"
        with pytest.raises(TrainingError, match=rf"SuperLink {address}: not reachable \(Connection refused\)"):
            probe(Connection(address, pki[1]))


@pytest.mark.parametrize("address", ["", "127.0.0.1", ":9093", "host:", "host:port", "host:0", "host:65536"])
def test_an_address_of_another_form_is_refused(address: str) -> None:
    with pytest.raises(TrainingError, match="expected host:port") as caught:
        Connection(address, None).endpoint()
    assert caught.value.exit_code == 2


def test_ipv6_addresses_are_taken_apart() -> None:
    assert Connection("[::1]:9093", None).endpoint() == ("::1", 9093)


def test_a_ca_that_is_no_certificate_is_refused() -> None:
    with pytest.raises(TrainingError, match="expected PEM text") as caught:
        probe(Connection("127.0.0.1:9093", "not a certificate"))
    assert caught.value.exit_code == 2


def test_flowers_configuration_is_private_and_complete(pki: tuple[Path, str], tmp_path: Path) -> None:
    home = tmp_path / "home"
    write_home(home, Connection("127.0.0.1:9093", pki[1]))
    settings = tomllib.loads((home / "config.toml").read_text())["superlink"]
    assert home.stat().st_mode & 0o777 == 0o700
    assert settings["default"] == "fedstack"
    assert settings["fedstack"] == {"address": "127.0.0.1:9093", "root-certificates": str(home / "ca.crt")}
    assert (home / "ca.crt").read_text() == pki[1]


def test_without_ca_the_connection_is_marked_insecure(tmp_path: Path) -> None:
    write_home(tmp_path / "home", Connection("127.0.0.1:9093", None))
    settings = tomllib.loads((tmp_path / "home/config.toml").read_text())["superlink"]["fedstack"]
    assert settings == {"address": "127.0.0.1:9093", "insecure": True}
