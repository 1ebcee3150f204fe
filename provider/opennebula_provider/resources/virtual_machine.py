"""`VirtualMachine`: one machine made from a template."""

from __future__ import annotations

from fedstack.opennebula.errors import ErrorCode
from fedstack.opennebula.states import LCM_FAILURES, vm_state_name
from fedstack.opennebula.template import Value

from ..awaits import GONE, Outcome, Sight, Verdict
from ..checks import Problem, join
from ..cloud import TAG
from ..diffs import Change, Difference, Kind
from ..errors import ProviderError, RpcError
from ..objects import flat, give_rights, info, merged, rename, rights, seen_attributes, template_text, upper
from ..resource import Call, Made, Resource, ensure, folded, row, wait_state
from ..rpc import Tree, section
from ..service_view import PLATFORM_KEYS, address
from ..shape import ENDPOINT, MARK, PERMISSIONS, Definition, Field, MapOf, name_field
from ..values import Properties
from .vm_template import number

DEFINITION = Definition(
    name="VirtualMachine",
    description="A virtual machine made from a template. Creation waits until it is RUNNING (or powered off, where "
    "that is declared). A machine that failed stays in the state and is replaced by the next update.",
    inputs={
        "mark": MARK,
        "name": name_field("virtual machine"),
        "templateId": Field(
            "integer", "Id of the template that it is made from.", required=True, replace=True, minimum=0
        ),
        "cpu": Field(
            "number",
            "Share of physical CPUs; the template's when absent. A change powers the machine off and on.",
            minimum=0.01,
        ),
        "vcpu": Field(
            "integer",
            "Number of virtual CPUs; the template's when absent. A change powers the machine off and on.",
            minimum=1,
        ),
        "memoryMb": Field(
            "integer",
            "Memory in MiB; the template's when absent. A change powers the machine off and on.",
            minimum=1,
        ),
        "context": Field(
            MapOf("string"), "What the guest is told (`CONTEXT`), over what the template says.", replace=True
        ),
        "powerState": Field("string", "Whether it runs. A change is in place.", default="on", choices=("on", "off")),
        "hardShutdown": Field(
            "boolean",
            "Whether its power is cut when it is ended or powered off; else the guest is asked to shut down.",
            default=False,
            waits=True,
        ),
        "permissions": PERMISSIONS,
        "attributes": Field(
            MapOf("string"), "Attributes such as labels (`USER_TEMPLATE`). What guests publish there is left alone."
        ),
        "readyDeadline": Field(
            "integer", "Seconds that it may take to run, or to power off.", default=600, minimum=1, waits=True
        ),
    },
    outputs={
        "vmId": Field("integer", "Id of the virtual machine.", required=True),
        "state": Field("string", "Its state, for example `RUNNING` or `POWEROFF`.", required=True),
        "ip": Field("string", "Address of its first interface, empty without one.", required=True),
        "endpoint": ENDPOINT,
    },
)

CAPACITY = {"cpu": "CPU", "vcpu": "VCPU", "memoryMb": "MEMORY"}
AT_REST = frozenset({"POWEROFF", "SUSPENDED", "STOPPED", "UNDEPLOYED"})
"""States in which a machine does not run and can be resumed."""
RESIZABLE = frozenset({"POWEROFF", "UNDEPLOYED"})

_OWN_KEYS = frozenset({*CAPACITY.values(), "CONTEXT", "NAME", TAG})
_TEMPLATE_KEYS = frozenset({"DISK", "NIC", "NIC_ALIAS", "OS", "GRAPHICS", "FEATURES", "RAW", "TOPOLOGY", "TEMPLATE_ID"})
_FAILURES = frozenset(state.name for state in LCM_FAILURES)


