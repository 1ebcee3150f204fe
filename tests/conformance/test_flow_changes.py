"""Services that run are changed: owner, name, body, roles, actions on their VMs (reference 6.15 to 6.18)."""

from __future__ import annotations

import json
from typing import Any

import pytest

RUNNING, WARNING, HOLD = 2, 4, 15


def test_running_services_are_not_recovered(lab: Any, running: int) -> None:
    reply = lab.act(f"service/{running}", "recover")
    assert (reply.status_code, reply.text) == (500, "Service cannot be recovered in state: RUNNING")


def test_rename_chmod_chgrp(lab: Any, running: int) -> None:
    path = f"service/{running}"
    assert lab.act(path, "rename", name="renamed").status_code == 204
    assert lab.act(path, "chmod", octet="640").status_code == 204
    assert lab.act(path, "chgrp", group_id=1).status_code == 204
    document = lab.get(path).json()["DOCUMENT"]
    assert (document["NAME"], document["GNAME"], document["PERMISSIONS"]["GROUP_U"]) == ("renamed", "users", "1")


def test_vms_go_with_their_service(lab: Any, other: Any, running: int) -> None:
    owner, vm_ids = other.one.user.info(-1).ID, lab.nodes(running, "parent") + lab.nodes(running, "child")
    assert lab.act(f"service/{running}", "chown", owner_id=owner, group_id=1).status_code == 204
    vms = [other.one.vm.info(vm_id) for vm_id in vm_ids]
    assert [(vm.UID, vm.GID) for vm in vms] == [(owner, 1)] * 3
    assert owner == other.one.document.info(running).UID
    assert lab.act(f"service/{running}", "chgrp", group_id=0).status_code == 204
    assert {lab.one.vm.info(vm_id).GID for vm_id in vm_ids} == {0}


def test_nothing_goes_when_a_vm_cannot(lab: Any, other: Any, running: int) -> None:
    owner, child = other.one.user.info(-1).ID, lab.nodes(running, "child")
    for perform, values in (("chown", {"owner_id": owner, "group_id": 1}), ("chmod", {"octet": "600"})):
        assert lab.act(f"service/{running}", perform, **values).status_code == 204
    lab.one.vm.chown(child[1], 0, 0)
    lab.one.document.chown(running, -1, 0)
    reply = other.act(f"service/{running}", "chgrp", group_id=1)
    assert (reply.status_code, "Not authorized" in reply.text) == (500, True)
    assert (lab.one.document.info(running).GID, lab.one.vm.info(child[0]).GID) == (0, 1)
    assert str(child[1]) in lab.body(running)["log"][-1]["message"]


@pytest.mark.parametrize(
    ("perform", "text"),
    [
        ("explode", "Action explode not supported"),
        ("chown", "Action chown: You have to specify a UID"),
        ("chgrp", "Action chgrp: You have to specify a GID"),
        ("chmod", "Action chmod: You have to specify an OCTET"),
        ("rename", "Action rename: You have to specify a name"),
    ],
)
def test_unknown_actions_and_missing_parameters(lab: Any, running: int, perform: str, text: str) -> None:
    reply = lab.act(f"service/{running}", perform)
    assert (reply.status_code, reply.text) == (500, text)


def test_put_appends(lab: Any, running: int) -> None:
    url = lab.url(f"service/{running}")
    assert lab.flow.put(url, json={"append": True, "template": '{"description": "d"}'}).status_code == 204
    assert lab.body(running)["description"] == "d"
    reply = lab.flow.put(url, json={"append": True, "template": '{"name": "d"}'})
    assert (reply.status_code, reply.text) == (500, "Immutable value: `service/name` can not be changed")


def test_put_that_does_not_append_takes_the_whole_body(lab: Any, running: int) -> None:
    url, body = lab.url(f"service/{running}"), {**lab.body(running), "description": "whole"}
    assert lab.flow.put(url, json={"append": False, "template": json.dumps(body)}).status_code == 204
    assert lab.body(running)["description"] == "whole"
    assert lab.flow.put(url, json={"append": False, "template": '{"description": "part"}'}).status_code == 400
    reply = lab.flow.put(url, json={"append": True})
    assert (reply.status_code, reply.text) == (400, "Missing template to append")


