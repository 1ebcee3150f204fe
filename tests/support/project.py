"""A Pulumi project in a folder of its own, with its own home, backend and stack, driven by the real CLI."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.workspace import BIN, OWN


@dataclass
class PulumiProject:
    """`root` holds Pulumi.yaml; `private` is where Pulumi keeps what it knows; `settings` say where the cloud is.

    `programs` are further folders to look for programs in.
    """

    root: Path
    private: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    programs: tuple[str, ...] = ()
    stack: str = "dev"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every command: the caller's, without its settings of Pulumi and OpenNebula."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(OWN)}
        state = self.private / "state"
        state.mkdir(parents=True, exist_ok=True)
        return {
            **inherited,
            "PATH": os.pathsep.join((*self.programs, str(BIN), os.environ["PATH"])),
            "PULUMI_HOME": str(self.private / "home"),
            "PULUMI_BACKEND_URL": state.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_DISABLE_REGISTRY_RESOLVE": "true",
            **self.settings,
        }

    def run(self, *command: str, timeout: float = 300) -> str:
        """Runs a command in the project, which must succeed; what it printed, errors included."""
        done = self.attempt(*command, timeout=timeout)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}"
        return done.stdout

    def attempt(self, *command: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Runs a command in the project; what it printed is in `stdout`, errors included."""
        return subprocess.run(
            command,
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )

    def pulumi(self, *arguments: str) -> str:
        """Runs Pulumi on the stack; it must succeed."""
        words = ("--stack", self.stack, "--non-interactive", "--color", "never")
        return self.run("pulumi", *arguments, *words)

    def create_stack(self) -> None:
        """Makes the stack."""
        self.run("pulumi", "stack", "init", self.stack, "--non-interactive")

    def up(self, *options: str) -> str:
        """Deploys without asking."""
        return self.pulumi("up", "--yes", "--skip-preview", "--suppress-permalink=true", *options)

    def destroy(self) -> str:
        """Destroys without asking."""
        return self.pulumi("destroy", "--yes", "--skip-preview", "--suppress-permalink=true")

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs."""
        outputs: dict[str, Any] = json.loads(self.pulumi("stack", "output", "--json", "--show-secrets"))
        return outputs

    def resources(self) -> list[dict[str, Any]]:
        """The resources of the state."""
        exported: dict[str, Any] = json.loads(self.pulumi("stack", "export"))
        found: list[dict[str, Any]] = exported["deployment"].get("resources", [])
        return found
