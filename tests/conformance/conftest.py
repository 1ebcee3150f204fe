"""The target of the conformance suite: a real OpenNebula named by the environment, else a local cloud of our own.

FEDSTACK_TARGET_RPC, _FLOW, _GATE: complete URLs; FEDSTACK_TARGET_AUTH: `user:password` or a file with that. The suite
plays the guests itself, so that nothing inside the VMs may report READY. It needs an administrator's account.
"""

from __future__ import annotations

import base64
import itertools
import os
import threading
import time
import uuid
import xmlrpc.client
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyone
import pytest
import requests
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

TIMEOUT = float(os.environ.get("FEDSTACK_TARGET_TIMEOUT", "60"))


@dataclass(frozen=True)
class Target:
    """Where the platform answers."""

    rpc: str
    flow: str
    gate: str
    auth: str


def wait_for(condition: Callable[[], Any], what: str, timeout: float = TIMEOUT) -> Any:
    """Returns the first true value of the condition; fails after the timeout."""
    clock = threading.Event()
    end = time.monotonic() + timeout
    while not (found := condition()):
        assert time.monotonic() < end, f"timeout: {what}"
        clock.wait(0.02)
    return found


@dataclass
class Guest:
    """Plays a VM towards OneGate."""

    gate: str
    vm_id: int
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"X-ONEGATE-TOKEN": self.token, "X-ONEGATE-VMID": str(self.vm_id)}

    def get(self, path: str, **values: Any) -> requests.Response:
        return requests.get(self.gate + path, headers=self.headers, timeout=TIMEOUT, **values)

    def put(self, path: str, data: Any, **values: Any) -> requests.Response:
        return requests.put(self.gate + path, data=data, headers=self.headers, timeout=TIMEOUT, **values)

    def report(self, text: str = "READY=YES") -> None:
        assert self.put("/vm", text).status_code == 200


@dataclass
class Lab:
    """Clients and a few shorthands; remembers what it made and removes it."""

    target: Target
    auth: str
    admin: Lab | None = None
    made: list[Callable[[], Any]] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count())

    def __post_init__(self) -> None:
        self.one = pyone.OneServer(self.target.rpc, session=self.auth)
        self.flow = requests.Session()
        self.flow.auth = tuple(self.auth.split(":", 1))  # type: ignore[assignment]
        self.raw = xmlrpc.client.ServerProxy(self.target.rpc)

    def name(self, prefix: str = "ct") -> str:
        return f"{prefix}-{uuid.uuid4().hex[:8]}"

    def call(self, method: str, *parameters: Any) -> list[Any]:
        """The members of the reply as they are."""
        found: Any = getattr(self.raw, method)(self.auth, *parameters)
        return list(found)

    def network(self, size: int = 16, ip: str = "") -> int:
        address = f'IP="{ip}"' if ip else f'IP="10.{uuid.uuid4().bytes[0]}.{uuid.uuid4().bytes[0]}.1"'
        text = f'NAME="{self.name("net")}"\nVN_MAD="dummy"\nBRIDGE="br0"\nAR=[TYPE="IP4",{address},SIZE="{size}"]'
        network_id: int = self.one.vn.allocate(text, -1)
        self.made.append(lambda: self.one.vn.delete(network_id))
        return network_id

    def template(
        self, more: str = "", *, context: str = 'TOKEN="YES",NETWORK="YES"', network: int | None = None
    ) -> int:
        nic = "" if network is None else f'NIC=[NETWORK_ID="{network}"]\n'
        text = f'NAME="{self.name("tpl")}"\nCPU="0.01"\nMEMORY="16"\n{nic}CONTEXT=[{context}]\n{more}'
        template_id: int = self.one.template.allocate(text)
        self.made.append(lambda: self.one.template.delete(template_id))
        return template_id

    def vm(self, template_id: int, extra: str = "", *, hold: bool = False) -> int:
        vm_id: int = self.one.template.instantiate(template_id, self.name("vm"), hold, extra, False)
        self.made.append(lambda: self.gone(vm_id))
        return vm_id

    def until(self, condition: Callable[[], Any], what: str) -> None:
        wait_for(condition, what)

    def gone(self, vm_id: int) -> None:
        self.one.vm.recover(vm_id, 3)
        self.vm_in(vm_id, (6, 0))

    def place(self, vm_id: int) -> tuple[int, int]:
        found = self.one.vm.info(vm_id)
        return found.STATE, found.LCM_STATE

    def vm_in(self, vm_id: int, place: tuple[int, int]) -> None:
        wait_for(lambda: self.place(vm_id) == place, f"VM {vm_id} in {place}")

    def guest(self, vm_id: int) -> Guest:
        info = self.one.vm.info(vm_id)
        creator = self.one.user.info(int(info.TEMPLATE["CREATED_BY"]))
        return Guest(self.target.gate, vm_id, make_token(creator.TEMPLATE["TOKEN_PASSWORD"], vm_id, info.STIME))

    def url(self, path: str) -> str:
        return f"{self.target.flow}/{path}"

    def post(self, path: str, body: Any) -> requests.Response:
        return self.flow.post(self.url(path), json=body, timeout=TIMEOUT)

    def get(self, path: str) -> requests.Response:
        return self.flow.get(self.url(path), timeout=TIMEOUT)

    def act(self, path: str, perform: str, **params: Any) -> requests.Response:
        return self.post(f"{path}/action", {"action": {"perform": perform, "params": params}})

    def service_template(self, roles: list[dict[str, Any]], **more: Any) -> int:
        body = {"name": self.name("svc"), "deployment": "straight", "description": "", "roles": roles, **more}
        reply = self.post("service_template", body)
        assert reply.status_code == 201, reply.text
        template_id = int(reply.json()["DOCUMENT"]["ID"])
        self.made.append(lambda: self.flow.delete(self.url(f"service_template/{template_id}")))
        return template_id

    def instantiate(self, template_id: int, **merge: Any) -> int:
        reply = self.act(f"service_template/{template_id}", "instantiate", merge_template=merge)
        assert reply.status_code == 201, reply.text
        service_id = int(reply.json()["DOCUMENT"]["ID"])
        self.made.append(lambda: self.remove_service(service_id))
        return service_id

    def service(self, roles: list[dict[str, Any]], **more: Any) -> int:
        return self.instantiate(self.service_template(roles, **more))

    def body(self, service_id: int) -> dict[str, Any]:
        reply = self.get(f"service/{service_id}")
        assert reply.status_code == 200, reply.text
        found: dict[str, Any] = reply.json()["DOCUMENT"]["TEMPLATE"]["BODY"]
        return found

    def role(self, service_id: int, name: str) -> dict[str, Any]:
        found: dict[str, Any] = next(role for role in self.body(service_id)["roles"] if role["name"] == name)
        return found

    def nodes(self, service_id: int, name: str) -> list[int]:
        return [node["deploy_id"] for node in self.role(service_id, name)["nodes"]]

    def in_state(self, service_id: int, *states: int) -> dict[str, Any]:
        wait_for(lambda: self.body(service_id)["state"] in states, f"service {service_id} in {states}")
        return self.body(service_id)

    def nodes_of(self, service_id: int, name: str, count: int) -> list[int]:
        wait_for(lambda: len(self.nodes(service_id, name)) == count, f"{count} nodes of {name}")
        return self.nodes(service_id, name)

    def scale(self, service_id: int, role: str, count: int, *, force: bool = False) -> requests.Response:
        return self.post(f"service/{service_id}/scale", {"role_name": role, "cardinality": count, "force": force})

    def remove_service(self, service_id: int) -> None:
        if self.get(f"service/{service_id}").status_code != 200:
            return
        if self.flow.delete(self.url(f"service/{service_id}"), timeout=TIMEOUT).status_code != 204:
            self.act(f"service/{service_id}", "recover", delete=True)
        wait_for(lambda: self.get(f"service/{service_id}").status_code == 404, f"service {service_id} gone")

    def clean(self) -> None:
        for undo in reversed(self.made):
            try:
                undo()
            except pyone.OneException:
                continue
        self.made.clear()


