"""`ServiceTemplate`: the roles of a OneFlow service and how they depend on each other."""

from __future__ import annotations

from http import HTTPStatus

from ..checks import Problem, known_items
from ..cloud import TAG
from ..errors import FlowError
from ..resource import Call, Made, Resource
from ..shape import ENDPOINT, MARK, Definition, Field, ListOf, MapOf, Shape, name_field
from ..values import Properties

SHUTDOWN = ("terminate", "terminate-hard", "shutdown", "shutdown-hard")
ELASTICITY_POLICY = Shape(
    "ElasticityPolicy",
    "Changes the number of virtual machines when an expression holds.",
    {
        "type": Field(
            "string", "What `adjust` means.", required=True, choices=("CHANGE", "CARDINALITY", "PERCENTAGE_CHANGE")
        ),
        "adjust": Field("integer", "By how much, to how many, or by how many percent.", required=True),
        "expression": Field("string", "When, for example `CPU > 80`.", required=True),
        "minAdjustStep": Field("integer", "Smallest step of a percentage change.", minimum=1),
        "periodNumber": Field("integer", "How many evaluations in a row must hold.", minimum=0),
        "period": Field("integer", "Seconds between evaluations.", minimum=0),
        "cooldown": Field("integer", "Seconds without scaling after this policy fired.", minimum=0),
    },
)
SCHEDULED_POLICY = Shape(
    "ScheduledPolicy",
    "Changes the number of virtual machines at a time.",
    {
        "type": Field(
            "string", "What `adjust` means.", required=True, choices=("CHANGE", "CARDINALITY", "PERCENTAGE_CHANGE")
        ),
        "adjust": Field("integer", "By how much, to how many, or by how many percent.", required=True),
        "startTime": Field("string", "When, once. Either this or `recurrence`."),
        "recurrence": Field("string", "When, again and again, in cron's notation. Either this or `startTime`."),
        "minAdjustStep": Field("integer", "Smallest step of a percentage change.", minimum=1),
    },
)
ROLE = Shape(
    "Role",
    "A group of virtual machines made from one template.",
    {
        "name": Field("string", "Name of the role: letters, digits and underscores.", required=True),
        "type": Field("string", "Kind of the role.", default="vm", choices=("vm", "vr")),
        "templateId": Field("integer", "Id of the virtual machine (or router) template.", required=True, minimum=0),
        "cardinality": Field("integer", "Initial number of virtual machines.", default=0),
        "minVms": Field("integer", "Fewest virtual machines that scaling may leave."),
        "maxVms": Field("integer", "Most virtual machines that scaling may reach."),
        "cooldown": Field("integer", "Seconds without scaling after a scaling; the platform's default is 300."),
        "parents": Field(
            ListOf("string"), "Roles that must be running before this one is deployed (deployment `straight`)."
        ),
        "shutdownAction": Field("string", "How its virtual machines are ended.", choices=SHUTDOWN),
        "onHold": Field("boolean", "Whether its virtual machines start on hold."),
        "templateContents": Field(MapOf("any"), "Attributes that are merged over those of the template."),
        "userInputs": Field(MapOf("string"), "Inputs of this role: name to type string such as `M|text|Description`."),
        "elasticityPolicies": Field(ListOf(ELASTICITY_POLICY), "Scaling by expressions."),
        "scheduledPolicies": Field(ListOf(SCHEDULED_POLICY), "Scaling by time."),
    },
)
DEFINITION = Definition(
    name="ServiceTemplate",
    description="A OneFlow service template. It is validated by the platform's own rules before anything is touched.",
    inputs={
        "mark": MARK,
        "name": name_field("service template"),
        "description": Field("string", "Free text."),
        "deployment": Field(
            "string", "Whether roles wait for their parents.", default="none", choices=("none", "straight")
        ),
        "readyStatusGate": Field(
            "boolean", "Whether a virtual machine counts as running only when its guest reported READY."
        ),
        "shutdownAction": Field(
            "string", "How virtual machines are ended unless their role says otherwise.", choices=SHUTDOWN
        ),
        "automaticDeletion": Field("boolean", "Whether a service is deleted when its last virtual machine is gone."),
        "userInputs": Field(
            MapOf("string"), "Inputs of the service: name to type string such as `M|text|Description`."
        ),
        "networks": Field(
            MapOf("string"), "Networks of the service: name to a string such as `M|network|Description||id:0`."
        ),
        "roles": Field(ListOf(ROLE), "The roles.", required=True),
        "attributes": Field(MapOf("any"), "Further keys of the template, stored as they are."),
    },
    outputs={
        "serviceTemplateId": Field("integer", "Id of the service template.", required=True),
        "registrationTime": Field("integer", "When the template was registered, in seconds since 1970.", required=True),
        "endpoint": ENDPOINT,
    },
)


