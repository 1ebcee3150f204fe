"""OneFlow: transport, service templates, validation, template actions (reference 4 to 6.8)."""

from __future__ import annotations

from typing import Any

import pytest
import requests

ROLE = {"name": "web", "type": "vm", "template_id": 0}
POLICY = {"type": "CHANGE", "adjust": 1, "expression": "CPU > 1"}


def body(**more: Any) -> dict[str, Any]:
    """A minimal body with changes."""
    return {"name": "svc", "roles": [ROLE], **more}


def roles(**more: Any) -> dict[str, Any]:
    """A minimal body whose only role has changes; a value of None takes a key out."""
    role = {key: value for key, value in {**ROLE, **more}.items() if value is not None}
    return {"name": "svc", "roles": [role]}


@pytest.fixture
def template_id(lab: Any) -> int:
    """A stored template."""
    found: int = lab.service_template([ROLE])
    return found


def test_credentials_are_demanded(lab: Any) -> None:
    assert requests.get(lab.url("service"), timeout=10).status_code == 401
    wrong = requests.get(lab.url("service"), auth=("oneadmin", "wrong"), timeout=10)
    assert wrong.status_code == 401
    assert not wrong.text.startswith("{")


def test_unknown_routes_are_html_404(lab: Any) -> None:
    reply = lab.get("nothing/here")
    assert reply.status_code == 404
    assert "html" in reply.text.lower()


@pytest.mark.parametrize("path", ["service/999999", "service_template/999999"])
def test_missing_documents_are_404(lab: Any, path: str) -> None:
    reply = lab.get(path)
    assert reply.status_code == 404
    assert "Error getting document" in reply.text


def test_a_template_is_no_service(lab: Any, template_id: int) -> None:
    assert lab.get(f"service/{template_id}").status_code == 500


def test_content_types_of_requests_do_not_matter(lab: Any) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    reply = lab.flow.get(lab.url("service"), data="null", headers=headers, timeout=10)
    assert reply.status_code == 200


def test_empty_pools_have_no_member(other: Any) -> None:
    for path in ("service", "service_template"):
        assert other.get(path).json() == {"DOCUMENT_POOL": {}}


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"name": "x"},
        {"roles": []},
        body(deployment="parallel"),
        body(shutdown_action="kill"),
        body(ready_status_gate="yes"),
        body(roles=[ROLE, ROLE]),
        roles(type=None),
        roles(type="container"),
        roles(name=None),
        roles(template_id=None),
        roles(name="a-b"),
        roles(name="a b"),
        roles(cardinality=-1),
        roles(cardinality="x"),
        roles(cardinality=1, min_vms=2),
        roles(cardinality=3, max_vms=2),
        roles(parents="web"),
        roles(cardinality=1, elasticity_policies=[POLICY]),
        roles(cardinality=1, min_vms=1, max_vms=2, elasticity_policies=[{**POLICY, "expression": "CPU >"}]),
        roles(cardinality=1, min_vms=1, max_vms=2, elasticity_policies=[{**POLICY, "expression": ""}]),
        roles(cardinality=1, min_vms=1, max_vms=2, scheduled_policies=[{"type": "CHANGE", "adjust": 1}]),
    ],
)
def test_wrong_templates_are_400(lab: Any, wrong: dict[str, Any]) -> None:
    reply = lab.post("service_template", wrong)
    assert reply.status_code == 400, reply.text
    assert reply.text
    assert "Traceback" not in reply.text


def test_unparsable_json_is_400(lab: Any) -> None:
    reply = lab.flow.post(lab.url("service_template"), data="{no json", timeout=10)
    assert reply.status_code == 400


def test_null_roles_are_a_json_500(lab: Any) -> None:
    reply = lab.post("service_template", {"name": "x", "roles": None})
    assert reply.status_code == 500
    assert set(reply.json()) >= {"message", "reason"}


@pytest.mark.parametrize(
    ("sent", "stored"), [({}, 0), ({"cardinality": "3"}, 3), ({"cardinality": 1.7}, 1), ({"cardinality": 2}, 2)]
)
def test_cardinality_is_normalised(lab: Any, sent: dict[str, Any], stored: int) -> None:
    template_id = lab.service_template([{**ROLE, **sent}])
    role = lab.get(f"service_template/{template_id}").json()["DOCUMENT"]["TEMPLATE"]["BODY"]["roles"][0]
    assert role["cardinality"] == stored


def test_bodies_are_stored_as_sent_with_three_defaults(lab: Any) -> None:
    reply = lab.post("service_template", {**body(x_note="kept"), "roles": [{**ROLE, "x_note": "kept"}]})
    document = reply.json()["DOCUMENT"]
    lab.made.append(lambda: lab.flow.delete(lab.url(f"service_template/{document['ID']}")))
    stored = document["TEMPLATE"]["BODY"]
    assert isinstance(stored.pop("registration_time"), int)
    assert stored == {
        "name": "svc",
        "roles": [{**ROLE, "x_note": "kept", "cardinality": 0}],
        "x_note": "kept",
        "deployment": "none",
        "description": "",
    }


