"""What the local cloud leaves out: one kind of refusal for calls and for virtual router roles."""

from __future__ import annotations

import xmlrpc.client
from typing import Any

import pytest

from fedstack.localcloud.rpc import left_out


@pytest.mark.parametrize("entry", left_out.TABLE, ids=lambda entry: entry.what)
def test_known_calls_are_refused_with_a_reason(cloud: Any, entry: left_out.LeftOut) -> None:
    server = xmlrpc.client.ServerProxy(cloud.status["rpc"])
    for name in entry.methods:
        reply = getattr(server, f"one.{name}")(cloud.auth, 0, "anything")
        assert reply[:1] == [False]
        assert reply[1] == f"[one.{name}] {left_out.message(entry)}"
        assert reply[2:] == [0x0800, -1, 0]


def test_left_out_calls_need_a_session_too(cloud: Any) -> None:
    server: Any = xmlrpc.client.ServerProxy(cloud.status["rpc"])
    assert server.one.vdcpool.info("oneadmin:wrong")[2] == 0x0100


def test_calls_that_nobody_knows_are_faults(cloud: Any) -> None:
    server: Any = xmlrpc.client.ServerProxy(cloud.status["rpc"])
    with pytest.raises(xmlrpc.client.Fault) as fault:
        server.one.vm.levitate(cloud.auth, 0)
    assert fault.value.faultCode == -506


@pytest.fixture
def router(cloud: Any) -> dict[str, Any]:
    """A role of type vr that the platform would take."""
    return {"name": "gateway", "type": "vr", "template_id": cloud.template(), "cardinality": 1}


def test_router_roles_are_refused_at_registration(cloud: Any, router: dict[str, Any]) -> None:
    reply = cloud.flow("POST", "service_template", {"name": "s", "roles": [router]})
    assert reply.status_code == 400
    assert "Role gateway" in reply.text
    assert "docs/localcloud.md" in reply.text


def test_router_roles_are_refused_in_updates_and_merges(cloud: Any, router: dict[str, Any]) -> None:
    role = {**router, "type": "vm"}
    made = cloud.flow("POST", "service_template", {"name": "s", "roles": [role]}).json()["DOCUMENT"]["ID"]
    path = f"service_template/{made}"
    assert cloud.flow("PUT", path, {"name": "s", "roles": [router]}).status_code == 400
    reply = cloud.act(path, "instantiate", merge_template={"roles": [{"name": "gateway", "type": "vr"}]})
    assert reply.status_code == 500
    assert "virtual router roles (type vr) are left out" in reply.text


def test_router_roles_are_not_added(cloud: Any, router: dict[str, Any]) -> None:
    role = {**router, "type": "vm", "name": "worker", "cardinality": 0}
    made = cloud.flow("POST", "service_template", {"name": "s", "roles": [role]}).json()["DOCUMENT"]["ID"]
    service = cloud.act(f"service_template/{made}", "instantiate").json()["DOCUMENT"]["ID"]
    body = {"action": {"perform": "add_role", "params": {"role": router}}}
    reply = cloud.flow("POST", f"service/{service}/role_action", body)
    assert reply.status_code == 400
    assert "Role gateway" in reply.text
    cloud.act(f"service/{service}", "recover", delete=True)
