"""Single VMs and services on one cloud, each with what is special about its image, its context, its start."""

import base64
import re
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyone
import requests

from fedstack.appliance.context import parse
from fedstack.context import Appliance, Level, named, user_input
from fedstack.localcloud import control, images
from fedstack.localcloud.hypervisors.process import CONSOLE
from tests.integration.appliance.federation import RECIPE, Machine
from tests.support.waiting import wait_for

ACTIVE = 3
AGENT = {
    "TOKEN": "YES",
    "NETWORK": "YES",
    "REPORT_READY": "YES",
    "READY_SCRIPT_PATH": "/opt/flower/scripts/health-check.sh",
    "RETRY_COUNT": "1",
}
"""What every VM is told, and the guest agent alone: it asks for READY once, so that a failed boot ends soon."""
SILENT = "exit 0"
"""The start of a VM that runs nothing: its attributes play a SuperLink."""
_ENDED = re.compile(r"start script ended with exit status (\d+)\n.*?(reported READY=YES|not ready)", re.DOTALL)


@dataclass(frozen=True)
class Vm:
    """One VM to be: an `image` of its own, shell lines `before` the boot, `attributes` of its user template."""

    appliance: Appliance
    context: Mapping[str, str] = field(default_factory=dict)
    image: Path | None = None
    before: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def script(self) -> str:
        """What the guest agent runs."""
        image = f'ln -sfn "{self.image}" "$FEDSTACK_ROOT/opt/flower/env"\n' if self.image else ""
        return f"#!/bin/sh\n{image}{self.before}\nexec fedstack-appliance boot {self.appliance}\n"


@dataclass(frozen=True)
class End:
    """How a boot ended: the start script's exit status, and whether READY=YES was reported afterwards."""

    status: int
    ready: bool


def more_context(**variables: str) -> str:
    """A shell line that adds to what the platform wrote, as if the platform had."""
    lines = "".join(f"export {name}='{text}'\\n" for name, text in variables.items())
    return f'chmod u+w "$ONE_ENV"; printf "{lines}" >> "$ONE_ENV"'


def image(
    directory: Path, *, words: Mapping[str, str] | None = None, end: str = "", without: Collection[str] = ()
) -> Path:
    """The Flower image with other `words` in its image.toml, more at the `end` of it, or `without` some files."""
    real = images.ensure(RECIPE, print)
    (directory / "bin").mkdir(parents=True)
    for entry in [*real.iterdir(), *(real / "bin").iterdir()]:
        name = entry.relative_to(real)
        if str(name) not in {"bin", "image.toml", *without}:
            (directory / name).symlink_to(entry)
    text = (real / "image.toml").read_text()
    for old, new in (words or {}).items():
        text = text.replace(old, new)
    if "image.toml" not in without:
        (directory / "image.toml").write_text(f"{text}\n{end}\n")
    return directory


@dataclass(frozen=True)
class Process:
    """A process as the kernel shows it: its command line and its environment."""

    command: tuple[str, ...]
    environment: Mapping[str, str]

    def has(self, flag: str) -> bool:
        """Whether a flag is on the command line."""
        return flag in self.command

    def flag(self, name: str) -> str:
        """The value after a flag."""
        return self.command[self.command.index(name) + 1]


def flower_process(machine: Machine) -> Process | None:
    """The Flower process that the appliance started in a VM, while it runs."""
    return next(
        (each for each in processes(machine) if len(each.command) > 2 and "launcher.py" in each.command[1]), None
    )


def processes(machine: Machine) -> Iterator[Process]:
    """Everything that runs in a VM."""
    for pid in machine.processes():
        with suppress(OSError):
            command, environment = (Path(f"/proc/{pid}/{name}").read_text() for name in ("cmdline", "environ"))
            pairs = (entry.partition("=") for entry in environment.split("\0"))
            yield Process(tuple(command.split("\0")[:-1]), {key: value for key, _, value in pairs})


def by_level(context: Mapping[str, str]) -> dict[Level, dict[str, str]]:
    """Variables by the place where a service template carries them; what is none of the registry's is for the VM."""
    found: dict[Level, dict[str, str]] = {level: {} for level in Level}
    for name, text in context.items():
        rows = named(name)
        found[rows[0].level if rows else Level.CONTEXT][name] = text
    return found


def inputs(values: Mapping[str, str]) -> dict[str, str]:
    """USER_INPUT strings."""
    return {name: user_input(named(name)[0]) for name in values}


