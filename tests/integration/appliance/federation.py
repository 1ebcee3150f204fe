"""A real federation on a local cloud of its own, driven over the wire APIs: pyone, requests, the files of its VMs."""

import base64
import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyone
import requests

from fedstack.appliance import status
from fedstack.appliance.paths import Paths
from fedstack.localcloud import control
from fedstack.localcloud.guest import MARK
from fedstack.localcloud.hypervisors.process import read_identity
from fedstack.processes import marked
from tests.support.waiting import wait_for

RECIPE = Path(__file__).resolve().parents[3] / "images" / "flower-sklearn"
RUNNING, WARNING = 2, 4
POWEROFF = 8
READY_SECONDS = 90.0


@dataclass
class Machine:
    """A VM of the federation, seen from its directory and from the cloud."""

    vm_id: int
    directory: Path
    attributes: Mapping[str, Any]

    @property
    def paths(self) -> Paths:
        """Its files."""
        return Paths(self.directory / "root")

    @property
    def address(self) -> str:
        """Its address."""
        context = json.loads((self.directory / "context.json").read_text())["context"]
        return str(context["ETH0_IP"])

    @property
    def boot_log(self) -> str:
        """One line a step."""
        return (self.paths.logs / "flower-bootstrap.log").read_text()

    def status(self) -> status.Status:
        """The supervisor's word."""
        found = status.load(self.paths.status_file)
        assert found is not None
        return found

    def processes(self) -> list[int]:
        """Everything that runs in it."""
        return list(marked(MARK, read_identity(self.directory)[0]))


