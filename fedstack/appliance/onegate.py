"""OneGate, the API of the cloud for its VMs (OpenNebula 7: token and VM id in headers, JSON answers)."""

from __future__ import annotations

import base64
import binascii
import json
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from fedstack.appliance.context import Context
from fedstack.appliance.failure import StepError
from fedstack.opennebula.template import to_text

_TIMEOUT = (3.0, 10.0)


class GateError(Exception):
    """OneGate did not do what was asked; the message never holds the token."""


@dataclass
class OneGate:
    """A client for one VM. Without an endpoint or a token there is none: see `connect`.

    `ca` is the PEM of an authority to trust for https, besides those of this machine (and of SSL_CERT_FILE).
    """

    endpoint: str
    vm_id: str
    token: str = field(repr=False)
    ca: str = ""

    def __post_init__(self) -> None:
        self._session = requests.Session()
        if self.endpoint.startswith("https:"):
            self._session.mount("https://", Trusting(self.ca))
        self._session.trust_env = False  # a guest's proxy settings are for the world outside
        self._session.headers.update({"X-ONEGATE-TOKEN": self.token, "X-ONEGATE-VMID": self.vm_id})

    def vm(self) -> dict[str, Any]:
        """This VM."""
        return self._get("/vm")

    def other(self, vm_id: int) -> dict[str, Any]:
        """Another VM of the same service: much less to read than the whole service."""
        return self._get(f"/vms/{vm_id}")

    def service(self) -> dict[str, Any]:
        """The service of this VM, with the complete template of each node. Raises GateError outside of a service."""
        return self._get("/service?extended=true")

    def publish(self, attributes: Mapping[str, str]) -> None:
        """Sets attributes of this VM's user template in one step, so that nobody sees a part of them."""
        text = to_text(dict(attributes))
        self._request("PUT", "/vm", data={"data": text, "type": "1"})

    def erase(self, names: Iterable[str]) -> None:
        """Takes attributes of this VM's user template away, one request each; what is not there stays not there.

        OneGate reads the whole template, then replaces it: what is published by others in between is lost.
        """
        there = (self.vm().get("VM") or {}).get("USER_TEMPLATE") or {}
        for name in names:
            if name in there:
                self._request("PUT", "/vm", data={"data": name, "type": "2"})

    def _get(self, path: str) -> dict[str, Any]:
        answer = self._request("GET", path)
        try:
            document = answer.json()
        except json.JSONDecodeError:
            document = None
        if not isinstance(document, dict):
            raise GateError(f"{self.endpoint}{path} answered no JSON object")
        return document

    def _request(self, method: str, path: str, data: Mapping[str, str] | None = None) -> requests.Response:
        try:
            answer = self._session.request(method, self.endpoint + path, data=data, timeout=_TIMEOUT)
        except requests.RequestException as error:
            raise GateError(f"{self.endpoint} cannot be reached ({type(error).__name__})") from None
        if not answer.ok:
            raise GateError(f"{method} {path} was refused with {answer.status_code}: {answer.text.strip()[:200]}")
        return answer


class Trusting(HTTPAdapter):
    """Connections over TLS that trust what OpenSSL trusts on this machine, and one more authority."""

    def __init__(self, ca: str) -> None:
        self._context = ssl.create_default_context()
        if ca:
            self._context.load_verify_locations(cadata=ca)
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """The pool of connections, with our trust."""
        super().init_poolmanager(*arguments, **options, ssl_context=self._context)


def connect(context: Context) -> OneGate | None:
    """The OneGate of this VM; None when the VM has no token or knows no endpoint.

    Raises StepError when FL_ONEGATE_CA is no certificate.
    """
    endpoint = context.given.get("ONEGATE_ENDPOINT", "").rstrip("/")
    if not (endpoint and context.token):
        return None
    try:
        return OneGate(endpoint, context.vm_id, context.token, _pem(context.get("FL_ONEGATE_CA")))
    except (binascii.Error, ValueError, ssl.SSLError):
        raise StepError("FL_ONEGATE_CA: expected base64 of a PEM certificate") from None


def _pem(encoded: str) -> str:
    return base64.b64decode("".join(encoded.split()), validate=True).decode("ascii")
