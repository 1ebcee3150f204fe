"""What an endpoint has: templates and services to judge, and which objects exist.

The endpoint is that of the environment (ONE_XMLRPC, ONEFLOW_URL, ONE_AUTH); what its user may not see is not there.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from fedstack.oneflow.unknown import UNKNOWN
from fedstack.rules.reading import mapping
from fedstack.rules.rule import Place

VISIBLE = (-2, -1, -1)
"""Pool filter: every object that the user may see."""
POOLS = {
    "templates": ("templatepool", "VMTEMPLATE"),
    "images": ("imagepool", "IMAGE"),
    "networks": ("vnpool", "VNET"),
}


@dataclass(frozen=True)
class Live:
    """Something that runs or is stored on the endpoint: its name for people, and what is judged."""

    name: str
    body: Mapping[str, Any]
    place: Place


def templates_and_services() -> Iterator[Live]:
    """Service templates, VM templates and running services (judged by what they were merged to).

    Raises fedstack.operations.errors.OperationError when the endpoint is not named or does not answer.
    """
    access = _access()
    for path, kind in (("service_template", "service template"), ("service", "service")):
        for document in access.documents(path):
            body = without_references(document["TEMPLATE"]["BODY"])
            yield Live(f"{kind} {document['ID']} ({document['NAME']})", body, Place.SERVICE_TEMPLATE)
    for template in access.pool(*POOLS["templates"], VISIBLE):
        yield Live(f"VM template {template.ID} ({template.NAME})", template.TEMPLATE, Place.VM_TEMPLATE)


def without_references(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a service without what OneFlow wrote into its contexts: `NAME = "$NAME"` for each user input."""
    return {**body, "roles": [_own_context(role) for role in body.get("roles", [])]}


def _own_context(role: Mapping[str, Any]) -> Mapping[str, Any]:
    contents = mapping(role.get("template_contents"))
    context = mapping(contents.get("CONTEXT"))
    own = {key: value for key, value in context.items() if value != f"${key}"}
    return {**role, "template_contents": {**contents, "CONTEXT": own}} if context else role


@cache
def existing(kinds: frozenset[str]) -> Any:
    """The numbers of the objects of each kind; UNKNOWN while no endpoint is named or it does not answer."""
    from fedstack.operations.errors import OperationError

    try:
        access = _access()
        return {kind: [each.ID for each in access.pool(*POOLS[kind], VISIBLE)] for kind in kinds}
    except OperationError:
        return UNKNOWN


def _access() -> Any:
    from fedstack.operations.cloud_client import Access  # imported on use: the linter of files needs no client

    return Access.from_environment(os.environ)
