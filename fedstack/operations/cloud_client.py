"""Any OpenNebula: OneFlow for services and their templates, XML-RPC for VMs and pools."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from fedstack.opennebula.template import to_text
from fedstack.operations.errors import OperationError

APPEND = 1
"""Kind of an update: what is not named stays."""
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
        document: dict[str, Any] = self._flow(f"service/{service_id}")["DOCUMENT"]
        return document

    def update_service(self, service_id: int, body: Mapping[str, Any]) -> None:
        """Replaces the body of a running service; raises OperationError."""
        self._flow(f"service/{service_id}", body)

    def documents(self, path: str) -> list[dict[str, Any]]:
        """The documents of a OneFlow pool, `service` or `service_template`; raises OperationError."""
        documents: list[dict[str, Any]] = self._flow(path)["DOCUMENT_POOL"].get("DOCUMENT", [])
        return documents

    def _flow(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """GET; with a body PUT, whose reply is empty."""
        user, _, password = self.session.partition(":")
        method, url = ("GET" if body is None else "PUT"), f"{self.flow}/{path}"
        try:
            reply = requests.request(method, url, json=body, auth=(user, password), timeout=TIMEOUT)
        except requests.RequestException as error:
            raise OperationError(f"OneFlow at {self.flow} does not answer: {_cause(error)}") from None
        if not reply.ok:
            raise OperationError(f"{path.replace('/', ' ')}: {reply.text.strip()} (HTTP {reply.status_code})")
        return reply.json() if reply.text else None

    def vms(self, ids: list[int]) -> dict[int, Any]:
        """VMs by id, in full, in one call; raises OperationError."""
        if not ids:
            return {}
        pool = self._rpc(lambda server: server.vmpool.infoset(",".join(map(str, ids)), True))
        return {vm.ID: vm for vm in pool.VM}

    def update_vm(self, vm_id: int, attributes: Mapping[str, str]) -> None:
        """Sets attributes of a VM's user template, which its guest reads through OneGate; raises OperationError."""
        text = to_text(dict(attributes))
        self._rpc(lambda server: server.vm.update(vm_id, text, APPEND))

    def update_context(self, vm_id: int, variables: Mapping[str, str]) -> None:
        """Sets variables of a VM's context; raises OperationError."""
        text = to_text({"CONTEXT": dict(variables)})
        self._rpc(lambda server: server.vm.updateconf(vm_id, text, APPEND))

    def pool(self, pool: str, element: str, arguments: tuple[int, ...]) -> list[Any]:
        """The objects of a pool, such as `templatepool` with elements VMTEMPLATE; raises OperationError."""
        return list(getattr(self._rpc(lambda server: getattr(server, pool).info(*arguments)), element))

    def _rpc(self, call: Callable[[Any], Any]) -> Any:
        import pyone

        server: Any = pyone.OneServer(self.rpc, session=self.session, timeout=TIMEOUT)
        try:
            return call(server)
        except (pyone.OneException, OSError, requests.RequestException) as error:
            raise OperationError(f"OpenNebula at {self.rpc}: {_cause(error)}") from None


def _session(auth: str) -> str:
    if ":" in auth and not Path(auth).exists():
        return auth
    try:
        return Path(auth).read_text().strip()
    except OSError as error:
        raise OperationError(f"ONE_AUTH {auth}: expected a readable file or user:password ({error.strerror})") from None


def _cause(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
