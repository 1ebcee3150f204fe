"""`Service`: a running OneFlow service."""

from __future__ import annotations

from dataclasses import replace

from ..attributes import seen_labels
from ..awaits import GONE
from ..checks import Problem
from ..converge import Converge, StuckError, outgrown
from ..diffs import Change, Difference, Kind, compare
from ..errors import InitFailedError, ProviderError
from ..instantiate import merge_template
from ..ownership import in_flow, known_group, own, seen_ownership
from ..resource import Call, Made, Resource, ensure, folded, settled
from ..service_view import HEALTHY, View, observe
from ..shape import ENDPOINT, Definition, Field, ListOf, MapOf, Shape, owned
from ..undeploy import Undeploy
from ..values import Properties
from .service_inputs import comparable, problems, seen_cooldown, seen_roles
from .service_template import ELASTICITY_POLICY, SCHEDULED_POLICY

SERVICE_ROLE = Shape(
    "ServiceRole",
    "What this service sets for one role of its template, told apart by name.",
    {
        "name": Field("string", "Name of the role in the template.", required=True),
        "cardinality": Field(
            "integer",
            "Number of virtual machines; a change scales in place. The template's when absent. Where the role has "
            "policies this is the initial number and the platform owns it from then on: any number from `minVms` to "
            "`maxVms` is no difference.",
            minimum=0,
            kept=True,
        ),
        "minVms": Field(
            "integer",
            "Fewest virtual machines that scaling may leave, changed in place. The template's when absent.",
            minimum=0,
            kept=True,
        ),
        "maxVms": Field(
            "integer",
            "Most virtual machines that scaling may reach, changed in place. The template's when absent.",
            minimum=0,
            kept=True,
        ),
        "cooldown": Field(
            "integer",
            "Seconds without scaling after a scaling, changed in place. The service's or the template's when absent.",
            minimum=0,
            kept=True,
        ),
        "elasticityPolicies": Field(
            ListOf(ELASTICITY_POLICY),
            "Scaling by expressions, changed in place. The template's when absent; an empty list ends it.",
            kept=True,
        ),
        "scheduledPolicies": Field(
            ListOf(SCHEDULED_POLICY),
            "Scaling by time, changed in place. The template's when absent; an empty list ends it.",
            kept=True,
        ),
        "userInputsValues": Field(MapOf("string"), "Values for the inputs that the role declares.", replace=True),
        "readyDeadline": Field(
            "integer", "Seconds that the role may take to get ready; the service's when absent.", minimum=1, waits=True
        ),
    },
)
NODE = Shape(
    "Node",
    "A virtual machine of a role.",
    {
        "vmId": Field("integer", "Id of the virtual machine.", required=True),
        "name": Field("string", "Name of the virtual machine.", required=True),
        "ip": Field("string", "Address of its first interface, empty without one.", required=True),
        "state": Field("string", "Its state, for example `RUNNING` or `POWEROFF`.", required=True),
        "attributes": Field(
            MapOf("string"), "What the guest and others published about it (`USER_TEMPLATE`).", required=True
        ),
    },
)
ROLE_STATUS = Shape(
    "RoleStatus",
    "A role as it runs.",
    {
        "name": Field("string", "Name of the role.", required=True),
        "state": Field("string", "State of the role, for example `RUNNING`.", required=True),
        "cardinality": Field("integer", "Number of virtual machines that the platform holds it to.", required=True),
        "nodes": Field(ListOf(NODE), "Its virtual machines.", required=True),
    },
)
DEFINITION = Definition(
    name="Service",
    description="A OneFlow service, instantiated from a service template. Creation waits until every role is running "
    "(and ready, with the template's `readyStatusGate`). A service that does not get there stays in the state as "
    "partially initialised; the next update recovers or replaces it. Numbers of machines, bounds, cooldowns and "
    "policies change in place; while the service cools down the platform refuses that, so a cooldown is waited out, "
    "but only where it is in the way. Machines that are off, failed or gone are healed by an update. A replacement "
    "deletes the old service first.",
    inputs=owned(
        "service",
        {
            "serviceTemplateId": Field(
                "integer",
                "Id of the service template. One that is not known of an imported service is taken as it is declared.",
                required=True,
                replace=True,
                minimum=0,
            ),
            "roles": Field(
                ListOf(SERVICE_ROLE),
                "Per role, by name: number of virtual machines, bounds, policies, values of inputs, deadline.",
                key=("name",),
            ),
            "userInputsValues": Field(
                MapOf("string"),
                "Values for the inputs that the template declares; without a value the default of the type string "
                "counts. A running service cannot take on others.",
                replace=True,
            ),
            "readyDeadline": Field(
                "integer", "Seconds that each role may take to get ready.", default=600, minimum=1, waits=True
            ),
            "triggers": Field(
                MapOf("string"),
                "Arbitrary values; any change of them replaces the service. The first ones of a service that had none, "
                "as after an import, are only remembered.",
                replace=True,
            ),
            "ignoredInputs": Field(
                ListOf("string"), "Names of inputs whose values never count as a difference.", waits=True
            ),
            "cooldown": Field(
                "integer",
                "Seconds without scaling after a scaling, for every role without its own. The template's when absent.",
                minimum=0,
                kept=True,
            ),
        },
    ),
    outputs={
        "serviceId": Field("integer", "Id of the service.", required=True),
        "state": Field("string", "State of the service, for example `RUNNING`.", required=True),
        "health": Field(
            "string",
            "`healthy`, or what is wrong with the service. Anything else than `healthy` is a difference.",
            required=True,
        ),
        "mustReplace": Field("string", "Why the next update replaces the service; absent while an update can mend it."),
        "roleStatus": Field(ListOf(ROLE_STATUS), "The roles as they run.", required=True),
        "endpoint": ENDPOINT,
    },
    example={
        **{"name": "web", "serviceTemplateId": "${serviceTemplate.serviceTemplateId}"},
        "roles": [{"name": "worker", "cardinality": 3, "minVms": 2, "maxVms": 8, "readyDeadline": 300}],
        "userInputsValues": {"REALM": "lab.example.org"},
    },
)


