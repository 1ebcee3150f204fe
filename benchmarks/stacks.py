"""Stacks with a cloud and a Pulumi state of their own, taken away afterwards: copies of the project, and programs of
resources that are written in a JSON file.
"""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fedstack.localcloud import control
from fedstack.operations.environment import SETTINGS
from tests.support.wanted import PROGRAM, PROJECT
from tests.support.workspace import BIN, OWN, ROOT, Workspace

TIMEOUT = 600.0
NO_BYTE_CODE = "PYTHONDONTWRITEBYTECODE"
"""A setting of the caller that would have every process compile its modules again."""
PACK = ("--policy-pack", str(ROOT / "policies"))
EMPTY_PROJECT = """\
name: empty
runtime:
  name: python
  options:
    toolchain: pip
    virtualenv: {venv}
"""


class CommandError(Exception):
    """A command of a benchmark failed: the message is what it printed."""


class Pulumi:
    """Pulumi with its whole environment read before, so that only the command itself is timed."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = {key: value for key, value in environment.items() if key != NO_BYTE_CODE}

    def seconds(self, folder: Path, *arguments: str) -> float:
        """Wall time of a command in the folder of a project; raises CommandError."""
        command = ("pulumi", *arguments, "--non-interactive")
        begin = time.perf_counter()
        done = subprocess.run(
            command, cwd=folder, env=self._environment, capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
        elapsed = time.perf_counter() - begin
        if done.returncode:
            raise CommandError(f"{' '.join(command)}\n{done.stdout}\n{done.stderr}")
        return elapsed

    def create_stack(self, folder: Path) -> None:
        """Makes and selects the stack `dev`."""
        self.seconds(folder, "stack", "select", "--create", "dev", "--secrets-provider", "passphrase")


@contextmanager
def workspace() -> Iterator[tuple[Workspace, Pulumi]]:
    """A copy of the project with a running local cloud (VMs are processes) and an empty stack `dev`."""
    with TemporaryDirectory(prefix="fedstack-bench-") as folder:
        copy = Workspace.create(Path(folder))
        copy.start_cloud()
        try:
            pulumi = Pulumi({**copy.environment, **copy.settings()})
            pulumi.create_stack(copy.root)
            yield copy, pulumi
        finally:
            copy.stop_cloud()


def empty_program(copy: Workspace, pulumi: Pulumi) -> Path:
    """The folder of a project beside the copy's own that declares nothing, with a stack `dev`."""
    folder = copy.root / "empty"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text(EMPTY_PROJECT.format(venv=copy.root / ".venv"))
    (folder / "__main__.py").touch()
    pulumi.create_stack(folder)
    return folder


@dataclass(frozen=True)
class Simulated:
    """A running cloud of simulated machines, and a folder for stacks."""

    folder: Path
    status: control.Status

    def pulumi(self, **endpoints: str) -> Pulumi:
        """Pulumi with a home and a state in the folder; `endpoints` go over those of the cloud."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(OWN)}
        state = self.folder / "pulumi"
        state.mkdir()
        own = {
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_BACKEND_URL": state.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "",
            "ONE_XMLRPC": self.status["rpc"],
            "ONEFLOW_URL": self.status["flow"],
            "ONE_AUTH": self.status["auth_file"],
        }
        return Pulumi({**inherited, **SETTINGS, **own, **endpoints})


@contextmanager
def simulated(boot_seconds: float) -> Iterator[Simulated]:
    """A fresh cloud whose machines need that long to boot."""
    with TemporaryDirectory(prefix="fedstack-bench-") as folder:
        options = control.Options(
            state_dir=Path(folder) / "cloud",
            hypervisor="simulated",
            boot_time=boot_seconds,
            rpc_port=0,
            flow_port=0,
            gate_port=0,
        )
        try:
            yield Simulated(Path(folder), control.start(options))
        finally:
            control.stop(options.state_dir, destroy_vms=False)


def json_program(folder: Path, pulumi: Pulumi, wanted: Mapping[str, Any]) -> Path:
    """A project in the folder that declares these resources (tests.support.wanted), with a stack `dev`."""
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text(PROJECT.format(name=folder.name, root=ROOT))
    (folder / "__main__.py").write_text(PROGRAM)
    (folder / "wanted.json").write_text(json.dumps(wanted))
    pulumi.create_stack(folder)
    return folder
