"""Fifty clients at once: what one service is going through holds up that service alone."""

from __future__ import annotations

import random
import statistics
import threading
import time
import xmlrpc.client
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from fedstack.localcloud.admin import client

CLIENTS = 50
DEPLOYING, RUNNING, COOLDOWN = 1, 2, 10
SLOW_SECONDS = 4.0
"""How long a machine boots that is to be slow: others have to be there before, on a busy machine too."""
READ_SECONDS = 1.0
"""The 99th percentile of a cheap read while the cloud works, on a machine that is busy with other tests."""


@pytest.fixture
def busy(new_cloud: Any) -> Any:
    """A cloud whose machines take a moment to boot, with room for hundreds of them."""
    cloud = new_cloud(boot_time=0.2)
    cloud.network(2000)
    return cloud


def _at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """The results of `count` calls that begin at the same time."""
    gate = threading.Barrier(count)

    def begin(number: int) -> Any:
        gate.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(begin, range(count)))


def _scale(cloud: Any, service_id: int, count: int) -> requests.Response:
    reply: requests.Response = cloud.flow(
        "POST", f"service/{service_id}/scale", {"role_name": "child", "cardinality": count}
    )
    return reply


def test_one_service_scales_once_at_a_time(busy: Any, until: Any) -> None:
    service_id = busy.deploy(busy.template(), 1, cooldown=600)
    until(lambda: busy.service(service_id)["state"] == RUNNING, "running")
    replies = _at_once(CLIENTS, lambda number: _scale(busy, service_id, 2 + number % 5))
    assert Counter(reply.status_code for reply in replies) == {204: 1, 500: CLIENTS - 1}
    refusals = {reply.text for reply in replies if reply.status_code == 500}
    assert refusals <= {f"Service cannot be scaled in state: {name}" for name in ("SCALING", "COOLDOWN")}
    until(lambda: busy.service(service_id)["state"] == COOLDOWN, "scaled")
    assert busy.act(f"service/{service_id}", "recover").status_code == 204
    role = busy.service(service_id)["roles"][1]
    assert len(role["nodes"]) == role["cardinality"]


def test_other_services_go_on_meanwhile(busy: Any, until: Any) -> None:
    template_id = busy.template()
    services = _at_once(10, lambda _: busy.deploy(template_id, 1))
    for service_id in services:
        until(lambda one=service_id: busy.service(one)["state"] == RUNNING, "running")
    replies = _at_once(CLIENTS, lambda number: (services[number % 10], _scale(busy, services[number % 10], 3)))
    assert Counter(one for one, reply in replies if reply.status_code == 204) == dict.fromkeys(services, 1)
    for service_id in services:
        until(lambda one=service_id: busy.service(one)["state"] == RUNNING, "running again")
        assert [len(role["nodes"]) for role in busy.service(service_id)["roles"]] == [1, 3]


def test_one_slow_machine_delays_no_other_service(busy: Any, until: Any) -> None:
    client.add_fault(busy.options.state_dir, "slow-boot", nth=1, seconds=SLOW_SECONDS)
    template_id = busy.template()
    slow = busy.deploy(template_id, 1)
    until(lambda: busy.service(slow)["roles"][0]["nodes"], "the slow machine")
    others = _at_once(10, lambda _: busy.deploy(template_id, 2))
    for service_id in others:
        until(lambda one=service_id: busy.service(one)["state"] == RUNNING, "running")
    assert busy.service(slow)["state"] == DEPLOYING
    until(lambda: busy.service(slow)["state"] == RUNNING, "running at last")


class Mixed:
    """One of many clients: reads, deploys, scales and deletes at random; every answer must be one that is allowed."""

    def __init__(self, cloud: Any, template_id: int, number: int) -> None:
        self.cloud, self.template_id = cloud, template_id
        self.random = random.Random(number)  # noqa: S311
        self.server = xmlrpc.client.ServerProxy(cloud.status["rpc"])
        self.answers: Counter[tuple[str, int]] = Counter()

    def work(self, steps: int) -> Counter[tuple[str, int]]:
        service_id = self.cloud.deploy(self.template_id, 1)
        for _ in range(steps):
            self.step(service_id)
        reply = self.cloud.act(f"service/{service_id}", "recover", delete=True)
        self.answers["delete", reply.status_code] += 1
        return self.answers

    def step(self, service_id: int) -> None:
        choice = self.random.random()
        if choice < 0.3:
            self.answers["scale", _scale(self.cloud, service_id, self.random.randint(1, 4)).status_code] += 1
        elif choice < 0.6:
            self.answers["show", self.cloud.flow("GET", f"service/{service_id}").status_code] += 1
        else:
            found: Any = self.server.one.vmpool.info(self.cloud.auth, -2, -1, -1, -1)
            self.answers["pool", int(found[2])] += 1


def test_fifty_clients(busy: Any, until: Any) -> None:
    template_id = busy.template()
    answers: Counter[tuple[str, int]] = sum(
        _at_once(CLIENTS, lambda number: Mixed(busy, template_id, number).work(4)), Counter()
    )
    allowed = {("scale", 204), ("scale", 500), ("show", 200), ("pool", 0), ("delete", 204)}
    assert set(answers) <= allowed
    assert answers["delete", 204] == CLIENTS
    until(lambda: busy.flow("GET", "service").json() == {"DOCUMENT_POOL": {}}, "all services gone")
    assert int(busy.one.vnpool.info(-2, -1, -1).VNET[0].USED_LEASES) == 0


def test_reads_stay_quick_while_three_hundred_machines_come(busy: Any) -> None:
    template_id = busy.template()
    server: Any = xmlrpc.client.ServerProxy(busy.status["rpc"])
    service_id = busy.deploy(template_id, 300)
    times: list[float] = []
    while len(times) < 100 or busy.service(service_id)["state"] != RUNNING:
        begin = time.perf_counter()
        server.one.system.version(busy.auth)
        server.one.vm.info(busy.auth, 0)
        times.append((time.perf_counter() - begin) / 2)
    figures = statistics.quantiles(times, n=100)
    print(f"reads while 1+300 deploys: p50 {figures[49] * 1e3:.1f} ms, p99 {figures[98] * 1e3:.1f} ms")
    assert figures[98] < READ_SECONDS
    assert len(busy.service(service_id)["roles"][1]["nodes"]) == 300
