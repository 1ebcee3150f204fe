"""`pulumi up` of a large stack: 100 VM templates, and 20 services of two VMs that boot one after the other.

    up / (slowest chain + engine time)

Engine time is the `up` of the same program with the same number of resources, of the same size and with the same
references, that cost nothing in the cloud (marks). The slowest chain is that of one service, from its VM template to
RUNNING: the `up` of these three alone, minus the `up` of as many marks. All four runs take turns on the same machine.
Calls are counted in front of the cloud.
"""

from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.outcome import Outcome
from benchmarks.stacks import Pulumi, json_program, simulated
from tests.support.calls import Calls, counted

GOAL, CALLS_GOAL = 1.3, 24.0
ROUNDS = 3
TEMPLATES, SERVICES = 100, 20
BOOT_SECONDS = 2.0
UP = ("up", "--yes", "--skip-preview")
WAITING = ("GET /service", "GET /service/N", "vmpool.infoset")
"""The calls by which the provider waits for services."""


def wanted(templates: int, services: int) -> dict[str, Any]:
    """Resources of the program: every service has its own service template, whose two roles have a VM template each."""
    found: dict[str, Any] = {"mark": {"type": "Mark", "inputs": {}}}
    mark = {"mark": "@mark.value"}
    context = {"NETWORK": "YES", "TOKEN": "YES", "SSH_PUBLIC_KEY": "ssh-ed25519 " + 68 * "A"}
    for index in range(templates):
        body = {"name": f"node-{index}", "cpu": 0.1, "memory_mb": 64, "context": context}
        found[f"node-{index}"] = {"type": "VirtualMachineTemplate", "inputs": {**mark, **body}}
    for index in range(services):
        roles = [_role("head", 2 * index % templates), _role("worker", (2 * index + 1) % templates, ["head"])]
        body = {"name": f"pair-{index}", "deployment": "straight", "roles": roles}
        found[f"template-{index}"] = {"type": "ServiceTemplate", "inputs": {**mark, **body}}
        number = f"@template-{index}.service_template_id"
        body = {"name": f"pair-{index}", "service_template_id": number}
        found[f"service-{index}"] = {"type": "Service", "inputs": {**mark, **body}}
    return found


def _role(name: str, template: int, parents: list[str] | None = None) -> dict[str, Any]:
    return {"name": name, "cardinality": 1, "template_id": f"@node-{template}.template_id", "parents": parents or []}


def free(resources: Mapping[str, Any]) -> dict[str, Any]:
    """The same resources as marks: their inputs become texts, references stay."""
    return {name: {"type": "Mark", "inputs": {"keepers": _texts(one["inputs"])}} for name, one in resources.items()}


def _texts(value: Any, path: str = "") -> dict[str, str]:
    if isinstance(value, dict):
        return {key: text for name, one in value.items() for key, text in _texts(one, f"{path}.{name}").items()}
    if isinstance(value, list):
        return {key: text for place, one in enumerate(value) for key, text in _texts(one, f"{path}.{place}").items()}
    text = str(value)
    return {path: f"{text.split('.')[0]}.value" if text.startswith("@") else text}


def measure() -> list[Outcome]:
    """The medians of some rounds; a round is an `up` of each of the four stacks."""
    large, small = wanted(TEMPLATES, SERVICES), wanted(2, 1)
    with (
        simulated(BOOT_SECONDS) as cloud,
        counted(cloud.status["rpc"], cloud.status["flow"]) as (calls, (rpc, flow)),
    ):
        pulumi = cloud.pulumi(ONE_XMLRPC=rpc, ONEFLOW_URL=flow)
        programs = {"large": large, "large_free": free(large), "small": small, "small_free": free(small)}
        folders = {name: json_program(cloud.folder / name, pulumi, body) for name, body in programs.items()}
        rounds = [_round(pulumi, folders, calls) for _ in range(ROUNDS)]
    figures = {name: median(one[name] for one in rounds) for name in rounds[0]}
    ratio, rate = figures.pop("ratio"), figures.pop("waiting_calls_per_second")
    calls_of_all = {name: figures.pop(name) for name in ("all_calls_per_second", "all_calls")}
    return [
        Outcome("stack_100_20", ratio, "ratio", GOAL, figures=figures),
        Outcome("stack_waiting_calls", rate, "calls/s", CALLS_GOAL, figures=calls_of_all),
    ]


def _round(pulumi: Pulumi, folders: Mapping[str, Path], calls: Calls) -> dict[str, float]:
    seconds, counts = {}, {}
    for name, folder in folders.items():
        calls.seen.clear()
        seconds[name] = pulumi.seconds(folder, *UP)
        counts[name] = _calls(calls)
        pulumi.seconds(folder, *UP, "--expect-no-changes")
        pulumi.seconds(folder, "destroy", "--yes", "--skip-preview")
    chain = seconds["small"] - seconds["small_free"]
    return {
        "ratio": seconds["large"] / (chain + seconds["large_free"]),
        "up_s": seconds["large"],
        "chain_s": chain,
        "engine_s": seconds["large_free"],
        **counts["large"],
    }


def _calls(calls: Calls) -> dict[str, float]:
    return {
        "waiting_calls_per_second": calls.busiest_second(*WAITING),
        "all_calls_per_second": calls.busiest_second(),
        "all_calls": len(calls.seen),
    }
