"""A stack that exists for a moment: its import and its preview show what adoption would do, before anything is written.

Its state is in a private folder, and nothing but reads reach the platform.
"""

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fedstack.context import VARIABLES
from fedstack.operations.environment import Project
from fedstack.operations.stack import Stack
from fedstack.processes import kill_marked

MARK = "FEDSTACK_TRIAL"
"""The environment variable by which the processes of a trial are known."""
IMPORT = ("--yes", "--skip-preview", "--protect=false")
"""Options of an import that asks nothing and leaves what it imports as free as if the stack had made it."""
SECRETS = frozenset(row.name for row in VARIABLES if row.secret)
Resources = list[dict[str, Any]]


class RefusedError(Exception):
    """Pulumi or the program ends with an error; the message is theirs."""


@contextmanager
def scratch() -> Iterator[Path]:
    """A private folder for a trial, which is gone afterwards, and so are the trial's processes.

    An import that writes code leaves the language host behind that it has started for that.
    """
    with tempfile.TemporaryDirectory(prefix="fedstack-adopt-") as folder:
        try:
            yield Path(folder)
        finally:
            kill_marked(MARK, folder)


@dataclass(frozen=True)
class Trial:
    """A project folder with an empty stack, named as the real one."""

    stack: Stack

    @classmethod
    def of_program(cls, folder: Path, stack: Stack, config: Mapping[str, Any]) -> "Trial":
        """The stack's own program, in a folder that leads to its files, with this configuration."""
        for entry in stack.project.root.iterdir():
            if entry.name not in {".git", ".fedstack"} and not re.fullmatch(r"Pulumi\..+\.yaml", entry.name):
                (folder / entry.name).symlink_to(entry)
        return cls.of_folder(folder, stack, config)

    @classmethod
    def of_folder(cls, folder: Path, stack: Stack, config: Mapping[str, Any]) -> "Trial":
        """The program that lies in a folder."""
        (folder / f"Pulumi.{stack.name}.yaml").write_text(yaml.safe_dump({"config": dict(config)}))
        state = folder / ".state"
        state.mkdir()
        own = {"PULUMI_BACKEND_URL": state.as_uri(), "PULUMI_CONFIG_PASSPHRASE": "", MARK: str(folder)}
        trial = cls(Stack(Project(folder), stack.name, {**stack.settings, **own}))
        trial.run("stack", "init")
        return trial

    @property
    def folder(self) -> Path:
        """Where the program lies."""
        return self.stack.project.root

    def run(self, *arguments: str) -> str:
        """What Pulumi prints; raises RefusedError."""
        done = subprocess.run(
            [*self.stack.command(*arguments), "--non-interactive", "--color", "never"],
            cwd=self.folder,
            env=self.stack.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RefusedError("\n".join(dict.fromkeys(_errors(done.stdout, done.stderr))))
        return done.stdout

    def declared(self) -> Resources:
        """What the program declares, as an import file lists it: ids are still to be filled in. Raises RefusedError."""
        file = self.folder / "declared.json"
        self.run("preview", "--json", "--import-file", str(file))
        resources: Resources = json.loads(file.read_text())["resources"]
        return resources

    def imported(self, resources: Resources, *options: str) -> None:
        """Reads these resources into the state; raises RefusedError."""
        file = self.folder / "import.json"
        file.write_text(import_file(resources))
        self.run("import", "--file", str(file), *IMPORT, *options)

    def differences(self) -> list[str]:
        """What the next update would change, a line each; raises RefusedError."""
        steps = json.loads(self.run("preview", "--json"))["steps"]
        return [line for step in steps if step["op"] != "same" for line in described(step)]


def import_file(resources: Resources) -> str:
    """The content of a file for `pulumi import --file`."""
    return json.dumps({"resources": resources}, indent=2) + "\n"


def _errors(output: str, errors: str) -> Iterator[str]:
    """The messages of a failed command: of its diagnostics where it speaks JSON, else its lines with `error:`."""
    try:
        found = json.loads(output).get("diagnostics", [])
        yield from (each["message"].strip() for each in found if each["severity"] == "error")
    except ValueError:
        lines = (output + errors).splitlines()
        yield from (line.partition("error:")[2].strip() for line in lines if "error:" in line)


def described(step: Mapping[str, Any]) -> Iterator[str]:
    """What a step changes, a line each: `Service s: roles[1].cardinality: 3, declared 2`; without secret values."""
    old, new = ((step.get(side) or {}).get("inputs") or {} for side in ("oldState", "newState"))
    kind, name = step["urn"].split("::")[-2].rpartition(":")[2], step["urn"].rpartition("::")[2]
    if not step.get("detailedDiff"):
        yield f"{kind} {name}: {step['op']}"
    for path in step.get("detailedDiff") or {}:
        secret = any(each in path for each in SECRETS)
        values = "" if secret else f": {_at(old, path)}, declared {_at(new, path)}"
        yield f"{kind} {name}: {path}{values}"


def _at(value: Any, path: str) -> str:
    """The value at a property path such as `roles[0].userInputs["a.b"]`."""
    for quoted, index, key in re.findall(r'\["([^"]+)"\]|\[(\d+)\]|([^.\[\]]+)', path):
        try:
            value = value[int(index)] if index else value[quoted or key]
        except (KeyError, IndexError, TypeError):
            return "nothing"
    return json.dumps(value)