class Service(Resource):
    """OneFlow documents of type 100."""

    definition = DEFINITION
    volatile = ("state", "health", "roleStatus")

    def check(self, inputs: Properties) -> list[Problem]:
        """A role is named once; how it scales is judged by the platform's own rules."""
        return problems(inputs)

    def complete(self, inputs: Properties) -> Properties:
        """Every service is declared healthy, so that anything else shows in a preview as a change of that word."""
        return {**inputs, "health": HEALTHY}

    def diff(self, call: Call) -> Difference:
        """Inputs by name and role, without the ignored ones; then health, and the wish for a new service."""
        old, new = comparable(call.old, call.inputs)
        difference = Difference(compare(DEFINITION.inputs, old, new), delete_first=True)
        health, must = call.state.get("health", HEALTHY), call.state.get("mustReplace")
        if must or health != HEALTHY:
            difference.changes["health"] = Change(Kind.UPDATE, replace=bool(must), from_state=True)
        return difference

    async def create(self, call: Call) -> Made:
        """Instantiates (or adopts what a creation that was cut off left) and waits until every role is ready.

        Then it is updated: what an instantiation does not take, and what changed since one that was cut off, is set,
        and machines that are ill already are healed.
        """
        await known_group(call)
        found = await call.cloud.find("service", call.inputs["name"], call.tag)
        call.id = str(await instantiated(call) if found is None else found)
        outcome = await Converge(call).wait("create")
        made = ensure(outcome, await self._made(call))
        return await self.update(replace(call, old=made.inputs, state=made.properties))

    async def read(self, call: Call) -> Made | None:
        """The service as it is; one that never got to run fails as not initialised: a refresh shall not forget it."""
        seen = await observe(call.cloud, call.number)
        if seen is None:
            return None
        made = self._show(call, seen, await self._origin(call, seen))
        if seen.half_built:
            raise InitFailedError(made.id, made.properties, made.inputs, f"service {call.id} is {seen.health()}")
        return made

    async def update(self, call: Call) -> Made:
        """Recovers, heals, renames, tunes, scales; whatever is still wrong at the end is kept as not initialised."""
        converge = Converge(call)
        try:
            await converge.healed(await converge.calm())
            await own(call, self.diff(call), in_flow(call, converge.path))
            seen = await converge.now()
            if outgrown(call.inputs, seen):
                await converge.tuned(await converge.scaled(seen))
            else:
                await converge.scaled(await converge.tuned(seen))
        except StuckError as stuck:
            made = await self._made(call)
            properties = {**made.properties, **({"mustReplace": stuck.reason} if stuck.replace else {})}
            raise InitFailedError(call.id, properties, made.inputs, stuck.reason) from stuck
        return await settled(self, call, await self._made(call))

    async def delete(self, call: Call) -> None:
        """Undeploys in the platform's order and waits until service and machines are gone."""
        await Undeploy(call).run()

    async def _made(self, call: Call) -> Made:
        """The service as it is after it was written."""
        seen = await observe(call.cloud, call.number)
        if seen is None:
            outputs = {"serviceId": call.number, "state": GONE, "health": GONE, "roleStatus": []}
            return Made(call.id, {**call.inputs, **outputs, "endpoint": call.cloud.endpoint}, call.inputs)
        return self._show(call, seen, {})

    def _show(self, call: Call, seen: View, origin: Properties) -> Made:
        known = call.inputs
        found = {
            **{"name": seen.name, "roles": seen_roles(known, seen) or None, "cooldown": seen_cooldown(known, seen)},
            **seen_ownership(known, seen.header),
            **seen_labels(known, seen.body),
        }
        inputs = folded(known, {**origin, **found})
        outputs = _outputs(call, seen)
        if seen.half_built and "mustReplace" in call.state:
            outputs["mustReplace"] = call.state["mustReplace"]
        return Made(call.id, {**inputs, **outputs}, inputs)

    async def _origin(self, call: Call, seen: View) -> Properties:
        """On import: the template that was registered at that time with these roles, and the values that were given."""
        if call.inputs:
            return {}
        when, names = seen.body.get("registration_time"), [role.name for role in seen.roles]
        bodies = {int(one["ID"]): one["TEMPLATE"]["BODY"] for one in await call.cloud.reads.every("service_template")}
        same = [
            number
            for number, body in bodies.items()
            if body.get("registration_time") == when and [role["name"] for role in body.get("roles", [])] == names
        ]
        values = seen.body.get("user_inputs_values")
        return {"serviceTemplateId": same[0] if len(same) == 1 else None, "userInputsValues": values or None}


async def instantiated(call: Call) -> int:
    """The number of a new service."""
    inputs, flow = call.inputs, call.cloud.flow
    path = f"service_template/{inputs['serviceTemplateId']}"
    body = (await flow.get(path))["DOCUMENT"]["TEMPLATE"]["BODY"]
    merge = merge_template(inputs, body, call.tag)
    try:
        reply = await flow.action(path, "instantiate", merge_template=merge)
    except ProviderError:
        # a refusal may leave a failed service behind (reference 6.8), a lost answer a good one
        number = await call.cloud.find("service", inputs["name"], call.tag)
        if number is None:
            raise
        return number
    return int(reply["DOCUMENT"]["ID"])


def _outputs(call: Call, seen: View) -> Properties:
    return {
        "serviceId": call.number,
        "state": seen.state,
        "health": seen.health(),
        "roleStatus": [role.output() for role in seen.roles],
        "endpoint": call.cloud.endpoint,
    }
