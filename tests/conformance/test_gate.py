"""OneGate: tokens, views, updates (reference 7)."""

from __future__ import annotations

from typing import Any

import pytest
import requests


@pytest.fixture
def service(lab: Any) -> int:
    """An ungated service of one parent and one child that runs."""
    template_id = lab.template('NOTE="n"', network=lab.network())
    role = {"type": "vm", "template_id": template_id, "cardinality": 1, "min_vms": 1, "max_vms": 3, "cooldown": 1}
    service_id: int = lab.service([{**role, "name": "parent"}, {**role, "name": "child", "parents": ["parent"]}])
    lab.in_state(service_id, 2)
    return service_id


@pytest.fixture
def guest(lab: Any, service: int) -> Any:
    """The parent."""
    return lab.guest(lab.nodes(service, "parent")[0])


@pytest.fixture
def child(lab: Any, service: int) -> Any:
    """The child."""
    return lab.guest(lab.nodes(service, "child")[0])


def attributes(lab: Any, guest: Any) -> dict[str, Any]:
    """USER_TEMPLATE of a guest."""
    return dict(lab.one.vm.info(guest.vm_id).USER_TEMPLATE)


def test_vm(guest: Any) -> None:
    found = guest.get("/vm").json()["VM"]
    assert (found["ID"], found["STATE"], found["LCM_STATE"]) == (str(guest.vm_id), "3", "3")
    assert found["TEMPLATE"]["NIC"][0].keys() == {"IP", "MAC", "NAME", "NETWORK"}


@pytest.mark.parametrize("headers", [{}, {"X-ONEGATE-VMID": "0"}, {"X-ONEGATE-TOKEN": "AAAA"}])
def test_both_headers_are_needed(target: Any, headers: dict[str, str]) -> None:
    reply = requests.get(f"{target.gate}/vm", headers=headers, timeout=10)
    assert (reply.status_code, reply.text) == (401, "Not authorized")


@pytest.mark.parametrize("token", ["", "x", "AAAA", "L+YFtPNXsw0BSPQZ1JKo7g=="])
def test_wrong_tokens_are_refused(guest: Any, token: str) -> None:
    guest.token = token
    assert guest.get("/vm").status_code == 401


def test_a_token_opens_its_own_vm_only(guest: Any, child: Any) -> None:
    guest.vm_id = child.vm_id
    assert guest.get("/vm").status_code == 401


def test_unknown_routes_are_400(guest: Any) -> None:
    assert guest.get("/nothing").status_code == 400
    assert guest.put("/service", "x").status_code == 400


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1", {"A": "1"}),
        ("A=bar baz", {"A": "bar baz"}),
        ('A="bar, baz"', {"A": "bar, baz"}),
        ("A=x=y", {"A": "x=y"}),
        ("A=1\nB=2", {"A": "1", "B": "2"}),
    ],
)
def test_raw_updates_are_quoted(lab: Any, guest: Any, text: str, expected: dict[str, str]) -> None:
    reply = guest.put("/vm", text.encode())
    assert (reply.status_code, reply.text) == (200, "")
    assert attributes(lab, guest).items() >= {"NOTE": "n", **expected}.items()


def test_a_comma_needs_quotes(lab: Any, guest: Any) -> None:
    assert guest.put("/vm", b"A=a,b").status_code == 500
    assert "A" not in attributes(lab, guest)


def test_form_updates_and_deletion(lab: Any, guest: Any) -> None:
    assert guest.put("/vm", {"data": "READY=YES", "type": "1"}).status_code == 200
    assert attributes(lab, guest)["READY"] == "YES"
    assert guest.put("/vm", {"data": "READY", "type": "2"}).status_code == 200
    assert "READY" not in attributes(lab, guest)
    assert guest.put("/vm", {"data": "READY", "type": "2"}).status_code == 500


@pytest.mark.parametrize("name", ["SERVICE_ID", "ROLE_NAME", "service_id", "SCHED_REQUIREMENTS"])
def test_protected_names(lab: Any, guest: Any, name: str) -> None:
    before = attributes(lab, guest)
    assert guest.put("/vm", f"{name}=1".encode()).status_code == 403
    assert guest.put("/vm", {"data": f"A=1\n{name}=1", "type": "1"}).status_code == 403
    assert attributes(lab, guest) == before


