"""What adoption writes: the federation into the stack's configuration, or a plain program."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from fedstack.operations.adopt.found import Found
from fedstack.operations.adopt.trial import RefusedError, Resources
from fedstack.operations.environment import Project
from fedstack.operations.errors import BadInputError

FEDERATION = "fedstack:federation"
PROVIDER = "opennebula:"


def endpoint_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """The provider's settings of a stack without secrets; the credentials then come from ONE_AUTH."""
    own = {key: value for key, value in config.items() if key.startswith(PROVIDER)}
    if any(isinstance(value, Mapping) for value in own.values()):
        own = {key: value for key, value in own.items() if key != f"{PROVIDER}username"}
    return {key: value for key, value in own.items() if not isinstance(value, Mapping)}


def with_federation(text: str, settings: Mapping[str, Any]) -> str:
    """The text of a stack's configuration with the federation in it; comments and the rest stay as they are.

    Raises BadInputError when `config` is written in a way that nothing can be added to.
    """
    block = yaml.safe_dump({FEDERATION: dict(settings)}, sort_keys=False)
    found = re.search(r"^config:[ \t]*(\{\}[ \t]*)?(#.*)?$\n?", text, re.MULTILINE)
    before, after = (text[: found.start()], text[found.end() :]) if found else (text, "")
    width = max(re.match(r"[ ]*", after).group(), "  ", key=len)  # type: ignore[union-attr]
    written = f"{before.rstrip()}\nconfig:\n".lstrip() + _indented(block, width) + after
    whole = yaml.safe_load(text) or {}
    if yaml.safe_load(written) != {**whole, "config": {**(whole.get("config") or {}), FEDERATION: settings}}:
        raise BadInputError(f"the stack's configuration: expected `config:` with a key a line, got {text!r}")
    return written


def _indented(block: str, width: str) -> str:
    return "".join(f"{width}{line}\n" for line in block.splitlines())


def plain_project(name: str, folder: Path, project: Project) -> dict[str, Any]:
    """Pulumi.yaml of a program in `folder` that takes SDK and provider from this checkout."""
    return {
        "name": name,
        "runtime": {
            "name": "python",
            "options": {"toolchain": "pip", "virtualenv": os.path.relpath(project.root / ".venv", folder)},
        },
        "packages": {"opennebula": os.path.relpath(project.root / "provider", folder)},
    }


def plain_resources(found: Found) -> Resources:
    """The service, its template and the VM templates of its roles, for an import without components."""
    machines = {machine.template_id: machine for machine in found.machines.values()}
    return [
        *(
            _resource("VirtualMachineTemplate", f"{word(one.name)}-{number}", number)
            for number, one in machines.items()
        ),
        _resource("ServiceTemplate", f"{word(found.name)}-template", found.template_id),
        _resource("Service", f"{word(found.name)}-service", found.service_id),
    ]


def _resource(kind: str, name: str, number: int) -> dict[str, Any]:
    return {"type": f"opennebula:index:{kind}", "name": name, "id": str(number)}


def word(name: str) -> str:
    """A name that every language can make a variable of."""
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower() or "service"


def filled(declared: Resources, found: Found, mark: str) -> Resources:
    """What the federation's program declares, with the ids of what was found; raises RefusedError for anything else."""
    ids = {
        "Mark": {"": mark},
        "ServiceTemplate": {"": str(found.template_id)},
        "Service": {"": str(found.service_id)},
        "VirtualMachineTemplate": {role: str(one.template_id) for role, one in found.machines.items()},
    }
    return [{**each, **({"id": _id(ids, each)} if "id" in each else {})} for each in declared]


def _id(ids: Mapping[str, Mapping[str, str]], resource: Mapping[str, Any]) -> str:
    kind, name = resource["type"].rpartition(":")[2], resource["name"]
    of_type = ids.get(kind, {})
    number = of_type.get("") or of_type.get(name.rpartition("-")[2])
    if number is None:
        raise RefusedError(f"{kind} {name}: nothing of the service is this")
    return number


def refuse_second_federation(stack: str, config: Mapping[str, Any]) -> None:
    """Raises BadInputError when the stack's configuration declares a federation already."""
    if FEDERATION in config:
        raise BadInputError(
            f"Pulumi.{stack}.yaml: expected no {FEDERATION} yet; adopt into a stack of its own (--stack)"
        )
