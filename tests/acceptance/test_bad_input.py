"""What people get wrong: each ends with one message that names the cause and leaves a state that can be destroyed."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.workspace import Workspace, processes_with


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A cloud whose guests never report READY."""
    space = Workspace.create(tmp_path_factory.mktemp("bad-input"))
    space.start_cloud("--hypervisor", "simulated", "--guest-reports", "off", "--boot-time", "0")
    space.create_stack()
    yield space
    space.stop_cloud()


def configure(workspace: Workspace, **changes: Any) -> None:
    file = workspace.root / "Pulumi.dev.yaml"
    config = yaml.safe_load(file.read_text())
    config["config"]["fedstack:federation"] |= changes
    file.write_text(yaml.safe_dump(config))


def refused(workspace: Workspace, *command: str, **extra: str) -> str:
    done = workspace.pulumi(*command, **extra)
    text = done.stdout + done.stderr
    assert done.returncode != 0, text
    assert "Traceback" not in text
    return text


def test_wrong_config_keys_name_path_value_and_neighbour(workspace: Workspace) -> None:
    before = (workspace.root / "Pulumi.dev.yaml").read_text()
    configure(workspace, supernode={"count": 2}, training={"rounds": "many"})
    text = refused(workspace, "preview")
    (workspace.root / "Pulumi.dev.yaml").write_text(before)
    assert "supernode" in text and "supernodes" in text
    assert "training.rounds" in text and "many" in text


def test_wrong_password(workspace: Workspace) -> None:
    text = refused(workspace, "preview", ONE_AUTH="oneadmin:wrong")
    assert "ONE_AUTH" in text or "password" in text
    assert "oneadmin:wrong" not in text


def test_cloud_that_does_not_answer(workspace: Workspace) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/RPC2"
        text = refused(workspace, "preview", ONE_XMLRPC=address)
    assert address in text


def test_port_taken(workspace: Workspace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        state = str(workspace.root / "other-cloud")
        done = workspace.fedstack("cloud", "start", "--state-dir", state, "--rpc-port", port)
    assert done.returncode == 1
    assert port in done.stderr and "--rpc-port" in done.stderr
    assert "Traceback" not in done.stderr


def test_superlink_that_is_never_ready_can_be_destroyed(workspace: Workspace) -> None:
    configure(workspace, readyDeadline=3)
    text = refused(workspace, "up", "--yes", "--skip-preview")
    assert "superlink" in text and "3" in text
    assert len(workspace.vms()) == 1
    again = refused(workspace, "up", "--yes", "--skip-preview")
    assert "superlink" in again
    destroyed = workspace.pulumi("destroy", "--yes", "--skip-preview")
    assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
    assert workspace.vms() == []
    assert workspace.flow("service")["DOCUMENT_POOL"] == {}


def test_image_that_does_not_build(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "clone")
    recipe = workspace.root / "images/broken"
    shutil.copytree(workspace.root / "images/flower-sklearn", recipe)
    (recipe / "requirements.txt").write_text("flwr==1.36.0 --hash=sha256:" + "0" * 64 + "\n")
    configure(workspace, image={"path": "images/broken"})
    workspace.start_cloud()
    try:
        workspace.create_stack()
        text = refused(workspace, "up", "--yes", "--skip-preview")
        assert "state ERROR" in text and "Hash-checking is required" in text, text
        destroyed = workspace.pulumi("destroy", "--yes", "--skip-preview")
        assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
        assert workspace.vms() == []
    finally:
        workspace.stop_cloud()
    assert processes_with(str(workspace.root)) == []
