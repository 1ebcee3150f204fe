"""Scripted faults: each kind, each way to select, over restarts; by Python and by the command line."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pyone
import pytest

from fedstack.localcloud import control
from fedstack.localcloud.admin import client

RUNNING, POWEROFF, UNKNOWN, BOOT_FAILURE, BOOT = (3, 3), (8, 0), (3, 16), (3, 36), (3, 2)
GATED = {"ready_status_gate": True}


@pytest.fixture
def add(cloud: Any) -> Any:
    """Adds a fault to the shared cloud; all are cleared afterwards."""
    yield lambda kind, **values: client.add_fault(cloud.options.state_dir, kind, **values)
    client.clear_faults(cloud.options.state_dir)


def start(cloud: Any, name: str) -> int:
    """A VM; its id."""
    vm_id: int = cloud.one.template.instantiate(cloud.template(), name)
    return vm_id


def states(cloud: Any, service_id: int) -> list[int]:
    """States of a service and its roles."""
    body = cloud.service(service_id)
    return [body["state"], *(role["state"] for role in body["roles"])]


def passed(cloud: Any, vm_id: int) -> list[str]:
    """Where a VM has been, in order."""
    found = client.events(cloud.options.state_dir, last=10_000)
    return [one["to"] for one in found if (one["object"], one["id"]) == ("vm", vm_id)]


def test_boot_failure_by_name_strikes_so_often(cloud: Any, add: Any, until: Callable[..., Any]) -> None:
    fault = add("boot-failure", name="unlucky-*", times=2)
    well, ill = start(cloud, "lucky-1"), start(cloud, "unlucky-1")
    until(lambda: cloud.place(ill) == BOOT_FAILURE, "boot failure")
    assert cloud.one.vm.info(ill).USER_TEMPLATE["ERROR"] == f"fault {fault['id']}: boot-failure"
    until(lambda: cloud.place(well) == RUNNING, "running")
    for _ in range(2):
        cloud.one.vm.recover(ill, 2)
    until(lambda: cloud.place(ill) in (RUNNING, BOOT_FAILURE), "the second boot")
    if cloud.place(ill) == BOOT_FAILURE:
        cloud.one.vm.recover(ill, 2)
    until(lambda: cloud.place(ill) == RUNNING, "running")
    assert (client.faults(cloud.options.state_dir)[0]["left"], passed(cloud, ill).count("BOOT_FAILURE")) == (0, 2)


def test_slow_boot_delays_nobody_else(cloud: Any, add: Any, until: Callable[..., Any]) -> None:
    add("slow-boot", nth=1, seconds=1.5)
    began = time.monotonic()
    slow, quick = start(cloud, "slow"), start(cloud, "quick")
    until(lambda: cloud.place(quick) == RUNNING, "running")
    assert cloud.place(slow) == BOOT
    until(lambda: cloud.place(slow) == RUNNING, "running")
    assert time.monotonic() - began >= 1.5


def test_never_ready_by_role(cloud: Any, add: Any, until: Callable[..., Any]) -> None:
    add("never-ready", role="child", nth=2)
    service_id = cloud.deploy(cloud.template(), **GATED)
    children = until(lambda: cloud.service(service_id)["roles"][1].get("nodes"), "children")
    vms = [node["deploy_id"] for node in children]
    until(lambda: all(cloud.place(vm_id) == RUNNING for vm_id in vms), "running")
    until(lambda: "READY" in cloud.one.vm.info(vms[0]).USER_TEMPLATE, "the first one's report")
    assert "READY" not in cloud.one.vm.info(vms[1]).USER_TEMPLATE
    assert states(cloud, service_id) == [1, 2, 1]
    cloud.act(f"service/{service_id}", "recover", delete=True)


def test_power_off_after_ready(cloud: Any, add: Any, until: Callable[..., Any]) -> None:
    add("power-off", role="parent", seconds=0.5)
    service_id = cloud.deploy(cloud.template(), **GATED)
    until(lambda: states(cloud, service_id)[0] == 4, "WARNING")
    vm_id = cloud.service(service_id)["roles"][0]["nodes"][0]["deploy_id"]
    assert cloud.place(vm_id) == POWEROFF
    assert cloud.one.vm.info(vm_id).USER_TEMPLATE["READY"] == "YES"
    cloud.one.vm.action("resume", vm_id)
    until(lambda: states(cloud, service_id) == [2, 2, 2], "RUNNING again")


def test_lost_monitoring_of_a_vm_that_runs(cloud: Any, add: Any, until: Callable[..., Any]) -> None:
    vm_id = start(cloud, "watched")
    until(lambda: "READY" in cloud.one.vm.info(vm_id).USER_TEMPLATE, "report")
    add("lost-monitoring", vm=vm_id, seconds=0.5)
    until(lambda: cloud.place(vm_id) == UNKNOWN, "unknown")
    until(lambda: cloud.place(vm_id) == RUNNING, "found again")
    add("lost-monitoring", vm=vm_id, seconds=3600)
    until(lambda: cloud.place(vm_id) == UNKNOWN, "unknown")
    client.clear_faults(cloud.options.state_dir)
    until(lambda: cloud.place(vm_id) == RUNNING, "found again when cleared")


def test_deploy_error_on_the_nth_vm_of_a_role(cloud: Any, add: Any, until: Callable[..., Any]) -> None:
    fault = add("deploy-error", role="child", nth=3)
    service_id = cloud.deploy(cloud.template(), children=5)
    until(lambda: states(cloud, service_id)[0] == 7, "FAILED_DEPLOYING")
    body = cloud.service(service_id)
    assert len(body["roles"][1]["nodes"]) == 2
    assert any(f"fault {fault['id']}: deploy-error" in line["message"] for line in body["log"])
    cloud.act(f"service/{service_id}", "recover")
    until(lambda: states(cloud, service_id) == [2, 2, 2], "RUNNING after recover")


def test_deploy_error_of_a_single_vm_strikes_once(cloud: Any, add: Any) -> None:
    add("deploy-error", name="first")
    template_id = cloud.template()
    with pytest.raises(pyone.OneException, match="deploy-error"):
        cloud.one.template.instantiate(template_id, "first")
    assert cloud.one.template.instantiate(template_id, "first") >= 0
    assert client.faults(cloud.options.state_dir)[0]["struck"] == 1


def test_faults_survive_a_kill(new_cloud: Any, until: Callable[..., Any]) -> None:
    cloud = new_cloud()
    directory = cloud.options.state_dir
    for kind, name, seconds in (
        ("slow-boot", "slow", 2.0),
        ("power-off", "brief", 1.0),
        ("lost-monitoring", "lost", 1.0),
        ("never-ready", "mute", None),
        ("boot-failure", "later", None),
    ):
        client.add_fault(directory, kind, name=name, seconds=seconds)
    slow, brief, lost, mute = (start(cloud, name) for name in ("slow", "brief", "lost", "mute"))
    until(lambda: cloud.place(lost) == UNKNOWN, "unknown")
    until(lambda: cloud.place(mute) == RUNNING, "running")
    began = time.monotonic()
    cloud.kill()
    cloud.restart()
    later = start(cloud, "later")
    until(lambda: cloud.place(later) == BOOT_FAILURE, "boot failure")
    until(lambda: cloud.place(brief) == POWEROFF, "off")
    until(lambda: cloud.place(lost) == RUNNING, "found")
    until(lambda: cloud.place(slow) == RUNNING, "running")
    assert time.monotonic() - began < 20
    assert "READY" not in cloud.one.vm.info(mute).USER_TEMPLATE
    assert [one["struck"] for one in client.faults(directory)] == [1, 1, 1, 1, 1]


def test_refusals(cloud: Any, add: Any, tmp_path: Any) -> None:
    with pytest.raises(control.CloudError, match="VM 99999 does not exist"):
        add("power-off", vm=99999)
    with pytest.raises(control.CloudError, match="expected one of boot-failure"):
        add("explode")
    with pytest.raises(control.CloudError, match="fault 99999 does not exist"):
        client.clear_faults(cloud.options.state_dir, 99999)
    with pytest.raises(control.CloudError, match="no local cloud runs in"):
        client.faults(tmp_path)
    assert client.faults(cloud.options.state_dir) == []
    assert json.dumps(client.overview(cloud.options.state_dir))
