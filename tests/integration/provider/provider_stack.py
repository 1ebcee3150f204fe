"""A stack driven by the real CLI: a small program whose resources are written in a JSON file."""

import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.wanted import PROGRAM, PROJECT

ROOT = Path(__file__).resolve().parents[3]
LEAKS = ("PULUMI_", "ONE_", "ONEFLOW_", "FEDSTACK_")


@dataclass
class Stack:
    """One stack of a project folder of its own; `environment` says where the cloud is."""

    root: Path
    environment: dict[str, str]
    wanted: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.root / "state").mkdir(parents=True)
        project = PROJECT.format(name="probe", root=ROOT)
        (self.root / "Pulumi.yaml").write_text(project)
        (self.root / "__main__.py").write_text(PROGRAM)
        self.write()
        assert self.run("stack", "init", "dev").returncode == 0

    def write(self) -> None:
        """Writes what the program shall make."""
        (self.root / "wanted.json").write_text(json.dumps(self.wanted))

    def settings(self, **extra: str) -> dict[str, str]:
        """The environment of the CLI."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(LEAKS)}
        return {
            **inherited,
            **self.environment,
            "PATH": f"{ROOT / '.venv/bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "PULUMI_HOME": str(self.root / "home"),
            "PULUMI_BACKEND_URL": (self.root / "state").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_DISABLE_REGISTRY_RESOLVE": "true",
            **extra,
        }

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Starts the CLI and leaves it running."""
        command = ["pulumi", *arguments, "--non-interactive"]
        quiet = subprocess.DEVNULL
        return subprocess.Popen(command, cwd=self.root, env=self.settings(), stdout=quiet, stderr=quiet)

    def providers(self) -> list[int]:
        """Processes of this stack that run the provider, its language host included."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                words, environment = ((process / name).read_bytes() for name in ("cmdline", "environ"))
            except OSError:
                continue
            if b"/provider" in words and f"PULUMI_HOME={self.root}/home".encode() in environment:
                found.append(int(process.name))
        return found

    def run(self, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        """Runs the CLI; what it printed is in `stdout`, errors included."""
        command = ["pulumi", *arguments, "--non-interactive", "--color", "never"]
        return subprocess.run(
            command,
            cwd=self.root,
            env=self.settings(**extra),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )

    def up(self, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        """Writes the program's wishes and deploys them."""
        self.write()
        return self.run("up", "--yes", "--skip-preview", "--suppress-permalink=true", "--diff", *arguments, **extra)

    def preview(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What the next deployment would do."""
        self.write()
        return self.run("preview", "--diff", "--suppress-permalink=true", *arguments)

    def resources(self) -> dict[str, dict[str, Any]]:
        """The state: resource name to its entry."""
        exported = json.loads(self.run("stack", "export").stdout)
        return {one["urn"].split("::")[-1]: one for one in exported["deployment"].get("resources", [])}


def federation(size: int = 1, *, gate: bool = True, report: bool = True, **service: Any) -> dict[str, Any]:
    """A coordinator and `size` workers that wait for it, with everything they are made of."""
    context = {"TOKEN": "YES", "NETWORK": "YES", **({"REPORT_READY": "YES"} if report else {})}
    mark = {"mark": "@mark.value"}
    role = {"template_id": "@machine.template_id", "cooldown": 1}
    return {
        "mark": {"type": "Mark", "inputs": {}},
        "network": {
            "type": "VirtualNetwork",
            "inputs": {**mark, "name": "lab", "address_ranges": [{"size": 16, "ipam": "local"}]},
        },
        "machine": {
            "type": "VirtualMachineTemplate",
            "inputs": {
                **mark,
                **{"name": "node", "cpu": 0.5, "memory_mb": 128, "context": context},
                "nics": [{"network_id": "@network.network_id"}],
            },
        },
        "template": {
            "type": "ServiceTemplate",
            "inputs": {
                **mark,
                **{"name": "fed", "deployment": "straight", "ready_status_gate": gate},
                "roles": [
                    {**role, "name": "head", "cardinality": 1, "max_vms": 1},
                    {**role, "name": "worker", "cardinality": 1, "max_vms": 5, "parents": ["head"]},
                ],
            },
        },
        "service": {
            "type": "Service",
            "inputs": {
                **mark,
                **{"name": "fed", "service_template_id": "@template.service_template_id", "ready_deadline": 30},
                "roles": [{"name": "head"}, {"name": "worker", "cardinality": size}],
                **service,
            },
        },
    }
