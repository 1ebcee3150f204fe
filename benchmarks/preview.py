"""`pulumi preview` of stack dev, which was never deployed, so that every resource is new.

- `preview`: the program, with its components, against a bare program that writes the same resources down one by one
  with the generated SDK, from plain data;
- `preview_with_pack`: the program with the whole policy pack and the stack's levels against the same without.

The three take turns, and the shortest of each counts: what other work on the machine adds is no part of a preview.
"""

import inspect
import json
import re
from pathlib import Path
from typing import Any

import pulumi_opennebula

from benchmarks.outcome import Outcome
from benchmarks.stacks import PACK, Pulumi, json_program, workspace
from tests.support.workspace import Workspace

GOAL, PACK_GOAL = 1.15, 1.5
ROUNDS = 9
LEVELS = ("--policy-pack-config", "policies/dev.json")
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How a preview writes a value that is known only after the deployment."""
OUTPUTS = {
    "mark": ("Mark", "value"),
    "imageId": ("Image", "image_id"),
    "networkId": ("VirtualNetwork", "network_id"),
    "templateId": ("VirtualMachineTemplate", "template_id"),
    "serviceTemplateId": ("ServiceTemplate", "service_template_id"),
}
"""Which output of which resource stands where an input of that name is unknown."""


def measure() -> list[Outcome]:
    """Rounds of the three previews."""
    with workspace() as (copy, pulumi):
        bare = json_program(copy.root / "bare", pulumi, plain(copy))
        commands = {
            "bare_s": (bare, ()),
            "program_s": (copy.root, ()),
            "with_pack_s": (copy.root, (*PACK, *LEVELS)),
        }
        for folder, options in commands.values():  # fills the file cache and writes byte code
            pulumi.seconds(folder, "preview", *options)
        rounds = [_round(pulumi, commands) for _ in range(ROUNDS)]
    best = {name: min(one[name] for one in rounds) for name in commands}
    components, pack = best["program_s"] / best["bare_s"], best["with_pack_s"] / best["program_s"]
    return [
        Outcome("preview", components, "ratio", GOAL, figures=best),
        Outcome("preview_with_pack", pack, "ratio", PACK_GOAL, figures=best),
    ]


def _round(pulumi: Pulumi, commands: dict[str, tuple[Path, tuple[str, ...]]]) -> dict[str, float]:
    return {name: pulumi.seconds(folder, "preview", *options) for name, (folder, options) in commands.items()}


def plain(copy: Workspace) -> dict[str, Any]:
    """The resources that the program would make, as data (tests.support.wanted), with their references."""
    steps = json.loads(copy.pulumi("preview", "--json").stdout)["steps"]
    states = [step["newState"] for step in steps if step["newState"]["type"].startswith("opennebula:")]
    names = {state["type"].split(":")[-1]: state["urn"].split("::")[-1] for state in states}
    return {state["urn"].split("::")[-1]: _resource(state, names) for state in states}


def _resource(state: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    kind = state["type"].split(":")[-1]
    known = inspect.signature(getattr(pulumi_opennebula, kind)._internal_init).parameters
    inputs = {_snake(key): _value(key, value, names) for key, value in state.get("inputs", {}).items()}
    return {"type": kind, "inputs": {key: value for key, value in inputs.items() if key in known}}


def _value(key: str, value: Any, names: dict[str, str]) -> Any:
    if value == UNKNOWN:
        kind, output = OUTPUTS[key]
        return f"@{names[kind]}.{output}"
    if isinstance(value, dict):
        return {name: _value(name, one, names) for name, one in value.items()}
    return [_value(key, one, names) for one in value] if isinstance(value, list) else value


def _snake(name: str) -> str:
    return re.sub("([A-Z])", lambda found: f"_{found[1].lower()}", name)
