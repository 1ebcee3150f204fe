"""The whole program against Pulumi's mocks: what it declares for a configuration, and the stack's outputs."""

import asyncio
import base64
from collections.abc import Callable
from typing import Any

import pulumi

from components.federation import Federation
from components.settings import read_settings

CA = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"
Resources = dict[str, dict[str, Any]]


class Platform(pulumi.runtime.Mocks):
    """Answers as the provider would, and keeps the inputs of everything that was declared, by type and name."""

    def __init__(self, found: dict[str, Any] | None = None, status: list[dict[str, Any]] | None = None) -> None:
        self.declared: Resources = {}
        self.found = found
        self.status = status if status is not None else _status()

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        kind = args.typ.rsplit(":", 1)[-1]
        self.declared[f"{kind} {args.name}"] = args.inputs
        outputs = {
            "Mark": {"value": "mark-1"},
            "VirtualNetwork": {"networkId": 7},
            "Image": {"imageId": 8},
            "VirtualMachineTemplate": {"templateId": 9},
            "ServiceTemplate": {"serviceTemplateId": 10},
            "Service": {"serviceId": 11, "roleStatus": self.status},
        }.get(kind, {})
        return f"{args.name}-id", {**args.inputs, **outputs}

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, Any]:
        assert self.found is not None, f"no function is called: {args.token}"
        assert (args.token, dict(args.args)) == ("opennebula:index:getVirtualNetwork", {"name": "lab"})
        return self.found


def _status() -> list[dict[str, Any]]:
    published = {
        "FL_ENDPOINT": "127.9.0.2:9092",
        "FL_CONTROL_ENDPOINT": "127.9.0.2:9093",
        "FL_TLS": "YES",
        "FL_ENROLMENT": "YES",
        "FL_CA_CERT": base64.b64encode(CA.encode()).decode(),
    }
    node = {"vmId": 0, "name": "superlink_0", "ip": "127.9.0.2", "state": "RUNNING", "attributes": published}
    workers = [{**node, "vmId": number, "attributes": {}} for number in (1, 2, 3)]
    return [
        {"name": "superlink", "state": "RUNNING", "cardinality": 1, "nodes": [node]},
        {"name": "supernode", "state": "RUNNING", "cardinality": 3, "nodes": workers},
    ]


def deploy(
    raw: dict[str, Any], found: dict[str, Any] | None = None, status: list[dict[str, Any]] | None = None
) -> tuple[Resources, dict[str, Any]]:
    """Declares a federation; what was declared, and the stack's outputs as plain values.

    `found` is what a look-up answers; with `{}` this is a preview in which the provider has no settings yet. `status`
    are the roles as they run (three SuperNodes unless given).
    """
    platform = Platform(found, status)
    results: dict[str, Any] = {}

    def program() -> None:
        federation = Federation("federation-dev", read_settings(raw))
        for name, value in federation.outputs().items():
            pulumi.Output.from_input(value).apply(_keeper(results, name))

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        pulumi.runtime.set_mocks(platform, project="fedstack", stack="dev", preview=found == {})
        pulumi.runtime.test(program)()
    finally:
        asyncio.set_event_loop(None)
        loop.close()
    return platform.declared, results


def _keeper(results: dict[str, Any], name: str) -> Callable[[Any], None]:
    def keep(value: Any) -> None:
        results[name] = value

    return keep


def service(declared: Resources) -> dict[str, Any]:
    """The inputs of the service."""
    return declared["Service federation-dev-service"]


def template(declared: Resources) -> dict[str, Any]:
    """The inputs of its template."""
    return declared["ServiceTemplate federation-dev-template"]
