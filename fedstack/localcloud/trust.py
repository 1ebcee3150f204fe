"""Whom clients of a cloud with TLS have to trust: one file, for its VMs and for everybody who asks `fedstack env`."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Iterator, MutableMapping
from pathlib import Path

from fedstack.localcloud import directory

FILE = "authorities.pem"
VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Where OpenSSL (and so Python, Ruby and curl), requests and curl look for that file."""

_SYSTEM = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


def write(state_dir: Path, certificate: Path) -> Path:
    """The file: the cloud's own certificate, what SSL_CERT_FILE names, and the authorities of the system."""
    default = ssl.get_default_verify_paths().openssl_cafile
    system = next((path for path in (default, *_SYSTEM) if Path(path).is_file()), "")
    sources = [str(certificate), os.environ.get("SSL_CERT_FILE", ""), system]
    found = dict.fromkeys(one for source in sources for one in _certificates(source))
    target = state_dir / FILE
    directory.write_private(target, "\n".join(found) + "\n")
    return target


def _certificates(source: str) -> Iterator[str]:
    if source and Path(source).is_file():
        yield from _CERTIFICATE.findall(Path(source).read_text(errors="replace"))


def use(environ: MutableMapping[str, str], authorities: Path) -> None:
    """Has the programs that get this environment trust them."""
    environ.update(dict.fromkeys(VARIABLES, str(authorities)))
