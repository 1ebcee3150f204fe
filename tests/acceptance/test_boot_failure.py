"""A SuperNode that dies while it boots: `up` says so and heals it."""

import json
import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from support.waiting import wait_for
from support.workspace import Workspace, processes_with


def guest(workspace: Workspace, vm_id: int) -> int | None:
    """The first process of a VM, once it is up."""
    identity = Path(workspace.cloud["state_dir"]) / f"vms/{vm_id}/guest.json"
    return int(json.loads(identity.read_text())["pid"]) if identity.exists() else None


def supernode(workspace: Workspace) -> int | None:
    """The id of a SuperNode VM, once there is one."""
    return next((vm.ID for vm in workspace.vms() if vm.NAME.startswith("supernode")), None)


def test_supernode_killed_during_its_boot(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "clone")
    workspace.start_cloud()
    try:
        workspace.create_stack()
        with ThreadPoolExecutor() as pool:
            first = pool.submit(workspace.pulumi, "up", "--yes", "--skip-preview")
            vm_id = wait_for(lambda: supernode(workspace), 120, "a SuperNode VM")
            os.killpg(wait_for(lambda: guest(workspace, vm_id), 30, "its first process"), signal.SIGKILL)
            healed = first.result()
        text = healed.stdout + healed.stderr
        assert healed.returncode == 0, text
        assert "warning: service " in text, text
        assert re.search(r"WARNING: supernode_\d_\(service_\d+\) is POWEROFF", text), text
        assert "Traceback" not in text
        assert workspace.outputs()["nodeCount"] == 2
        destroyed = workspace.pulumi("destroy", "--yes", "--skip-preview")
        assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
        assert workspace.vms() == []
    finally:
        workspace.stop_cloud()
    assert processes_with(str(workspace.root)) == []
