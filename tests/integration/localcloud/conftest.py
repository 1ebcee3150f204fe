"""Clouds of our own on free ports, stopped at the end whatever happens."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyone
import pytest
import requests

from fedstack import processes
from fedstack.localcloud import control


def eventually(condition: Callable[[], Any], what: str, timeout: float = 30.0) -> Any:
    """The first true value of the condition."""
    clock = threading.Event()
    end = time.monotonic() + timeout
    while not (found := condition()):
        assert time.monotonic() < end, f"timeout: {what}"
        clock.wait(0.02)
    return found


@dataclass
class RunningCloud:
    """A cloud, and clients of its administrator."""

    options: control.Options
    status: control.Status

    @property
    def auth(self) -> str:
        return Path(self.status["auth_file"]).read_text().strip()

    @property
    def one(self) -> Any:
        return pyone.OneServer(self.status["rpc"], session=self.auth)

    def flow(self, method: str, path: str, body: Any = None) -> requests.Response:
        user, _, password = self.auth.partition(":")
        url = f"{self.status['flow']}/{path}"
        return requests.request(method, url, json=body, auth=(user, password), timeout=30)

    def act(self, path: str, perform: str, **params: Any) -> requests.Response:
        return self.flow("POST", f"{path}/action", {"action": {"perform": perform, "params": params}})

    def service(self, service_id: int) -> dict[str, Any]:
        found: dict[str, Any] = self.flow("GET", f"service/{service_id}").json()["DOCUMENT"]["TEMPLATE"]["BODY"]
        return found

    def place(self, vm_id: int) -> tuple[int, int]:
        found = self.one.vm.info(vm_id)
        return found.STATE, found.LCM_STATE

    def template(self, more: str = "", context: str = 'TOKEN="YES",NETWORK="YES",REPORT_READY="YES"') -> int:
        pool = self.one.vnpool.info(-2, -1, -1).VNET
        network = pool[0].ID if pool else self.network()
        nic = f'NIC=[NETWORK_ID="{network}"]'
        text = f'NAME="t{time.monotonic_ns()}"\nCPU="0.01"\nMEMORY="16"\n{nic}\nCONTEXT=[{context}]\n{more}'
        found: int = self.one.template.allocate(text)
        return found

    def network(self, size: int = 200) -> int:
        text = f'NAME="net"\nVN_MAD="dummy"\nAR=[TYPE="IP4",SIZE="{size}",IPAM_MAD="local"]'
        found: int = self.one.vn.allocate(text, -1)
        return found

    def deploy(self, template_id: int, children: int = 2, cooldown: int = 1, **more: Any) -> int:
        role = {"type": "vm", "template_id": template_id, "min_vms": 1, "max_vms": 500, "cooldown": cooldown}
        parent = {**role, "name": "parent", "cardinality": 1}
        child = {**role, "name": "child", "cardinality": children, "parents": ["parent"]}
        body = {"name": "svc", "deployment": "straight", "roles": [parent, child], **more}
        stored = self.flow("POST", "service_template", body).json()["DOCUMENT"]["ID"]
        return int(self.act(f"service_template/{stored}", "instantiate").json()["DOCUMENT"]["ID"])

    def kill(self) -> None:
        """kill -9 of the server; the machines go on."""
        pid = self.status["pid"]
        assert processes.end(pid, processes.start_time(pid) or 0, signal.SIGKILL, 10)

    def restart(self) -> None:
        """Starts it again on the same state."""
        self.status = control.start(self.options)


Starter = Callable[..., RunningCloud]


def _starter(directory: Path, started: list[RunningCloud]) -> Starter:
    def start(name: str = "cloud", **values: Any) -> RunningCloud:
        defaults = {"hypervisor": "simulated", "boot_time": 0.0, "rpc_port": 0, "flow_port": 0, "gate_port": 0}
        options = replace(control.Options(state_dir=directory / name), **{**defaults, **values})
        started.append(RunningCloud(options, control.start(options)))
        return started[-1]

    return start


def _stop(started: list[RunningCloud]) -> None:
    for cloud in started:
        control.stop(cloud.options.state_dir, destroy_vms=True)


@pytest.fixture
def new_cloud(tmp_path: Path) -> Iterator[Starter]:
    """Starts clouds; keyword arguments are those of Options."""
    started: list[RunningCloud] = []
    yield _starter(tmp_path, started)
    _stop(started)


@pytest.fixture(scope="module")
def make_cloud() -> Iterator[Callable[..., RunningCloud]]:
    """Starts clouds that the tests of a module share: a directory, then values of Options."""
    started: list[RunningCloud] = []
    yield lambda directory, **values: _starter(directory, started)(**values)
    _stop(started)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory, make_cloud: Callable[..., RunningCloud]) -> RunningCloud:
    """A simulated cloud."""
    return make_cloud(tmp_path_factory.mktemp("simulated"), boot_time=0.1)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, make_cloud: Callable[..., RunningCloud]) -> RunningCloud:
    """A cloud of real processes."""
    return make_cloud(tmp_path_factory.mktemp("process"), hypervisor="process")


@pytest.fixture(scope="session")
def until() -> Callable[..., Any]:
    """`eventually`, for test modules."""
    return eventually
