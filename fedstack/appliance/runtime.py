"""The runtime that Flower runs in: here the image's virtual environment (on a container image it would be Docker)."""

from __future__ import annotations

import json
import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from fedstack.appliance import inside, limits
from fedstack.appliance.failure import StepError
from fedstack.appliance.launch import Launch
from fedstack.appliance.limits import Limits
from fedstack.appliance.paths import Paths
from fedstack.appliance.waiting import until

LAUNCH_MARK = "FEDSTACK_LAUNCH"
_INSIDE = Path(inside.__file__).parent
_EVENTS_FD = "FEDSTACK_EVENTS_FD"
_GRPC_OPTIONS = "FEDSTACK_GRPC_OPTIONS"
_LOOK_EVERY = 1.0


@dataclass(frozen=True)
class Runtime:
    """An image's environment: the Flower version baked into it, the launch-flag generation, the framework.

    `edge`: the image is for places whose network comes and goes (reference 9). `use_cases`: app bundles in it.
    """

    directory: Path
    version: str
    generation: str
    framework: str
    edge: bool = False
    use_cases: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)

    @property
    def python(self) -> str:
        """The environment's interpreter."""
        return str(self.directory / "bin" / "python")

    def check(self) -> None:
        """Waits for the environment's interpreter. Raises StepError when it cannot be run in time."""
        if not until(self._usable, limit=self.limits.runtime, every=_LOOK_EVERY):
            raise StepError(f"{self.python} cannot be run: the image is damaged")

    def _usable(self) -> bool | None:
        return (Path(self.python).is_file() and os.access(self.python, os.X_OK)) or None

    def command(self, launch: Launch) -> list[str]:
        """The command line of a launch: Flower's program through our launcher."""
        return [self.python, str(_INSIDE / "launcher.py"), launch.program, *launch.arguments]

    def control_command(self, launch: Launch) -> list[str]:
        """The command line of the Control API's client."""
        return [self.python, str(_INSIDE / "control.py"), launch.control_address, launch.ca]

    def environment(self, launch: Launch, mark: str, events: int) -> dict[str, str]:
        """The process environment of a launch; `events` is the descriptor that the launcher reports on."""
        return self.base_environment() | {
            **launch.environment,
            LAUNCH_MARK: mark,
            _EVENTS_FD: str(events),
            "FEDSTACK_LOG_ROLE": launch.appliance,
            _GRPC_OPTIONS: json.dumps({"client": launch.client_options, "server": launch.server_options}),
            "FEDSTACK_HIDDEN_REQUESTS": " ".join(launch.hidden_requests),
        }

    def base_environment(self) -> dict[str, str]:
        """Ours, with the image's programs first: Flower starts its helpers by name."""
        inherited = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "PYTHONHOME"}}
        programs = f"{self.directory / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return inherited | {"PATH": programs, "VIRTUAL_ENV": str(self.directory), "PYTHONUNBUFFERED": "1"}


def find(paths: Paths) -> Runtime:
    """The runtime of this VM's image. Raises StepError when the image has none."""
    directory = paths.environment
    try:
        return _read(directory)
    except KeyError as error:
        raise StepError(f"{directory} is no Flower environment: image.toml has no {error.args[0]}") from None
    except (OSError, TypeError, ValueError) as error:
        raise StepError(f"{directory} is no Flower environment: image.toml: {error}") from None


def _read(directory: Path) -> Runtime:
    table = tomllib.loads((directory / "image.toml").read_text())
    edge = table.get("edge", False)
    if not isinstance(edge, bool):
        raise ValueError(f"edge is {edge!r}, expected true or false")
    return Runtime(
        directory=directory,
        version=table["flower"]["version"],
        generation=table["flower"]["generation"],
        framework=table["framework"]["name"],
        edge=edge,
        use_cases=tuple(table.get("use_cases", ())),
        limits=limits.read(table.get("limits", {})),
    )
