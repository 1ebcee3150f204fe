"""Services on a real local cloud, below the CLI: inputs, numbers, policies, failures, ends."""

from collections.abc import Iterator
from typing import Any

import pytest
from provider_cloud import TestCloud
from provider_driver import Driver

from opennebula_provider.errors import InitFailedError, ProviderError
from tests.support.waiting import wait_for


@pytest.fixture(scope="module")
def machine(cloud: TestCloud) -> Iterator[int]:
    template = Driver(cloud, "VirtualMachineTemplate")
    context = {"TOKEN": "YES", "REPORT_READY": "YES"}
    yield int(template.create(name="node", cpu=0.1, memoryMb=64, context=context).id)
    template.delete()


def template_of(cloud: TestCloud, **body: Any) -> Driver:
    """A service template named after what is in it."""
    made = Driver(cloud, "ServiceTemplate", name=str(len(body)))
    made.create(**{"name": "t", "deployment": "straight", "readyStatusGate": True, **body})
    return made


def test_inputs_by_role_and_numbers_in_a_safe_order(cloud: TestCloud, machine: int) -> None:
    role = {"templateId": machine, "cardinality": 1, "cooldown": 1}
    template = template_of(
        cloud,
        userInputs={"ZONE": "M|text|Zone||north"},
        roles=[
            {**role, "name": "head", "userInputs": {"SIZE": "M|text|Size"}},
            {**role, "name": "worker", "parents": ["head"]},
        ],
    )
    service = Driver(cloud, "Service")
    wanted: dict[str, Any] = {
        **{"mark": "m1", "name": "fed", "serviceTemplateId": int(template.id), "readyDeadline": 20},
        "roles": [{"name": "worker", "cardinality": 2}, {"name": "head", "userInputsValues": {"SIZE": "L"}}],
    }
    with pytest.raises(ProviderError, match=r'roles\["head"\]\.userInputsValues\.SIZE: is missing'):
        service.create(**{**wanted, "roles": wanted["roles"][:1]})
    assert cloud.services() == []
    service.create(**wanted)
    contexts = {one["NAME"].split("_(")[0]: one["TEMPLATE"]["CONTEXT"] for one in cloud.machines()}
    assert (contexts["head_0"]["SIZE"], contexts["head_0"]["ZONE"]) == ("L", "north")
    assert set(contexts) == {"head_0", "worker_0", "worker_1"}
    again = Driver(cloud, "Service")
    assert again.create(**wanted).id == service.id

    service.refresh()
    assert service.diff(**wanted).changes == {}
    roles = [{"name": "worker", "cardinality": 1}, {**wanted["roles"][1], "cardinality": 2}]
    wanted = {**wanted, "name": "fed2", "roles": roles, "cooldown": 2}
    paths = {"name", "roles[0].cardinality", "roles[1].cardinality", "cooldown"}
    assert set(service.diff(**wanted).changes) == paths
    service.update(**wanted)
    assert sorted(one["NAME"].split("_(")[0] for one in cloud.machines()) == ["head_0", "head_1", "worker_1"]
    service.refresh()
    assert service.diff(**wanted).changes == {}
    assert service.state["state"] in {"RUNNING", "COOLDOWN"}

    assert Driver(cloud, "Service").create(**wanted).id == service.id
    imported = service.imported().inputs
    assert (imported["name"], imported["serviceTemplateId"]) == ("fed2", int(template.id))
    assert [(one["name"], one["cardinality"], one["cooldown"]) for one in imported["roles"]] == [
        *(("head", 2, 2), ("worker", 1, 2)),
    ]
    assert imported["roles"][0]["userInputsValues"] == {"SIZE": "L"}
    service.delete()
    assert service.refresh() is None
    assert cloud.machines() == []
    service.delete()
    template.delete()


def test_the_platform_owns_the_number_of_a_role_with_policies(cloud: TestCloud, machine: int) -> None:
    policy = {"type": "CHANGE", "adjust": 1, "expression": "NEVER > 1", "period": 900}
    role = {"name": "worker", "templateId": machine, "cardinality": 1, "minVms": 1, "maxVms": 3, "cooldown": 0}
    template = template_of(cloud, roles=[{**role, "elasticityPolicies": [policy]}])
    service = Driver(cloud, "Service")
    wanted = {"name": "el", "serviceTemplateId": int(template.id), "roles": [{"name": "worker", "cardinality": 1}]}
    service.create(**wanted)
    scaled = cloud.flow(
        "POST", f"service/{service.id}/scale", {"role_name": "worker", "cardinality": 2, "force": False}
    )
    assert scaled.status_code == 204
    wait_for(lambda: len(cloud.machines()) == 2 and _state(cloud) == 2, 10, "the second machine")
    service.refresh()
    assert service.diff(**wanted).changes == {}
    service.update(**{**wanted, "roles": [{"name": "worker", "cardinality": 3}]})
    assert len(cloud.machines()) == 3
    service.delete()
    template.delete()


