"""The provider's configuration: explicit settings first, then what OpenNebula's own tools read."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .errors import ProviderError

DEFAULT_ENDPOINT = "http://localhost:2633/RPC2"
OLDEST = (7, 0)


@dataclass(frozen=True)
class Config:
    """Where and as whom. `verify`: whether to check certificates, or the file with the authorities."""

    endpoint: str
    flow_endpoint: str
    username: str
    password: str
    verify: bool | str = True

    def __repr__(self) -> str:
        return f"Config({self.endpoint}, {self.flow_endpoint}, {self.username})"


def resolve(settings: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> Config:
    """The configuration from the provider's settings and the environment; raises ProviderError."""
    endpoint = _url("endpoint", settings.get("endpoint") or environment.get("ONE_XMLRPC") or DEFAULT_ENDPOINT)
    flow = settings.get("flowEndpoint") or environment.get("ONEFLOW_URL") or _flow_beside(endpoint)
    username, password = _credentials(settings, environment)
    return Config(endpoint, _url("flowEndpoint", flow), username, password, _verify(settings))


def _url(name: str, text: str) -> str:
    parts = urlsplit(str(text))
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ProviderError(f"opennebula:{name} {text!r}: expected an address such as {DEFAULT_ENDPOINT}")
    return str(text).rstrip("/")


def _flow_beside(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.hostname}:2474"


def _credentials(settings: Mapping[str, Any], environment: Mapping[str, str]) -> tuple[str, str]:
    username, password = settings.get("username"), settings.get("password")
    if username and password:
        return str(username), str(password)
    if username or password:
        missing = "password" if username else "username"
        raise ProviderError(f"opennebula:{missing} is missing: set both opennebula:username and opennebula:password")
    return _from_auth(environment.get("ONE_AUTH"))


def _from_auth(text: str | None) -> tuple[str, str]:
    """ONE_AUTH is a file, or, as an extension that the local tools use too, `user:password` itself."""
    path = Path(text).expanduser() if text else Path("~/.one/one_auth").expanduser()
    if text and ":" in text and not path.is_file():
        return _split(text, "ONE_AUTH")
    try:
        content = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ProviderError(
            f"no OpenNebula credentials: {path}: {error.strerror}; set opennebula:username and opennebula:password, "
            "or ONE_AUTH to a file with user:password"
        ) from error
    return _split(content, str(path))


def _split(text: str, origin: str) -> tuple[str, str]:
    username, colon, password = text.partition(":")
    if not colon or not username or not password:
        raise ProviderError(f"the credentials in {origin} are not of the form user:password")
    return username, password


def _verify(settings: Mapping[str, Any]) -> bool | str:
    ca_file = settings.get("caFile")
    if _flag(settings.get("insecureSkipVerify")):
        return False
    if ca_file and not Path(ca_file).expanduser().is_file():
        raise ProviderError(f"opennebula:caFile {ca_file!r}: there is no such file")
    return str(Path(ca_file).expanduser()) if ca_file else True


def _flag(value: Any) -> bool:
    if value in (None, "", "false", False):
        return False
    if value in ("true", True):
        return True
    raise ProviderError(f"opennebula:insecureSkipVerify {value!r}: expected true or false")


def require_version(text: str, endpoint: str) -> None:
    """Refuses an OpenNebula older than 7.0; raises ProviderError with its version."""
    numbers = tuple(int(part) for part in re.findall(r"\d+", text)[:2])
    if numbers < OLDEST:
        raise ProviderError(
            f"OpenNebula at {endpoint} is version {text}; this provider needs 7.0 or newer: upgrade it, or set "
            "opennebula:endpoint to another one"
        )