class ServiceTemplate(Resource):
    """OneFlow documents of type 101. Everything is in place: the platform replaces the whole body."""

    definition = DEFINITION

    def check(self, inputs: Properties) -> list[Problem]:
        """The platform's own validation, and the graph of parents, which the platform never checks (reference 6.5)."""
        from fedstack.oneflow import graph
        from fedstack.oneflow.names import camel_path, from_camel
        from fedstack.oneflow.template import problems

        body = from_camel({key: value for key, value in inputs.items() if key != "mark"})
        found = [Problem(camel_path(one.path), str(one).removeprefix(one.path).strip()) for one in problems(body)]
        roles = _named_roles(inputs)
        for role, parent in graph.unknown_parents(roles):
            found.append(Problem("roles", f"role {role!r} has the parent {parent!r}, which no role is called"))
        for group in graph.cycles(roles):
            found.append(Problem("roles", f"these roles wait for each other for ever: {', '.join(group)}"))
        return found

    async def create(self, call: Call) -> Made:
        """Registers the template, or adopts it by its tag and rewrites it."""
        number = None
        if call.tag:
            number = await call.cloud.find_document("service_template", call.inputs["name"], call.tag)
        if number is None:
            reply = await call.cloud.flow.request("POST", "service_template", _body(call))
            call.id = str(reply["DOCUMENT"]["ID"])
            return _made(call, reply["DOCUMENT"])
        call.id = str(number)
        return await self.update(call)

    async def read(self, call: Call) -> Made | None:
        """The template as it is; None when it is gone or the id belongs to another kind of document."""
        document = await find(call, "service_template")
        return None if document is None else _made(call, document)

    async def update(self, call: Call) -> Made:
        """Replaces the body, and renames the document where the name differs."""
        path = f"service_template/{call.number}"
        await call.cloud.flow.request("PUT", path, _body(call))
        document = (await call.cloud.flow.get(path))["DOCUMENT"]
        if document["NAME"] != call.inputs["name"]:
            await call.cloud.flow.action(path, "rename", name=call.inputs["name"])
            document = (await call.cloud.flow.get(path))["DOCUMENT"]
        return _made(call, document)

    async def delete(self, call: Call) -> None:
        """Deletes the service template; its virtual machine templates stay."""
        try:
            await call.cloud.flow.request("DELETE", f"service_template/{call.number}")
        except FlowError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise


def _named_roles(inputs: Properties) -> list[Properties]:
    """The roles as a graph; empty while a name is still unknown, because then nothing can be said about parents."""
    roles = known_items(inputs.get("roles"))
    return roles if all(isinstance(role.get("name"), str) for role in roles) else []


async def find(call: Call, kind: str) -> Properties | None:
    """A OneFlow document, None when it is gone."""
    try:
        reply = await call.cloud.flow.get(f"{kind}/{call.number}")
    except FlowError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return None
        raise
    document: Properties = reply["DOCUMENT"]
    return document


def _body(call: Call) -> Properties:
    from fedstack.oneflow.names import from_camel

    body = from_camel({key: value for key, value in call.inputs.items() if key != "mark"})
    return {**body, **({TAG.lower(): call.tag} if call.tag else {})}


def _made(call: Call, document: Properties) -> Made:
    body = dict(document["TEMPLATE"]["BODY"])
    registered = body.pop("registration_time", 0)
    inputs = _inputs(call.inputs, document["NAME"], body)
    outputs = {
        "serviceTemplateId": call.number,
        "registrationTime": int(registered),
        "endpoint": call.cloud.endpoint,
    }
    return Made(call.id, {**inputs, **outputs}, inputs)


def _inputs(known: Properties, name: str, body: Properties) -> Properties:
    """What would have to be written to get this body; spelled as it was, while the platform would store the same."""
    from fedstack.oneflow.names import to_camel

    body.pop(TAG.lower(), None)
    mark = {"mark": known["mark"]} if "mark" in known else {}
    if known and _stored(known) == _without_empty({**body, "name": name}):
        return known
    seen = to_camel({**body, "name": name})
    if not seen.get("description") and not known.get("description"):
        seen.pop("description", None)
    return {**mark, **seen}


def _stored(inputs: Properties) -> Properties:
    """The body that the platform stores for these inputs (reference 6.6)."""
    from fedstack.oneflow.names import from_camel
    from fedstack.oneflow.template import normalise

    return _without_empty(normalise(from_camel({key: value for key, value in inputs.items() if key != "mark"})))


def _without_empty(body: Properties) -> Properties:
    return {key: value for key, value in body.items() if value not in (None, "", {})}
