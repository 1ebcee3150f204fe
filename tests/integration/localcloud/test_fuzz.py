"""Hostile input: whatever comes in, the platform's error forms go out, in bounded time and memory."""

from __future__ import annotations

import os
import random
import socket
import sqlite3
import statistics
import time
from collections import deque
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from fedstack.localcloud import limits
from fedstack.localcloud.core import token
from fedstack.localcloud.rpc.urls import METHODS
from tests.integration.localcloud.fuzz_judge import Reply, send, verdict
from tests.integration.localcloud.fuzz_requests import Generator, Request

REQUESTS = int(os.environ.get("FEDSTACK_FUZZ", "1000"))
SEED = int(os.environ.get("FEDSTACK_FUZZ_SEED", "20260101"))
SECONDS = 5.0
"""The longest that one request may take on a busy machine."""
GROWTH_MB = 160
"""How far the server's memory may grow beyond what it was with its first objects."""
HUGE = 100 << 20


class Arena:
    """A cloud with a service and its guests, under attack; every reply and every line of the log is judged."""

    def __init__(self, cloud: Any, until: Any) -> None:
        self.cloud = cloud
        self.log = Path(cloud.status["state_dir"]) / "cloud.log"
        self.addresses = {
            name: (str(urlsplit(cloud.status[name]).hostname), int(urlsplit(cloud.status[name]).port or 0))
            for name in ("rpc", "flow", "gate")
        }
        self.seen = self.log.stat().st_size
        self.times: list[float] = []
        self.until = until
        self.made = 0
        cloud.one.image.allocate("NAME=image PATH=/x SIZE=1", 1)
        cloud.network(500)
        self.template_id = cloud.template()
        self.guests = self.new_guests()
        self.memory = self.resident()

    def new_guests(self) -> list[tuple[int, str]]:
        """Id and token of the machines of a service that runs; earlier ones may have fallen."""
        self.open_again()
        service_id = self.cloud.deploy(self.new_template(), 2)
        self.until(lambda: self.cloud.service(service_id)["state"] == 2, "running")
        secret = self.cloud.one.user.info(0).TEMPLATE["TOKEN_PASSWORD"]
        nodes = [node["deploy_id"] for role in self.cloud.service(service_id)["roles"] for node in role["nodes"]]
        return [(vm_id, token.make(secret, vm_id, self.cloud.one.vm.info(vm_id).STIME)) for vm_id in nodes]

    def open_again(self) -> None:
        """The host and the datastore may have been disabled, as administrators may do."""
        self.cloud.one.host.status(0, 0)
        self.cloud.one.datastore.enable(0, True)

    def new_template(self) -> int:
        """A VM template over a network of its own; others may be used up, locked or gone."""
        self.made += 1
        network = f'NAME="own{self.made}"\nVN_MAD="dummy"\nAR=[TYPE="IP4",SIZE="8",IPAM_MAD="local"]'
        nic = f'NIC=[NETWORK_ID="{self.cloud.one.vn.allocate(network, -1)}"]'
        text = f'NAME="own{self.made}"\nCPU="0.1"\nMEMORY="16"\n{nic}\nCONTEXT=[TOKEN="YES",REPORT_READY="YES"]'
        return int(self.cloud.one.template.allocate(text))

    def sessions(self) -> list[str]:
        """The administrator's, and one of a user with few rights."""
        name = f"mallory{self.made}"
        self.cloud.one.user.allocate(name, "secret", "core", [])
        return [self.cloud.auth, f"{name}:secret"]

    def resident(self) -> float:
        lines = Path(f"/proc/{self.cloud.status['pid']}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))

    def attack(self, request: Request) -> Reply:
        reply = send(self.addresses[request.server], request.raw())
        self.times.append(reply.seconds)
        wrong = verdict(request.server, reply)
        about = f"{request.about}\n-> {reply.status} {reply.body[:500]!r} in {reply.seconds:.2f} s"
        assert wrong is None, f"{wrong}: {about}\n{self.news()}"
        assert reply.seconds < SECONDS, about
        assert self.log.stat().st_size == self.seen or "Traceback" not in (news := self.news()), f"{about}\n{news}"
        return reply

    def news(self) -> str:
        """What the server has written into its log since the last look."""
        with self.log.open() as file:
            file.seek(self.seen)
            text = file.read()
            self.seen = file.tell()
        return text

    def check(self, until: Any) -> None:
        """The server is well: it answers, its state is consistent, all of it can be shown, services come and go."""
        assert self.resident() - self.memory < GROWTH_MB
        assert "Traceback" not in self.log.read_text()
        for name in sorted(METHODS):
            if name.endswith("pool.info"):
                pool = METHODS[name]
                found = self.attack(Generator(random.Random(0), [self.cloud.auth] * 2, [], 0).call(name))  # noqa: S311
                assert found.status == 200, (name, pool)
        for path in ("service", "service_template"):
            assert self.cloud.flow("GET", path).status_code == 200
        for vm in self.cloud.one.vmpool.infoextended(-2, -1, -1, -2).VM:
            assert self.cloud.one.vm.info(vm.ID).ID == vm.ID
        self.open_again()
        service_id = self.cloud.deploy(self.new_template(), 2)
        until(lambda: self.cloud.service(service_id)["state"] == 2, "a service after the attack")
        assert self.cloud.flow("DELETE", f"service/{service_id}").status_code == 204
        until(lambda: self.cloud.flow("GET", f"service/{service_id}").status_code == 404, "gone")
        _consistent(Path(self.cloud.status["state_dir"]) / "cloud.db")


def _consistent(database: Path) -> None:
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    queries = (
        "SELECT l.* FROM lease l JOIN vm v ON v.id = l.vm_id WHERE v.state = 6",
        "SELECT vm_id FROM lease WHERE vm_id >= 0 AND vm_id NOT IN (SELECT id FROM vm)",
        "SELECT vm_id FROM node WHERE vm_id NOT IN (SELECT id FROM vm)",
        "SELECT id FROM service WHERE id NOT IN (SELECT id FROM document)",
        "SELECT * FROM address_range a WHERE used != (SELECT count(*) FROM lease l"
        " WHERE l.network_id = a.network_id AND l.ar_id = a.ar_id)",
    )
    found = {query: connection.execute(query).fetchall() for query in queries}
    connection.close()
    assert {query: rows for query, rows in found.items() if rows} == {}


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory, make_cloud: Any, until: Any) -> Arena:
    """One for all tests of this module; the last ones leave ruins behind."""
    return Arena(make_cloud(tmp_path_factory.mktemp("arena")), until)


