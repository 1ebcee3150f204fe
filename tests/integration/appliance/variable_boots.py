"""The boots that carry context variables at values of their own, and the runs that carry the run config."""

import base64
import json
import re
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from fedstack.context import run_config
from fedstack.localcloud import images
from fedstack.training.connection import Connection
from fedstack.training.run import train
from tests.integration.appliance.federation import RECIPE, Machine
from tests.integration.appliance.machines import Process, Site, Vm, flower_process, image, more_context, processes
from tests.integration.appliance.pki import Server
from tests.support.waiting import wait_for

STRATEGIES = ("FedProx", "FedAdam", "Krum", "FedTrimmedAvg")
"""Together they have every parameter that a strategy can have."""
_PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "echo"
version = "1.0.0"
dependencies = []
[tool.hatch.build.targets.wheel]
packages = ["echo"]
[tool.flwr.app]
publisher = "tests"
[tool.flwr.app.components]
serverapp = "echo.apps:server"
clientapp = "echo.apps:client"
[tool.flwr.app.config]
strategy = "?"
num-server-rounds = 0
min-fit-clients = 0
min-evaluate-clients = 0
min-available-clients = 0
proximal-mu = 0.0
server-lr = 0.0
client-lr = 0.0
num-malicious = 0
trim-beta = 0.0
checkpoint-enabled = false
checkpoint-interval = 0
checkpoint-path = "?"
metrics-enabled = false
metrics-port = 0
"""
_APPS = """
import json
from flwr.clientapp import ClientApp
from flwr.serverapp import ServerApp
client = ClientApp()
server = ServerApp()
@server.main()
def main(grid, context):
    print("echo", json.dumps(dict(context.run_config)), flush=True)
"""
_GPU_TOOLS = {
    "nvidia-smi": 'echo "NVIDIA H200, 143771, 570.86.15"; echo "NVIDIA H200, 143771, 570.86.15"',
    "dcgm-exporter": "sleep 300; exit",
}
"""NVIDIA's programs, for a machine that may have no GPU: what the first prints is what the real one prints."""


@dataclass(frozen=True)
class Booted:
    """A VM whose boot has come as far as it can: its Flower process, what else runs in it, whether READY was said."""

    machine: Machine
    process: Process | None
    others: tuple[Process, ...]
    ready: bool

    @property
    def flower(self) -> Process:
        """The Flower process."""
        assert self.process
        return self.process

    @property
    def output(self) -> str:
        """What Flower wrote."""
        return "".join(log.read_text() for log in self.machine.paths.logs.glob("flower-super*.log"))


@dataclass(frozen=True)
class Evidence:
    """VMs by name, the run config that a ServerApp got by strategy, and what a OneGate with TLS was asked by whom."""

    vms: Mapping[str, Booted]
    runs: Mapping[str, Mapping[str, object]]
    asked: frozenset[tuple[str, str]]


def gather(site: Site, directory: Path, contexts: Mapping[str, Mapping[str, str]], server: Server) -> Evidence:
    """Boots everything at once with these contexts, then runs an app that prints its run config.

    `server` is what a OneGate with TLS shows to the edge node.
    """
    with tls_gate(directory, server) as (endpoint, asked):
        ids = _start(site, directory, contexts, endpoint)
        vms = {name: _booted(site, vm_id, endless=name in ("edge", "fixed")) for name, vm_id in ids.items()}
    link = vms["link"].machine
    address = link.attributes["FL_CONTROL_ENDPOINT"]
    connection = Connection(address, (link.paths.certificates / "ca.crt").read_text())
    runs = {strategy: _run(strategy, connection, directory, contexts["link"]) for strategy in STRATEGIES}
    return Evidence(vms, runs, frozenset(asked))


