"""`ServiceTemplate`: the roles of a OneFlow service and how they depend on each other."""

from __future__ import annotations

import re
from dataclasses import replace
from http import HTTPStatus

from ..attributes import LABELS_KEY, labels_text, seen_labels
from ..checks import Problem, known_items
from ..cloud import TAG
from ..diffs import Difference
from ..errors import FlowError, ProviderError
from ..ownership import in_flow, known_group, own, seen_ownership
from ..resource import Call, Made, Resource, adopted, folded, settled
from ..rpc import section
from ..shape import ENDPOINT, Definition, Field, ListOf, MapOf, Shape, owned
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
        "userInputsValues": Field(
            MapOf("string"), "Values of inputs; an instantiation has to give its own for those that are declared."
        ),
        "elasticityPolicies": Field(ListOf(ELASTICITY_POLICY), "Scaling by expressions, the first that fires wins."),
        "scheduledPolicies": Field(ListOf(SCHEDULED_POLICY), "Scaling by time; it comes before elasticity."),
        "attributes": Field(MapOf("any"), "Further keys of the role, stored as they are."),
    },
)
DEFINITION = Definition(
    name="ServiceTemplate",
    description="A OneFlow service template. It is validated by the platform's own rules before anything is touched. "
    "Every change is in place, and reaches services that are instantiated afterwards.",
    inputs=owned(
        "service template",
        {
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
            "automaticDeletion": Field(
                "boolean", "Whether a service is deleted when its last virtual machine is gone."
            ),
            "onHold": Field("boolean", "Whether the virtual machines of all roles start on hold."),
            "userInputs": Field(
                MapOf("string"), "Inputs of the service: name to type string such as `M|text|Description`."
            ),
            "userInputsValues": Field(
                MapOf("string"), "Values of inputs; an instantiation has to give its own for those that are declared."
            ),
            "networks": Field(
                MapOf("string"), "Networks of the service: name to a string such as `M|network|Description||id:0`."
            ),
            "networksValues": Field(
                ListOf(MapOf("any")), "Values of networks, such as `{Public: {id: 0}}`, one network each."
            ),
            "roles": Field(ListOf(ROLE), "The roles.", required=True),
            "attributes": Field(MapOf("any"), "Further keys of the template, stored as they are."),
        },
    ),
    outputs={
        "serviceTemplateId": Field("integer", "Id of the service template.", required=True),
        "registrationTime": Field("integer", "When the template was registered, in seconds since 1970.", required=True),
        "endpoint": ENDPOINT,
    },
    example={
        **{"name": "web", "deployment": "straight", "readyStatusGate": True},
        "userInputs": {"REALM": "M|text|Realm of the site||example.org"},
        "roles": [
            {"name": "front", "templateId": "${virtualMachineTemplate.templateId}", "cardinality": 1},
            {
                **{"name": "worker", "templateId": "${virtualMachineTemplate.templateId}", "parents": ["front"]},
                **{"cardinality": 2, "minVms": 1, "maxVms": 8, "cooldown": 60},
                "elasticityPolicies": [{"type": "CHANGE", "adjust": 1, "expression": "CPU > 80", "period": 60}],
            },
        ],
    },
)


_ELSEWHERE = frozenset({"registration_time", TAG.lower(), LABELS_KEY})
"""Keys of a stored body that are no properties of the body."""
_BESIDE = frozenset({"mark", "group", "permissions", "labels"})
"""Properties that are not in the body."""


class ServiceTemplate(Resource):
    """OneFlow documents of type 101. Everything is in place: the platform replaces the whole body."""

    definition = DEFINITION

    def check(self, inputs: Properties) -> list[Problem]:
        """The platform's own validation, and the graph of parents, which the platform never checks (reference 6.5)."""
        from fedstack.oneflow import graph

        found = body_problems(body_of(inputs))
        roles = _named_roles(inputs)
        for role, parent in graph.unknown_parents(roles):
            found.append(Problem("roles", f"role {role!r} has the parent {parent!r}, which no role is called"))
        for group in graph.cycles(roles):
            found.append(Problem("roles", f"these roles wait for each other for ever: {', '.join(group)}"))
        return found

    async def create(self, call: Call) -> Made:
        """Registers the template, or adopts the one that a creation which was cut off left."""
        await known_group(call)
        found = await call.cloud.find("service_template", call.inputs["name"], call.tag)
        if found is not None and (made := await adopted(self, call, found)):
            return made
        reply = await call.cloud.flow.request("POST", "service_template", _body(call))
        call.id = str(reply["DOCUMENT"]["ID"])
        begun = {name: value for name, value in call.inputs.items() if name not in ("group", "permissions")}
        return await self._written(call, self.diff(replace(call, old=begun)))

    async def read(self, call: Call) -> Made | None:
        """The template as it is; None when it is gone."""
        document = await call.cloud.reads.one("service_template", call.number)
        return None if document is None else _made(call, document)

    async def update(self, call: Call) -> Made:
        """Replaces the body, then name, group and rights."""
        difference = self.diff(call)
        if set(difference.names) - {"group", "permissions"}:
            document = await call.cloud.reads.one("service_template", call.number) or {}
            labels = section(section(document, "TEMPLATE"), "BODY").get(LABELS_KEY)
            await call.cloud.flow.request("PUT", f"service_template/{call.number}", _body(call, labels))
        return await self._written(call, difference)

    async def _written(self, call: Call, difference: Difference) -> Made:
        await own(call, difference, in_flow(call, f"service_template/{call.number}"))
        made = await self.read(call)
        if made is None:
            raise ProviderError(f"service template {call.id} was deleted while it was being written")
        return await settled(self, call, made)

    async def delete(self, call: Call) -> None:
        """Deletes the service template; its virtual machine templates stay."""
        try:
            await call.cloud.flow.request("DELETE", f"service_template/{call.number}")
        except FlowError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise


