"""One federation, from `pulumi up` to `pulumi destroy`, by the real command lines; the tests build on each other."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from support.waiting import wait_for
from support.workspace import Workspace, processes_with

PACK = ("--policy-pack", "policies")


class Watcher:
    """Looks at the cloud all the time: in which order VMs came and went, and what the service's states were."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.seen: list[dict[str, dict[str, str]]] = []
        self._stop = Event()
        self._thread = Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Watcher":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.1):
            vms = self.workspace.vms()
            self.seen.append({vm.NAME: dict(vm.USER_TEMPLATE or {}) for vm in vms})


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    space = Workspace.create(tmp_path_factory.mktemp("federation"))
    space.start_cloud()
    yield space
    space.stop_cloud()
    assert processes_with(str(space.root)) == []


def service(workspace: Workspace) -> dict[str, Any]:
    pool = workspace.flow("service")["DOCUMENT_POOL"].get("DOCUMENT", [])
    assert len(pool) == 1
    body: dict[str, Any] = pool[0]["TEMPLATE"]["BODY"]
    return body


def up(workspace: Workspace, *options: str) -> subprocess.CompletedProcess[str]:
    done = workspace.pulumi("up", "--yes", "--skip-preview", *PACK, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def preview(workspace: Workspace, *options: str) -> str:
    done = workspace.pulumi("preview", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def train(workspace: Workspace, *settings: str) -> str:
    options = [word for setting in settings for word in ("--set", setting)]
    done = workspace.fedstack("train", "examples/digits", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip().splitlines()[-1]


def flower_process(workspace: Workspace, vm: Any, executable: str) -> int:
    """The id of a VM's Flower process of that name."""
    own = set(processes_with(f"{workspace.cloud['state_dir']}/vms/{vm.ID}/"))
    found = [pid for pid in own if executable in Path(f"/proc/{pid}/cmdline").read_text()]
    assert found, f"no {executable} in VM {vm.ID}"
    return min(found)


def is_running(process: int) -> bool:
    return Path(f"/proc/{process}").exists()


def test_up_creates_supernodes_only_after_the_superlink_published(workspace: Workspace) -> None:
    workspace.create_stack()
    with Watcher(workspace) as watcher:
        done = up(workspace)
    assert re.search(r"superlink READY 1/1", done.stdout), done.stdout
    assert re.search(r"supernode \d/2", done.stdout), done.stdout
    with_nodes = [vms for vms in watcher.seen if any(name.startswith("supernode") for name in vms)]
    assert with_nodes
    for vms in with_nodes:
        superlink = next(facts for name, facts in vms.items() if name.startswith("superlink"))
        assert superlink["FL_READY"] == "YES"
        assert {"FL_ENDPOINT", "FL_CA_CERT", "FL_TLS"} <= superlink.keys()
    outputs = workspace.outputs()
    assert outputs["nodeCount"] == 2
    assert outputs["fleetEndpoint"].endswith(":9092")
    assert outputs["caCertificate"].startswith("-----BEGIN CERTIFICATE-----")
    assert outputs["variables"]["FL_TLS_ENABLED"] == "YES"


def test_training_reaches_the_accuracy(workspace: Workspace) -> None:
    last = train(workspace)
    found = re.fullmatch(r"accuracy=(0\.9\d\d|1\.000) rounds=3 supernodes=2", last)
    assert found, last
    runs = list((workspace.root / ".fedstack/runs").iterdir())
    assert len(runs) == 1
    assert len(json.loads((runs[0] / "metrics.json").read_text())["rounds"]) == 3
    assert (runs[0] / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_second_up_changes_nothing(workspace: Workspace) -> None:
    done = up(workspace)
    assert "unchanged" in done.stdout
    assert not re.search(r"\d+ (created|updated|replaced|deleted)", done.stdout), done.stdout


def test_scaling_is_one_update_in_place(workspace: Workspace) -> None:
    superlink = flower_process(workspace, workspace.vm_named("superlink"), "flower-superlink")
    before = {vm.ID for vm in workspace.vms()}
    workspace.edit_config(count=3, max=12)
    steps = json.loads(preview(workspace, "--json"))["changeSummary"]
    assert {key: count for key, count in steps.items() if key != "same"} == {"update": 2}, "template and service"
    up(workspace)
    assert is_running(superlink)
    assert before < {vm.ID for vm in workspace.vms()}
    assert flower_process(workspace, workspace.vm_named("superlink"), "flower-superlink") == superlink
    assert workspace.outputs()["nodeCount"] == 3
    last = train(workspace, "num-server-rounds=1", "min-available-clients=3", "min-fit-clients=3")
    assert last.endswith("supernodes=3"), last


def test_status_and_scale_speak_plainly(workspace: Workspace) -> None:
    shown = json.loads(workspace.fedstack("status", "--json").stdout)
    assert {role["name"]: len(role["nodes"]) for role in shown["roles"]} == {"superlink": 1, "supernode": 3}
    assert all(node["ready"] for role in shown["roles"] for node in role["nodes"])
    for arguments, cause in (
        (("2", "--role", "superlink"), "never scales"),
        (("99",), "at most"),
        (("1",), "at least"),
    ):
        refused = workspace.fedstack("scale", *arguments)
        assert refused.returncode == 2
        assert cause in refused.stderr
        assert "Traceback" not in refused.stderr


def test_flower_process_comes_back_and_a_killed_vm_is_healed(workspace: Workspace) -> None:
    first, second = sorted((vm for vm in workspace.vms() if vm.NAME.startswith("supernode")), key=lambda vm: vm.ID)[:2]
    killed = flower_process(workspace, first, "flower-supernode")
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: not is_running(killed), 10, "the process to end")
    assert "unchanged" in preview(workspace, "--refresh", "--expect-no-changes")

    folder = f"{workspace.cloud['state_dir']}/vms/{second.ID}"
    (vm_process,) = [pid for pid in processes_with(folder) if is_guest(pid, folder)]
    os.killpg(vm_process, signal.SIGKILL)
    wait_for(lambda: service(workspace)["state"] == 4, 15, "the service to be in WARNING")
    wait_for(lambda: not processes_with(f"{folder}/"), 15, "the VM to be gone")
    shown = preview(workspace, "--refresh", "--diff")
    assert re.search(r"~ opennebula:index:Service\b", shown), shown
    up(workspace, "--refresh")
    assert service(workspace)["state"] == 2
    last = train(workspace, "num-server-rounds=1", "min-available-clients=3", "min-fit-clients=3")
    assert last.endswith("supernodes=3"), last


def is_guest(process: int, folder: str) -> bool:
    """Whether the process is the VM's init: the leader of the VM's session."""
    command = Path(f"/proc/{process}/cmdline").read_text()
    return "fedstack.localcloud.guest" in command and command.rstrip("\0").endswith(folder)


def test_the_cloud_killed_and_started_again_is_the_same(workspace: Workspace) -> None:
    before = sorted((vm.ID, vm.NAME) for vm in workspace.vms())
    os.kill(workspace.cloud["pid"], signal.SIGKILL)
    wait_for(lambda: not is_running(workspace.cloud["pid"]), 10, "the cloud to be gone")
    assert workspace.fedstack("cloud", "status").returncode == 1
    rpc = workspace.cloud["rpc"]
    workspace.start_cloud()
    assert workspace.cloud["rpc"] == rpc
    assert sorted((vm.ID, vm.NAME) for vm in workspace.vms()) == before
    assert service(workspace)["state"] == 2
    preview(workspace, "--expect-no-changes")


def test_destroy_takes_the_supernodes_first_and_leaves_nothing(workspace: Workspace) -> None:
    superlink = workspace.vm_named("superlink")
    database = Path(workspace.cloud["state_dir"]) / f"vms/{superlink.ID}/root/opt/flower/state/state.db"
    assert database.exists()
    with Watcher(workspace) as watcher:
        done = workspace.pulumi("destroy", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    counts = [
        (sum(name.startswith("superlink") for name in vms), sum(name.startswith("supernode") for name in vms))
        for vms in watcher.seen
    ]
    assert (1, 0) in counts, counts
    assert all(links == 1 for links, nodes in counts if nodes), counts
    assert workspace.vms() == []
    assert workspace.flow("service")["DOCUMENT_POOL"] == {}
    assert processes_with(f"{workspace.cloud['state_dir']}/vms/") == []
    with sqlite3.connect(database) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_stopping_the_cloud_frees_the_ports(workspace: Workspace) -> None:
    assert workspace.stop_cloud().returncode == 0
    for name in ("rpc", "flow", "gate"):
        port = int(re.search(r":(\d+)", workspace.cloud[name].removeprefix("http")).group(1))  # type: ignore[union-attr]
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
    assert processes_with(str(workspace.root)) == []