def make_token(password: str, vm_id: int, stime: int) -> str:
    """What the platform writes into token.txt."""
    padder = PKCS7(128).padder()
    plain = padder.update(f"{vm_id}:{stime}".encode()) + padder.finalize()
    encryptor = Cipher(algorithms.AES(password[:32].encode()), modes.CBC(bytes(16))).encryptor()
    return base64.b64encode(encryptor.update(plain) + encryptor.finalize()).decode()


def _auth(text: str) -> str:
    return text if ":" in text else Path(text).expanduser().read_text().strip()


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """The platform under test."""
    names = [os.environ.get(f"FEDSTACK_TARGET_{name}") for name in ("RPC", "FLOW", "GATE", "AUTH")]
    rpc, flow, gate, auth = names
    if rpc and flow and gate and auth:
        yield Target(rpc, flow, gate, _auth(auth))
        return
    from fedstack.localcloud import control

    state_dir = tmp_path_factory.mktemp("cloud")
    ports = {"rpc_port": 0, "flow_port": 0, "gate_port": 0}
    options = control.Options(state_dir=state_dir, hypervisor="simulated", guest_reports=False, boot_time=0, **ports)
    found = control.start(options)
    try:
        yield Target(found["rpc"], found["flow"], found["gate"], _auth(found["auth_file"]))
    finally:
        control.stop(state_dir, destroy_vms=True)


@pytest.fixture
def lab(target: Target) -> Iterator[Lab]:
    """Clients of an administrator."""
    made = Lab(target, target.auth)
    yield made
    made.clean()


@pytest.fixture
def other(target: Target, lab: Lab) -> Iterator[Lab]:
    """Clients of an ordinary user."""
    name = lab.name("user")
    user_id = lab.one.user.allocate(name, "secret:with:colons", "core", [1])
    made = Lab(target, f"{name}:secret:with:colons", lab)
    yield made
    made.clean()
    lab.one.user.delete(user_id)


@pytest.fixture
def vm_template(lab: Lab) -> int:
    """A template whose guests could report."""
    return lab.template(context='TOKEN="YES",NETWORK="YES",REPORT_READY="YES"')


@pytest.fixture
def pair(vm_template: int) -> list[dict[str, Any]]:
    """One parent and two children."""
    role = {"type": "vm", "template_id": vm_template, "cooldown": 1}
    parent = {**role, "name": "parent", "cardinality": 1, "min_vms": 1, "max_vms": 1}
    child = {**role, "name": "child", "cardinality": 2, "min_vms": 1, "max_vms": 4, "parents": ["parent"]}
    return [parent, child]


@pytest.fixture
def running(lab: Lab, pair: list[dict[str, Any]]) -> int:
    """An ungated service that runs."""
    service_id = lab.service(pair)
    lab.in_state(service_id, 2)
    return service_id


@pytest.fixture
def until() -> Callable[..., Any]:
    """`wait_for`, for test modules."""
    return wait_for