@pytest.mark.parametrize("parents", [["nobody"], ["web"]])
def test_the_graph_is_not_checked(lab: Any, parents: list[str]) -> None:
    assert lab.service_template([{**ROLE, "parents": parents}]) >= 0


def test_old_bodies_are_converted(lab: Any) -> None:
    reply = lab.post("service_template", {"name": "old", "roles": [{"name": "web", "vm_template": 3}]})
    assert reply.status_code == 201
    document = reply.json()["DOCUMENT"]
    lab.flow.delete(lab.url(f"service_template/{document['ID']}"))
    role = document["TEMPLATE"]["BODY"]["roles"][0]
    assert (role["type"], role["template_id"]) == ("vm", 3)


def test_put_replaces_and_keeps_the_registration_time(lab: Any, template_id: int) -> None:
    before = lab.get(f"service_template/{template_id}").json()["DOCUMENT"]
    time = before["TEMPLATE"]["BODY"]["registration_time"]
    reply = lab.flow.put(lab.url(f"service_template/{template_id}"), json=body(name="other"), timeout=10)
    assert reply.status_code == 200
    after = reply.json()["DOCUMENT"]
    assert after["TEMPLATE"]["BODY"]["registration_time"] == time
    assert (after["NAME"], after["TEMPLATE"]["BODY"]["name"]) == (before["NAME"], "other")
    changed = body(registration_time=time + 1)
    assert lab.flow.put(lab.url(f"service_template/{template_id}"), json=changed, timeout=10).status_code == 500


def test_the_update_action_appends(lab: Any, template_id: int) -> None:
    reply = lab.act(f"service_template/{template_id}", "update", append=True, template_json='{"description": "d"}')
    assert reply.status_code == 204
    stored = lab.get(f"service_template/{template_id}").json()["DOCUMENT"]["TEMPLATE"]["BODY"]
    assert (stored["description"], len(stored["roles"])) == ("d", 1)


def test_rename_chmod_and_chown_of_templates(lab: Any, template_id: int) -> None:
    path = f"service_template/{template_id}"
    assert lab.act(path, "rename", name="renamed").status_code == 204
    assert lab.act(path, "chmod", octet="644").status_code == 204
    assert lab.act(path, "chgrp", group_id=1).status_code == 204
    document = lab.get(path).json()["DOCUMENT"]
    assert (document["NAME"], document["GID"], document["PERMISSIONS"]["OTHER_U"]) == ("renamed", "1", "1")
    assert document["TEMPLATE"]["BODY"]["name"] != "renamed"


def test_clone(lab: Any) -> None:
    vm_template = lab.template()
    template_id = lab.service_template([{**ROLE, "template_id": vm_template}])
    name = lab.name("clone")
    reply = lab.act(f"service_template/{template_id}", "clone", name=name, recursive="none")
    assert reply.status_code == 201
    assert reply.json()["DOCUMENT"]["NAME"] == name
    lab.flow.delete(lab.url(f"service_template/{reply.json()['DOCUMENT']['ID']}"))


def test_delete_with_vm_templates(lab: Any) -> None:
    vm_template = lab.template()
    template_id = lab.service_template([{**ROLE, "template_id": vm_template}])
    url = lab.url(f"service_template/{template_id}")
    assert lab.flow.delete(url, json={"delete_type": "templates"}, timeout=10).status_code == 204
    assert lab.call("one.template.info", vm_template)[2] == 1024


def test_templates_of_others_are_hidden(other: Any, template_id: int) -> None:
    assert other.get(f"service_template/{template_id}").status_code == 401
    assert other.act(f"service_template/{template_id}", "instantiate").status_code == 401