@contextmanager
def tls_gate(directory: Path, server: Server) -> Iterator[tuple[str, set[tuple[str, str]]]]:
    """A OneGate that knows nothing and keeps who asked for what."""
    asked: set[tuple[str, str]] = set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.add((self.headers["X-ONEGATE-VMID"], self.path))
            self.send_error(404)

        def log_message(self, *arguments: object) -> None:
            pass

    (directory / "gate.pem").write_bytes(base64.b64decode(server.certificate) + base64.b64decode(server.key))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "gate.pem")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        listener.socket = context.wrap_socket(listener.socket, server_side=True)
        thread = Thread(target=listener.serve_forever)
        thread.start()
        try:
            yield f"https://127.0.0.1:{listener.server_port}", asked
        finally:
            listener.shutdown()
            thread.join()


def _start(site: Site, directory: Path, contexts: Mapping[str, Mapping[str, str]], gate: str) -> dict[str, int]:
    tools = directory / "tools"
    _programs(tools)
    bundle = _marked(directory / "bundle", 'use_cases = ["anomaly-detection"]')
    edge = _marked(directory / "edge", "edge = true")
    pytorch = image(directory / "pytorch", words={'name = "sklearn"': 'name = "pytorch"'})
    node, link = Vm("supernode", contexts["node"], bundle), Vm("superlink", contexts["link"])
    service = site.serve({"superlink": link, "supernode": node}, gated=True, declared=True)
    alone = {
        "operator": Vm("superlink", contexts["operator"]),
        "plain": Vm("supernode", contexts["plain"]),
        "gpu": Vm("supernode", contexts["gpu"], pytorch, f'PATH="{tools}:$PATH"'),
        "edge": Vm("supernode", contexts["edge"], edge, more_context(ONEGATE_ENDPOINT=gate)),
        "fixed": Vm("supernode", contexts["fixed"], edge),
    }
    ids = {name: site.start(vm) for name, vm in alone.items()}
    return {"link": site.node(service, "superlink"), "node": site.node(service, "supernode"), **ids}


def _marked(directory: Path, mark: str) -> Path:
    """The image with one more word at the top of its description."""
    first = 'name = "flower-sklearn"'
    return image(directory, words={first: f"{first}\n{mark}"})


def _programs(directory: Path) -> None:
    directory.mkdir()
    for name, script in _GPU_TOOLS.items():
        (directory / name).write_text(f"#!/bin/sh\n{script}\n")
        (directory / name).chmod(0o755)


def _booted(site: Site, vm_id: int, *, endless: bool) -> Booted:
    """`endless`: the boot looks for a SuperLink that never comes."""
    if endless:
        log = site.machine(vm_id).paths.logs / "flower-bootstrap.log"
        wait_for(lambda: log.exists() and "next look in" in log.read_text(), 60, "the search for a SuperLink", 0.05)
        return Booted(site.machine(vm_id), None, (), ready=False)
    end = site.end(vm_id)
    machine = site.machine(vm_id)
    assert end.status == 0, machine.boot_log
    process = wait_for(lambda: flower_process(machine), 30, f"Flower in VM {vm_id}", 0.05)
    return Booted(machine, process, tuple(processes(machine)), end.ready)


def _run(strategy: str, connection: Connection, directory: Path, context: Mapping[str, str]) -> Mapping[str, object]:
    """The run config that a ServerApp gets, submitted as `fedstack train` submits it."""
    app = directory / "echo"
    if not app.exists():
        (app / "echo").mkdir(parents=True)
        (app / "pyproject.toml").write_text(_PROJECT)
        (app / "echo" / "__init__.py").touch()
        (app / "echo" / "apps.py").write_text(_APPS)
    lines: list[str] = []
    values = run_config({**context, "FL_STRATEGY": strategy})
    train(app, connection, images.ensure(RECIPE, print), values, directory / "runs", on_log=lines.append)
    return _echoed(lines)


def _echoed(lines: Iterable[str]) -> Mapping[str, object]:
    found = re.search(r"echo (\{.*\})", "\n".join(lines))
    assert found, "\n".join(lines)
    config: Mapping[str, object] = json.loads(found[1])
    return config