def test_service(guest: Any, service: int) -> None:
    found = guest.get("/service").json()["SERVICE"]
    assert (found["id"], found["state"]) == (str(service), 2)
    assert [role["name"] for role in found["roles"]] == ["parent", "child"]
    (node,) = found["roles"][0]["nodes"]
    assert node.keys() == {"deploy_id", "running", "vm_info"}
    assert node["vm_info"]["VM"].keys() == {"ID", "UID", "GID", "UNAME", "GNAME", "NAME"}


@pytest.mark.parametrize("query", ["?extended=true", "?extended=false", "?extended"])
def test_extended_service(guest: Any, query: str) -> None:
    roles = guest.get(f"/service{query}").json()["SERVICE"]["roles"]
    assert roles[1]["nodes"][0]["vm_info"]["VM"]["USER_TEMPLATE"]["ROLE_NAME"] == "child"


def test_children_find_what_their_parent_published(guest: Any, child: Any) -> None:
    guest.report('FL_READY=YES\nFL_ENDPOINT="10.0.0.1:9092"')
    roles = child.get("/service?extended=true").json()["SERVICE"]["roles"]
    published = roles[0]["nodes"][0]["vm_info"]["VM"]["USER_TEMPLATE"]
    assert (published["FL_READY"], published["FL_ENDPOINT"]) == ("YES", "10.0.0.1:9092")


def test_vms_of_the_same_service(lab: Any, guest: Any, child: Any) -> None:
    assert guest.get(f"/vms/{child.vm_id}").json()["VM"]["ID"] == str(child.vm_id)
    assert guest.put(f"/vms/{child.vm_id}", b"FROM=parent").status_code == 200
    assert attributes(lab, child)["FROM"] == "parent"


def test_vms_of_other_services_are_out_of_reach(lab: Any, guest: Any) -> None:
    stranger = lab.vm(lab.template())
    for reply in (
        guest.get(f"/vms/{stranger}"),
        guest.put(f"/vms/{stranger}", b"A=1"),
        guest.get("/vms/999999"),
    ):
        assert reply.status_code == 400
        assert "does not contain VM" in reply.text


def test_a_vm_without_a_service(lab: Any) -> None:
    alone = lab.guest(lab.vm(lab.template()))
    assert alone.get("/vm").status_code == 200
    assert alone.get("/service").status_code == 400


def test_a_vm_that_only_claims_a_service(lab: Any, service: int) -> None:
    liar = lab.guest(lab.vm(lab.template(f'SERVICE_ID="{service}"\nROLE_NAME="parent"')))
    assert liar.get("/service").status_code == 400
    assert liar.put("/service/role/child", b'{"cardinality": 2}').status_code == 400


def test_guests_scale_their_service(lab: Any, guest: Any, service: int) -> None:
    assert guest.put("/service/role/child", b'{"cardinality": "2"}').status_code == 200
    lab.nodes_of(service, "child", 2)
    assert guest.put("/service/role/child", b'{"cardinality": 99}').status_code == 400
    assert guest.put("/service/role/child", b"no json").status_code == 400


def test_actions_on_vms(lab: Any, guest: Any, child: Any) -> None:
    path = f"{guest.gate}/vms/{child.vm_id}/action"
    reply = requests.post(path, json={"action": {"perform": "reboot"}}, headers=guest.headers, timeout=10)
    assert reply.status_code == 403
    reply = requests.post(path, json={"action": {"perform": "poweroff"}}, headers=guest.headers, timeout=10)
    assert reply.status_code == 204
    lab.vm_in(child.vm_id, (8, 0))


def test_tokens_of_finished_vms_are_worthless(lab: Any, child: Any) -> None:
    lab.one.vm.action("terminate-hard", child.vm_id)
    lab.vm_in(child.vm_id, (6, 0))
    assert child.put("/vm", b"A=1").status_code == 401