def test_put_changes_bounds_and_cooldown(lab: Any, running: int) -> None:
    body = lab.body(running)
    body["roles"][1] |= {"max_vms": 9, "cooldown": 3}
    assert lab.flow.put(lab.url(f"service/{running}"), json=body).status_code == 204
    role = lab.role(running, "child")
    assert (role["max_vms"], role["cooldown"]) == (9, 3)


def test_put_cannot_scale(lab: Any, running: int) -> None:
    body = lab.body(running)
    body["roles"][1]["cardinality"] = 3
    reply = lab.flow.put(lab.url(f"service/{running}"), json=body)
    assert (reply.status_code, reply.text) == (500, "Immutable value: `role/cardinality` can not be changed")


def test_put_cannot_change_which_roles_there_are(lab: Any, running: int) -> None:
    body = lab.body(running)
    renamed = {**body, "roles": [{**body["roles"][0], "name": "mother"}, {**body["roles"][1], "parents": ["mother"]}]}
    for wanted, text in (
        (renamed, "To change `service/name` use rename operation"),
        ({**body, "roles": body["roles"][:1]}, "Immutable value: `service/roles size` can not be changed"),
    ):
        reply = lab.flow.put(lab.url(f"service/{running}"), json=wanted)
        assert (reply.status_code, reply.text) == (500, text)


def test_roles_are_added_and_removed(lab: Any, running: int, vm_template: int) -> None:
    role = {"name": "extra", "type": "vm", "template_id": vm_template, "cardinality": 1}
    path = f"service/{running}/role_action"
    change = {"action": {"perform": "add_role", "params": {"role": role}}}
    assert lab.post(path, change).status_code == 204
    lab.nodes_of(running, "extra", 1)
    lab.in_state(running, RUNNING)
    assert lab.post(path, change).status_code == 500
    assert lab.post(path, {"action": {"perform": "remove_role", "params": {"role": "extra"}}}).status_code == 204
    lab.in_state(running, RUNNING)
    assert [one["name"] for one in lab.body(running)["roles"]] == ["parent", "child"]


def test_roles_that_cannot_be_removed(lab: Any, running: int) -> None:
    change = {"action": {"perform": "remove_role", "params": {"role": "nobody"}}}
    reply = lab.post(f"service/{running}/role_action", change)
    assert (reply.status_code, reply.text) == (500, "Role nobody does not exist")
    lab.one.vm.action("poweroff-hard", lab.nodes(running, "parent")[0])
    lab.in_state(running, WARNING)
    reply = lab.post(f"service/{running}/role_action", change)
    assert (reply.status_code, reply.text) == (500, "Cannot modify roles in state: WARNING")


def test_ids_of_scheduled_actions_are_numbers(lab: Any, running: int) -> None:
    reply = lab.flow.delete(lab.url(f"service/{running}/sched_action/first"))
    assert (reply.status_code, reply.text) == (400, "Sched action ID must be an integer number")


def test_actions_on_roles_are_scheduled(lab: Any, running: int) -> None:
    (parent,) = lab.nodes(running, "parent")
    reply = lab.act(f"service/{running}/role/parent", "poweroff-hard", period="", number="", args="")
    assert reply.status_code == 204
    lab.vm_in(parent, (8, 0))


def test_hold_and_release(lab: Any, pair: Any) -> None:
    service_id = lab.service(pair, on_hold=True)
    lab.in_state(service_id, HOLD)
    (parent,) = lab.nodes(service_id, "parent")
    assert lab.place(parent) == (2, 0)
    assert lab.act(f"service/{service_id}", "release").status_code == 204
    lab.in_state(service_id, RUNNING)


def test_other_users_may_not(other: Any, running: int) -> None:
    assert other.get(f"service/{running}").status_code == 401
    assert other.flow.delete(other.url(f"service/{running}")).status_code == 401
    assert other.scale(running, "child", 3).status_code == 401
