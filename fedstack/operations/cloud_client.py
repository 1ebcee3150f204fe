"""Reading a service and its VMs from any OpenNebula: OneFlow for the roles, XML-RPC for the VMs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from fedstack.operations.errors import OperationError

TIMEOUT = 10.0
"""Seconds that one call may take."""


@dataclass(frozen=True)
class Access:
    """Where an OpenNebula answers and as whom."""

    rpc: str
    flow: str
    session: str

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Access":
        """Reads ONE_XMLRPC, ONEFLOW_URL and ONE_AUTH (a file, or `user:password`), as OpenNebula's own tools do."""
        try:
            rpc, flow = environ["ONE_XMLRPC"], environ["ONEFLOW_URL"]
        except KeyError as error:
            raise OperationError(
                f"{error.args[0]} is not set and no local cloud runs: start one with `fedstack cloud start` "
                "or set ONE_XMLRPC, ONEFLOW_URL and ONE_AUTH"
            ) from None
        return cls(rpc, flow.rstrip("/"), _session(environ.get("ONE_AUTH") or str(Path.home() / ".one/one_auth")))

    def service(self, service_id: int) -> dict[str, Any]:
        """The service's DOCUMENT; raises OperationError when it is gone or the server does not answer."""
        user, _, password = self.session.partition(":")
        try:
            reply = requests.get(f"{self.flow}/service/{service_id}", auth=(user, password), timeout=TIMEOUT)
        except requests.RequestException as error:
            raise OperationError(f"OneFlow at {self.flow} does not answer: {_cause(error)}") from None
        if reply.status_code != requests.codes.ok:
            raise OperationError(f"service {service_id}: {reply.text.strip()} (HTTP {reply.status_code})")
        document: dict[str, Any] = reply.json()["DOCUMENT"]
        return document

    def vms(self, ids: list[int]) -> dict[int, Any]:
        """VMs by id, in full, in one call."""
        import pyone

        if not ids:
            return {}
        server: Any = pyone.OneServer(self.rpc, session=self.session, timeout=TIMEOUT)
        try:
            pool = server.vmpool.infoset(",".join(map(str, ids)), True)
        except (pyone.OneException, OSError, requests.RequestException) as error:
            raise OperationError(f"OpenNebula at {self.rpc}: {_cause(error)}") from None
        return {vm.ID: vm for vm in pool.VM}


def _session(auth: str) -> str:
    if ":" in auth and not Path(auth).exists():
        return auth
    try:
        return Path(auth).read_text().strip()
    except OSError as error:
        raise OperationError(f"ONE_AUTH {auth}: expected a readable file or user:password ({error.strerror})") from None


def _cause(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