def body_problems(body: Properties) -> list[Problem]:
    """What the platform would refuse in a body, in the names of properties."""
    from fedstack.oneflow.names import camel, camel_path
    from fedstack.oneflow.template import problems

    found = []
    for one in problems(body):
        message, got, value = str(one).removeprefix(one.path).strip().partition(" (got ")
        words = re.sub(r"[a-z]+(?:_[a-z]+)+", lambda name: camel(name.group()), message)
        found.append(Problem(camel_path(one.path), f"{words}{got}{value}"))
    return found


def _named_roles(inputs: Properties) -> list[Properties]:
    """The roles as a graph; empty while a name is still unknown, because then nothing can be said about parents."""
    roles = known_items(inputs.get("roles"))
    return roles if all(isinstance(role.get("name"), str) for role in roles) else []


def _body(call: Call, labels: str | None = None) -> Properties:
    """The body that is sent; `labels` are those so far, which stay where none are declared."""
    declared = labels_text(call.inputs)
    chosen = labels if declared is None else declared
    tag = {TAG.lower(): call.tag} if call.tag else {}
    return {**body_of(call.inputs), **({LABELS_KEY: chosen} if chosen else {}), **tag}


def body_of(inputs: Properties) -> Properties:
    """The platform's form of the inputs that are in the body."""
    from fedstack.oneflow.names import from_camel

    own = {name: value for name, value in inputs.items() if name not in _BESIDE}
    if isinstance(own.get("roles"), list):
        own["roles"] = [
            {**role.get("attributes", {}), **{key: value for key, value in role.items() if key != "attributes"}}
            if isinstance(role, dict)
            else role
            for role in own["roles"]
        ]
    return from_camel(own)


def properties_of(body: Properties, name: str) -> Properties:
    """The inputs for a body of that name; keys without a property are gathered under `attributes`."""
    from fedstack.oneflow.names import to_camel

    found = to_camel({**{key: value for key, value in body.items() if key not in _ELSEWHERE}, "name": name})
    return {**found, "roles": [_gathered(role) for role in found.get("roles", [])]}


def _gathered(role: Properties) -> Properties:
    known = {key: value for key, value in role.items() if key in ROLE.fields}
    further = {key: value for key, value in role.items() if key not in ROLE.fields}
    return {**known, **({"attributes": further} if further else {})}


def _made(call: Call, document: Properties) -> Made:
    known, body = call.inputs, document["TEMPLATE"]["BODY"]
    beside = {**seen_ownership(known, document), **seen_labels(known, body)}
    mark = {"mark": known["mark"]} if "mark" in known else {}
    inputs = folded({**_inputs(known, document["NAME"], body), **mark}, beside)
    outputs = {
        "serviceTemplateId": call.number,
        "registrationTime": int(body.get("registration_time", 0)),
        "endpoint": call.cloud.endpoint,
    }
    return Made(call.id, {**inputs, **outputs}, inputs)


def _inputs(known: Properties, name: str, body: Properties) -> Properties:
    """What would have to be written to get this body; spelled as it was, while the platform would store the same."""
    stored = {key: value for key, value in body.items() if key not in _ELSEWHERE}
    declared = {key: value for key, value in known.items() if key not in _BESIDE}
    if known and _stored(declared) == _without_empty({**stored, "name": name}):
        return declared
    found = properties_of(body, name)
    if not found.get("description") and not known.get("description"):
        found.pop("description", None)
    return found


def _stored(inputs: Properties) -> Properties:
    """The body that the platform stores for these inputs (reference 6.6)."""
    from fedstack.oneflow.template import normalise

    return _without_empty(normalise(body_of(inputs)))


def _without_empty(body: Properties) -> Properties:
    return {key: value for key, value in body.items() if value not in (None, "", {})}