class Site:
    """A cloud with a network and the Flower image on it."""

    def __init__(self, cloud: control.Status) -> None:
        self._cloud = cloud
        session = Path(cloud["auth_file"]).read_text().strip()
        self.one: Any = pyone.OneServer(cloud["rpc"], session=session)
        user, _, password = session.partition(":")
        self._credentials = (user, password)
        ranges = 'VN_MAD="dummy" AR=[TYPE="IP4", SIZE="250", IPAM_MAD="local"]'
        self._network = self.one.vn.allocate(f'NAME="net" {ranges}', -1)
        self._image = self.one.image.allocate(f'NAME="flower" TYPE="OS" PATH="{RECIPE}"', 1)
        wait_for(lambda: self.one.image.info(self._image).STATE == 1, 300, "the image")

    def start(self, vm: Vm) -> int:
        """A VM outside of any service."""
        return int(self.one.vm.allocate(self._template(vm, vm.context), False))

    def serve(self, roles: Mapping[str, Vm], *, gated: bool = False, declared: bool = False) -> int:
        """A service with one VM a role; `gated`: the others wait for role superlink.

        `declared`: variables stand where the registry says: as inputs of the service, of a role, or in the VM template.
        """
        levels = {name: by_level(vm.context) if declared else {Level.CONTEXT: vm.context} for name, vm in roles.items()}
        shared = {name: text for each in levels.values() for name, text in each.get(Level.SERVICE, {}).items()}
        own = {role: each.get(Level.ROLE, {}) for role, each in levels.items()}
        body = {
            "name": uuid.uuid4().hex,
            "deployment": "straight" if gated else "none",
            "ready_status_gate": gated,
            "user_inputs": inputs(shared),
            "roles": [
                self._role(role, vm, levels[role][Level.CONTEXT], own[role], gated) for role, vm in roles.items()
            ],
        }
        number = self.flow("POST", "service_template", body)["DOCUMENT"]["ID"]
        merge = {
            "user_inputs_values": shared,
            "roles": [{"name": role, "user_inputs_values": dict(values)} for role, values in own.items()],
        }
        action = {"perform": "instantiate", "params": {"merge_template": merge}}
        return int(self.flow("POST", f"service_template/{number}/action", {"action": action})["DOCUMENT"]["ID"])

    def _role(
        self, name: str, vm: Vm, context: Mapping[str, str], own: Mapping[str, str], gated: bool
    ) -> dict[str, Any]:
        template = self.one.template.allocate(f'NAME="{uuid.uuid4().hex}" {self._template(vm, context)}')
        parents = {"parents": ["superlink"]} if gated and name != "superlink" else {}
        fields = {"name": name, "type": "vm", "template_id": template, "cardinality": 1, "min_vms": 1}
        return {**fields, "user_inputs": inputs(own), **parents}

    def _template(self, vm: Vm, context: Mapping[str, str]) -> str:
        script = base64.b64encode(vm.script.encode()).decode()
        pairs = ", ".join(
            f'{key}="{value}"' for key, value in {**AGENT, "START_SCRIPT_BASE64": script, **context}.items()
        )
        attributes = " ".join(f'{key}="{value}"' for key, value in vm.attributes.items())
        devices = f'DISK=[IMAGE_ID="{self._image}"] NIC=[NETWORK_ID="{self._network}"]'
        return f'CPU="1" MEMORY="128" {devices} {attributes} CONTEXT=[{pairs}]'

    def flow(self, method: str, path: str, body: Any = None) -> Any:
        """One OneFlow request that has to succeed."""
        answer = requests.request(
            method, f"{self._cloud['flow']}/{path}", json=body, auth=self._credentials, timeout=30
        )
        assert answer.ok, answer.text
        return answer.json()

    def node(self, service: int, role: str) -> int:
        """The one VM of a role, as soon as there is one."""

        def look() -> Sequence[Any]:
            roles = self.flow("GET", f"service/{service}")["DOCUMENT"]["TEMPLATE"]["BODY"]["roles"]
            (found,) = (each for each in roles if each["name"] == role)
            return list(found.get("nodes", []))

        return int(wait_for(look, 60, f"the VM of role {role}", 0.05)[0]["deploy_id"])

    def machine(self, vm_id: int) -> Machine:
        """One VM as it is now."""
        attributes = dict(self.one.vm.info(vm_id).USER_TEMPLATE)
        return Machine(vm_id, Path(self._cloud["state_dir"]) / "vms" / str(vm_id), attributes)

    def is_active(self, vm_id: int) -> bool:
        """Whether OpenNebula's VM runs, whatever its boot came to."""
        return int(self.one.vm.info(vm_id).STATE) == ACTIVE

    def end(self, vm_id: int) -> End:
        """How the boot of a VM ended, once the agent has asked for READY."""
        console = self.machine(vm_id).directory / CONSOLE
        found = wait_for(
            lambda: _ENDED.search(console.read_text()) if console.exists() else None, 120, f"VM {vm_id}", 0.05
        )
        assert found
        return End(int(found[1]), found[2] == "reported READY=YES")


def context_of(machine: Machine) -> dict[str, str]:
    """The context variables as the VM reads them."""
    return parse(machine.paths.one_env.read_text())