def _state(cloud: TestCloud) -> int:
    return int(cloud.services()[0]["TEMPLATE"]["BODY"]["state"])


def test_scaling_by_hand_is_drift_and_a_refused_number_keeps_the_platform_s_words(
    cloud: TestCloud, machine: int
) -> None:
    role = {"name": "worker", "templateId": machine, "cardinality": 1, "minVms": 1, "maxVms": 3, "cooldown": 0}
    template = template_of(cloud, roles=[role])
    service = Driver(cloud, "Service")
    wanted = {"name": "hand", "serviceTemplateId": int(template.id), "roles": [{"name": "worker", "cardinality": 1}]}
    service.create(**wanted)
    cloud.flow("POST", f"service/{service.id}/scale", {"role_name": "worker", "cardinality": 2, "force": False})
    wait_for(lambda: len(cloud.machines()) == 2 and _state(cloud) == 2, 10, "the second machine")
    service.refresh()
    assert list(service.diff(**wanted).changes) == ["roles[0].cardinality"]
    service.update(**wanted)
    assert len(cloud.machines()) == 1
    with pytest.raises(ProviderError, match=r"OneFlow POST /service/\d+/scale: .*\(HTTP 500\)"):
        service.update(**{**wanted, "roles": [{"name": "worker", "cardinality": 9}]})
    service.delete()
    template.delete()


def test_a_deployment_that_the_platform_gives_up_names_the_cause_and_leaves_nothing(cloud: TestCloud) -> None:
    broken = Driver(cloud, "VirtualMachineTemplate", name="broken")
    broken.create(name="broken", cpu=0.1, memoryMb=64, disks=[{"imageId": 4711}])
    template = template_of(cloud, roles=[{"name": "a", "templateId": int(broken.id), "cardinality": 1}])
    service = Driver(cloud, "Service")
    with pytest.raises(InitFailedError, match=r"is in state FAILED_DEPLOYING: service log: .*4711") as caught:
        service.create(name="bad", serviceTemplateId=int(template.id))
    service.id, service.state = caught.value.object_id, dict(caught.value.properties)
    service.inputs = dict(caught.value.inputs)
    with pytest.raises(InitFailedError, match="FAILED_DEPLOYING"):
        service.refresh()
    with pytest.raises(InitFailedError, match="the next update replaces the service") as stuck:
        service.update(**{key: value for key, value in service.inputs.items() if key != "health"})
    service.state = dict(stuck.value.properties)
    wanted = {key: value for key, value in service.inputs.items() if key != "health"}
    assert service.diff(**wanted).replaces == ["health"]
    service.delete()
    assert cloud.services() == []
    template.delete()
    broken.delete()


def test_a_warning_without_a_bad_machine_is_ended(cloud: TestCloud, machine: int) -> None:
    role = {"name": "worker", "templateId": machine, "cardinality": 2, "cooldown": 0}
    template = template_of(cloud, roles=[role])
    service = Driver(cloud, "Service")
    wanted = {"name": "stale", "serviceTemplateId": int(template.id), "readyDeadline": 10}
    service.create(**wanted)
    victim = int(cloud.machines()[0]["ID"])
    cloud.call("vm.action", "poweroff-hard", victim)
    wait_for(lambda: _state(cloud) == 4, 10, "WARNING")
    cloud.call("vm.action", "terminate-hard", victim)
    wait_for(lambda: len(cloud.machines()) == 1, 10, "the end of the machine")
    service.refresh()
    assert service.diff(**wanted).names == ["health"]
    service.update(**wanted)
    assert _state(cloud) == 2
    assert service.state["health"] == "healthy"
    service.delete()
    template.delete()


def test_a_machine_that_fails_to_boot_is_retried(cloud: TestCloud, machine: int) -> None:
    template = template_of(cloud, roles=[{"name": "worker", "templateId": machine, "cardinality": 2, "cooldown": 0}])
    service = Driver(cloud, "Service")
    wanted = {"name": "boot", "serviceTemplateId": int(template.id), "readyDeadline": 10}
    service.create(**wanted)
    victim = int(cloud.machines()[0]["ID"])
    cloud.call("vm.recover", victim, RECREATE)
    wait_for(lambda: cloud.info("vm.info", victim)["LCM_STATE"] == BOOT, 10, "the boot", every=0.01)
    cloud.call("vm.recover", victim, FAILURE)
    wait_for(lambda: _state(cloud) == 4, 10, "WARNING")
    service.refresh()
    assert "is BOOT_FAILURE" in service.state["health"]
    service.update(**wanted)
    assert service.state["health"] == "healthy"
    assert [one["LCM_STATE"] for one in cloud.machines()] == ["3", "3"]
    service.delete()
    template.delete()


RECREATE, FAILURE, BOOT = 4, 0, "2"
