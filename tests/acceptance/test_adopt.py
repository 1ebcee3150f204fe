"""Services that somebody made by hand with the platform's own APIs become a stack's, and no VM notices."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyone
import pytest
import requests
import yaml
from support.waiting import wait_for
from support.workspace import Workspace, processes_with

from fedstack.oneflow.names import from_camel
from tools import typescript

CHOSEN = {
    "name": "federation",
    "superlink": {"cpu": 1, "vcpu": 2, "memoryMb": 2048},
    "supernodes": {
        **{"count": 3, "min": 1, "max": 6, "cooldown": 7, "cpu": 0.25, "memoryMb": 256},
        "elasticityPolicies": [{"type": "CHANGE", "adjust": 1, "expression": "CPU > 80", "period": 60}],
    },
    "training": {"rounds": 7, "strategy": "FedProx", "proximalMu": 0.5},
    "logging": {"level": "DEBUG"},
    "sshPublicKey": "ssh-ed25519 AAAA operator",
}
"""Settings that differ from the defaults in every way that a federation may."""


class Hands:
    """Somebody who knows the platform's APIs and nothing of Pulumi."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.server: Any = pyone.OneServer(workspace.cloud["rpc"], session=workspace.session())
        self.network = self.server.vn.allocate(
            'NAME="lab"\nVN_MAD="dummy"\nAR=[TYPE="IP4",SIZE="64",IPAM_MAD="local"]', -1
        )
        self.image = self.server.image.allocate(f'NAME="flower"\nTYPE="OS"\nPATH="{workspace.root}"', 1)

    def machine(self, inputs: Mapping[str, Any], tag: str) -> int:
        """A VM template of that name and size."""
        keys = {"NAME": "name", "CPU": "cpu", "MEMORY": "memoryMb", "VCPU": "vcpu"}
        values = {key: inputs[name] for key, name in keys.items() if inputs.get(name) is not None}
        lines = [f'{key}="{value}"' for key, value in {**values, **({"PULUMI_MARK": tag} if tag else {})}.items()]
        devices = [f'DISK=[IMAGE_ID="{self.image}"]', f'NIC=[NETWORK_ID="{self.network}"]']
        return int(self.server.template.allocate("\n".join([*lines, *devices])))

    def post(self, path: str, body: Mapping[str, Any]) -> int:
        """A request that makes a OneFlow document; its number."""
        user, _, password = self.workspace.session().partition(":")
        reply = requests.post(f"{self.workspace.cloud['flow']}/{path}", json=body, auth=(user, password), timeout=10)
        assert reply.ok, reply.text
        return int(reply.json()["DOCUMENT"]["ID"])

    def service(self, template: Mapping[str, Any], merge: Mapping[str, Any]) -> int:
        """A service that runs, from a service template."""
        number = self.post("service_template", template)
        action = {"perform": "instantiate", "params": {"merge_template": dict(merge)}}
        made = self.post(f"service_template/{number}/action", {"action": action})
        wait_for(lambda: self.state(made) == 2, 30, "the service to run")
        return made

    def state(self, service: int) -> int:
        return int(self.workspace.flow(f"service/{service}")["DOCUMENT"]["TEMPLATE"]["BODY"]["state"])

    def federation(self, name: str, settings: Mapping[str, Any], tag: str = "") -> int:
        """What the components would declare with these settings, made by hand; `tag` is what a stack would add."""
        found, _ = typescript.declared(name, settings)
        template = from_camel(found[f"ServiceTemplate {name}-template"])
        declared = found[f"Service {name}-service"]
        for role in template["roles"]:
            role["template_id"] = self.machine(found[f"VirtualMachineTemplate {name}-{role['name']}"], tag)
        roles = [
            {key: role[old] for key, old in KEYS.items() if role.get(old) is not None} for role in declared["roles"]
        ]
        template.pop("mark")
        marked = {"pulumi_mark": tag} if tag else {}
        values = {"name": name, "user_inputs_values": declared["userInputsValues"], "roles": roles}
        return self.service({**template, **marked}, {**values, **marked})


KEYS = {"name": "name", "cardinality": "cardinality", "user_inputs_values": "userInputsValues"}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    space = Workspace.create(tmp_path_factory.mktemp("adopt"))
    space.start_cloud("--hypervisor", "simulated", "--boot-time", "0.2")
    yield space
    space.stop_cloud()
    assert processes_with(str(space.root)) == []


@pytest.fixture(scope="module")
def hands(workspace: Workspace) -> Hands:
    return Hands(workspace)


def new_stack(workspace: Workspace, name: str) -> Path:
    """The configuration of a stack that declares nothing yet."""
    file = workspace.root / f"Pulumi.{name}.yaml"
    file.write_text("# ours\nconfig: {}\n")
    return file