class VirtualMachine(Resource):
    """Machines that belong to no service."""

    definition = DEFINITION
    volatile = ("state",)

    def check(self, inputs: Properties) -> list[Problem]:
        """Attributes that would not be the user's own."""
        given = inputs.get("attributes")
        keys = [key for key in given if isinstance(key, str)] if isinstance(given, dict) else []
        own = [Problem(join("attributes", key), "has a property of its own; use that") for key in keys if _own(key)]
        fixed = [key for key in keys if key.upper() in _TEMPLATE_KEYS]
        return [*own, *(Problem(join("attributes", key), "belongs into the template; set it there") for key in fixed)]

    def diff(self, call: Call) -> Difference:
        """Inputs; a machine that failed is replaced."""
        difference = super().diff(call)
        if call.state.get("state") in _FAILURES:
            difference.changes["state"] = Change(Kind.UPDATE, replace=True, from_state=True)
        return difference

    async def create(self, call: Call) -> Made:
        """Instantiates the template (or adopts what a creation that was cut off left) and waits."""
        found = await call.cloud.find_machine(call.inputs["name"], call.tag) if call.tag else None
        call.id = str(await _instantiated(call) if found is None else found)
        await give_rights(call, "vm", call.number)
        return await self._powered(call)

    async def read(self, call: Call) -> Made | None:
        """The machine as it is; one that is DONE is gone."""
        tree = await info(call, "vm", call.number)
        return None if tree is None or _state(tree) == "DONE" else _made(call, tree)

    async def update(self, call: Call) -> Made:
        """Name, rights and attributes, then the size, then the power."""
        difference = self.diff(call)
        await rename(call, "vm", difference)
        await give_rights(call, "vm", call.number)
        if difference.touches("attributes", "mark"):
            await _rewrite(call)
        if difference.touches(*CAPACITY):
            await self._resize(call)
        return await self._powered(call)

    async def _resize(self, call: Call) -> None:
        """The platform resizes what is powered off; a machine that is only suspended has to run for that first."""
        if (await _look(call)).state in AT_REST - RESIZABLE:
            ensure(await self._on(call), await self._shown(call))
        ensure(await self._off(call), await self._shown(call))
        await call.cloud.rpc.call("vm.resize", call.number, template_text(await _capacity(call), None), False)

    async def delete(self, call: Call) -> None:
        """Ends the machine as soon as it is in a state from which that is possible, and waits until it is DONE."""
        hard = "terminate-hard" if call.inputs.get("hardShutdown") else "terminate"
        asked = False

        async def look() -> Sight:
            nonlocal asked
            tree = await info(call, "vm", call.number)
            if tree is None or _state(tree) == "DONE":
                return Sight(GONE)
            refusal = "" if asked else await _ask(call, hard)
            asked = not refusal
            words = f"{tree['NAME']} is {_state(tree)}"
            return Sight("PRESENT", words, refusal or words)

        outcome = await wait_state(call, row(self, "delete"), _what(call), look)
        if outcome.verdict is Verdict.FAILED:
            raise ProviderError(outcome.message)

    async def _powered(self, call: Call) -> Made:
        """The machine in its declared power state."""
        outcome = await (self._on(call) if call.inputs["powerState"] == "on" else self._off(call))
        return ensure(outcome, await self._shown(call))

    async def _on(self, call: Call) -> Outcome:
        if (await _look(call)).state in AT_REST:
            await call.cloud.rpc.call("vm.action", "resume", call.number)
        return await self._wait(call, "on")

    async def _off(self, call: Call) -> Outcome:
        """At rest; a machine that is still booting runs first, because the platform refuses it before."""
        if (await _look(call)).state in AT_REST:
            return Outcome(Verdict.DONE)
        outcome = await self._wait(call, "on")
        if outcome.verdict is Verdict.FAILED:
            return outcome
        action = "poweroff-hard" if call.inputs["hardShutdown"] else "poweroff"
        await call.cloud.rpc.call("vm.action", action, call.number)
        return await self._wait(call, "off")

    async def _wait(self, call: Call, operation: str) -> Outcome:
        deadline = call.inputs["readyDeadline"]
        return await wait_state(call, row(self, operation), _what(call), lambda: _look(call), deadline)

    async def _shown(self, call: Call) -> Made:
        tree = await info(call, "vm", call.number)
        if tree is None:
            raise ProviderError(f"{_what(call)} does not exist any more: run pulumi refresh, then it is made anew")
        return _made(call, tree)


