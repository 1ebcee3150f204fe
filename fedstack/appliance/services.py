"""Who starts the supervisor and keeps it: systemd where it runs, else a process of its own in this VM."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Protocol

from fedstack.appliance import files
from fedstack.appliance.failure import StepError
from fedstack.appliance.paths import Paths
from fedstack.context import Appliance

_SYSTEMD_RUNS = Path("/run/systemd/system")
_STOP_SECONDS = 30


class ServiceManager(Protocol):
    """Two boot steps: describing the service, and starting it."""

    def install(self, appliance: Appliance, paths: Paths) -> str:
        """Makes the service known; says how."""

    def start(self, appliance: Appliance, paths: Paths) -> None:
        """Starts it (again); returns at once."""


class ProcessServices:
    """The supervisor as a child of this boot, which hands it to the VM's first process when it ends."""

    def install(self, appliance: Appliance, paths: Paths) -> str:
        """Nothing to write."""
        del appliance, paths
        return "runs as a process of this machine"

    def start(self, appliance: Appliance, paths: Paths) -> None:
        """Starts the supervisor, output to ``supervisor.log``."""
        paths.logs.mkdir(parents=True, exist_ok=True)
        with (paths.logs / "supervisor.log").open("ab") as log:
            subprocess.Popen(
                supervisor_command(appliance), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )


class SystemdServices:
    """The supervisor as a unit. What it does not restart (itself), systemd does: 5 starts in 60 s, 10 s apart."""

    def install(self, appliance: Appliance, paths: Paths) -> str:
        """Writes the unit and makes systemd read it."""
        path = paths.root / "etc" / "systemd" / "system" / unit_name(appliance)
        files.write(path, unit(appliance), 0o644)
        _systemctl("daemon-reload")
        return str(path)

    def start(self, appliance: Appliance, paths: Paths) -> None:
        """Restarts the unit, so that it takes what this boot wrote."""
        del paths
        _systemctl("restart", unit_name(appliance))


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


def _systemctl(*arguments: str) -> None:
    program = shutil.which("systemctl") or "/usr/bin/systemctl"
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StepError(f"systemctl {' '.join(arguments)} failed: {done.stderr.strip()}")
