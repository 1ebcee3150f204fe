"""`Service`: a running OneFlow service."""

from __future__ import annotations

from fedstack.oneflow.unknown import UNKNOWN

from ..awaits import GONE, Outcome, Verdict
from ..checks import Problem, known_items
from ..converge import Converge, StuckError
from ..diffs import Change, Difference, Kind, compare
from ..errors import InitFailedError, ProviderError
from ..instantiate import merge_template
from ..resource import Call, Made, Resource, ensure, folded
from ..service_view import HEALTHY, Role, View, observe
from ..shape import ENDPOINT, MARK, Definition, Field, ListOf, MapOf, Shape, name_field
from ..undeploy import Undeploy
from ..values import Properties

SERVICE_ROLE = Shape(
    "ServiceRole",
    "What this service sets for one role of its template, told apart by name.",
    {
        "name": Field("string", "Name of the role in the template.", required=True),
        "cardinality": Field(
            "integer",
            "Number of virtual machines; a change scales in place. The template's when absent. Where the role has "
            "policies this is the initial number and the platform owns it from then on.",
            minimum=0,
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
    "partially initialised; the next update recovers or replaces it. A replacement deletes the old service first.",
    inputs={
        "mark": MARK,
        "name": name_field("service"),
        "serviceTemplateId": Field("integer", "Id of the service template.", required=True, replace=True, minimum=0),
        "roles": Field(
            ListOf(SERVICE_ROLE), "Per role: number of virtual machines, values of its inputs, deadline.", key="name"
        ),
        "userInputsValues": Field(
            MapOf("string"),
            "Values for the inputs that the template declares; without a value the default of the type string counts.",
            replace=True,
        ),
        "readyDeadline": Field(
            "integer", "Seconds that each role may take to get ready.", default=600, minimum=1, waits=True
        ),
        "triggers": Field(MapOf("string"), "Arbitrary values; any change of them replaces the service.", replace=True),
        "ignoredInputs": Field(
            ListOf("string"), "Names of inputs whose values never count as a difference.", waits=True
        ),
        "cooldown": Field(
            "integer", "Seconds without scaling after a scaling, for every role. The template's when absent.", minimum=0
        ),
    },
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
)


class Service(Resource):
    """OneFlow documents of type 100."""

    definition = DEFINITION
    names_collide = True
    volatile = ("state", "health", "roleStatus")

    def check(self, inputs: Properties) -> list[Problem]:
        """A role must not be named twice."""
        names = [entry.get("name") for entry in known_items(inputs.get("roles"))]
        twice = sorted({name for name in names if isinstance(name, str) and names.count(name) > 1})
        return [Problem("roles", f"role {name!r} is named {names.count(name)} times; once is enough") for name in twice]

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

        A service that runs but is ill already is kept as not initialised, so that the next update heals it.
        """
        call.id = str(await instantiated(call))
        converge = Converge(call)
        outcome = await converge.wait("create")
        made = await self._made(call)
        health = made.properties["health"]
        if outcome.verdict is Verdict.DONE and health != HEALTHY:
            outcome = Outcome(Verdict.FAILED, f"{converge.what} runs, but {health}; the next update heals it")
        return ensure(outcome, made)

    async def read(self, call: Call) -> Made | None:
        """The service as it is; one that never got to run fails as not initialised: a refresh shall not forget it."""
        seen = await observe(call.cloud, call.number)
        if seen is None:
            return None
        made = self._show(call, seen, await self._template_id(call, seen))
        if seen.half_built:
            raise InitFailedError(made.id, made.properties, made.inputs, f"service {call.id} is {seen.health()}")
        return made

    async def update(self, call: Call) -> Made:
        """Recovers, heals, renames, scales; whatever is still wrong at the end is kept as not initialised."""
        converge = Converge(call)
        difference = self.diff(call)
        try:
            await converge.healed(await converge.settled())
            await converge.described(difference)
            await converge.scaled(await converge.now())
        except StuckError as stuck:
            made = await self._made(call)
            properties = {**made.properties, **({"mustReplace": stuck.reason} if stuck.replace else {})}
            raise InitFailedError(call.id, properties, call.inputs, stuck.reason) from stuck
        return await self._made(call)

    async def delete(self, call: Call) -> None:
        """Undeploys in the platform's order and waits until service and machines are gone."""
        await Undeploy(call).run()

    async def _made(self, call: Call) -> Made:
        """What the state shall say: the inputs as declared, the outputs as they are."""
        seen = await observe(call.cloud, call.number)
        if seen is None:
            outputs = {"serviceId": call.number, "state": GONE, "health": GONE, "roleStatus": []}
            return Made(call.id, {**call.inputs, **outputs, "endpoint": call.cloud.endpoint}, call.inputs)
        return Made(call.id, {**call.inputs, **_outputs(call, seen)}, call.inputs)

    def _show(self, call: Call, seen: View, template: Properties) -> Made:
        known = call.inputs
        inputs = folded(known, {**template, "name": seen.name, "roles": _seen_roles(known, seen) or None})
        cooldowns = {role.cooldown for role in seen.roles if role.cooldown is not None and not role.elastic}
        if "cooldown" in known and cooldowns:
            inputs["cooldown"] = (
                known["cooldown"] if cooldowns == {known["cooldown"]} else min(cooldowns - {known["cooldown"]})
            )
        outputs = _outputs(call, seen)
        if seen.half_built and "mustReplace" in call.state:
            outputs["mustReplace"] = call.state["mustReplace"]
        return Made(call.id, {**inputs, **outputs}, inputs)

    async def _template_id(self, call: Call, seen: View) -> Properties:
        """On import: the template with the same registration time, and the values that the service was given."""
        if call.inputs:
            return {}
        pool = (await call.cloud.flow.get("service_template")).get("DOCUMENT_POOL", {}).get("DOCUMENT", [])
        when = seen.body.get("registration_time")
        same = [int(one["ID"]) for one in pool if one["TEMPLATE"]["BODY"].get("registration_time") == when]
        values = seen.body.get("user_inputs_values")
        return {"serviceTemplateId": same[0] if len(same) == 1 else None, "userInputsValues": values or None}


async def instantiated(call: Call) -> int:
    """The number of the service: an adopted one, or a new one."""
    inputs, flow = call.inputs, call.cloud.flow
    number = await call.cloud.find_document("service", inputs["name"], call.tag) if call.tag else None
    if number is not None:
        return number
    path = f"service_template/{inputs['serviceTemplateId']}"
    body = (await flow.get(path))["DOCUMENT"]["TEMPLATE"]["BODY"]
    merge = merge_template(inputs, body, call.tag)
    try:
        reply = await flow.action(path, "instantiate", merge_template=merge)
    except ProviderError:
        # a refusal may leave a failed service behind (reference 6.8), a lost answer a good one
        number = await call.cloud.find_document("service", inputs["name"], call.tag) if call.tag else None
        if number is None:
            raise
        return number
    return int(reply["DOCUMENT"]["ID"])


def comparable(old: Properties, new: Properties) -> tuple[Properties, Properties]:
    """Both inputs without the ignored ones, and with the same roles in the same order."""
    listed = new.get("ignoredInputs")
    ignored = {name for name in listed if isinstance(name, str)} if isinstance(listed, list) else set()
    names = list(dict.fromkeys(entry["name"] for side in (new, old) for entry in _entries(side)))
    if old.get("roles") is UNKNOWN or new.get("roles") is UNKNOWN:
        return _without(old, ignored), _without(new, ignored)
    return _stripped(old, ignored, names), _stripped(new, ignored, names)


def _entries(inputs: Properties) -> list[Properties]:
    """The entries of roles whose names are known."""
    return [entry for entry in known_items(inputs.get("roles")) if isinstance(entry.get("name"), str)]


def _stripped(inputs: Properties, ignored: set[str], names: list[str]) -> Properties:
    entries = {entry["name"]: entry for entry in _entries(inputs)}
    roles = [_without(entries.get(name, {"name": name}), ignored) for name in names]
    return {**_without(inputs, ignored), "roles": roles}


def _without(holder: Properties, ignored: set[str]) -> Properties:
    values = holder.get("userInputsValues")
    if not isinstance(values, dict):
        return holder
    return {**holder, "userInputsValues": {key: value for key, value in values.items() if key not in ignored}}


def _seen_roles(known: Properties, seen: View) -> list[Properties]:
    """The declared roles with their numbers as they are; on import all roles of the service."""
    if not known:
        return [{"name": role.name, "cardinality": role.cardinality} for role in seen.roles]
    actual = {role.name: role for role in seen.roles}
    return [_seen_role(entry, actual.get(entry["name"])) for entry in known.get("roles", [])]


def _seen_role(entry: Properties, role: Role | None) -> Properties:
    if role is None or "cardinality" not in entry or (role.elastic and role.within_bounds()):
        return entry
    return {**entry, "cardinality": role.cardinality}


def _outputs(call: Call, seen: View) -> Properties:
    return {
        "serviceId": call.number,
        "state": seen.state,
        "health": seen.health(),
        "roleStatus": [role.output() for role in seen.roles],
        "endpoint": call.cloud.endpoint,
    }