def _own(key: str) -> bool:
    return key.upper() in _OWN_KEYS


def _what(call: Call) -> str:
    return f"virtual machine {call.inputs.get('name', '')!r} ({call.id})"


def _state(tree: Tree) -> str:
    return vm_state_name(int(tree.get("STATE") or 0), int(tree.get("LCM_STATE") or 0))


async def _look(call: Call) -> Sight:
    tree = await info(call, "vm", call.number)
    if tree is None:
        return Sight(GONE)
    return Sight(_state(tree), f"virtual machine {_state(tree)}", str(section(tree, "USER_TEMPLATE").get("ERROR", "")))


async def _ask(call: Call, action: str) -> str:
    """Asks for an action; returns the platform's words when the machine's state does not allow it yet."""
    try:
        await call.cloud.rpc.call("vm.action", action, call.number)
    except RpcError as error:
        if error.code != ErrorCode.ACTION:
            raise
        return error.text
    return ""


async def _instantiated(call: Call) -> int:
    inputs = call.inputs
    extra = template_text(await _extra(call), call.tag)
    made = await call.cloud.rpc.call("template.instantiate", inputs["templateId"], inputs["name"], False, extra, False)
    return int(made)


async def _extra(call: Call) -> dict[str, Value | list[Value] | None]:
    """What goes over the template. The platform replaces CONTEXT as a whole (reference 2.10), so it is merged here."""
    inputs = call.inputs
    size = {key: flat(inputs[name]) for name, key in CAPACITY.items() if name in inputs}
    context = {**section(await _template(call), "CONTEXT"), **upper(inputs["context"])} if "context" in inputs else None
    return {**size, "CONTEXT": context, **upper(inputs.get("attributes"))}


async def _template(call: Call) -> Tree:
    return section(await info(call, "template", call.inputs["templateId"]) or {}, "TEMPLATE")


async def _capacity(call: Call) -> dict[str, Value | list[Value] | None]:
    """CPU, VCPU and MEMORY as declared, the template's where nothing is."""
    template = await _template(call)
    return {
        key: flat(call.inputs[name]) if name in call.inputs else template.get(key) for name, key in CAPACITY.items()
    }


async def _rewrite(call: Call) -> None:
    """Writes attributes. The whole text is only replaced where one has to go: guests publish theirs beside it."""
    wanted, before = upper(call.inputs.get("attributes")), upper(call.old.get("attributes"))
    if before.keys() <= wanted.keys():
        await call.cloud.rpc.call("vm.update", call.number, template_text({**wanted}, call.tag), 1)
        return
    tree = await info(call, "vm", call.number) or {}
    text = template_text(merged(section(tree, "USER_TEMPLATE"), wanted, before), call.tag)
    await call.cloud.rpc.call("vm.update", call.number, text, 0)


def _made(call: Call, tree: Tree) -> Made:
    inputs = folded(call.inputs, _inputs(call.inputs, tree))
    outputs = {"vmId": call.number, "state": _state(tree), "ip": address(tree), "endpoint": call.cloud.endpoint}
    return Made(call.id, {**inputs, **outputs}, inputs)


def _inputs(known: Properties, tree: Tree) -> Properties:
    """What would have to be written to get this machine; its size only where it is declared, or on import."""
    actual, state = section(tree, "TEMPLATE"), _state(tree)
    sizes = {name: key for name, key in CAPACITY.items() if actual.get(key) and (name in known or not known)}
    origin = actual.get("TEMPLATE_ID")
    declared = known.get("attributes", {}) if known else None
    return {
        "name": tree["NAME"],
        "templateId": int(origin) if origin else known.get("templateId"),
        **{name: number(actual[key]) for name, key in sizes.items()},
        **({"powerState": "off" if state in AT_REST else "on"} if state not in _FAILURES else {}),
        "permissions": rights(tree) if "permissions" in known else None,
        "attributes": seen_attributes(declared, section(tree, "USER_TEMPLATE"), PLATFORM_KEYS) or None,
    }
