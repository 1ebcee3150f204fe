"""A private copy of the project with its own cloud and its own Pulumi state, driven as a user drives it."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import yaml

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / ".venv/bin"
OWN = ("PULUMI_", "ONE_", "ONEFLOW_", "FEDSTACK_")
"""Settings of the caller that must not leak into a workspace."""


def tracked_files() -> list[str]:
    """Every file of the checkout that git knows or would add."""
    listed = subprocess.run(
        ["/usr/bin/env", "git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


@dataclass
class Workspace:
    """`root` is the copy; `cloud` is what `fedstack cloud status --json` said after the start."""

    root: Path
    cloud: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def create(cls, root: Path) -> "Workspace":
        """Copies the tracked files and links the virtual environment."""
        for name in tracked_files():
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
        (root / ".venv").symlink_to(ROOT / ".venv")
        return cls(root)

    @classmethod
    @contextmanager
    def running(cls, root: Path, *options: str) -> Iterator["Workspace"]:
        """A workspace with a cloud of its own, which ends with the block however the block ends."""
        space = cls.create(root)
        space.start_cloud(*options)
        try:
            yield space
        finally:
            space.stop_cloud()

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every command: the caller's, without settings of another cloud or backend."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(OWN)}
        return {**inherited, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "200", "NO_COLOR": "1"}

    def run(
        self, *command: str, extra: Mapping[str, str] | None = None, timeout: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command in the copy and returns what it printed; `extra` goes over the environment."""
        return subprocess.run(
            command,
            cwd=self.root,
            env={**self.environment, **(extra or {})},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def fedstack(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs the command line of this checkout."""
        return self.run(str(BIN / "fedstack"), *arguments)

    def settings(self, stack: str = "dev") -> dict[str, str]:
        """What `fedstack env` exports."""
        script = 'settings="$(fedstack env --stack "$1")" && eval "$settings" && env -0'
        printed = self.run("bash", "-c", script, "bash", stack)
        assert printed.returncode == 0, printed.stderr
        pairs = (entry.partition("=") for entry in printed.stdout.split("\0") if "=" in entry)
        return {key: value for key, _, value in pairs if key.startswith(OWN)}

    def pulumi(self, *arguments: str, stack: str = "dev", **extra: str) -> subprocess.CompletedProcess[str]:
        """Runs Pulumi with the settings of a stack of the workspace; `extra` are environment variables."""
        settings = {**self.settings(stack), **extra}
        return self.run("pulumi", *arguments, "--stack", stack, "--non-interactive", extra=settings)

    def create_stack(self, stack: str = "dev") -> None:
        """Makes a stack of the workspace."""
        command = ("pulumi", "stack", "init", stack, "--non-interactive")
        created = self.run(*command, extra=self.settings(stack))
        assert created.returncode == 0, created.stderr

    def start_cloud(self, *options: str) -> None:
        """Starts the workspace's own cloud on free ports."""
        ports = ("--rpc-port", "0", "--flow-port", "0", "--gate-port", "0")
        started = self.fedstack("cloud", "start", *ports, *options)
        assert started.returncode == 0, started.stderr
        self.cloud = json.loads(self.fedstack("cloud", "status", "--json").stdout)

    def stop_cloud(self) -> subprocess.CompletedProcess[str]:
        """Stops the cloud and every VM that is left."""
        return self.fedstack("cloud", "stop")

    def session(self) -> str:
        """`user:password` of the cloud's administrator."""
        return Path(self.cloud["auth_file"]).read_text().strip()

    def access(self) -> dict[str, str]:
        """How OpenNebula's own tools find the cloud."""
        cloud = self.cloud
        return {"ONE_XMLRPC": cloud["rpc"], "ONEFLOW_URL": cloud["flow"], "ONE_AUTH": cloud["auth_file"]}

    def flow(self, path: str) -> Any:
        """GET on OneFlow: the parsed reply, or None while the object does not exist."""
        user, _, password = self.session().partition(":")
        reply = requests.get(f"{self.cloud['flow']}/{path}", auth=(user, password), timeout=10)
        return reply.json() if reply.ok else None

    def vms(self) -> list[Any]:
        """Every VM that is not DONE, in full."""
        return list(self.server().vmpool.infoextended(-2, -1, -1, -1).VM)

    def server(self) -> Any:
        """The cloud by pyone, as its administrator."""
        import pyone

        return pyone.OneServer(self.cloud["rpc"], session=self.session())

    def vm_named(self, prefix: str) -> Any:
        """The first VM whose name starts so."""
        return next(vm for vm in self.vms() if vm.NAME.startswith(prefix))

    def edit_config(self, **changes: Any) -> None:
        """Changes `supernodes.<key>` in Pulumi.dev.yaml."""
        file = self.root / "Pulumi.dev.yaml"
        config = yaml.safe_load(file.read_text())
        config["config"]["fedstack:federation"].setdefault("supernodes", {}).update(changes)
        file.write_text(yaml.safe_dump(config))

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs."""
        printed = self.pulumi("stack", "output", "--json", "--show-secrets")
        assert printed.returncode == 0, printed.stderr
        outputs: dict[str, Any] = json.loads(printed.stdout)
        return outputs


def processes_with(text: str) -> list[int]:
    """Ids of the processes (not this one) whose command line or environment holds `text`."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            content = (entry / "cmdline").read_bytes() + b"\0" + (entry / "environ").read_bytes()
        except OSError:
            continue
        if text.encode() in content:
            found.append(int(entry.name))
    return found
