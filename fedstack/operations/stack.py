"""The Pulumi CLI as this project's commands use it."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fedstack.operations.environment import Project, search_path
from fedstack.operations.errors import OperationError


@dataclass(frozen=True)
class Stack:
    """One stack of a project, with the environment that its commands need."""

    project: Project
    name: str
    settings: Mapping[str, str]

    @property
    def environment(self) -> dict[str, str]:
        """The whole environment of a child process."""
        return {**os.environ, **self.settings, "PATH": search_path()}

    @property
    def pack(self) -> tuple[str, ...]:
        """The options that put the project's policy pack to work, with the stack's own levels where it has a file for
        them; none in a project without a pack."""
        if not (self.project.root / "policies").is_dir():
            return ()
        levels = f"policies/{self.name}.json"
        chosen = ("--policy-pack-config", levels) if (self.project.root / levels).exists() else ()
        return ("--policy-pack", "policies", *chosen)

    def command(self, *arguments: str) -> list[str]:
        """The command line of a Pulumi command on this stack; raises OperationError when Pulumi is not installed."""
        pulumi = shutil.which("pulumi", path=self.environment["PATH"])
        if not pulumi:
            raise OperationError("Pulumi is not installed: run `make setup`")
        return [pulumi, *arguments, "--stack", self.name]

    def run(self, *arguments: str) -> int:
        """Runs a command in the foreground with its own output; its exit code."""
        done = subprocess.run(self.command(*arguments), cwd=self.project.root, env=self.environment, check=False)
        return done.returncode

    def read(self, *arguments: str) -> str:
        """What a command prints; raises OperationError with its message."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.project.root,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            lines = [line for line in done.stderr.strip().splitlines() if line.strip()]
            raise OperationError(f"stack {self.name!r}: {lines[-1] if lines else 'pulumi failed'}")
        return done.stdout

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs; raises OperationError when it was never deployed."""
        outputs: dict[str, Any] = json.loads(self.read("stack", "output", "--json", "--show-secrets"))
        if "serviceId" not in outputs:
            raise OperationError(f"stack {self.name!r} has no federation: deploy it with `pulumi up` (or `make up`)")
        return outputs
