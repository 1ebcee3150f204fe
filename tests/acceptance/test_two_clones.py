"""Two clones with their own clouds deploy at the same time on one machine and do not touch each other."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from support.workspace import Workspace, processes_with


def deploy(workspace: Workspace) -> dict[str, object]:
    workspace.start_cloud()
    workspace.create_stack()
    done = workspace.pulumi("up", "--yes", "--skip-preview", "--policy-pack", "policies")
    assert done.returncode == 0, done.stdout + done.stderr
    return workspace.outputs()


def addresses(workspace: Workspace) -> set[str]:
    return {vm.TEMPLATE["NIC"]["IP"] for vm in workspace.vms()}


def test_two_clones_at_the_same_time(tmp_path: Path) -> None:
    first, second = (Workspace.create(tmp_path / name) for name in ("first", "second"))
    try:
        with ThreadPoolExecutor() as pool:
            one, other = pool.map(deploy, (first, second))
        assert one["nodeCount"] == other["nodeCount"] == 2
        assert one["caCertificate"] != other["caCertificate"]
        assert len(addresses(first)) == len(addresses(second)) == 3
        assert not addresses(first) & addresses(second)
        assert not {vm.NAME for vm in first.vms() if vm.STATE != 3}
        destroyed = first.pulumi("destroy", "--yes", "--skip-preview")
        assert destroyed.returncode == 0, destroyed.stderr
        assert first.vms() == []
        assert len(second.vms()) == 3
    finally:
        first.stop_cloud()
        second.stop_cloud()
    assert processes_with(str(tmp_path)) == []
