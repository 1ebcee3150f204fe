"""The local cloud: how fast simulated VMs come, what it costs to have it, how fast it answers.

VMs per second: a service of one coordinator and many workers, whose VMs have a disk and a network interface and boot
in no time, from the request that instantiates it until the service is RUNNING; gated: every VM has to report READY
first, as simulated guests do. The state is read from the cloud's store, so that the looking costs the cloud nothing.
Calls: on one kept connection each, against the service of that size. Idle: the processor time of the cloud beside a
running federation of 1 + 2 VMs that are real processes.
"""

import base64
import http.client
import sqlite3
import time
import xmlrpc.client
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from threading import Event
from typing import Any
from urllib.parse import urlsplit

import pyone
import requests

from benchmarks.machine import cpu_seconds, memory_mb
from benchmarks.outcome import Outcome
from benchmarks.stacks import PACK, simulated, workspace
from fedstack.localcloud import control
from fedstack.localcloud.core import token
from fedstack.oneflow.states import ServiceState
from tests.support.waiting import wait_for

RATE_GOAL, IDLE_GOAL, MEMORY_GOAL, FLAT_GOAL = 200.0, 1.0, 400.0, 1.3
SIZES = (100, 300, 1000)
IDLE_SECONDS = 60.0
CALLS, SLOW_CALLS = 300, 30
TIMEOUT = 120.0


@dataclass
class Client:
    """A client of a running cloud: OneFlow by `flow`, XML-RPC by `one`."""

    cloud: control.Status
    http: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.auth = Path(self.cloud["auth_file"]).read_text().strip()
        user, _, password = self.auth.partition(":")
        self.http.auth = (user, password)
        self.one: Any = pyone.OneServer(self.cloud["rpc"], session=self.auth)

    def flow(self, method: str, path: str, body: Any = None) -> Any:
        """A call to OneFlow; its parsed reply. Raises requests.HTTPError."""
        reply = self.http.request(method, f"{self.cloud['flow']}{path}", json=body, timeout=TIMEOUT)
        reply.raise_for_status()
        return reply.json() if reply.content else None

    def runs(self, service_id: int) -> bool:
        """Whether a service is RUNNING."""
        with closing(sqlite3.connect(f"file:{self.cloud['state_dir']}/cloud.db?mode=ro", uri=True)) as store:
            found = store.execute("SELECT state FROM service WHERE id = ?", (service_id,)).fetchone()
        return bool(found and found[0] == ServiceState.RUNNING)


@contextmanager
def simulated_cloud() -> Iterator[Client]:
    """A fresh cloud whose VMs run as soon as they are started, and report READY at once where they are asked to."""
    with simulated(boot_seconds=0.0) as cloud:
        yield Client(cloud.status)


def service_template(client: Client, workers: int, *, gated: bool) -> int:
    """A template of 1 + `workers` VMs with everything that they need; its id."""
    network = client.one.vn.allocate(
        f"NAME=net VN_MAD=dummy BRIDGE=br0 AR=[TYPE=IP4,SIZE={workers + 1},IPAM_MAD=local]", -1
    )
    image = client.one.image.allocate("NAME=disk PATH=/any SIZE=100 TYPE=OS", 1)
    context = "TOKEN=YES,REPORT_READY=YES" if gated else "TOKEN=YES"
    vm = f"NAME=vm CPU=0.1 MEMORY=64 DISK=[IMAGE_ID={image}] NIC=[NETWORK_ID={network}] CONTEXT=[{context}]"
    template_id = client.one.template.allocate(vm)
    role = {"type": "vm", "template_id": template_id, "max_vms": workers}
    roles = [
        {**role, "name": "coordinator", "cardinality": 1},
        {**role, "name": "worker", "cardinality": workers, "parents": ["coordinator"]},
    ]
    body = {"name": f"bench-{workers}", "deployment": "straight", "ready_status_gate": gated, "roles": roles}
    return int(client.flow("POST", "/service_template", body)["DOCUMENT"]["ID"])


