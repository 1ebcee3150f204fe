"""The Pulumi package schema, derived from the definitions of the resources and functions."""

from __future__ import annotations

import json
from typing import Any

from . import VERSION
from .examples import examples
from .registry import FUNCTIONS, RESOURCES
from .shape import PACKAGE, Definition, Field, function_json, properties_json, resource_json, shape_json, shapes

CONFIG: dict[str, Field] = {
    "endpoint": Field(
        "string", "XML-RPC endpoint, for example `http://localhost:2633/RPC2`. Environment: `ONE_XMLRPC`."
    ),
    "flowEndpoint": Field(
        "string",
        "OneFlow endpoint, for example `http://localhost:2474`. Environment: `ONEFLOW_URL`. Port 2474 of the XML-RPC "
        "endpoint's host when neither is set.",
    ),
    "username": Field("string", "User name; with `password` instead of `ONE_AUTH`."),
    "password": Field(
        "string",
        "Password or login token. Without user name and password the variable `ONE_AUTH` counts (a file, or "
        "`user:password`), then the file `~/.one/one_auth`.",
        secret=True,
    ),
    "insecureSkipVerify": Field("boolean", "Whether to accept any TLS certificate of the endpoints."),
    "caFile": Field("string", "File with the certificates that sign those of the endpoints."),
}


def _types() -> dict[str, Any]:
    resources = [one.definition for one in RESOURCES.values()]
    definitions = [*resources, *(one.definition for one in FUNCTIONS.values())]
    found = {
        shape.name: shape for one in definitions for fields in (one.inputs, one.outputs) for shape in shapes(fields)
    }
    return {f"{PACKAGE}:index:{name}": shape_json(shape) for name, shape in sorted(found.items())}


def _resource(definition: Definition) -> dict[str, Any]:
    description = f"{definition.description}\n\n{examples(definition)}"
    return {**resource_json(definition), "description": description}


def package() -> dict[str, Any]:
    """The whole schema as data."""
    return {
        "name": PACKAGE,
        "version": VERSION,
        "displayName": "OpenNebula",
        "description": "OpenNebula 7 objects as Pulumi resources: networks, images, templates and OneFlow services.",
        "keywords": ["pulumi", "opennebula", "oneflow", "category/cloud"],
        "license": "Apache-2.0",
        "meta": {"moduleFormat": "(.*)"},
        "config": {"variables": properties_json(CONFIG)},
        "provider": {
            "description": "How to reach an OpenNebula and as whom.",
            "properties": {name: spec for name, spec in properties_json(CONFIG).items() if spec["type"] == "string"},
            "inputProperties": properties_json(CONFIG),
        },
        "types": _types(),
        "resources": {token: _resource(one.definition) for token, one in RESOURCES.items()},
        "functions": {token: function_json(one.definition) for token, one in FUNCTIONS.items()},
        "language": {
            "python": {"pyproject": {"enabled": True}, "respectSchemaVersion": True},
            "nodejs": {"packageName": "pulumi-opennebula", "respectSchemaVersion": True},
        },
    }


def schema_text() -> str:
    """The schema as the engine and the SDK generators want it: JSON text."""
    return json.dumps(package(), indent=2)
