"""A local cloud with simulated machines, and the hands of an operator on it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from provider_plugin import Plugin, running_plugin, struct
from pulumi.runtime.proto import provider_pb2

from opennebula_provider.rpc import each, parse
from opennebula_provider.xmlrpc_server import Server, open_server
from tests.support.waiting import wait_for

ROOT = Path(__file__).resolve().parents[3]


@dataclass
class TestCloud:
    """A running cloud; `call` and `info` are its XML-RPC, `flow` its OneFlow."""

    __test__ = False

    status: dict[str, Any]
    auth: Path
    ends: ExitStack = field(default_factory=ExitStack)
    _plugin: Plugin | None = None

    def plugin(self) -> Plugin:
        """A provider process that is configured for the cloud; it starts with the first use and ends with the cloud."""
        if self._plugin is None:
            self._plugin = self.ends.enter_context(running_plugin(**self.environment))
            self._plugin.stub.Configure(provider_pb2.ConfigureRequest(args=struct()))
        return self._plugin

    @property
    def environment(self) -> dict[str, str]:
        """How OpenNebula's tools find it."""
        return {"ONE_XMLRPC": self.status["rpc"], "ONEFLOW_URL": self.status["flow"], "ONE_AUTH": str(self.auth)}

    @property
    def session(self) -> str:
        """`user:password`."""
        return self.auth.read_text().strip()

    def server(self) -> Server:
        """A connection of its own."""
        return open_server(self.status["rpc"], self.session, verify=True, repeatable=False)

    def call(self, method: str, *params: Any) -> Any:
        """One XML-RPC call."""
        return self.server().call(method, params)

    def info(self, method: str, *params: Any) -> dict[str, Any]:
        """One XML-RPC call that answers with a document."""
        return parse(self.call(method, *params))

    def flow(self, method: str, path: str, body: Any = None) -> requests.Response:
        """One OneFlow request."""
        credentials = tuple(self.session.split(":", 1))
        return requests.request(method, f"{self.status['flow']}/{path}", json=body, auth=credentials, timeout=30)

    def services(self) -> list[dict[str, Any]]:
        """All services."""
        return self.flow("GET", "service").json()["DOCUMENT_POOL"].get("DOCUMENT", [])

    def machines(self) -> list[dict[str, Any]]:
        """All machines that are not DONE, oldest first."""
        return each(self.info("vmpool.infoextended", -2, -1, -1, -1), "VM")

    def report_ready(self, number: int) -> None:
        """What the guest of that machine does at the end of its boot."""
        self.call("vm.update", number, 'READY="YES"', 1)

    def left(self) -> dict[str, int]:
        """How many objects of each kind exist."""
        pools = {
            "VNET": ("vnpool.info", -2, -1, -1),
            "IMAGE": ("imagepool.info", -2, -1, -1),
            "VMTEMPLATE": ("templatepool.info", -2, -1, -1),
        }
        found = {kind: len(each(self.info(*call), kind)) for kind, call in pools.items()}
        templates = self.flow("GET", "service_template").json()["DOCUMENT_POOL"].get("DOCUMENT", [])
        return {
            **found,
            "VM": len(self.machines()),
            "service": len(self.services()),
            "service_template": len(templates),
        }


@contextmanager
def running_cloud(state: Path, *options: str) -> Iterator[TestCloud]:
    """A cloud of its own on free ports, ended by its process id."""
    ports = ("--rpc-port", "0", "--flow-port", "0", "--gate-port", "0")
    command = [sys.executable, "-m", "fedstack.localcloud", "--state-dir", str(state), "--hypervisor", "simulated"]
    log = state.with_suffix(".log")
    with log.open("w") as output:
        process = subprocess.Popen([*command, *ports, *options], cwd=ROOT, stdout=output, stderr=output)
    try:
        contract = state / "cloud.json"
        wait_for(lambda: contract.exists() or process.poll() is not None, 30, "the cloud")
        assert contract.exists(), log.read_text()
        with ExitStack() as ends:
            yield TestCloud(json.loads(contract.read_text()), state / "one_auth", ends)
    finally:
        process.terminate()
        process.wait(30)
