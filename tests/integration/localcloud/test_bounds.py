"""What one client may ask for and hold: services of any size end soon, slow and many connections harm nobody."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from uvicorn import Config
from uvicorn.server import ServerState

from fedstack.localcloud import connections

HEAD = b"POST /RPC2 HTTP/1.1\r\nhost: x\r\n"


def roles(template_id: int, count: int, **more: Any) -> list[dict[str, Any]]:
    """Roles r0, r1, ..."""
    return [{"name": f"r{number}", "type": "vm", "template_id": template_id, **more} for number in range(count)]


def instantiate(cloud: Any, members: list[dict[str, Any]], **more: Any) -> Any:
    """The reply to a new service of these roles."""
    made = cloud.flow("POST", "service_template", {"name": "bounds", "roles": members, **more})
    assert made.status_code == 201, made.text
    return cloud.act(f"service_template/{made.json()['DOCUMENT']['ID']}", "instantiate")


@pytest.mark.parametrize("deployment", ["none", "straight"])
def test_many_roles_without_machines(cloud: Any, until: Any, deployment: str) -> None:
    chain = roles(cloud.template(), 300)
    for before, role in itertools.pairwise(chain):
        role["parents"] = [before["name"]]
    service_id = int(instantiate(cloud, chain, deployment=deployment).json()["DOCUMENT"]["ID"])
    until(lambda: cloud.service(service_id)["state"] == 2, "RUNNING")
    assert cloud.flow("DELETE", f"service/{service_id}").status_code == 204
    until(lambda: cloud.flow("GET", f"service/{service_id}").status_code == 404, "gone")


def test_more_roles_than_any_service_has_are_refused(cloud: Any) -> None:
    body = {"name": "bounds", "roles": roles(0, 501)}
    reply = cloud.flow("POST", "service_template", body)
    assert (reply.status_code, "500 at most" in reply.text) == (400, True)


def test_a_role_of_a_billion_machines_fails_at_once(cloud: Any, until: Any) -> None:
    reply = instantiate(cloud, roles(cloud.template(), 1, cardinality=10**9))
    service_id = int(reply.json()["DOCUMENT"]["ID"])
    until(lambda: cloud.service(service_id)["state"] == 7, "FAILED_DEPLOYING")
    body = cloud.service(service_id)
    assert body["roles"][0]["nodes"] == []
    assert any("10000 VMs at most" in line["message"] and line["severity"] == "E" for line in body["log"])
    cloud.act(f"service/{service_id}", "recover", delete=True)
    until(lambda: cloud.flow("GET", f"service/{service_id}").status_code == 404, "gone")


def test_the_number_of_machines_is_an_option(new_cloud: Any, until: Any) -> None:
    cloud = new_cloud(max_vms=2)
    template_id = cloud.template()
    first = cloud.one.template.instantiate(template_id, "")
    cloud.one.template.instantiate(template_id, "")
    with pytest.raises(Exception, match=r"2 VMs at most .*: 2 are there, 1 more are wanted"):
        cloud.one.template.instantiate(template_id, "")
    cloud.one.vm.recover(first, 3)
    until(lambda: cloud.place(first) == (6, 0), "gone")
    cloud.one.template.instantiate(template_id, "")


@contextmanager
def connected(url: str, count: int) -> Iterator[list[socket.socket]]:
    """So many open connections."""
    place = urlsplit(url)
    with ExitStack() as stack:
        yield [stack.enter_context(socket.create_connection((place.hostname, place.port), 20)) for _ in range(count)]


def test_connections_beyond_the_limit_are_refused_until_others_end(cloud: Any) -> None:
    with connected(cloud.status["rpc"], connections.MAX_CONNECTIONS) as held:
        held[0].sendall(HEAD)
        with connected(cloud.status["rpc"], 1) as more:
            assert more[0].recv(100).startswith(b"HTTP/1.1 503")
        assert cloud.flow("GET", "service").status_code == 200
    assert cloud.one.system.version()


def test_a_head_that_does_not_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """The protocol itself, with a shorter time."""
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.2)
    config, state = Config(Starlette(), http=connections.Connection, lifespan="off", log_config=None), ServerState()

    async def talk() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: connections.Connection(config, state, {}), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\nNot Found")).startswith(b"HTTP/1.1 404")
        writer.write(HEAD)
        assert await asyncio.wait_for(reader.read(), 20) == b""
        writer.close()
        server.close()

    asyncio.run(talk())
