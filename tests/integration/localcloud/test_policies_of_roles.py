"""Elasticity and scheduled policies on a cloud whose autoscaler looks often."""

from __future__ import annotations

from typing import Any

import pytest

LIMITS = {"min_vms": 1, "max_vms": 3, "cooldown": 0}


@pytest.fixture(scope="module")
def scaler(tmp_path_factory: pytest.TempPathFactory, make_cloud: Any) -> Any:
    """A cloud that looks every 0.1 s."""
    return make_cloud(tmp_path_factory.mktemp("scaler"), autoscaler_interval=0.1)


def deploy(cloud: Any, until: Any, **policies: Any) -> int:
    """A service of one role with policies that runs."""
    role = {"name": "web", "type": "vm", "template_id": cloud.template(), "cardinality": 1, **LIMITS, **policies}
    reply = cloud.flow("POST", "service_template", {"name": "s", "deployment": "straight", "roles": [role]})
    template_id = reply.json()["DOCUMENT"]["ID"]
    service_id = int(cloud.act(f"service_template/{template_id}", "instantiate").json()["DOCUMENT"]["ID"])
    until(lambda: cloud.service(service_id)["state"] == 2, "running")
    return service_id


def count(cloud: Any, service_id: int) -> int:
    """Cardinality of the role while the service runs, else -1."""
    body = cloud.service(service_id)
    return int(body["roles"][0]["cardinality"]) if body["state"] == 2 else -1


def test_an_attribute_of_guests_scales_up_and_down(scaler: Any, until: Any) -> None:
    up = {"type": "CHANGE", "adjust": 1, "expression": "LOAD > 5"}
    down = {"type": "CARDINALITY", "adjust": 1, "expression": "LOAD < 1 & LOAD > -1"}
    service_id = deploy(scaler, until, elasticity_policies=[up, down])
    first = scaler.service(service_id)["roles"][0]["nodes"][0]["deploy_id"]
    scaler.one.vm.update(first, 'LOAD="9"', 1)
    until(lambda: count(scaler, service_id) == 3, "three nodes")
    policy = scaler.service(service_id)["roles"][0]["elasticity_policies"][0]
    assert policy["last_eval"] > 0
    scaler.one.vm.update(first, 'LOAD="0"', 1)
    until(lambda: count(scaler, service_id) == 1, "one node")


def test_a_time_scales_once(scaler: Any, until: Any) -> None:
    later = str(scaler.service(deploy(scaler, until))["start_time"] + 2)
    policy = {"type": "CARDINALITY", "adjust": 2, "start_time": later}
    service_id = deploy(scaler, until, scheduled_policies=[policy])
    until(lambda: count(scaler, service_id) == 2, "two nodes")


def test_a_role_below_its_least_is_filled_up(scaler: Any, until: Any) -> None:
    service_id = deploy(scaler, until)
    (vm_id,) = [node["deploy_id"] for node in scaler.service(service_id)["roles"][0]["nodes"]]
    scaler.one.vm.action("terminate-hard", vm_id)
    until(lambda: count(scaler, service_id) == 1 and scaler.place(vm_id) == (6, 0), "a new node")
