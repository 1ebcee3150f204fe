"""Which addresses and TLS files a cloud takes, before it starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from fedstack.localcloud import binding
from fedstack.localcloud.errors import OptionsError
from fedstack.localcloud.options import Options

ABSENT = Path("no-such-file")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"host": "0.0.0.0"}, r"--host 0\.0\.0\.0 is not a loopback address: give --tls-cert.*--insecure-bind"),  # noqa: S104
        ({"host": "::"}, "--host :: is not a loopback address"),
        ({"host": "example.org"}, r"--host example\.org: expected an IP address"),
        ({"host": ""}, "expected an IP address"),
        ({"tls_certificate": ABSENT}, "--tls-certificate without --tls-key"),
        ({"tls_key": ABSENT}, "--tls-key without --tls-certificate"),
        ({"tls_certificate": ABSENT, "tls_key": ABSENT}, "--tls-certificate .*no-such-file: No such file"),
        ({"tls_certificate": Path(__file__), "tls_key": Path(__file__)}, "expected a PEM certificate"),
    ],
)
def test_one_message_says_what_is_missing(values: dict[str, object], message: str) -> None:
    with pytest.raises(OptionsError, match=message):
        binding.check(Options(**values))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("host", "insecure", "url"),
    [
        ("127.0.0.1", False, "http://127.0.0.1:80"),
        ("127.9.9.9", False, "http://127.9.9.9:80"),
        ("localhost", False, "http://127.0.0.1:80"),
        ("::1", False, "http://[::1]:80"),
        ("0.0.0.0", True, "http://127.0.0.1:80"),  # noqa: S104
        ("::", True, "http://[::1]:80"),
        ("192.0.2.1", True, "http://192.0.2.1:80"),
    ],
)
def test_addresses_become_urls(host: str, insecure: bool, url: str) -> None:
    assert binding.check(Options(host=host, insecure_bind=insecure)).url(80) == url
