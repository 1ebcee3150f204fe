"""Writes `examples/typescript/federation.json`: what the components declare for stack dev, as plain data.

`python -m tools.typescript`, called by `make docs`; a test holds the file up to date. The TypeScript program adds what
only a deployment knows: names, ids, the mark, the path of the image.
"""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import yaml

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "examples/typescript/federation.json"
NAME = "federation-dev"
OF_A_DEPLOYMENT = {
    "VirtualNetwork": ("name", "mark"),
    "VirtualMachineTemplate": ("name", "mark", "disks", "nics"),
    "ServiceTemplate": ("name", "mark", "roles"),
    "Service": ("name", "mark", "roles", "serviceTemplateId", "triggers"),
}
"""Per type, the inputs that stand elsewhere: in the program, or under `roles`."""

Inputs = dict[str, Any]


class Recorder(pulumi.runtime.Mocks):
    """Keeps the inputs of everything that is declared, by `type name`."""

    def __init__(self) -> None:
        self.declared: dict[str, Inputs] = {}

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, Inputs]:
        """Answers with ids that nobody looks at."""
        kind = args.typ.rpartition(":")[2]
        self.declared[f"{kind} {args.name}"] = dict(args.inputs)
        ids = dict.fromkeys(("networkId", "imageId", "templateId", "serviceTemplateId", "serviceId"), 0)
        return args.name, {**args.inputs, **ids, "value": "mark", "roleStatus": []}

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[Inputs, None]:
        """The federation of stack dev looks nothing up; raises ValueError."""
        raise ValueError(f"{args.token}: expected no call of a function")


def settings() -> Inputs:
    """`fedstack:federation` of stack dev."""
    config = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())["config"]
    return dict(config["fedstack:federation"])


def declared(name: str, chosen: Mapping[str, Any]) -> tuple[dict[str, Inputs], Inputs]:
    """What a federation of that name declares with these settings, by `type name`, and its outputs."""
    from components.federation import Federation
    from components.settings import read_settings

    recorder, outputs = Recorder(), {}

    def program() -> None:
        outputs.update(Federation(name, read_settings(chosen)).outputs())

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        pulumi.runtime.set_mocks(recorder, project="fedstack", stack="dev")
        pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    finally:
        asyncio.set_event_loop(None)
        loop.close()
    return _whole(recorder.declared), outputs


def described(found: Mapping[str, Inputs]) -> Inputs:
    """Declared resources as the file has them: `roles` by name, each with its machine and its part of the service."""
    template, service = found[f"ServiceTemplate {NAME}-template"], found[f"Service {NAME}-service"]
    values = {role["name"]: role for role in service["roles"]}
    return {
        "network": _plain("VirtualNetwork", found[f"VirtualNetwork {NAME}-network"]),
        "template": _plain("ServiceTemplate", template),
        "service": _plain("Service", service),
        "roles": {
            role["name"]: {
                "machine": _plain("VirtualMachineTemplate", found[f"VirtualMachineTemplate {NAME}-{role['name']}"]),
                "template": _without(role, "templateId"),
                "service": _without(values[role["name"]]),
            }
            for role in template["roles"]
        },
    }


def _plain(kind: str, inputs: Inputs) -> Inputs:
    return _without(inputs, *OF_A_DEPLOYMENT[kind])


def _without(inputs: Mapping[str, Any], *names: str) -> Inputs:
    return {key: value for key, value in inputs.items() if key not in names and value is not None}


def _whole(value: Any) -> Any:
    """Whole numbers without a point; the engine knows floats only."""
    if isinstance(value, Mapping):
        return {key: _whole(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def text() -> str:
    """The file as it should be."""
    found, outputs = declared(NAME, settings())
    return json.dumps({**described(found), "runConfig": outputs["runConfig"]}, indent=2, sort_keys=True) + "\n"


def main() -> None:
    """Writes the file."""
    TARGET.write_text(text())


if __name__ == "__main__":
    main()
