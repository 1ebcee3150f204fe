"""`getServiceTemplate` and `getService`."""

from __future__ import annotations

from ..cloud import Cloud
from ..function import Function
from ..resources.service import ROLE_STATUS
from ..resources.service_template import DEFINITION, properties_of
from ..service_view import machines, view, vm_ids
from ..shape import Definition, Field, ListOf, MapOf
from ..values import Properties
from .lookup import OWNERSHIP, DocumentKind, find_document, identity, ownership

TEMPLATE = DocumentKind("service template", "serviceTemplateId", "service_template")
SERVICE = DocumentKind("service", "serviceId", "service")
BESIDE = ("mark", "name", "group", "permissions", "labels")
INPUTS = {name: one for name, one in DEFINITION.inputs.items() if name not in BESIDE}
FOUND_TEMPLATE = {
    **identity(TEMPLATE),
    **{name: Field(one.type, one.description, choices=one.choices) for name, one in INPUTS.items()},
    "registrationTime": Field("integer", "When it was registered, in seconds since 1970.", required=True),
    **OWNERSHIP,
}
FOUND_SERVICE = {
    **identity(SERVICE),
    "state": Field("string", "State of the service, for example `RUNNING`.", required=True),
    "health": Field("string", "`healthy`, or what is wrong with the service.", required=True),
    "roleStatus": Field(ListOf(ROLE_STATUS), "The roles as they run.", required=True),
    "userInputsValues": Field(MapOf("string"), "Values of the service's inputs.", required=True),
    **OWNERSHIP,
}


async def get_service_template(cloud: Cloud, inputs: Properties) -> Properties:
    """One service template."""
    document = await find_document(cloud, TEMPLATE, inputs)
    body = document["TEMPLATE"]["BODY"]
    return {
        **properties_of(body, document["NAME"]),
        "serviceTemplateId": int(document["ID"]),
        "registrationTime": int(body.get("registration_time", 0)),
        **ownership(document),
    }


async def get_service(cloud: Cloud, inputs: Properties) -> Properties:
    """One service with its machines."""
    document = await find_document(cloud, SERVICE, inputs)
    seen = view(document, await machines(cloud, vm_ids(document)))
    return {
        "serviceId": seen.number,
        "name": seen.name,
        "state": seen.state,
        "health": seen.health(),
        "roleStatus": [role.output() for role in seen.roles],
        "userInputsValues": seen.body.get("user_inputs_values") or {},
        **ownership(document),
    }


GET_SERVICE_TEMPLATE = Function(
    Definition(
        "getServiceTemplate",
        "Finds a service template that exists already, by its id or by its name.",
        TEMPLATE.inputs,
        FOUND_TEMPLATE,
    ),
    get_service_template,
    either=("serviceTemplateId", "name"),
)
GET_SERVICE = Function(
    Definition(
        "getService", "Finds a service that runs already, by its id or by its name.", SERVICE.inputs, FOUND_SERVICE
    ),
    get_service,
    either=("serviceId", "name"),
)
