"""Private copies of the project with a cloud and a Pulumi state of their own, taken away afterwards."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.workspace import ROOT, Workspace

TIMEOUT = 600.0
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
    """Pulumi in a workspace with its settings read once, so that only the command itself is timed."""

    def __init__(self, copy: Workspace) -> None:
        self._environment = {**copy.environment, **copy.settings()}

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
            pulumi = Pulumi(copy)
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
