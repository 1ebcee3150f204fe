"""Where the three servers listen, and over TLS or not: loopback freely, anything else only protected or on demand."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from fedstack.localcloud.errors import OptionsError
from fedstack.localcloud.options import Options

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Binding:
    """A checked address, and the PEM files of TLS (None: plain HTTP)."""

    host: str
    certificate: Path | None
    key: Path | None

    def url(self, port: int) -> str:
        """Where clients on this machine find a server; a wildcard address is reached by loopback."""
        address = ipaddress.ip_address(self.host)
        if address.is_unspecified:
            address = ipaddress.ip_address(LOOPBACK if address.version == 4 else "::1")
        host = f"[{address}]" if address.version == 6 else str(address)
        return f"{'http' if self.certificate is None else 'https'}://{host}:{port}"


def check(options: Options) -> Binding:
    """The binding that the options ask for; raises OptionsError with what is missing."""
    address = _address(options.host)
    certificate, key = _absolute(options.tls_certificate), _absolute(options.tls_key)
    if (certificate is None) != (key is None):
        given, absent = ("certificate", "key") if key is None else ("key", "certificate")
        raise OptionsError(f"--tls-{given} without --tls-{absent}: TLS needs both PEM files")
    if certificate is not None and key is not None:
        _check_files(certificate, key)
    elif not address.is_loopback and not options.insecure_bind:
        raise OptionsError(
            f"--host {options.host} is not a loopback address: give --tls-certificate and --tls-key (PEM files), or"
            " --insecure-bind to serve passwords and tokens in clear text"
        )
    return Binding(str(address), certificate, key)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        return ipaddress.ip_address(LOOPBACK if host == "localhost" else host)
    except ValueError as error:
        raise OptionsError(f"--host {host}: expected an IP address such as {LOOPBACK} or 0.0.0.0") from error


def _absolute(path: Path | None) -> Path | None:
    return None if path is None else path.absolute()


def _check_files(certificate: Path, key: Path) -> None:
    """Loads both as the servers will."""
    for option, path in (("--tls-certificate", certificate), ("--tls-key", key)):
        try:
            path.read_bytes()
        except OSError as error:
            raise OptionsError(f"{option} {path}: {error.strerror}") from error
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=_no_password)
    except (ssl.SSLError, ValueError) as error:
        files = f"--tls-certificate {certificate} and --tls-key {key}"
        raise OptionsError(f"{files}: expected a PEM certificate and its own unencrypted key") from error


def _no_password() -> str:
    raise ValueError("the key is encrypted")