def deploy(client: Client, workers: int, *, gated: bool) -> tuple[int, float]:
    """A service, and the seconds from the request until it is RUNNING with its 1 + `workers` VMs."""
    template_id = service_template(client, workers, gated=gated)
    begin = time.perf_counter()
    made = client.flow("POST", f"/service_template/{template_id}/action", {"action": {"perform": "instantiate"}})
    service_id = int(made["DOCUMENT"]["ID"])
    wait_for(lambda: client.runs(service_id), TIMEOUT, "RUNNING", every=0.01)
    return service_id, time.perf_counter() - begin


def milliseconds(call: Callable[[], object], count: int = CALLS) -> list[float]:
    """The times of a call that is made again and again."""
    times = []
    for _ in range(count):
        begin = time.perf_counter()
        call()
        times.append((time.perf_counter() - begin) * 1e3)
    return times


@contextmanager
def exchange(
    url: str, method: str, path: str, headers: Mapping[str, str], body: str = ""
) -> Iterator[Callable[[], None]]:
    """A request that can be repeated on one connection; raises RuntimeError for any status but 2xx."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=TIMEOUT)

    def call() -> None:
        connection.request(method, path, body, dict(headers))
        reply = connection.getresponse()
        reply.read()
        if reply.status // 100 != 2:
            raise RuntimeError(f"{method} {path}: status {reply.status}")

    with closing(connection):
        yield call


def spread(client: Client, call: Callable[[], object], count: int = CALLS) -> dict[str, float]:
    """p50 and p99 of a call, and the processor time that it takes the cloud (other work does not change that)."""
    before = cpu_seconds(client.cloud["pid"])
    found = quantiles(milliseconds(call, count), n=100)
    used = cpu_seconds(client.cloud["pid"]) - before
    return {"p50_ms": found[49], "p99_ms": found[98], "cpu_ms": 1e3 * used / count}


def calls(client: Client, service_id: int, vm_id: int) -> dict[str, dict[str, float]]:
    """The hot calls, in milliseconds."""
    with xmlrpc.client.ServerProxy(client.cloud["rpc"]) as server:
        found = {"vm.info": spread(client, lambda: server.one.vm.info(client.auth, vm_id))}
        with others_listing(client):
            found["vm.info beside a client that lists all VMs"] = spread(
                client, lambda: server.one.vm.info(client.auth, vm_id)
            )
    with listing(client) as listed:
        found["vmpool.infoextended"] = spread(client, listed, SLOW_CALLS)
    found["vm.info"]["pyone_p50_ms"] = median(milliseconds(lambda: client.one.vm.info(vm_id)))
    basic = {"Authorization": f"Basic {base64.b64encode(client.auth.encode()).decode()}"}
    with exchange(client.cloud["flow"], "GET", f"/service/{service_id}", basic) as show:
        found["GET service"] = spread(client, show)
    own = guest(client, vm_id)
    with exchange(client.cloud["gate"], "PUT", "/vm", own, "LOAD=1") as report:
        found["OneGate PUT"] = spread(client, report)
    with exchange(client.cloud["gate"], "GET", "/service?extended=true", own) as read:
        found["OneGate GET service, extended"] = spread(client, read, SLOW_CALLS)
    return found


@contextmanager
def listing(client: Client) -> Iterator[Callable[[], None]]:
    """A request for all VMs in full; megabytes of which nothing is read but the end."""
    call = xmlrpc.client.dumps((client.auth, -2, -1, -1, -1), "one.vmpool.infoextended")
    with exchange(client.cloud["rpc"], "POST", "/RPC2", {}, call) as ask:
        yield ask


@contextmanager
def others_listing(client: Client) -> Iterator[None]:
    """Somebody asks for all VMs in full, again and again."""
    ended = Event()

    def ask() -> None:
        with listing(client) as again:
            while not ended.is_set():
                again()

    with ThreadPoolExecutor(1) as thread:
        asking = thread.submit(ask)
        try:
            yield
        finally:
            ended.set()
            asking.result()


def guest(client: Client, vm_id: int) -> dict[str, str]:
    """The headers of a VM's own requests to OneGate."""
    secret = client.one.user.info(0).TEMPLATE["TOKEN_PASSWORD"]
    stime = client.one.vm.info(vm_id).STIME
    return {"X-ONEGATE-VMID": str(vm_id), "X-ONEGATE-TOKEN": token.make(secret, vm_id, stime)}


