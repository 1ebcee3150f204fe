"""What others change is seen by a refresh, exactly that, and mended by an update; what the platform writes is not."""

from collections.abc import Callable
from typing import Any

import pytest
from provider_cloud import TestCloud
from provider_driver import Driver
from provider_wishes import Ground, lay_ground

from tests.support.waiting import wait_for

Change = Callable[[TestCloud, int], Any]

POLICY = {"type": "CHANGE", "adjust": 1, "expression": "LOAD > 5", "period": 9000, "cooldown": 7}
OWNED = {"group": "lab", "permissions": "640", "labels": ["red", "team/blue"]}


@pytest.fixture(scope="module", autouse=True)
def ground(cloud: TestCloud, tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return lay_ground(cloud, str(tmp_path_factory.mktemp("image")))


def call(method: str, *params: Any) -> Change:
    """An XML-RPC call about the object."""
    return lambda cloud, number: cloud.call(method, number, *params)


def of_a_pool(kind: str, *, hands: str = "update") -> dict[str, tuple[Change, set[str]]]:
    """What can happen to every object of a pool."""
    return {
        "renamed": (call(f"{kind}.rename", "by hand"), {"name"}),
        "shared": (call(f"{kind}.chmod", *(1, 1, 0), *(1, 0, 0), *(1, 0, 0)), {"permissions"}),
        "given away": (call(f"{kind}.chown", -1, 1), {"group"}),
        "labelled": (call(f"{kind}.{hands}", 'LABELS="green,red"', 1), {"labels"}),
        "untouched": (call(f"{kind}.{hands}", 'LABELS="team/blue,red"', 1), set()),
    }


def body(path: str, edit: Callable[[dict[str, Any]], None]) -> Change:
    """A OneFlow document whose body somebody edits."""

    def change(cloud: TestCloud, number: int) -> None:
        found = cloud.flow("GET", f"{path}/{number}").json()["DOCUMENT"]["TEMPLATE"]["BODY"]
        edit(found)
        reply = cloud.flow("PUT", f"{path}/{number}", found)
        assert reply.ok, reply.text

    return change


def action(path: str, perform: str, **params: Any) -> Change:
    """An action on a OneFlow document."""
    sent = {"action": {"perform": perform, "params": params}}
    return lambda cloud, number: cloud.flow("POST", f"{path}/{number}/action", sent)


def of_a_document(path: str) -> dict[str, tuple[Change, set[str]]]:
    """What can happen to every OneFlow document."""
    return {
        "renamed": (action(path, "rename", name="by hand"), {"name"}),
        "shared": (action(path, "chmod", octet="644"), {"permissions"}),
        "given away": (action(path, "chgrp", group_id=1), {"group"}),
        "labelled": (body(path, lambda found: found.update(labels="green,red")), {"labels"}),
        "untouched": (body(path, lambda found: found.update(labels="team/blue,red")), set()),
    }


def drifts(one: Driver, wanted: dict[str, Any], changes: dict[str, tuple[Change, set[str]]]) -> None:
    """Makes the object; after each change exactly that differs, and an update mends it."""
    one.create(**wanted)
    for title, (change, expected) in changes.items():
        change(one.cloud, int(one.id))
        one.refresh()
        assert set(one.diff(**wanted).names) == expected, title
        assert one.diff(**wanted).replaces == [], title
        if expected:
            one.update(**wanted)
            one.refresh()
            assert one.diff(**wanted).changes == {}, title


def gone(one: Driver, change: Change) -> None:
    """Deleted by somebody else."""
    change(one.cloud, int(one.id))
    assert one.refresh() is None
    one.delete()


def test_a_security_group(cloud: TestCloud) -> None:
    rules = [{"protocol": "TCP", "direction": "INBOUND", "ports": "22"}, {"protocol": "ALL", "direction": "OUTBOUND"}]
    one = Driver(cloud, "SecurityGroup")
    changes = {
        "a rule only": (call("secgroup.update", 'RULE=[PROTOCOL="udp",RULE_TYPE="inbound"]', 1), {"rules"}),
        "described": (call("secgroup.update", 'DESCRIPTION="by hand"', 1), {"description"}),
        "somebody's own": (call("secgroup.update", 'NOTE="mine"', 1), set()),
    }
    drifts(one, {"name": "web", "rules": rules, **OWNED}, {**of_a_pool("secgroup"), **changes})
    assert cloud.info("secgroup.info", int(one.id))["TEMPLATE"]["NOTE"] == "mine"
    gone(one, call("secgroup.delete"))


def test_an_image(cloud: TestCloud, ground: Ground) -> None:
    one = Driver(cloud, "Image")
    wanted = {"name": "disk", "path": ground.path, "type": "OS", "attributes": {"tier": "a"}, **OWNED}
    changes = {
        "made persistent": (call("image.persistent", True), {"persistent"}),
        "another type": (call("image.chtype", "DATABLOCK"), {"type"}),
        "written over": (call("image.update", 'TIER="b"\nDESCRIPTION="by hand"', 1), {"attributes", "description"}),
        "written anew": (call("image.update", 'LABELS="red,team/blue"', 0), {"attributes"}),
    }
    drifts(one, wanted, {**of_a_pool("image"), **changes})
    gone(one, call("image.delete"))


def test_a_network(cloud: TestCloud) -> None:
    one = Driver(cloud, "VirtualNetwork")
    ranges = [{"ip": "10.1.0.1", "size": 4}, {"size": 2, "type": "ETHER", "mac": "02:00:0a:00:00:01"}]
    wanted = {"name": "net", "addressRanges": ranges, "heldLeases": ["10.1.0.2"], "dns": "9.9.9.9", **OWNED}
    changes = {
        "a range more": (call("vn.add_ar", 'AR=[TYPE="IP4",IP="10.2.0.1",SIZE="3"]'), {"addressRanges"}),
        "a range longer": (call("vn.update_ar", 'AR=[AR_ID="0",SIZE="8"]'), {"addressRanges"}),
        "a range less": (call("vn.rm_ar", 1), {"addressRanges"}),
        "released": (call("vn.release", 'LEASES=[IP="10.1.0.2"]'), {"heldLeases"}),
        "held": (call("vn.hold", 'LEASES=[IP="10.1.0.4"]'), {"heldLeases"}),
        "told another": (call("vn.update", 'DNS="1.1.1.1"\nGATEWAY="10.1.0.1"', 1), {"dns", "gateway"}),
        "another group": (call("vn.update", 'SECURITY_GROUPS="0"', 1), set()),
    }
    drifts(one, wanted, {**of_a_pool("vn"), **changes})
    cloud.call("vn.release", int(one.id), 'LEASES=[IP="10.1.0.2"]')
    gone(one, call("vn.delete"))


def test_a_machine_template(cloud: TestCloud, ground: Ground) -> None:
    one = Driver(cloud, "VirtualMachineTemplate")
    nics = [{"networkId": ground.network}, {"networkId": ground.network, "model": "virtio"}]
    wanted = {"name": "vm", "cpu": 0.5, "memoryMb": 64, "nics": nics, "context": {"TOKEN": "YES"}, **OWNED}
    swapped = f'NIC=[NETWORK_ID="{ground.network}",MODEL="virtio"]\nNIC=[NETWORK_ID="{ground.network}"]'
    changes = {
        "bigger": (call("template.update", 'MEMORY="128"\nCPU="0.50"', 1), {"memoryMb"}),
        "more told": (call("template.update", 'CONTEXT=[TOKEN="YES",EXTRA="1"]', 1), {"context"}),
        "extended": (call("template.update", 'EXTRA="1"\nOS=[BOOT="nic0"]', 1), {"attributes", "os"}),
        "another order": (call("template.update", swapped, 1), {"nics"}),
    }
    drifts(one, wanted, {**of_a_pool("template"), **changes})
    gone(one, call("template.delete"))


def test_a_machine(cloud: TestCloud, ground: Ground) -> None:
    def off(found: TestCloud, number: int) -> None:
        found.call("vm.action", "poweroff-hard", number)
        wait_for(lambda: found.info("vm.info", number)["STATE"] == "8", 10, "the machine to be off")

    def smaller(found: TestCloud, number: int) -> None:
        off(found, number)
        found.call("vm.resize", number, 'MEMORY="16"', False)

    one = Driver(cloud, "VirtualMachine")
    wanted = {"name": "vm", "templateId": ground.machine, "memoryMb": 32, "attributes": {"tier": "a"}, **OWNED}
    changes = {
        "switched off": (off, {"powerState"}),
        "resized": (smaller, {"memoryMb", "powerState"}),
        "written over": (call("vm.update", 'TIER="b"', 1), {"attributes"}),
        "what its guest says": (call("vm.update", 'READY="YES"\nSOME="1"', 1), set()),
    }
    drifts(one, wanted, {**of_a_pool("vm"), **changes})
    assert cloud.info("vm.info", int(one.id))["USER_TEMPLATE"]["SOME"] == "1"
    cloud.call("vm.action", "terminate-hard", int(one.id))
    wait_for(lambda: cloud.info("vm.info", int(one.id))["STATE"] == "6", 10, "the end of the machine")
    assert one.refresh() is None
    one.delete()


def test_a_service_template(cloud: TestCloud, ground: Ground) -> None:
    one = Driver(cloud, "ServiceTemplate")
    path = "service_template"
    role = {"name": "a", "templateId": ground.machine, "cardinality": 1, "minVms": 1, "maxVms": 3}
    wanted = {"name": "st", "roles": [{**role, "elasticityPolicies": [POLICY]}], **OWNED}
    other = {"name": "b", "type": "vm", "template_id": ground.machine}
    changes = {
        "wider": (body(path, lambda found: found["roles"][0].update(max_vms=5)), {"roles"}),
        "another role": (body(path, lambda found: found["roles"].append(other)), {"roles"}),
        "a key in a role": (body(path, lambda found: found["roles"][0].update(x_note="n")), {"roles"}),
        "another policy": (body(path, lambda found: found["roles"][0].pop("elasticity_policies")), {"roles"}),
        "a further key": (body(path, lambda found: found.update(x_note="n")), {"attributes"}),
        "described": (body(path, lambda found: found.update(description="by hand")), {"description"}),
        "straight": (body(path, lambda found: found.update(deployment="straight")), {"deployment"}),
    }
    drifts(one, wanted, {**of_a_document(path), **changes})
    gone(one, lambda found, number: found.flow("DELETE", f"{path}/{number}"))


def scaled(name: str, count: int) -> Change:
    """Somebody scales a role."""

    def change(cloud: TestCloud, number: int) -> None:
        reply = cloud.flow("POST", f"service/{number}/scale", {"role_name": name, "cardinality": count, "force": True})
        assert reply.ok, reply.text
        wait_for(lambda: state(cloud, number) == RUNNING, 10, "the scaling")

    return change


RUNNING, WARNING = 2, 4


def state(cloud: TestCloud, number: int) -> int:
    found = cloud.flow("GET", f"service/{number}").json()["DOCUMENT"]["TEMPLATE"]["BODY"]
    return int(found["state"])


def ended(how: str, expected: int) -> Change:
    """Something happens to the first machine of the head."""

    def change(cloud: TestCloud, number: int) -> None:
        found = cloud.flow("GET", f"service/{number}").json()["DOCUMENT"]["TEMPLATE"]["BODY"]
        before = len(found["roles"][0]["nodes"])
        cloud.call("vm.action", how, found["roles"][0]["nodes"][0]["deploy_id"])

        def happened() -> bool:
            now = cloud.flow("GET", f"service/{number}").json()["DOCUMENT"]["TEMPLATE"]["BODY"]
            return now["state"] == expected and len(now["roles"][0]["nodes"]) == before - (expected == RUNNING)

        wait_for(happened, 10, how)

    return change


@pytest.fixture
def elastic(ground: Ground) -> dict[str, Any]:
    """A service with a plain role, and one that policies scale."""
    bounds = {"cardinality": 1, "minVms": 1, "maxVms": 3, "cooldown": 0}
    roles = [{"name": "head", "cardinality": 2}, {"name": "worker", **bounds, "elasticityPolicies": [POLICY]}]
    return {"name": "fed", "serviceTemplateId": ground.template, "roles": roles, "cooldown": 0, **OWNED}


def test_a_service(cloud: TestCloud, elastic: dict[str, Any]) -> None:
    path = "service"

    def worker(**settings: Any) -> Change:
        return body(path, lambda found: found["roles"][1].update(settings))

    raw = {"type": "CHANGE", "adjust": 1, "expression": "LOAD > 5", "period": 9000, "cooldown": 7}
    seen = {**raw, "last_eval": 1700000000, "true_evals": 2, "expression_evaluated": "LOAD[3]"}
    one = Driver(cloud, "Service")
    changes = {
        "scaled by hand": (scaled("head", 1), {"roles"}),
        "scaled by a policy": (scaled("worker", 2), set()),
        "scaled beyond the bounds": (scaled("worker", 4), {"roles"}),
        "what the platform notes": (worker(elasticity_policies=[seen], cooldown=7), set()),
        "another policy": (worker(elasticity_policies=[{**raw, "adjust": 2}]), {"roles"}),
        "no policy": (worker(elasticity_policies=[]), {"roles"}),
        "a further policy": (worker(scheduled_policies=[{"type": "CHANGE", "adjust": 1, "start_time": "9"}]), set()),
        "other bounds": (worker(max_vms=4), {"roles"}),
        "another cooldown": (worker(cooldown=33), {"roles"}),
        "a cooldown of the other": (body(path, lambda found: found["roles"][0].update(cooldown=3)), {"cooldown"}),
        "a machine off": (ended("poweroff-hard", WARNING), {"health"}),
        "a machine gone": (ended("terminate-hard", RUNNING), {"roles"}),
    }
    drifts(one, elastic, {**of_a_document(path), **changes})
    gone(one, action(path, "recover", delete=True))
    assert cloud.machines() == []