def machines(workspace: Workspace) -> list[tuple[Any, ...]]:
    """Everything of the VMs that would change if somebody touched one."""
    return sorted((vm.ID, vm.NAME, vm.STIME, vm.STATE, vm.LCM_STATE, str(vm.TEMPLATE)) for vm in workspace.vms())


def follow(workspace: Workspace, printed: str) -> str:
    """Runs the commands that adoption has printed, as they stand; what they print."""
    commands = re.findall(r"^  ((?:eval|cd|pulumi) .*)$", printed, re.MULTILINE)
    assert len(commands) == 4, printed
    done = workspace.run("bash", "-euc", "\n".join(commands))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_a_stack_made_and_forgot_is_recognised(workspace: Workspace, hands: Hands) -> None:
    mark = "0123456789abcdef"
    service = hands.federation("federation-first", typescript.settings(), f"{mark} urn:pulumi:first::p::t::n")
    new_stack(workspace, "first")
    done = workspace.fedstack("adopt", str(service), "--stack", "first")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "rules: 0 remarks" in done.stdout
    found = yaml.safe_load((workspace.root / "Pulumi.first.yaml").read_text())["config"]["fedstack:federation"]
    wanted = typescript.settings()
    assert found["superlink"] == wanted["superlink"]
    assert found["supernodes"] == wanted["supernodes"]
    assert (found["network"], found["image"]) == ({"id": hands.network}, {"id": hands.image})
    written = json.loads((workspace.root / f".fedstack/adopt/{service}/import.json").read_text())["resources"]
    assert [each["id"] for each in written if each["type"].endswith(":Mark")] == [mark]


def test_one_that_differs_is_adopted_without_a_change(workspace: Workspace, hands: Hands) -> None:
    service = hands.federation("federation-lab", CHOSEN)
    file, before = new_stack(workspace, "lab"), machines(workspace)
    done = workspace.fedstack("adopt", str(service), "--stack", "lab")
    assert done.returncode == 0, done.stdout + done.stderr
    assert file.read_text().startswith("# ours\nconfig:\n")
    found = yaml.safe_load(file.read_text())["config"]["fedstack:federation"]
    assert found["superlink"] == CHOSEN["superlink"]
    assert found["supernodes"] == CHOSEN["supernodes"]
    assert found["sshPublicKey"] == CHOSEN["sshPublicKey"]
    assert found["variables"] == {
        **{"FL_NUM_ROUNDS": "7", "FL_STRATEGY": "FedProx"},
        **{"FL_PROXIMAL_MU": "0.5", "FL_LOG_LEVEL": "DEBUG"},
    }
    follow(workspace, done.stdout)
    up = workspace.pulumi("up", "--yes", "--skip-preview", stack="lab")
    assert "9 unchanged" in up.stdout, up.stdout + up.stderr
    assert machines(workspace) == before


def test_the_stack_owns_the_service_but_neither_network_nor_image(workspace: Workspace, hands: Hands) -> None:
    number = len(workspace.vms())
    destroyed = workspace.pulumi("destroy", "--yes", "--skip-preview", stack="lab")
    assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
    assert len(workspace.vms()) == number - 4
    assert hands.server.vn.info(hands.network).NAME == "lab"
    assert hands.server.image.info(hands.image).NAME == "flower"


def test_one_that_no_settings_declare_gets_a_plain_program(workspace: Workspace, hands: Hands) -> None:
    service = hands.federation("federation-odd", typescript.settings())
    newest = max(template.ID for template in hands.server.templatepool.info(-2, -1, -1).VMTEMPLATE)
    hands.server.template.rename(newest, "workers")
    file, before = new_stack(workspace, "odd"), machines(workspace)
    done = workspace.fedstack("adopt", str(service), "--stack", "odd", "--out", "adopted/odd")
    assert done.returncode == 3, done.stdout + done.stderr
    assert 'federation-odd-supernode: name: "workers", declared "federation-odd-supernode"' in done.stdout
    assert file.read_text() == "# ours\nconfig: {}\n"
    assert "opennebula.ServiceTemplate(" in (workspace.root / "adopted/odd/__main__.py").read_text()
    follow(workspace, done.stdout)
    assert machines(workspace) == before


def test_bad_input_is_one_message(workspace: Workspace) -> None:
    new_stack(workspace, "empty")
    gone = workspace.fedstack("adopt", "4711", "--stack", "empty")
    assert (gone.returncode, gone.stdout) == (1, "")
    assert "4711" in gone.stderr and len(gone.stderr.splitlines()) == 1
    twice = workspace.fedstack("adopt", "4711", "--stack", "dev")
    assert twice.returncode == 2
    assert "Pulumi.dev.yaml: expected no fedstack:federation yet" in twice.stderr