@dataclass(frozen=True)
class Size:
    """What was measured with 1 + `workers` VMs."""

    workers: int
    gated: bool
    seconds: float
    cpu_s: float
    memory_mb: float
    calls: Mapping[str, Mapping[str, float]]

    @property
    def name(self) -> str:
        return f"localcloud 1+{self.workers}{' gated' if self.gated else ''}"

    @property
    def cost(self) -> float:
        """Milliseconds a VM."""
        return 1e3 * self.seconds / (self.workers + 1)


def measured(workers: int, *, gated: bool) -> Size:
    """One deployment on a cloud of its own, and the calls against it."""
    with simulated_cloud() as client:
        pid = client.cloud["pid"]
        before = cpu_seconds(pid)
        service_id, seconds = deploy(client, workers, gated=gated)
        used = cpu_seconds(pid) - before
        found = {} if gated else calls(client, service_id, workers // 2)
        memory = memory_mb(pid)
    return Size(workers, gated, seconds, used, memory, found)


def rate(size: Size, first: Size) -> Outcome:
    """VMs per second, and what a VM costs in relation to the smallest size."""
    figures = {"seconds": size.seconds, "cpu_s": size.cpu_s, "ms_per_vm": size.cost}
    figures["cost_to_1+100"] = size.cost / first.cost
    if size is not first:  # what is the same for every service is in the smallest size alone
        further = 1e3 * (size.seconds - first.seconds) / (size.workers - first.workers)
        figures |= {"ms_per_further_vm": further, "further_to_1+100": further / first.cost}
    rate = (size.workers + 1) / size.seconds
    return Outcome(size.name, rate, "VMs/s", RATE_GOAL, higher_is_better=True, figures=figures)


def latencies(size: Size, first: Size) -> list[Outcome]:
    """The hot calls at a size."""
    return [
        Outcome(f"{size.name} {name}", found["p50_ms"], "ms", figures={**found, **_ratios(found, first.calls[name])})
        for name, found in size.calls.items()
    ]


def _ratios(found: Mapping[str, float], first: Mapping[str, float]) -> dict[str, float]:
    return {f"{key}_to_1+100": found[key] / first[key] for key in ("p50_ms", "p99_ms", "cpu_ms")}


def rates() -> list[Outcome]:
    """Everything about the simulated clouds of each size, without a gate and with one."""
    outcomes: list[Outcome] = []
    for gated in (False, True):
        sizes = [measured(workers, gated=gated) for workers in SIZES]
        outcomes += [rate(size, sizes[0]) for size in sizes]
        flat, kind = sizes[-1].cost / sizes[0].cost, " gated" if gated else ""
        outcomes.append(Outcome(f"localcloud{kind} cost per VM, 1+1000 / 1+100", flat, "ratio", FLAT_GOAL))
        outcomes += [outcome for size in sizes for outcome in latencies(size, sizes[0])]
        memory = {f"at_1+{size.workers}_mb": size.memory_mb for size in sizes}
        memory["to_1+100"] = sizes[-1].memory_mb / sizes[0].memory_mb
        outcomes.append(Outcome(f"localcloud{kind} memory", sizes[-1].memory_mb, "MB", MEMORY_GOAL, figures=memory))
    return outcomes


def idle() -> Outcome:
    """Processor time of the cloud while a federation of 1 + 2 nodes runs and nobody asks for anything."""
    with workspace() as (copy, pulumi):
        pulumi.seconds(copy.root, "up", "--yes", "--skip-preview", *PACK)
        pid = copy.cloud["pid"]
        before, begin = cpu_seconds(pid), time.perf_counter()
        Event().wait(IDLE_SECONDS)  # the time is what is measured over
        used, elapsed = cpu_seconds(pid) - before, time.perf_counter() - begin
        pulumi.seconds(copy.root, "destroy", "--yes", "--skip-preview")
    return Outcome("localcloud idle", 100 * used / elapsed, "%", IDLE_GOAL, figures={"cpu_s": used, "over_s": elapsed})


def measure() -> list[Outcome]:
    """Rates and calls at each size, the idle cloud."""
    return [*rates(), idle()]
