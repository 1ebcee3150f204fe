"""Clients that go on working while the server is killed, and that remember every answer that they got."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field
from typing import Any

import requests

from fedstack.localcloud.core import token

MOST = 6
"""Services that one client keeps at a time."""


@dataclass
class Ledger:
    """What was acknowledged to one client. A service with `unknown` cardinality had a call that was cut off."""

    services: list[int] = field(default_factory=list)
    templates: dict[int, str] = field(default_factory=dict)
    machines: list[int] = field(default_factory=list)
    doomed: set[int] = field(default_factory=set)
    deleted: set[int] = field(default_factory=set)
    cardinality: dict[int, int] = field(default_factory=dict)
    reports: dict[int, str] = field(default_factory=dict)
    calls: int = 0


class Client(threading.Thread):
    """Works until it is told to stop; a call that is cut off counts as neither done nor undone."""

    def __init__(self, cloud: Any, name: str, seed: int) -> None:
        super().__init__()
        self.cloud, self.label = cloud, name
        self.random = random.Random(seed)  # noqa: S311
        self.ledger = Ledger()
        self.stopped = threading.Event()

    def run(self) -> None:
        while not self.stopped.is_set():
            try:
                self.step()
                self.ledger.calls += 1
            except (OSError, requests.RequestException):
                self.stopped.wait(0.02)

    def step(self) -> None:
        """One call at random."""
        raise RuntimeError("a client does something")


class Operator(Client):
    """Deploys, scales and deletes services, and registers VM templates and machines."""

    def __init__(self, cloud: Any, name: str, seed: int, template_id: int) -> None:
        super().__init__(cloud, name, seed)
        self.template_id = template_id
        self.counter = 0

    def step(self) -> None:
        living = [one for one in self.ledger.services if one not in self.ledger.doomed]
        choice = self.random.random()
        if choice < 0.1:
            self.register()
        elif not living or (choice < 0.4 and len(living) < MOST):
            self.deploy()
        elif choice < 0.75:
            self.scale(self.random.choice(living))
        else:
            self.delete(self.random.choice(living))

    def register(self) -> None:
        self.counter += 1
        text = f"{self.label}-{self.counter}"
        if self.random.random() < 0.5:
            found = self.cloud.one.template.allocate(f"NAME={text} CPU=1 MEMORY=1")
            self.ledger.templates[found] = text
        else:
            self.ledger.machines.append(self.cloud.one.vm.allocate(f"NAME={text} CPU=1 MEMORY=1", True))

    def deploy(self) -> None:
        gate = self.random.random() < 0.5
        service_id = self.cloud.deploy(self.template_id, self.random.randint(1, 4), ready_status_gate=gate)
        self.ledger.services.append(service_id)

    def scale(self, service_id: int) -> None:
        wanted = self.random.randint(1, 6)
        known = self.ledger.cardinality.pop(service_id, None)
        body = {"role_name": "child", "cardinality": wanted}
        reply = self.cloud.flow("POST", f"service/{service_id}/scale", body)
        if reply.status_code == 204:
            self.ledger.cardinality[service_id] = wanted
        elif known is not None:
            self.ledger.cardinality[service_id] = known

    def delete(self, service_id: int) -> None:
        self.ledger.doomed.add(service_id)
        if self.cloud.act(f"service/{service_id}", "recover", delete=True).status_code == 204:
            self.ledger.deleted.add(service_id)


class Guests(Client):
    """Plays the machines: each reports once that it is READY, with a number of its own."""

    def __init__(self, cloud: Any, name: str, seed: int) -> None:
        super().__init__(cloud, name, seed)
        self.secret = cloud.one.user.info(0).TEMPLATE["TOKEN_PASSWORD"]

    def step(self) -> None:
        waiting = [vm for vm in self.cloud.one.vmpool.info(-2, -1, -1, 3).VM if vm.ID not in self.ledger.reports]
        self.random.shuffle(waiting)
        for vm in waiting:
            self.report(vm)
        self.stopped.wait(0.01)

    def report(self, vm: Any) -> None:
        proof = f"{self.random.randrange(10**9)}"
        headers = {"X-ONEGATE-VMID": str(vm.ID), "X-ONEGATE-TOKEN": token.make(self.secret, vm.ID, vm.STIME)}
        url = f"{self.cloud.status['gate']}/vm"
        reply = requests.put(url, f"READY=YES\nPROOF={proof}", headers=headers, timeout=30)
        if reply.status_code == 200:
            self.ledger.reports[vm.ID] = proof
