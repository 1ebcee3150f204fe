"""New certificates for a running federation, by the real command lines; the tests build on each other."""

import base64
import json
import re
import signal
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from support.waiting import wait_for
from support.workspace import BIN, Workspace, processes_with

from fedstack.training import Connection, TrainingError
from fedstack.training.connection import probe
from tests.integration.appliance.pki import Authority, triple

ONE_ROUND = ("--set", "num-server-rounds=1")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    space = Workspace.create(tmp_path_factory.mktemp("rotation"))
    space.start_cloud()
    space.create_stack()
    done = space.pulumi("up", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    yield space
    space.stop_cloud()
    assert processes_with(str(space.root)) == []


def connection(workspace: Workspace) -> Connection:
    """How a client connects by the stack's outputs."""
    outputs = workspace.outputs()
    return Connection(outputs["controlEndpoint"], outputs["caCertificate"])


def served(address: str) -> x509.Certificate:
    """What a server shows, whoever signed it."""
    host, _, port = address.rpartition(":")
    return x509.load_pem_x509_certificate(ssl.get_server_certificate((host, int(port))).encode())


def superlink_facts(workspace: Workspace) -> dict[str, str]:
    return dict(workspace.vm_named("superlink").USER_TEMPLATE)


def rotate(workspace: Workspace, *options: str) -> str:
    done = workspace.fedstack("rotate-certs", *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def machines(workspace: Workspace) -> dict[int, tuple[str, int]]:
    """Every VM: its name, and the first process in it."""
    folder = Path(workspace.cloud["state_dir"]) / "vms"
    return {
        vm.ID: (vm.NAME, json.loads((folder / str(vm.ID) / "guest.json").read_text())["pid"]) for vm in workspace.vms()
    }


def flower_processes(workspace: Workspace) -> set[int]:
    found = processes_with(f"{workspace.cloud['state_dir']}/vms/")
    return {pid for pid in found if "launcher.py" in Path(f"/proc/{pid}/cmdline").read_text()}


def touches_nothing(workspace: Workspace) -> None:
    """`pulumi up` changes no object, no VM and no process, even with a look at the cloud before."""
    vms, processes = machines(workspace), flower_processes(workspace)
    done = workspace.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes", "--refresh")
    assert done.returncode == 0, done.stdout + done.stderr
    assert machines(workspace) == vms
    assert flower_processes(workspace) == processes


@contextmanager
def training(workspace: Workspace) -> Iterator[None]:
    """A run that would take long; it ends with the block."""
    command = [str(BIN / "fedstack"), "train", "examples/digits", "--set", "num-server-rounds=500"]
    environment = {**workspace.environment, **workspace.settings()}
    process = subprocess.Popen(
        command, cwd=workspace.root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout
    assert process.stdout.readline().startswith("round 1")
    yield
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)


def test_status_says_until_when_the_certificates_are_valid(workspace: Workspace) -> None:
    shown = json.loads(workspace.fedstack("status", "--json").stdout)
    assert [(each["name"], each["days_left"]) for each in shown["certificates"]] == [
        ("server certificate", 364),
        ("CA", 364),
    ]
    assert shown["warnings"] == []
    assert re.search(r"certificates: server certificate until 20\d\d-", workspace.fedstack("status").stdout)


def test_a_rotation_that_is_killed_goes_on_and_is_followed(workspace: Workspace) -> None:
    old, old_facts, vms = connection(workspace), superlink_facts(workspace), machines(workspace)
    command = [str(BIN / "fedstack"), "rotate-certs"]
    first = subprocess.Popen(
        command, cwd=workspace.root, env={**workspace.environment, **workspace.settings()}, stderr=subprocess.PIPE
    )
    request = wait_for(lambda: superlink_facts(workspace).get("FL_ROTATE"), 60, "the request", 0.05)
    first.kill()
    first.communicate()
    answer = json.loads(rotate(workspace, "--json"))
    assert (answer["id"], answer["outcome"]) == (request, "done")
    assert answer["text"].startswith("2 of 2 SuperNodes moved to the new CA in ")
    new, facts = connection(workspace), superlink_facts(workspace)
    assert new.ca_pem != old.ca_pem
    assert base64.b64decode(facts["FL_CA_CERT"]).decode() == new.ca_pem
    assert facts["FL_READY"] == facts["READY"] == "YES"
    assert facts["FL_REGISTERED"] == old_facts["FL_REGISTERED"], "the SuperNodes kept their keys"
    assert machines(workspace) == vms
    probe(new)
    with pytest.raises(TrainingError, match="not valid for this CA"):
        probe(old)


def test_an_up_afterwards_touches_nothing_and_the_next_run_succeeds(workspace: Workspace) -> None:
    touches_nothing(workspace)
    done = workspace.fedstack("train", "examples/digits", *ONE_ROUND)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("rounds=1 supernodes=2")


def configure(workspace: Workspace, certificates: dict[str, str]) -> None:
    """Puts a triple into the stack's configuration."""
    file = workspace.root / "Pulumi.dev.yaml"
    config: dict[str, Any] = yaml.safe_load(file.read_text())
    config["config"]["fedstack:federation"]["tls"] = {
        "caCertificate": certificates["FL_SSL_CA_CERTFILE"],
        "certificate": certificates["FL_SSL_CERTFILE"],
        "privateKey": certificates["FL_SSL_KEYFILE"],
    }
    file.write_text(yaml.safe_dump(config))


@pytest.fixture(scope="module")
def own(workspace: Workspace) -> dict[str, str]:
    """A triple of an operator for the SuperLink."""
    authority = Authority.create()
    return triple(authority, authority.server(connection(workspace).endpoint()[0]))


def test_certificates_of_the_configuration_touch_no_vm_by_themselves(workspace: Workspace, own: dict[str, str]) -> None:
    vms, processes = machines(workspace), flower_processes(workspace)
    configure(workspace, own)
    done = workspace.pulumi("up", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "replaced" not in done.stdout
    assert (machines(workspace), flower_processes(workspace)) == (vms, processes)
    assert own["FL_SSL_KEYFILE"] not in done.stdout


def test_a_run_is_not_ended_unless_that_is_forced(workspace: Workspace, own: dict[str, str]) -> None:
    old, shown = connection(workspace), served(connection(workspace).address)
    with training(workspace):
        refused = workspace.fedstack("rotate-certs")
        assert refused.returncode == 1
        assert re.search(r"refused: run \d+ is active; --force ends it", refused.stderr), refused.stderr
        assert served(old.address) == shown
        rotate(workspace, "--force")
    new = connection(workspace)
    assert new.ca_pem == base64.b64decode(own["FL_SSL_CA_CERTFILE"]).decode()
    assert served(new.address) == x509.load_pem_x509_certificate(base64.b64decode(own["FL_SSL_CERTFILE"]))
    probe(new)
    with pytest.raises(TrainingError, match="not valid for this CA"):
        probe(old)
    done = workspace.pulumi("preview", "--expect-no-changes", "--refresh")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_supernode_that_comes_later_has_the_new_ca(workspace: Workspace, own: dict[str, str]) -> None:
    """It is ready only once it is connected."""
    scaled = workspace.fedstack("scale", "3")
    assert scaled.returncode == 0, scaled.stdout + scaled.stderr
    folder = Path(workspace.cloud["state_dir"]) / "vms"
    authorities = [(folder / f"{vm_id}/root/opt/flower/certs/ca.crt").read_bytes() for vm_id in machines(workspace)]
    assert authorities == [base64.b64decode(own["FL_SSL_CA_CERTFILE"])] * 4


def test_certificates_that_end_soon_are_warned_of(workspace: Workspace) -> None:
    assert json.loads(workspace.fedstack("status", "--json").stdout)["warnings"]
    assert "the server certificate expires in 0 days" in workspace.fedstack("status").stdout


def test_certificates_that_cannot_work_change_nothing(workspace: Workspace, own: dict[str, str]) -> None:
    before = served(connection(workspace).address)
    other = Authority.create("Another CA")
    configure(workspace, {**own, "FL_SSL_CA_CERTFILE": other.pem})
    assert workspace.pulumi("up", "--yes", "--skip-preview").returncode == 0
    refused = workspace.fedstack("rotate-certs")
    assert refused.returncode == 2
    assert "server.pem is not signed by ca.crt" in refused.stderr
    assert served(connection(workspace).address) == before
