"""kill -9 at any moment: what was acknowledged is there, what was begun goes on, nothing is given twice."""

from __future__ import annotations

from typing import Any

from fedstack.localcloud import control


def test_a_running_service_survives(cloud: Any, until: Any) -> None:
    service_id = cloud.deploy(cloud.template())
    until(lambda: cloud.service(service_id)["state"] == 2, "running")
    before = cloud.service(service_id)
    cloud.kill()
    cloud.restart()
    assert cloud.service(service_id) == before
    assert {cloud.place(node["deploy_id"]) for role in before["roles"] for node in role["nodes"]} == {(3, 3)}


def test_a_deployment_goes_on(cloud: Any, until: Any) -> None:
    service_id = cloud.deploy(cloud.template(), 30, ready_status_gate=True)
    until(lambda: len(cloud.service(service_id)["roles"][1]["nodes"]) > 0, "children")
    cloud.kill()
    cloud.restart()
    body = until(lambda: (lambda b: b if b["state"] == 2 else None)(cloud.service(service_id)), "running")
    assert [len(role["nodes"]) for role in body["roles"]] == [1, 30]


def test_a_cooldown_ends_after_a_restart(cloud: Any, until: Any) -> None:
    service_id = cloud.deploy(cloud.template())
    until(lambda: cloud.service(service_id)["state"] == 2, "running")
    cloud.flow("POST", f"service/{service_id}/scale", {"role_name": "child", "cardinality": 3})
    until(lambda: cloud.service(service_id)["state"] == 10, "cooling")
    cloud.kill()
    cloud.restart()
    until(lambda: cloud.service(service_id)["state"] == 2, "running again")


def test_a_deletion_goes_on(cloud: Any, until: Any) -> None:
    service_id = cloud.deploy(cloud.template(), 120)
    until(lambda: cloud.service(service_id)["state"] == 2, "running")
    before = control.status(cloud.options.state_dir)["vms"]
    leases = cloud.one.vnpool.info(-2, -1, -1).VNET[0].USED_LEASES
    assert cloud.flow("DELETE", f"service/{service_id}").status_code == 204
    cloud.kill()
    cloud.restart()
    until(lambda: cloud.flow("GET", f"service/{service_id}").status_code == 404, "gone")
    assert control.status(cloud.options.state_dir)["vms"] == before - 121
    assert leases - 121 == cloud.one.vnpool.info(-2, -1, -1).VNET[0].USED_LEASES
