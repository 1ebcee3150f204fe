"""OneGate, the API of the cloud for its VMs (OpenNebula 7: token and VM id in headers, JSON answers)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from fedstack.appliance.context import Context
from fedstack.opennebula.template import to_text

_TIMEOUT = (3.0, 10.0)


class GateError(Exception):
    """OneGate did not do what was asked; the message never holds the token."""


@dataclass
class OneGate:
    """A client for one VM. Without an endpoint or a token there is none: see `connect`."""

    endpoint: str
    vm_id: str
    token: str = field(repr=False)

    def __post_init__(self) -> None:
        self._session = requests.Session()
        self._session.trust_env = False  # a guest's proxy settings are for the world outside
        self._session.headers.update({"X-ONEGATE-TOKEN": self.token, "X-ONEGATE-VMID": self.vm_id})

    def vm(self) -> dict[str, Any]:
        """This VM."""
        return self._get("/vm")

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


def connect(context: Context) -> OneGate | None:
    """The OneGate of this VM; None when the VM has no token or knows no endpoint."""
    endpoint = context.given.get("ONEGATE_ENDPOINT", "").rstrip("/")
    if not (endpoint and context.token):
        return None
    return OneGate(endpoint, context.vm_id, context.token)