def _chunked(part: bytes, count: int) -> bytes:
    return (f"{len(part):x}\r\n".encode() + part + b"\r\n") * count + b"0\r\n\r\n"


@pytest.mark.parametrize("server", ["rpc", "flow", "gate"])
def test_huge_bodies(arena: Arena, server: str) -> None:
    path = {"rpc": "/RPC2", "flow": "/service_template", "gate": "/vm"}[server]
    method = "PUT" if server == "gate" else "POST"
    declared = Request(server, method, path, b"x" * 100, {"Content-Length": str(HUGE)}, "declared")
    assert arena.attack(declared).status == 413
    streamed = _chunked(b"x" * (1 << 20), HUGE >> 20)
    assert (
        arena.attack(Request(server, method, path, streamed, {"Transfer-Encoding": "chunked"}, "chunked")).status == 413
    )
    assert arena.resident() - arena.memory < GROWTH_MB


@pytest.mark.parametrize(
    "body",
    [b"<methodCall>" + b"<a/>" * (1 << 20), b"<a>" * (1 << 20), b"A=1\n" * (1 << 20), b"[" * (4 << 20), b"[1]" * 99999],
    ids=["wide", "deep", "template", "brackets", "json"],
)
def test_bodies_just_below_the_limit(arena: Arena, body: bytes) -> None:
    body = body[: limits.MAX_BODY]
    vm_id, secret = arena.guests[0]
    guest = {"X-ONEGATE-VMID": str(vm_id), "X-ONEGATE-TOKEN": secret}
    user, _, password = arena.cloud.auth.partition(":")
    flow = requests.Request("POST", "http://x/", auth=(user, password)).prepare().headers["Authorization"]
    arena.attack(Request("rpc", "POST", "/RPC2", body, about="rpc"))
    arena.attack(Request("flow", "POST", "/service_template", body, {"Authorization": flow}, "flow"))
    arena.attack(Request("gate", "PUT", "/vm", body, guest, "gate"))
    assert arena.resident() - arena.memory < GROWTH_MB


def test_half_requests_and_slow_bodies_delay_nobody(arena: Arena) -> None:
    slow: deque[socket.socket] = deque()
    halves = [
        b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n<meth",
        b"GET / HT",
        b"\r\n",
        b"\x16\x03\x01",
    ]
    try:
        for place in range(120):
            address = arena.addresses[("rpc", "flow", "gate")[place % 3]]
            slow.append(socket.create_connection(address, timeout=5))
            slow[-1].sendall(halves[place % len(halves)])
            begin = time.perf_counter()
            assert arena.cloud.one.system.version()
            assert time.perf_counter() - begin < SECONDS
    finally:
        for connection in slow:
            connection.close()
    assert arena.cloud.one.system.version()
    assert "Traceback" not in arena.news()


def test_every_parameter_of_every_method(arena: Arena, until: Any) -> None:
    generator = Generator(random.Random(SEED), [arena.cloud.auth] * 2, arena.guests, arena.template_id)  # noqa: S311
    for name in sorted(METHODS):
        arena.attack(generator.call(name))
        arena.attack(generator.call(name, wrong=True))
    arena.check(until)


def test_random_requests(arena: Arena, until: Any, record_property: Any) -> None:
    arena.times.clear()
    generator = Generator(random.Random(SEED), arena.sessions(), arena.new_guests(), arena.template_id)  # noqa: S311
    for number in range(1, REQUESTS + 1):
        generator.learn(arena.attack(generator.next()))
        if number % 250 == 0:
            generator.guests = arena.new_guests()
    arena.check(until)
    figures = statistics.quantiles(arena.times, n=100)
    text = f"p50 {figures[49] * 1e3:.1f} ms, p99 {figures[98] * 1e3:.1f} ms, max {max(arena.times) * 1e3:.0f} ms"
    grown = f"memory {arena.memory:.0f} -> {arena.resident():.0f} MB"
    record_property("fuzz", f"{REQUESTS} requests: {text}, {grown}")
    print(f"fuzz: {REQUESTS} requests: {text}, {grown}")
