"""Services that run: bounds, policies, cooldowns and numbers in place, in whatever order the platform allows."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from provider_cloud import TestCloud
from provider_driver import Driver

from fedstack.localcloud.admin import client
from opennebula_provider.errors import InitFailedError, ProviderError

POLICY = {"type": "CHANGE", "adjust": 1, "expression": "LOAD > 5", "period": 9000}
OTHER = {"type": "CARDINALITY", "adjust": 2, "expression": "LOAD > 9", "period": 9000}
COOLDOWN = 10


@pytest.fixture(scope="module")
def template(cloud: TestCloud) -> Iterator[int]:
    machine, template = Driver(cloud, "VirtualMachineTemplate"), Driver(cloud, "ServiceTemplate")
    number = int(machine.create(name="node", cpu=0.1, memoryMb=64).id)
    role = {"templateId": number, "cardinality": 1, "minVms": 1, "maxVms": 3, "cooldown": 0}
    roles = [{**role, "name": "head"}, {**role, "name": "worker", "parents": ["head"], "elasticityPolicies": [POLICY]}]
    yield int(template.create(name="t", deployment="straight", roles=roles).id)
    template.delete()
    machine.delete()


@pytest.fixture
def service(cloud: TestCloud) -> Iterator[Driver]:
    one = Driver(cloud, "Service")
    yield one
    client.clear_faults(cloud.auth.parent)
    one.delete()
    assert cloud.machines() == []


def wish(template: int, **worker: Any) -> dict[str, Any]:
    """A service; `worker` is what it says about that role."""
    return {"name": "fed", "serviceTemplateId": template, "roles": [{"name": "worker", **worker}], "readyDeadline": 20}


def role(service: Driver, name: str = "worker") -> dict[str, Any]:
    """A role as the platform has it."""
    found = service.cloud.flow("GET", f"service/{service.id}").json()["DOCUMENT"]["TEMPLATE"]["BODY"]["roles"]
    return next(one for one in found if one["name"] == name)


def vms(service: Driver) -> set[str]:
    return {one["ID"] for one in service.cloud.machines()}


def test_policies_and_bounds_are_changed_on_the_running_service(template: int, service: Driver) -> None:
    service.create(**wish(template, minVms=1, maxVms=2, elasticityPolicies=[OTHER]))
    assert [one["expression"] for one in role(service)["elasticity_policies"]] == ["LOAD > 9"], (
        "not joined with another"
    )
    before = vms(service)
    timed = [{"type": "CHANGE", "adjust": 1, "startTime": "4102444800"}]
    wanted = wish(template, minVms=0, maxVms=5, elasticityPolicies=[POLICY, OTHER], scheduledPolicies=timed)
    wanted = {**wanted, "cooldown": 4, "labels": ["red"]}
    assert service.diff(**wanted).replaces == []
    service.update(**wanted)
    found = role(service)
    assert (found["min_vms"], found["max_vms"], found["cooldown"]) == (0, 5, 4)
    assert [one["expression"] for one in found["elasticity_policies"]] == ["LOAD > 5", "LOAD > 9"]
    assert found["scheduled_policies"] == [{"type": "CHANGE", "adjust": 1, "start_time": "4102444800"}]
    assert role(service, "head")["cooldown"] == 4
    assert vms(service) == before
    service.update(**wish(template, elasticityPolicies=[], scheduledPolicies=[]))
    assert not {"elasticity_policies", "scheduled_policies"} & role(service).keys()
    assert vms(service) == before


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"cardinality": 3, "minVms": 1, "maxVms": 3}, {"cardinality": 5, "minVms": 4, "maxVms": 6}),
        ({"cardinality": 3, "minVms": 3, "maxVms": 4}, {"cardinality": 1, "minVms": 0, "maxVms": 2}),
        ({"cardinality": 2, "minVms": 1, "maxVms": 3}, {"cardinality": 3, "minVms": 3, "maxVms": 3}),
    ],
)
def test_numbers_move_with_their_bounds(
    template: int, service: Driver, first: dict[str, int], second: dict[str, int]
) -> None:
    service.create(**wish(template, **first))
    service.update(**wish(template, **second))
    found = role(service)
    assert {"cardinality": found["cardinality"], "minVms": found["min_vms"], "maxVms": found["max_vms"]} == second
    service.refresh()
    assert service.diff(**wish(template, **second)).changes == {}


def test_bounds_move_the_number_of_a_role_that_declares_none(template: int, service: Driver) -> None:
    service.create(**wish(template, minVms=1, maxVms=3))
    service.update(**wish(template, minVms=2, maxVms=3))
    assert role(service)["cardinality"] == 2


def test_several_roles_in_one_update_parents_grow_first_and_shrink_last(template: int, service: Driver) -> None:
    def both(head: int, worker: int) -> dict[str, Any]:
        roles = [{"name": "worker", "cardinality": worker}, {"name": "head", "cardinality": head}]
        return {"name": "fed", "serviceTemplateId": template, "roles": roles}

    service.create(**both(1, 1))
    known = int(service.cloud.machines()[-1]["ID"])
    service.update(**both(2, 2))
    made = [one["NAME"].split("_")[0] for one in service.cloud.machines() if int(one["ID"]) > known]
    assert made == ["head", "worker"]
    service.update(**both(1, 1))
    times = {name: ended(service.cloud, name) for name in ("head_0", "worker_0")}
    assert times["worker_0"] <= times["head_0"]


def ended(cloud: TestCloud, name: str) -> float:
    """When the machine of that name was DONE."""
    events = client.events(cloud.auth.parent, last=1000)
    return max(
        one["time"] for one in events if one["object"] == "vm" and one["to"] == "DONE" and one["name"].startswith(name)
    )


def test_a_cooldown_is_waited_out_only_where_it_is_in_the_way(template: int, service: Driver) -> None:
    wanted = {**wish(template, cardinality=1, elasticityPolicies=[]), "cooldown": 0}
    service.create(**wanted)
    wanted = {**wanted, "cooldown": COOLDOWN}
    service.update(**wanted)
    began = time.monotonic()
    wanted["roles"] = [{**wanted["roles"][0], "cardinality": 2}]
    service.update(**wanted)
    service.update(**{**wanted, "name": "renamed", "permissions": "640"})
    assert time.monotonic() - began < COOLDOWN
    assert service.state["state"] == "COOLDOWN"
    service.update(**{**wanted, "name": "renamed", "cooldown": 0})
    assert time.monotonic() - began >= COOLDOWN
    assert role(service)["cooldown"] == 0


def test_a_scaling_that_fails_is_recovered(cloud: TestCloud, template: int, service: Driver) -> None:
    service.create(**wish(template, cardinality=1))
    client.add_fault(cloud.auth.parent, "boot-failure", role="worker", nth=1)
    service.update(**wish(template, cardinality=2))
    assert "FAILED_SCALING: recover" in cloud.plugin().messages
    assert (service.state["health"], role(service)["cardinality"]) == ("healthy", 2)


def test_a_scaling_that_stays_failed_is_replaced(cloud: TestCloud, template: int, service: Driver) -> None:
    service.create(**wish(template, cardinality=1))
    client.add_fault(cloud.auth.parent, "boot-failure", role="worker", times=0)
    with pytest.raises(
        InitFailedError, match="recovering did not help, so the next update replaces the service"
    ) as stuck:
        service.update(**wish(template, cardinality=2))
    service.state, service.inputs = dict(stuck.value.properties), dict(stuck.value.inputs)
    found = service.diff(**wish(template, cardinality=2))
    assert found.replaces == ["health"]
    assert found.delete_first


def test_a_deployment_that_fails_once_is_recovered_by_the_next_update(
    cloud: TestCloud, template: int, service: Driver
) -> None:
    client.add_fault(cloud.auth.parent, "boot-failure", role="worker", nth=1)
    with pytest.raises(InitFailedError, match="FAILED_DEPLOYING") as failed:
        service.create(**wish(template))
    value = failed.value
    service.id, service.state, service.inputs = value.object_id, dict(value.properties), dict(value.inputs)
    service.update(**wish(template))
    assert service.state["health"] == "healthy"


def test_what_is_declared_is_judged_before_anything_is_touched(cloud: TestCloud, template: int) -> None:
    service = Driver(cloud, "Service")
    with pytest.raises(ProviderError, match=r"group: there is no group 'user' .*; did you mean 'users'\?"):
        service.create(**wish(template), group="user")
    with pytest.raises(ProviderError, match=r"roles\[0\].name: 'workers' is no role of the template \(head, worker\)"):
        service.create(name="fed", serviceTemplateId=template, roles=[{"name": "workers"}])
    assert cloud.services() == []


def test_a_creation_that_was_cut_off_goes_on_with_what_is_declared_now(
    cloud: TestCloud, template: int, service: Driver
) -> None:
    service.create(**wish(template, cardinality=1), mark="m")
    again = Driver(cloud, "Service")
    roles = [{"name": "head", "cardinality": 2}, {"name": "worker", "maxVms": 4}]
    again.create(**{**wish(template), "roles": roles}, mark="m", labels=["red"])
    assert again.id == service.id
    assert (role(service, "head")["cardinality"], role(service)["max_vms"]) == (2, 4)
    assert len(cloud.machines()) == 3
