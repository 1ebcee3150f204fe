"""Who starts the supervisor and keeps it: systemd where it runs, else a process of its own in this VM."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from fedstack.appliance import files
from fedstack.appliance.failure import StepError
from fedstack.appliance.paths import Paths
from fedstack.context import Appliance

_SYSTEMD_RUNS = Path("/run/systemd/system")
_STOP_SECONDS = 30
_EXPORTER = "dcgm-exporter.service"


class ServiceManager(Protocol):
    """What boot steps need: describing the supervisor's service, starting it, and the exporter of GPU metrics."""

    def install(self, appliance: Appliance, paths: Paths) -> str:
        """Makes the service known; says how."""

    def start(self, appliance: Appliance, paths: Paths) -> None:
        """Starts it (again); returns at once."""

    def start_exporter(self, command: Sequence[str], paths: Paths) -> None:
        """Starts the exporter of GPU metrics beside a SuperNode; returns at once."""


class ProcessServices:
    """The supervisor as a child of this boot, which hands it to the VM's first process when it ends."""

    def install(self, appliance: Appliance, paths: Paths) -> str:
        """Nothing to write."""
        del appliance, paths
        return "runs as a process of this machine"

    def start(self, appliance: Appliance, paths: Paths) -> None:
        """Starts the supervisor, output to ``supervisor.log``."""
        _spawn(supervisor_command(appliance), paths.logs / "supervisor.log")

    def start_exporter(self, command: Sequence[str], paths: Paths) -> None:
        """Starts it, output to ``dcgm-exporter.log``; nobody starts it again."""
        _spawn(command, paths.logs / "dcgm-exporter.log")


class SystemdServices:
    """The supervisor as a unit. What it does not restart (itself), systemd does: 5 starts in 60 s, 10 s apart."""

    def install(self, appliance: Appliance, paths: Paths) -> str:
        """Writes the unit and makes systemd read it."""
        return _install(paths, unit_name(appliance), unit(appliance))

    def start(self, appliance: Appliance, paths: Paths) -> None:
        """Restarts the unit, so that it takes what this boot wrote."""
        del paths
        _systemctl("restart", unit_name(appliance))

    def start_exporter(self, command: Sequence[str], paths: Paths) -> None:
        """Writes its unit, which goes with the SuperNode's, and starts it."""
        _install(paths, _EXPORTER, exporter_unit(command))
        _systemctl("restart", _EXPORTER)


def choose() -> ServiceManager:
    """systemd when it is this machine's init and we see the whole of it, else processes."""
    if _SYSTEMD_RUNS.is_dir() and Paths.from_environment().root == Path("/"):
        return SystemdServices()
    return ProcessServices()


def supervisor_command(appliance: Appliance) -> list[str]:
    """How a supervisor is started."""
    return [sys.executable, "-m", "fedstack.appliance", "supervise", appliance]


def unit_name(appliance: Appliance) -> str:
    """The unit's name (reference 3.1, 4.2)."""
    return f"flower-{appliance}.service"


def unit(appliance: Appliance) -> str:
    """The unit file: one owner of restarts, a stop that leaves Flower time to close its database."""
    return f"""[Unit]
Description=Flower {appliance}
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=60
StartLimitBurst=5

[Service]
Type=simple
ExecStart={" ".join(supervisor_command(appliance))}
Restart=on-failure
RestartSec=10
KillMode=mixed
TimeoutStopSec={_STOP_SECONDS}
NoNewPrivileges=yes
PrivateTmp=yes

[Install]
WantedBy=multi-user.target
"""


def exporter_unit(command: Sequence[str]) -> str:
    """The unit of the GPU metrics (reference 13.3)."""
    return f"""[Unit]
Description=GPU metrics
PartOf={unit_name("supernode")}
After={unit_name("supernode")}

[Service]
Type=simple
ExecStart={" ".join(command)}
Restart=on-failure
RestartSec=10
"""


def _spawn(command: Sequence[str], output: Path) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    with output.open("ab") as log:
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)


def _install(paths: Paths, name: str, text: str) -> str:
    path = paths.root / "etc" / "systemd" / "system" / name
    files.write(path, text, 0o644)
    _systemctl("daemon-reload")
    return str(path)


def _systemctl(*arguments: str) -> None:
    program = shutil.which("systemctl") or "/usr/bin/systemctl"
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StepError(f"systemctl {' '.join(arguments)} failed: {done.stderr.strip()}")
