"""Where things lie in a VM (reference 3.1, 4.1), below the root that `FEDSTACK_ROOT` names."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

CONTAINER_ROOT = "/app"
"""What context variables call the Flower directory: paths in them are container paths (reference 2.8, rule 10e)."""


@dataclass(frozen=True)
class Paths:
    """Every file and directory of the appliance; `root` is ``/`` on a real machine."""

    root: Path

    @classmethod
    def from_environment(cls) -> Paths:
        """The paths of this machine."""
        return cls(Path(os.environ.get("FEDSTACK_ROOT") or "/"))

    @property
    def flower(self) -> Path:
        """The directory that containers see as ``/app``."""
        return self.root / "opt" / "flower"

    @property
    def environment(self) -> Path:
        """The image's virtual environment."""
        return self.flower / "env"

    @property
    def scripts(self) -> Path:
        """health-check.sh."""
        return self.flower / "scripts"

    @property
    def config(self) -> Path:
        """Launch description; readable by the owner only."""
        return self.flower / "config"

    @property
    def state(self) -> Path:
        """The SuperLink's database."""
        return self.flower / "state"

    @property
    def certificates(self) -> Path:
        """TLS material of the SuperLink, the CA of a SuperNode."""
        return self.flower / "certs"

    @property
    def keys(self) -> Path:
        """The SuperNode's key pair."""
        return self.flower / "keys"

    @property
    def home(self) -> Path:
        """FLWR_HOME: installed apps and Flower's own files."""
        return self.flower / "home"

    @property
    def data(self) -> Path:
        """The training data of a SuperNode."""
        return self.flower / "data"

    @property
    def logs(self) -> Path:
        """Logs of the boot and of Flower."""
        return self.root / "var" / "log" / "one-appliance"

    @property
    def run(self) -> Path:
        """What does not outlive a boot: status and outcome."""
        return self.root / "run" / "fedstack"

    @property
    def launch_file(self) -> Path:
        """What the supervisor has to run."""
        return self.config / "launch.json"

    @property
    def status_file(self) -> Path:
        """How the supervisor's Flower process is."""
        return self.run / "status.json"

    @property
    def outcome_file(self) -> Path:
        """How the boot ended; without it the machine is not healthy."""
        return self.run / "boot.json"

    @property
    def facts_file(self) -> Path:
        """What this machine publishes once it is ready."""
        return self.run / "facts.json"

    @property
    def one_env(self) -> Path:
        """The context variables."""
        return Path(os.environ.get("ONE_ENV") or self.root / "run" / "one-context" / "one_env")

    @property
    def token_file(self) -> Path:
        """The OneGate token."""
        return self.one_env.parent / "token.txt"

    def in_flower(self, value: str) -> Path:
        """A container path of a context variable (``state/state.db``, ``/app/checkpoints``) on this machine."""
        path = PurePosixPath(CONTAINER_ROOT, value)
        return self.flower / path.relative_to(CONTAINER_ROOT if path.is_relative_to(CONTAINER_ROOT) else "/")
