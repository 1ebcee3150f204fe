"""`getServiceTemplate` and `getService`."""

from __future__ import annotations

from ..cloud import TAG, Cloud
from ..function import Function
from ..resources.service import ROLE_STATUS
from ..resources.service_template import ROLE
from ..service_view import machines, view, vm_ids
from ..shape import Definition, Field, ListOf, MapOf
from ..values import Properties
from .lookup import OWNERSHIP, DocumentKind, find_document, identity, ownership

TEMPLATE = DocumentKind("service template", "serviceTemplateId", "service_template")
SERVICE = DocumentKind("service", "serviceId", "service")
FOUND_TEMPLATE = {
    **identity(TEMPLATE),
    "description": Field("string", "Free text, empty without one.", required=True),
    "deployment": Field("string", "Whether roles wait for their parents: `straight`, else `none`.", required=True),
    "readyStatusGate": Field(
        "boolean", "Whether a machine counts as running only when its guest reported READY.", required=True
    ),
    "shutdownAction": Field("string", "How virtual machines are ended unless their role says otherwise."),
    "userInputs": Field(MapOf("string"), "Inputs of the service: name to type string.", required=True),
    "networks": Field(MapOf("string"), "Networks of the service: name to a string.", required=True),
    "roles": Field(ListOf(ROLE), "The roles.", required=True),
    "registrationTime": Field("integer", "When it was registered, in seconds since 1970.", required=True),
    **OWNERSHIP,
    "attributes": Field(MapOf("any"), "Its further keys.", required=True),
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
    from fedstack.oneflow.names import to_camel

    document = await find_document(cloud, TEMPLATE, inputs)
    body = {key: value for key, value in document["TEMPLATE"]["BODY"].items() if key != TAG.lower()}
    properties = to_camel({**body, "name": document["NAME"]})
    own = {key: value for key, value in properties.items() if key in FOUND_TEMPLATE}
    further = {key: value for key, value in properties.items() if key not in own}
    empty: Properties = {"description": "", "deployment": "none", "readyStatusGate": False, "registrationTime": 0}
    lists: Properties = {"userInputs": {}, "networks": {}, "roles": []}
    attributes = {**further, **own.pop("attributes", {})}
    number = {"serviceTemplateId": int(document["ID"])}
    return {**empty, **lists, **own, **number, **ownership(document), "attributes": attributes}


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
