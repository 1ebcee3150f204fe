"""kill -9 at any moment: what was acknowledged is there, what was begun goes on, nothing is given twice."""

from __future__ import annotations

import os
import random
import sqlite3
import threading
from pathlib import Path
from typing import Any

import requests

from fedstack.localcloud import control

KILLS = int(os.environ.get("FEDSTACK_KILLS", "3"))
FINAL = {2, 4, 7, 9}


def test_a_running_service_survives(cloud: Any, until: Any) -> None:
    service_id = cloud.deploy(cloud.template())
    until(lambda: cloud.service(service_id)["state"] == 2, "running")
    before = cloud.service(service_id)
    cloud.kill()
    cloud.restart()
    assert cloud.service(service_id) == before
    assert {cloud.place(node["deploy_id"]) for role in before["roles"] for node in role["nodes"]} == {(3, 3)}


def test_a_deployment_goes_on(cloud: Any, until: Any) -> None:
    service_id = cloud.deploy(cloud.template(), 30, ready_status_gate=True)
    until(lambda: len(cloud.service(service_id)["roles"][1]["nodes"]) > 0, "children")
    cloud.kill()
    cloud.restart()
    body = until(lambda: (lambda b: b if b["state"] == 2 else None)(cloud.service(service_id)), "running")
    assert [len(role["nodes"]) for role in body["roles"]] == [1, 30]


def test_a_cooldown_ends_after_a_restart(cloud: Any, until: Any) -> None:
    service_id = cloud.deploy(cloud.template())
    until(lambda: cloud.service(service_id)["state"] == 2, "running")
    cloud.flow("POST", f"service/{service_id}/scale", {"role_name": "child", "cardinality": 3})
    until(lambda: cloud.service(service_id)["state"] == 10, "cooling")
    cloud.kill()
    cloud.restart()
    until(lambda: cloud.service(service_id)["state"] == 2, "running again")


def test_a_deletion_goes_on(cloud: Any, until: Any) -> None:
    service_id = cloud.deploy(cloud.template(), 120)
    until(lambda: cloud.service(service_id)["state"] == 2, "running")
    before = control.status(cloud.options.state_dir)["vms"]
    leases = cloud.one.vnpool.info(-2, -1, -1).VNET[0].USED_LEASES
    assert cloud.flow("DELETE", f"service/{service_id}").status_code == 204
    cloud.kill()
    cloud.restart()
    until(lambda: cloud.flow("GET", f"service/{service_id}").status_code == 404, "gone")
    assert control.status(cloud.options.state_dir)["vms"] == before - 121
    assert leases - 121 == cloud.one.vnpool.info(-2, -1, -1).VNET[0].USED_LEASES


class Client(threading.Thread):
    """Works on services at random until it is told to stop; remembers what was acknowledged."""

    def __init__(self, cloud: Any, template_id: int, seed: int) -> None:
        super().__init__()
        self.cloud, self.template_id, self.random = cloud, template_id, random.Random(seed)  # noqa: S311
        self.made: set[int] = set()
        self.doomed: set[int] = set()
        self.stopped = threading.Event()

    def run(self) -> None:
        while not self.stopped.is_set():
            try:
                self.step()
            except (requests.RequestException, OSError, ValueError, KeyError):
                self.stopped.wait(0.05)

    def step(self) -> None:
        living = sorted(self.made - self.doomed)
        choice = self.random.random()
        if choice < 0.4 or not living:
            self.made.add(self.cloud.deploy(self.template_id, self.random.randint(1, 4)))
            return
        service_id = self.random.choice(living)
        if choice < 0.7:
            body = {"role_name": "child", "cardinality": self.random.randint(1, 5)}
            self.cloud.flow("POST", f"service/{service_id}/scale", body)
        else:
            self.doomed.add(service_id)
            self.cloud.act(f"service/{service_id}", "recover", delete=True)


def consistent(database: Path) -> None:
    """Nothing is given twice, and what belongs together is there together."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    queries = {
        "VMs that are done hold leases": "SELECT l.* FROM lease l JOIN vm v ON v.id = l.vm_id WHERE v.state = 6",
        "leases of no VM": "SELECT vm_id FROM lease WHERE vm_id >= 0 AND vm_id NOT IN (SELECT id FROM vm)",
        "living VMs without a lease": "SELECT id FROM vm WHERE state != 6 AND id NOT IN (SELECT vm_id FROM lease)",
        "nodes without a VM": "SELECT vm_id FROM node WHERE vm_id NOT IN (SELECT id FROM vm)",
        "living VMs without a node": "SELECT id FROM vm WHERE state != 6 AND id NOT IN (SELECT vm_id FROM node)",
        "services without a document": "SELECT id FROM service WHERE id NOT IN (SELECT id FROM document)",
        "wrong lease counts": "SELECT * FROM address_range a WHERE used != (SELECT count(*) FROM lease l"
        " WHERE l.network_id = a.network_id AND l.ar_id = a.ar_id)",
    }
    found = {what: connection.execute(query).fetchall() for what, query in queries.items()}
    integrity = connection.execute("PRAGMA integrity_check").fetchone()
    connection.close()
    assert integrity == ("ok",)
    assert {what: rows for what, rows in found.items() if rows} == {}


def test_random_kills_under_load(new_cloud: Any, until: Any) -> None:
    cloud = new_cloud(boot_time=0.02)
    clients = [Client(cloud, cloud.template(), seed) for seed in range(3)]
    chance = random.Random(7)  # noqa: S311
    for client in clients:
        client.start()
    try:
        for _ in range(KILLS):
            threading.Event().wait(chance.uniform(0.2, 0.7))
            cloud.kill()
            cloud.restart()
    finally:
        for client in clients:
            client.stopped.set()
        for client in clients:
            client.join(60)
    kept = set().union(*(client.made - client.doomed for client in clients))
    assert kept

    def settled() -> bool:
        pool = cloud.flow("GET", "service").json()["DOCUMENT_POOL"].get("DOCUMENT", [])
        states = {int(one["ID"]): one["TEMPLATE"]["BODY"]["state"] for one in pool}
        assert kept <= set(states)
        return all(state in FINAL for state in states.values())

    until(settled, "all services in a final state")
    consistent(Path(cloud.status["state_dir"]) / "cloud.db")
