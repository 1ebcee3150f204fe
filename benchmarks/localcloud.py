"""The local cloud: how fast simulated VMs come, what it costs to have it, how fast it answers.

VMs per second: a service of one coordinator and many workers without a readiness gate, whose VMs have a disk and a
network interface and boot in no time, from the request that instantiates it until the service is RUNNING. Idle: the
processor time of the cloud beside a running federation of 1 + 2 VMs that are real processes.
"""

import time
import xmlrpc.client
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any

import pyone
import requests

from benchmarks.machine import cpu_seconds, memory_mb
from benchmarks.outcome import Outcome
from benchmarks.stacks import PACK, workspace
from fedstack.localcloud import control
from fedstack.oneflow.states import ServiceState
from tests.support.waiting import wait_for

RATE_GOAL, IDLE_GOAL = 200.0, 1.0
SIZES = (100, 1000)
IDLE_SECONDS = 20.0
CALLS = 500
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

    def service_state(self, service_id: int) -> ServiceState:
        """Where a service is."""
        return ServiceState(self.flow("GET", f"/service/{service_id}")["DOCUMENT"]["TEMPLATE"]["BODY"]["state"])


@contextmanager
def simulated_cloud() -> Iterator[Client]:
    """A fresh cloud whose VMs run as soon as they are started and never report."""
    with TemporaryDirectory(prefix="fedstack-bench-") as folder:
        options = control.Options(
            state_dir=Path(folder),
            hypervisor="simulated",
            guest_reports=False,
            boot_time=0.0,
            rpc_port=0,
            flow_port=0,
            gate_port=0,
        )
        try:
            yield Client(control.start(options))
        finally:
            control.stop(options.state_dir, destroy_vms=False)


def service_template(client: Client, workers: int) -> int:
    """A template of 1 + `workers` VMs with everything that they need; its id."""
    network = client.one.vn.allocate(
        f"NAME=net VN_MAD=dummy BRIDGE=br0 AR=[TYPE=IP4,SIZE={workers + 1},IPAM_MAD=local]", -1
    )
    image = client.one.image.allocate("NAME=disk PATH=/any SIZE=100 TYPE=OS", 1)
    vm = f"NAME=vm CPU=0.1 MEMORY=64 DISK=[IMAGE_ID={image}] NIC=[NETWORK_ID={network}] CONTEXT=[TOKEN=YES]"
    template_id = client.one.template.allocate(vm)
    roles = [
        {"name": "coordinator", "type": "vm", "template_id": template_id, "cardinality": 1},
        {
            "name": "worker",
            "type": "vm",
            "template_id": template_id,
            "cardinality": workers,
            "max_vms": workers,
            "parents": ["coordinator"],
        },
    ]
    body = {"name": f"bench-{workers}", "deployment": "straight", "ready_status_gate": False, "roles": roles}
    return int(client.flow("POST", "/service_template", body)["DOCUMENT"]["ID"])


def deploy(client: Client, workers: int) -> float:
    """Seconds from the request until the service with its 1 + `workers` VMs is RUNNING."""
    template_id = service_template(client, workers)
    begin = time.perf_counter()
    made = client.flow("POST", f"/service_template/{template_id}/action", {"action": {"perform": "instantiate"}})
    service_id = int(made["DOCUMENT"]["ID"])
    wait_for(lambda: client.service_state(service_id) == ServiceState.RUNNING, TIMEOUT, "RUNNING", every=0.02)
    return time.perf_counter() - begin


def milliseconds(call: Callable[[], object]) -> list[float]:
    """The times of a call that is made again and again."""
    times = []
    for _ in range(CALLS):
        begin = time.perf_counter()
        call()
        times.append((time.perf_counter() - begin) * 1e3)
    return times


def vm_info(client: Client, vm_id: int) -> dict[str, float]:
    """`one.vm.info` on one kept connection, and as pyone does it (a connection a call, and the reply as objects)."""
    with xmlrpc.client.ServerProxy(client.cloud["rpc"]) as server:
        bare = quantiles(milliseconds(lambda: server.one.vm.info(client.auth, vm_id)), n=100)
    pyone_median = median(milliseconds(lambda: client.one.vm.info(vm_id)))
    return {"p50_ms": bare[49], "p99_ms": bare[98], "pyone_p50_ms": pyone_median}


def rate(workers: int) -> list[Outcome]:
    """VMs per second at a size; with the largest number of VMs also the time of a call."""
    with simulated_cloud() as client:
        seconds = deploy(client, workers)
        memory = memory_mb(client.cloud["pid"])
        info = vm_info(client, workers // 2)
    figures = {"seconds": seconds, "memory_mb": memory}
    name = f"localcloud 1+{workers}"
    return [
        Outcome(name, (workers + 1) / seconds, "VMs/s", RATE_GOAL, higher_is_better=True, figures=figures),
        Outcome(f"{name} vm.info", info.pop("p50_ms"), "ms", figures=info),
    ]


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
    """Rates at each size, the time of a call, the idle cloud."""
    return [*(outcome for size in SIZES for outcome in rate(size)), idle()]
