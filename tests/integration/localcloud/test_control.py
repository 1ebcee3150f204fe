"""Starting and stopping: one cloud a directory, any number a machine, one message for what goes wrong."""

from __future__ import annotations

import json
import socket
import stat
from pathlib import Path
from typing import Any

import pyone
import pytest

from fedstack.localcloud import control


def urls(status: Any) -> list[str]:
    """Where a cloud answers."""
    return [status[key] for key in ("rpc", "flow", "gate")]


def test_start_stop_and_start_again(new_cloud: Any) -> None:
    cloud = new_cloud()
    before, directory = cloud.status, cloud.options.state_dir
    assert before["running"]
    assert before["rpc"].endswith("/RPC2")
    assert control.status(directory) == before
    assert control.start(cloud.options) == before
    control.stop(directory, destroy_vms=False)
    after = control.status(directory)
    assert (after["running"], after["pid"], after["rpc"]) == (False, 0, "")
    control.stop(directory, destroy_vms=False)
    cloud.restart()
    assert urls(cloud.status) == urls(before)


def test_a_taken_port_is_named(new_cloud: Any, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(control.CloudError, match=f"port {port} .* --flow-port"):
            new_cloud(flow_port=port)
    assert not control.status(tmp_path / "cloud")["running"]


def test_a_directory_that_cannot_be_made_is_named(new_cloud: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(control.CloudError, match="file/cloud"):
        new_cloud("file/cloud")


def test_two_clouds_side_by_side(new_cloud: Any, until: Any) -> None:
    first, second = new_cloud("a"), new_cloud("b")
    assert first.status["pid"] != second.status["pid"]
    addresses = []
    for cloud in (first, second):
        vm_id = cloud.one.template.instantiate(cloud.template(), "only", False, "", False)
        until(lambda c=cloud, v=vm_id: c.place(v) == (3, 3), "running")
        addresses.append(cloud.one.vm.info(vm_id).TEMPLATE["NIC"]["IP"])
    blocks = {address.split(".")[1] for address in addresses}
    assert all(address.startswith("127.") for address in addresses)
    assert len(blocks) == 2
    with pytest.raises(pyone.OneAuthenticationException):
        pyone.OneServer(first.status["rpc"], session=second.auth).system.version()


def test_secrets_are_private_and_hashed(cloud: Any) -> None:
    directory = Path(cloud.status["state_dir"])
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    for name in ("one_auth", "cloud.db", "cloud.json", "cloud.log"):
        assert stat.S_IMODE((directory / name).stat().st_mode) == 0o600, name
    secret = cloud.auth.split(":")[1].encode()
    for file in filter(Path.is_file, directory.iterdir()):
        assert file.name == "one_auth" or secret not in file.read_bytes(), file.name


def test_another_hypervisor_cannot_take_over(new_cloud: Any) -> None:
    cloud = new_cloud()
    cloud.one.template.instantiate(cloud.template(), "vm", True, "", False)
    control.stop(cloud.options.state_dir, destroy_vms=False)
    with pytest.raises(control.CloudError, match="--hypervisor simulated"):
        new_cloud(hypervisor="process")


def test_stop_with_destroy_leaves_no_machine(new_cloud: Any, until: Any) -> None:
    cloud = new_cloud()
    service_id = cloud.deploy(cloud.template())
    until(lambda: cloud.service(service_id)["state"] == 2, "running")
    assert control.status(cloud.options.state_dir)["vms"] == 3
    control.stop(cloud.options.state_dir, destroy_vms=True)
    after = control.status(cloud.options.state_dir)
    assert (after["vms"], after["services"]) == (0, 0)


def test_a_killed_cloud_is_not_running(cloud: Any) -> None:
    written = json.loads((cloud.options.state_dir / "cloud.json").read_text())
    assert urls(written) == urls(cloud.status)
    assert written["pid"] == cloud.status["pid"]
    cloud.kill()
    assert not control.status(cloud.options.state_dir)["running"]
    control.stop(cloud.options.state_dir, destroy_vms=True)
    cloud.restart()
    assert cloud.one.system.version()
