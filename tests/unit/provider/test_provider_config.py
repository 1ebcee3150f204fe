"""Configuration: what counts first, and one message that says what to set."""

from pathlib import Path
from typing import Any

import pytest

from opennebula_provider.config import require_version, resolve
from opennebula_provider.errors import ProviderError


def test_settings_come_before_the_environment(tmp_path: Path) -> None:
    auth = tmp_path / "auth"
    auth.write_text("oneadmin:from:file\n")
    environment = {"ONE_XMLRPC": "http://env:2633/RPC2", "ONE_AUTH": str(auth), "ONEFLOW_URL": "http://env:1/"}
    found = resolve({"endpoint": "http://set:2633/RPC2/"}, environment)
    assert (found.endpoint, found.flow_endpoint) == ("http://set:2633/RPC2", "http://env:1")
    assert (found.username, found.password) == ("oneadmin", "from:file")
    assert found.verify is True


def test_oneflow_is_expected_beside_the_endpoint() -> None:
    found = resolve({"endpoint": "https://one.example:2633/RPC2"}, {"ONE_AUTH": "me:secret"})
    assert found.flow_endpoint == "https://one.example:2474"
    assert found.username == "me"


def test_the_password_is_not_in_the_text_of_a_configuration() -> None:
    assert "secret" not in repr(resolve({}, {"ONE_AUTH": "me:secret"}))


@pytest.mark.parametrize(
    ("settings", "environment", "text"),
    [
        (
            {"endpoint": "localhost:2633"},
            {"ONE_AUTH": "a:b"},
            r"opennebula:endpoint 'localhost:2633': expected an address",
        ),
        ({"flowEndpoint": "x"}, {"ONE_AUTH": "a:b"}, "opennebula:flowEndpoint 'x'"),
        ({"username": "a"}, {}, "opennebula:password is missing"),
        ({"password": "a"}, {}, "opennebula:username is missing"),
        ({}, {"ONE_AUTH": "/no/such/file"}, "no OpenNebula credentials: /no/such/file: .* set opennebula:username"),
        ({}, {"ONE_AUTH": "/no/such:file/"}, None),
        ({"caFile": "/no/ca"}, {"ONE_AUTH": "a:b"}, "opennebula:caFile '/no/ca': there is no such file"),
        ({"insecureSkipVerify": "maybe"}, {"ONE_AUTH": "a:b"}, "insecureSkipVerify 'maybe': expected true or false"),
    ],
)
def test_what_is_wrong_is_said(settings: dict[str, Any], environment: dict[str, str], text: str | None) -> None:
    if text is None:
        assert resolve(settings, environment).username == "/no/such"
        return
    with pytest.raises(ProviderError, match=text):
        resolve(settings, environment)


def test_a_file_without_a_colon_is_no_auth_file(tmp_path: Path) -> None:
    (tmp_path / "auth").write_text("oneadmin")
    with pytest.raises(ProviderError, match="not of the form user:password"):
        resolve({}, {"ONE_AUTH": str(tmp_path / "auth")})


def test_an_old_opennebula_is_refused_with_its_version() -> None:
    with pytest.raises(ProviderError, match=r"is version 6\.10\.0; this provider needs 7\.0 or newer"):
        require_version("6.10.0", "http://x")
    require_version("7.0.1", "http://x")
    require_version("10.0.0", "http://x")
