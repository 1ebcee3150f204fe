"""Where a SuperLink's Control API is, whether it answers, and Flower's own configuration for it."""

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from fedstack.training.errors import TrainingError, bad_input
from fedstack.training.toml import text

NAME = "fedstack"
"""The name of the connection in Flower's configuration."""
TIMEOUT = 5.0


@dataclass(frozen=True)
class Connection:
    """A Control API: ``address`` is ``host:port``; ``ca_pem`` the CA certificate, None for a SuperLink without TLS."""

    address: str
    ca_pem: str | None

    def endpoint(self) -> tuple[str, int]:
        """Return host and port.

        Raises:
            TrainingError: (exit code 2) the address has another form.
        """
        host, _, port = self.address.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise bad_input(f"Control API address {self.address!r}: expected host:port, such as 127.0.0.1:9093")
        return host.strip("[]"), int(port)


def probe(connection: Connection) -> None:
    """Open and close one connection, with TLS where there is a CA: Flower itself calls every failure "unavailable".

    Raises:
        TrainingError: nothing answers, the certificate is not of this CA, or one side has TLS and the other has not.
    """
    where = f"SuperLink {connection.address}"
    try:
        if connection.ca_pem is not None:
            _greet(connection.endpoint(), _trusting(connection.ca_pem))
        elif _speaks_tls(connection.endpoint()):
            raise bad_input(f"{where}: it has TLS, but there is no CA certificate for it")
    except ssl.SSLCertVerificationError as error:
        raise TrainingError(f"{where}: its certificate is not valid for this CA ({error.verify_message})") from None
    except ssl.SSLError as error:
        raise TrainingError(f"{where}: no TLS there ({error.reason}); expected a SuperLink with TLS") from None
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        raise TrainingError(f"{where}: not reachable ({reason}); does the federation run?") from None


def write_home(home: Path, connection: Connection) -> None:
    """Write Flower's configuration (``config.toml``, ``ca.crt``) into ``home``, made a folder for its owner only."""
    home.mkdir(mode=0o700, exist_ok=True)
    home.chmod(0o700)
    table = f'[superlink]\ndefault = "{NAME}"\n\n[superlink.{NAME}]\n{settings(home, connection)}'
    (home / "config.toml").write_text(table, encoding="utf-8")


def settings(home: Path, connection: Connection) -> str:
    """Return the TOML lines with which any Flower generation describes a connection; ``home`` gets the ``ca.crt``."""
    address = f"address = {text(connection.address)}\n"
    if connection.ca_pem is None:
        return f"{address}insecure = true\n"
    certificate = home.resolve() / "ca.crt"
    certificate.write_text(connection.ca_pem, encoding="ascii")
    return f"{address}root-certificates = {text(str(certificate))}\n"


def _greet(endpoint: tuple[str, int], context: ssl.SSLContext) -> None:
    """Do one TLS handshake as a gRPC client."""
    context.set_alpn_protocols(["h2"])
    with socket.create_connection(endpoint, timeout=TIMEOUT) as plain:
        context.wrap_socket(plain, server_hostname=endpoint[0]).close()


def _speaks_tls(endpoint: tuple[str, int]) -> bool:
    """Tell whether the server answers a TLS greeting; who it is does not matter here, nothing is sent to it."""
    socket.create_connection(endpoint, timeout=TIMEOUT).close()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        _greet(endpoint, context)
    except OSError:
        return False
    return True


def _trusting(ca_pem: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cadata=ca_pem)
    except (ssl.SSLError, ValueError):
        raise bad_input("CA certificate: cannot be read; expected PEM text") from None
