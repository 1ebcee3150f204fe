"""How a cloud is started: one dataclass, its command line and back."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MAX_VMS = {"process": 300, "simulated": 10_000}
"""VMs of a cloud that are not DONE, by hypervisor, unless an option says otherwise."""
HYPERVISORS = tuple(MAX_VMS)
DURABILITIES = ("normal", "full")


@dataclass(frozen=True)
class Options:
    """What `fedstack cloud start` takes. Ports: 0 = any free one (kept for the next start); times in seconds.

    `host`: the IP address of all three servers; `tls_certificate`, `tls_key`: PEM files, both or none;
    `insecure_bind`: an address outside of loopback without TLS; `max_vms`: None is the hypervisor's own (`MAX_VMS`).
    """

    state_dir: Path = Path(".fedstack/cloud")
    hypervisor: str = "process"
    guest_reports: bool = True
    boot_time: float = 0.5
    rpc_port: int = 2633
    flow_port: int = 2474
    gate_port: int = 5030
    autoscaler_interval: float = 90.0
    durability: str = "normal"
    host: str = "127.0.0.1"
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    insecure_bind: bool = False
    max_vms: int | None = None

    @property
    def most_vms(self) -> int:
        """How many VMs may live at once."""
        return MAX_VMS[self.hypervisor] if self.max_vms is None else self.max_vms

    def arguments(self) -> list[str]:
        """The command line that `parse` reads back."""
        return [
            *("--state-dir", str(self.state_dir)),
            *("--hypervisor", self.hypervisor),
            *("--guest-reports", "on" if self.guest_reports else "off"),
            *("--boot-time", str(self.boot_time)),
            *("--rpc-port", str(self.rpc_port)),
            *("--flow-port", str(self.flow_port)),
            *("--gate-port", str(self.gate_port)),
            *("--autoscaler-interval", str(self.autoscaler_interval)),
            *("--durability", self.durability),
            *("--host", self.host),
            *(("--tls-certificate", str(self.tls_certificate)) if self.tls_certificate else ()),
            *(("--tls-key", str(self.tls_key)) if self.tls_key else ()),
            *(("--insecure-bind",) if self.insecure_bind else ()),
            *(() if self.max_vms is None else ("--max-vms", str(self.max_vms))),
        ]


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1e6:
        raise argparse.ArgumentTypeError(f"{text}: expected seconds, 0 or more")
    return value


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text}: expected a port between 0 and 65535 (0 = any free one)")
    return int(text)


def _count(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 1 << 31:
        raise argparse.ArgumentTypeError(f"{text}: expected a whole number, 1 or more")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    default = Options()
    parser = argparse.ArgumentParser(
        prog="python -m fedstack.localcloud", description="The local cloud, in the foreground."
    )
    parser.add_argument("--state-dir", type=Path, default=default.state_dir)
    parser.add_argument("--hypervisor", choices=HYPERVISORS, default=default.hypervisor)
    parser.add_argument("--guest-reports", choices=("on", "off"), default="on")
    parser.add_argument("--boot-time", type=_seconds, default=default.boot_time)
    parser.add_argument("--rpc-port", type=_port, default=default.rpc_port)
    parser.add_argument("--flow-port", type=_port, default=default.flow_port)
    parser.add_argument("--gate-port", type=_port, default=default.gate_port)
    parser.add_argument("--autoscaler-interval", type=_seconds, default=default.autoscaler_interval)
    parser.add_argument("--durability", choices=DURABILITIES, default=default.durability)
    parser.add_argument("--host", default=default.host, help="IP address of all three servers")
    parser.add_argument("--tls-certificate", type=Path, default=None, help="PEM file; serve https")
    parser.add_argument("--tls-key", type=Path, default=None, help="PEM file")
    parser.add_argument("--insecure-bind", action="store_true", help="allow --host outside of loopback without TLS")
    parser.add_argument("--max-vms", type=_count, default=None, help="VMs that may live at once")
    parser.add_argument("--report-fd", type=int, default=None, help=argparse.SUPPRESS)
    return parser


def parse(arguments: Sequence[str]) -> tuple[Options, int | None]:
    """Options and the descriptor on which the start is reported (None: nobody waits). Exits with 2 on bad arguments."""
    found = _parser().parse_args(arguments)
    options = Options(
        state_dir=found.state_dir,
        hypervisor=found.hypervisor,
        guest_reports=found.guest_reports == "on",
        boot_time=found.boot_time,
        rpc_port=found.rpc_port,
        flow_port=found.flow_port,
        gate_port=found.gate_port,
        autoscaler_interval=found.autoscaler_interval,
        durability=found.durability,
        host=found.host,
        tls_certificate=found.tls_certificate,
        tls_key=found.tls_key,
        insecure_bind=found.insecure_bind,
        max_vms=found.max_vms,
    )
    return options, found.report_fd