@dataclass
class Federation:
    """A cloud and the one service on it."""

    cloud: control.Status
    service_id: int = -1
    inputs: dict[str, str] = field(default_factory=dict)
    recipe: Path = RECIPE

    def __post_init__(self) -> None:
        session = Path(self.cloud["auth_file"]).read_text().strip()
        self._one: Any = pyone.OneServer(self.cloud["rpc"], session=session)
        user, _, password = session.partition(":")
        self._credentials = (user, password)

    def flow(self, method: str, path: str, body: Any = None) -> requests.Response:
        """One OneFlow request."""
        return requests.request(method, f"{self.cloud['flow']}/{path}", json=body, auth=self._credentials, timeout=30)

    def deploy(self, supernodes: int) -> None:
        """Network, image, templates, service template, service: as an operator makes them."""
        ranges = 'VN_MAD="dummy" AR=[TYPE="IP4", SIZE="16", IPAM_MAD="local"]'
        network = self._one.vn.allocate(f'NAME="{self._unique("net")}" {ranges}', -1)
        image = self._one.image.allocate(f'NAME="{self._unique("flower")}" TYPE="OS" PATH="{self.recipe}"', 1)
        wait_for(lambda: self._one.image.info(image).STATE == 1, 300, "the image")
        roles = [self._role("superlink", 1, network, image), self._role("supernode", supernodes, network, image)]
        roles[1]["parents"] = ["superlink"]
        template = {"name": self._unique("fl"), "deployment": "straight", "ready_status_gate": True, "roles": roles}
        made = self.flow("POST", "service_template", template)
        assert made.ok, made.text
        number = made.json()["DOCUMENT"]["ID"]
        started = self.flow("POST", f"service_template/{number}/action", {"action": {"perform": "instantiate"}})
        assert started.ok, started.text
        self.service_id = int(started.json()["DOCUMENT"]["ID"])

    @staticmethod
    def _unique(name: str) -> str:
        """Names are taken once in a cloud."""
        return f"{name}-{uuid.uuid4().hex[:8]}"

    def _role(self, name: str, cardinality: int, network: int, image: int) -> dict[str, Any]:
        script = base64.b64encode(f"#!/bin/sh\nexec fedstack-appliance boot {name}\n".encode()).decode()
        context = {
            "TOKEN": "YES",
            "NETWORK": "YES",
            "REPORT_READY": "YES",
            "READY_SCRIPT_PATH": "/opt/flower/scripts/health-check.sh",
            "START_SCRIPT_BASE64": script,
            **self.inputs,
        }
        vectors = ", ".join(f'{key}="{value}"' for key, value in context.items())
        text = (
            f'NAME="{self._unique(name)}" CPU="1" MEMORY="512" DISK=[IMAGE_ID="{image}"] NIC=[NETWORK_ID="{network}"] '
        )
        template = self._one.template.allocate(f"{text} CONTEXT=[{vectors}]")
        fields = {"name": name, "type": "vm", "template_id": template, "cardinality": cardinality}
        return {**fields, "min_vms": 1, "cooldown": 1}

    def service(self) -> dict[str, Any]:
        """The service's body; empty when it is gone."""
        answer = self.flow("GET", f"service/{self.service_id}")
        return answer.json()["DOCUMENT"]["TEMPLATE"]["BODY"] if answer.ok else {}

    def wait_for_state(self, state: int) -> None:
        """Waits until the service is in a state."""
        wait_for(lambda: self.service().get("state") == state, READY_SECONDS, f"service state {state}", 0.05)

    def machines(self, role: str) -> list[Machine]:
        """The VMs of a role."""
        (found,) = (candidate for candidate in self.service()["roles"] if candidate["name"] == role)
        return [self.machine(int(node["deploy_id"])) for node in found["nodes"]]

    def machine(self, vm_id: int) -> Machine:
        """One VM as it is now."""
        attributes = dict(self._one.vm.info(vm_id).USER_TEMPLATE)
        return Machine(vm_id, Path(self.cloud["state_dir"]) / "vms" / str(vm_id), attributes)

    def machine_state(self, vm_id: int) -> int:
        """OpenNebula's VM state."""
        return int(self._one.vm.info(vm_id).STATE)

    def resume(self, vm_id: int) -> None:
        """Starts a powered-off VM."""
        self._one.vm.action("resume", vm_id)

    def recreate(self, vm_id: int) -> None:
        """Makes a VM anew: its disk is empty afterwards."""
        self._one.vm.recover(vm_id, 4)

    def publish(self, vm_id: int, attributes: Mapping[str, str]) -> None:
        """Puts attributes into a VM's user template, as if the VM had published them."""
        self._one.vm.update(vm_id, "\n".join(f'{key}="{value}"' for key, value in attributes.items()), 1)

    def scale(self, supernodes: int) -> None:
        """Asks for another number of SuperNodes."""
        body = {"role_name": "supernode", "cardinality": supernodes, "force": False}
        answer = self.flow("POST", f"service/{self.service_id}/scale", body)
        assert answer.ok, answer.text

    def undeploy(self) -> None:
        """Deletes the service and waits until it is gone; one that is not running by recover with delete."""
        answer = self.flow("DELETE", f"service/{self.service_id}")
        if not answer.ok:
            recover = {"action": {"perform": "recover", "params": {"delete": True}}}
            answer = self.flow("POST", f"service/{self.service_id}/action", recover)
        assert answer.ok, answer.text
        wait_for(lambda: not self.service() or self.service().get("state") == 5, 60, "the end of the service", 0.05)


@contextmanager
def cloud(state_dir: Path) -> Iterator[control.Status]:
    """A local cloud on free ports; it and its VMs end with the block."""
    options = control.Options(state_dir=state_dir, rpc_port=0, flow_port=0, gate_port=0)
    try:
        yield control.start(options)
    finally:
        control.stop(state_dir, destroy_vms=True)


def remote_addresses(pids: list[int]) -> set[str]:
    """Every address that processes have a TCP connection to, or listen on, as text."""
    inodes = {name.removeprefix("socket:[").rstrip("]") for pid in pids for name in _sockets(pid)}
    found: set[str] = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[9] in inodes:
                found |= {_address(fields[1]), _address(fields[2])}
    return found


def _sockets(pid: int) -> set[str]:
    """``socket:[inode]`` of every socket that a process has open; none when it has ended."""
    found: set[str] = set()
    with suppress(OSError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                found.add(str(link.readlink()))
    return {name for name in found if name.startswith("socket:[")}


def _address(text: str) -> str:
    """The host of a line of /proc/net/tcp: little-endian words in hex."""
    digits = text.partition(":")[0]
    last = bytes.fromhex(digits[-8:])
    return ".".join(str(byte) for byte in reversed(last))
