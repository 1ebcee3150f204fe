"""`pulumi up` of the federation (1 + 2 nodes) against the time that its VMs need to boot.

    (up of stack dev - up of an empty program) / (boot of the SuperLink + boot of the slower SuperNode)

Both `up`s have the same options and the same policy pack. A boot is from the power-on of the VM (its description is
written just before its first process starts) to its report READY=YES; file times say when, to a few milliseconds. The
gate already opens at the appliance's own FL_READY=YES or FL_NODE_READY=YES, so the stricter ratio over the boots up to
there is among the figures.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.outcome import Outcome
from benchmarks.stacks import PACK, empty_program, workspace
from tests.support.waiting import wait_for

GOAL = 1.3
ROUNDS = 3
POWER_ON = "vm.json"
CONSOLE = "console.log"
REPORT_SECONDS = 10.0
BOOT_LOG = "root/var/log/one-appliance/flower-bootstrap.log"
_PUBLISHED = re.compile(r"^\[(\S+)Z\].* publish done ", re.MULTILINE)


@dataclass(frozen=True)
class Boot:
    """Epoch seconds of one VM: power-on, the report that opens the gate, READY=YES."""

    on: float
    published: float
    ready: float


def has_reported(vm: Path) -> bool:
    """Whether the VM that a directory belongs to has reported READY=YES."""
    return (vm / CONSOLE).read_text().rstrip().endswith("reported READY=YES")


def read_boot(vm: Path) -> Boot:
    """The boot of the VM that a directory belongs to; raises ValueError when it has not reported."""
    published = _PUBLISHED.search((vm / BOOT_LOG).read_text())
    if published is None or not has_reported(vm):
        raise ValueError(f"{vm} has not reported READY=YES")
    moment = datetime.fromisoformat(f"{published[1]}+00:00").timestamp()
    return Boot((vm / POWER_ON).stat().st_mtime, moment, (vm / CONSOLE).stat().st_mtime)


def boot_seconds(boots: list[Boot], until: Callable[[Boot], float]) -> float:
    """Boot of the first VM (the SuperLink) plus the longest of the others, which boot at the same time."""
    lengths = [until(boot) - boot.on for boot in boots]
    return lengths[0] + max(lengths[1:])


def measure() -> list[Outcome]:
    """The median of some rounds: empty up, up, destroy."""
    with workspace() as (copy, pulumi):
        empty = empty_program(copy, pulumi)
        up = ("up", "--yes", "--skip-preview", *PACK)
        pulumi.seconds(empty, *up)  # fills the file cache and writes byte code
        rounds = []
        for _ in range(ROUNDS):
            bare, full = pulumi.seconds(empty, *up), pulumi.seconds(copy.root, *up)
            vms = sorted((copy.root / ".fedstack/cloud/vms").iterdir(), key=lambda vm: int(vm.name))
            for vm in vms[-3:]:  # the last report may come a moment after `up` has ended
                wait_for(partial(has_reported, vm), REPORT_SECONDS, f"READY of {vm}")
            rounds.append(_figures(bare, full, [read_boot(vm) for vm in vms[-3:]]))
            pulumi.seconds(copy.root, "destroy", "--yes", "--skip-preview")
    figures = {name: median(one[name] for one in rounds) for name in rounds[0]}
    return [Outcome("deploy", figures.pop("ratio"), "ratio", GOAL, figures=figures)]


def _figures(bare: float, full: float, boots: list[Boot]) -> dict[str, float]:
    ready = boot_seconds(boots, lambda boot: boot.ready)
    published = boot_seconds(boots, lambda boot: boot.published)
    return {
        "ratio": (full - bare) / ready,
        "up_s": full,
        "empty_up_s": bare,
        "boots_s": ready,
        "boots_to_gate_s": published,
        "ratio_to_gate": (full - bare) / published,
    }