class TestMerge:
    """Instantiation checks inputs, merges by role name, validates the result."""

    def test_inputs_must_be_given(self, lab: Any) -> None:
        template_id = lab.service_template([ROLE], user_inputs={"FL_X": "M|text|x||"})
        path = f"service_template/{template_id}"
        assert lab.act(path, "instantiate").status_code == 400
        assert lab.act(path, "instantiate", merge_template={"user_inputs_values": {}}).status_code == 400
        service_id = lab.instantiate(template_id, user_inputs_values={"FL_X": "1"})
        assert lab.body(service_id)["user_inputs_values"] == {"FL_X": "1"}

    def test_role_inputs_need_a_list_of_roles(self, lab: Any) -> None:
        template_id = lab.service_template([{**ROLE, "user_inputs": {}}])
        assert lab.act(f"service_template/{template_id}", "instantiate").status_code == 400

    def test_networks_need_values(self, lab: Any) -> None:
        template_id = lab.service_template([ROLE], networks={"net": "M|network|n||broken"})
        assert lab.act(f"service_template/{template_id}", "instantiate").status_code == 400

    def test_roles_merge_by_name(self, lab: Any) -> None:
        template_id = lab.service_template([ROLE, {**ROLE, "name": "db"}])
        merge = [{"name": "db", "x": "y"}, {"name": "unknown", "cardinality": 3}]
        body = lab.body(lab.instantiate(template_id, roles=merge, name="merged", fedstack_mark="m"))
        assert [role["name"] for role in body["roles"]] == ["web", "db"]
        assert body["roles"][1]["x"] == "y"
        assert (body["name"], body["fedstack_mark"]) == ("merged", "m")

    def test_a_merged_body_that_is_wrong_is_500(self, lab: Any) -> None:
        template_id = lab.service_template([{**ROLE, "max_vms": 2}])
        merge = {"roles": [{"name": "web", "cardinality": 3}]}
        assert lab.act(f"service_template/{template_id}", "instantiate", merge_template=merge).status_code == 500

    def test_missing_templates_are_404(self, lab: Any) -> None:
        assert lab.act("service_template/999999", "instantiate").status_code == 404

    def test_networks_that_cannot_be_made_leave_a_failed_service(self, lab: Any) -> None:
        template_id = lab.service_template([ROLE], networks={"net": "M|network|n||reserve_from:999999"})
        name = lab.name("failed")
        reply = lab.act(f"service_template/{template_id}", "instantiate", merge_template={"name": name})
        assert reply.status_code == 500, reply.text
        pool = lab.get("service").json()["DOCUMENT_POOL"].get("DOCUMENT", [])
        (service,) = [one for one in pool if one["NAME"] == name]
        lab.made.append(lambda: lab.remove_service(int(service["ID"])))
        assert service["TEMPLATE"]["BODY"]["state"] == 7
        assert service["TEMPLATE"]["BODY"]["log"]


class TestCopies:
    """Copies of service templates, and what is beside their bodies."""

    @pytest.fixture
    def image(self, lab: Any, until: Any) -> int:
        """An image that is READY."""
        found: int = lab.one.image.allocate(f'NAME="{lab.name("img")}"\nTYPE="DATABLOCK"\nSIZE="1"', 1)
        lab.made.append(lambda: lab.one.image.delete(found))
        until(lambda: lab.one.image.info(found).STATE == 1, "image ready")
        return found

    @pytest.mark.parametrize(("mode", "own_image"), [("templates", False), ("all", True)])
    def test_vm_templates_and_images_are_copied(self, lab: Any, image: int, mode: str, own_image: bool) -> None:
        vm_template = lab.template(f'DISK=[IMAGE_ID="{image}"]')
        template_id = lab.service_template([{**ROLE, "template_id": vm_template}])
        reply = lab.act(f"service_template/{template_id}", "clone", name=lab.name("copy"), recursive=mode)
        document = reply.json()["DOCUMENT"]
        copy = document["TEMPLATE"]["BODY"]["roles"][0]["template_id"]
        disk = lab.one.template.info(copy).TEMPLATE["DISK"]
        assert (copy != vm_template, disk["IMAGE_ID"] != str(image)) == (True, own_image)
        url = lab.url(f"service_template/{document['ID']}")
        assert lab.flow.delete(url, json={"delete_type": mode}, timeout=10).status_code == 204
        assert lab.call("one.template.info", copy)[2] == 1024

    def test_attributes_beside_the_body(self, lab: Any, template_id: int) -> None:
        reply = lab.act(f"service_template/{template_id}", "update", template_raw='NOTE="n"', append=True)
        assert reply.status_code == 204
        document = lab.one.document.info(template_id)
        assert (document.TEMPLATE["NOTE"], '"roles"' in document.TEMPLATE["BODY"]) == ("n", True)


def test_networks_in_use_keep_a_service_from_its_end(lab: Any) -> None:
    vm_template, parent = lab.template(), lab.network()
    template_id = lab.service_template([], networks={"net": f"M|network|n||reserve_from:{parent}"})
    values = [{"net": {"reserve_from": str(parent), "extra": "SIZE=2"}}]
    service_id = lab.instantiate(template_id, networks_values=values)
    lab.in_state(service_id, 2)
    own = lab.body(service_id)["networks_values"][0]["net"]["id"]
    stranger = lab.vm(vm_template, f'NIC=[NETWORK_ID="{own}"]', hold=True)
    assert lab.flow.delete(lab.url(f"service/{service_id}"), timeout=10).status_code == 204
    lab.in_state(service_id, 14)
    lab.gone(stranger)
    assert lab.act(f"service/{service_id}", "recover").status_code == 204
    lab.until(lambda: lab.get(f"service/{service_id}").status_code == 404, "gone")
