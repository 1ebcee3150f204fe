"""Real machines: processes on addresses of the cloud's own block."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from fedstack import processes
from fedstack.localcloud import control


@pytest.fixture
def machine(host: Any, until: Any) -> tuple[Any, int]:
    """A cloud with a diskless VM that runs."""
    cloud = host
    vm_id = cloud.one.template.instantiate(cloud.template(context='TOKEN="YES",NETWORK="YES"'), "vm", False, "", False)
    until(lambda: cloud.place(vm_id) == (3, 3), "running")
    return cloud, vm_id


def identity(cloud: Any, vm_id: int) -> int:
    """The pid of a VM's first process."""
    found = json.loads((Path(cloud.status["state_dir"]) / "vms" / str(vm_id) / "guest.json").read_text())
    return int(found["pid"])


def lives(pid: int) -> bool:
    """Whether the process runs; one that nobody has waited for yet does not."""
    return processes.start_time(pid) is not None


def test_a_machine_that_dies_is_off_and_comes_back(machine: Any, until: Any) -> None:
    cloud, vm_id = machine
    os.killpg(identity(cloud, vm_id), signal.SIGKILL)
    until(lambda: cloud.place(vm_id) == (8, 0), "powered off")
    cloud.one.vm.action("resume", vm_id)
    until(lambda: cloud.place(vm_id) == (3, 3), "running again")


def test_machines_outlive_the_cloud(machine: Any, until: Any) -> None:
    cloud, vm_id = machine
    first = identity(cloud, vm_id)
    cloud.kill()
    assert lives(first)
    cloud.restart()
    assert (cloud.place(vm_id), identity(cloud, vm_id)) == ((3, 3), first)
    cloud.one.vm.action("terminate", vm_id)
    until(lambda: cloud.place(vm_id) == (6, 0), "done")
    assert not lives(first)


def test_a_machine_that_died_with_the_cloud_is_off(machine: Any) -> None:
    cloud, vm_id = machine
    first = identity(cloud, vm_id)
    cloud.kill()
    os.killpg(first, signal.SIGKILL)
    cloud.restart()
    assert cloud.place(vm_id) == (8, 0)


def test_stop_with_destroy_ends_processes(machine: Any) -> None:
    cloud, vm_id = machine
    first = identity(cloud, vm_id)
    control.stop(cloud.options.state_dir, destroy_vms=True)
    assert not lives(first)
    cloud.restart()
    assert cloud.place(vm_id) == (6, 0)


def test_recreate_wipes_the_directory(machine: Any, until: Any) -> None:
    cloud, vm_id = machine
    mine = Path(cloud.status["state_dir"]) / "vms" / str(vm_id) / "mine"
    mine.write_text("x")
    cloud.one.vm.recover(vm_id, 4)
    until(lambda: cloud.place(vm_id) == (3, 3) and not mine.exists(), "new directory")


def test_an_image_that_cannot_be_built_says_why(host: Any, until: Any, tmp_path: Path) -> None:
    image_id = host.one.image.allocate(f'NAME="broken"\nTYPE="OS"\nPATH="{tmp_path / "nothing"}"', 1)
    until(lambda: host.one.image.info(image_id).STATE == 5, "image in error")
    assert "nothing" in host.one.image.info(image_id).TEMPLATE["ERROR"]
    host.one.image.delete(image_id)
