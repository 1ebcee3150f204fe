"""`VirtualMachine`: one machine made from a template."""

from __future__ import annotations

from typing import Any

from fedstack.opennebula.errors import ErrorCode
from fedstack.opennebula.states import LCM_FAILURES, VmState, vm_state_name
from fedstack.opennebula.template import to_text

from ..attributes import FREE, flat, number, present, upper
from ..awaits import GONE, Outcome, Sight, Verdict
from ..checks import Problem, join
from ..cloud import TAG
from ..diffs import Change, Difference, Kind
from ..errors import ProviderError, RpcError
from ..objects import PoolObject
from ..resource import Call, Made, ensure, row, settled, wait_state
from ..rpc import Tree, section
from ..service_view import PLATFORM_KEYS, address
from ..shape import ENDPOINT, Definition, Field, MapOf, owned
from ..values import Properties
from .vm_template import doubled

_RESIZE = "A change powers the machine off and on."
SIZE = {
    "cpu": Field("number", f"Share of physical CPUs; the template's when absent. {_RESIZE}", minimum=0.01),
    "vcpu": Field("integer", f"Number of virtual CPUs; the template's when absent. {_RESIZE}", minimum=1),
    "memoryMb": Field("integer", f"Memory in MiB; the template's when absent. {_RESIZE}", minimum=1),
}
DEFINITION = Definition(
    name="VirtualMachine",
    description="A virtual machine made from a template. Creation waits until it is RUNNING (or powered off, where "
    "that is declared). A machine that failed stays in the state and is replaced by the next update.",
    inputs=owned(
        "virtual machine",
        {
            "templateId": Field(
                "integer", "Id of the template that it is made from.", required=True, replace=True, minimum=0
            ),
            **SIZE,
            "context": Field(
                MapOf("string"),
                "What the guest is told (`CONTEXT`), over what the template says. It is read at the first boot, so "
                "another one is another machine.",
                replace=True,
            ),
            "powerState": Field(
                "string",
                "Whether it runs. A change is in place, and waited for; a machine that was suspended counts as off.",
                default="on",
                choices=("on", "off"),
            ),
            "hardShutdown": Field(
                "boolean",
                "Whether its power is cut when it is ended or powered off; else the guest is asked to shut down.",
                default=False,
                waits=True,
            ),
            "description": Field("string", "Free text; the template's when absent.", attr="DESCRIPTION", kept=True),
            "attributes": Field(
                MapOf("string"), "Further attributes (`USER_TEMPLATE`). What guests publish there is left alone."
            ),
            "readyDeadline": Field(
                "integer", "Seconds that it may take to run, or to power off.", default=600, minimum=1, waits=True
            ),
        },
    ),
    outputs={
        "vmId": Field("integer", "Id of the virtual machine.", required=True),
        "state": Field("string", "Its state, for example `RUNNING` or `POWEROFF`.", required=True),
        "ip": Field("string", "Address of its first interface, empty without one.", required=True),
        "endpoint": ENDPOINT,
    },
    example={
        **{"name": "bastion", "templateId": "${virtualMachineTemplate.templateId}", "memoryMb": 1024},
        "attributes": {"TIER": "edge"},
    },
)

CAPACITY = {"cpu": "CPU", "vcpu": "VCPU", "memoryMb": "MEMORY"}
AT_REST = frozenset({"POWEROFF", "SUSPENDED", "STOPPED", "UNDEPLOYED"})
"""States in which a machine does not run and can be resumed."""
RESIZABLE = frozenset({"POWEROFF", "UNDEPLOYED"})

_OWN_KEYS = frozenset({*CAPACITY.values(), "CONTEXT", "NAME", "LABELS", "DESCRIPTION", TAG})
_TEMPLATE_KEYS = frozenset({"DISK", "NIC", "NIC_ALIAS", "OS", "GRAPHICS", "FEATURES", "RAW", "TOPOLOGY", "TEMPLATE_ID"})
_FAILURES = frozenset(state.name for state in LCM_FAILURES)


class VirtualMachine(PoolObject):
    """Machines that belong to no service."""

    definition = DEFINITION
    kind, word, states, place = "vm", "virtual machine", VmState, "USER_TEMPLATE"
    server_keys = PLATFORM_KEYS
    volatile = ("state",)

    def check(self, inputs: Properties) -> list[Problem]:
        """Attributes that would not be the user's own."""
        given = inputs.get(FREE)
        fixed = [key for key in (given if isinstance(given, dict) else {}) if key.upper() in _TEMPLATE_KEYS]
        misplaced = [Problem(join(FREE, key), "belongs into the template; set it there") for key in fixed]
        return [*doubled(given, {*_OWN_KEYS}), *misplaced]

    def diff(self, call: Call) -> Difference:
        """Inputs; a machine that failed is replaced."""
        difference = super().diff(call)
        if call.state.get("state") in _FAILURES:
            difference.changes["state"] = Change(Kind.UPDATE, replace=True, from_state=True)
        return difference

    async def allocate(self, call: Call) -> int:
        """Instantiates the template."""
        inputs = call.inputs
        extra = self.text(call, await _extra(call))
        made = await call.cloud.rpc.call(
            "template.instantiate", inputs["templateId"], inputs["name"], False, extra, False
        )
        return int(made)

    async def tree(self, call: Call) -> Tree | None:
        """The machine; one that is DONE is gone."""
        tree = await super().tree(call)
        return None if tree is None or _state(tree) == "DONE" else tree

    async def change(self, call: Call, difference: Difference) -> None:
        """The platform resizes what is powered off; a machine that is only suspended has to run for that first."""
        if not difference.touches(*CAPACITY):
            return
        if (await self._look(call)).state in AT_REST - RESIZABLE:
            ensure(await self._on(call), await self._shown(call))
        ensure(await self._off(call), await self._shown(call))
        await call.cloud.rpc.call("vm.resize", call.number, to_text(await _capacity(call)), False)

    async def finish(self, call: Call) -> Made:
        """The machine in its declared power state."""
        outcome = await (self._on(call) if call.inputs["powerState"] == "on" else self._off(call))
        return await settled(self, call, ensure(outcome, await self._shown(call)))

    async def delete(self, call: Call) -> None:
        """Ends the machine as soon as it is in a state from which that is possible, and waits until it is DONE."""
        hard = "terminate-hard" if call.inputs.get("hardShutdown") else "terminate"
        asked = False

        async def look() -> Sight:
            nonlocal asked
            tree = await self.tree(call)
            if tree is None:
                return Sight(GONE)
            refusal = "" if asked else await _ask(call, hard)
            asked = not refusal
            words = f"{tree['NAME']} is {_state(tree)}"
            return Sight("PRESENT", words, refusal or words)

        outcome = await wait_state(call, row(self, "delete"), self.what(call), look)
        if outcome.verdict is Verdict.FAILED:
            raise ProviderError(outcome.message)

    async def _on(self, call: Call) -> Outcome:
        if (await self._look(call)).state in AT_REST:
            await call.cloud.rpc.call("vm.action", "resume", call.number)
        return await self._wait(call, "on")

    async def _off(self, call: Call) -> Outcome:
        """At rest; a machine that is still booting runs first, because the platform refuses it before."""
        if (await self._look(call)).state in AT_REST:
            return Outcome(Verdict.DONE)
        outcome = await self._wait(call, "on")
        if outcome.verdict is Verdict.FAILED:
            return outcome
        action = "poweroff-hard" if call.inputs["hardShutdown"] else "poweroff"
        await call.cloud.rpc.call("vm.action", action, call.number)
        return await self._wait(call, "off")

    async def _wait(self, call: Call, operation: str) -> Outcome:
        deadline = call.inputs["readyDeadline"]
        return await wait_state(call, row(self, operation), self.what(call), lambda: self._look(call), deadline)

    async def _look(self, call: Call) -> Sight:
        tree = await self.tree(call)
        if tree is None:
            return Sight(GONE)
        error = str(section(tree, "USER_TEMPLATE").get("ERROR", ""))
        return Sight(_state(tree), f"virtual machine {_state(tree)}", error)

    async def _shown(self, call: Call) -> Made:
        tree = await self.tree(call)
        if tree is None:
            raise ProviderError(f"{self.what(call)} does not exist any more: run pulumi refresh, then it is made anew")
        return self.made(call, tree)

    def outputs(self, call: Call, tree: Tree) -> Properties:
        """Id, state and address."""
        return {"vmId": call.number, "state": _state(tree), "ip": address(tree)}

    def seen(self, known: Properties, tree: Tree) -> Properties:
        """Origin, power state, and the size where it is declared, or on import."""
        actual, state = section(tree, "TEMPLATE"), _state(tree)
        sizes = {name: key for name, key in CAPACITY.items() if actual.get(key) and (name in known or not known)}
        origin = actual.get("TEMPLATE_ID")
        return {
            "templateId": int(origin) if origin else known.get("templateId"),
            **{name: number(actual[key]) for name, key in sizes.items()},
            **({"powerState": "off" if state in AT_REST else "on"} if state not in _FAILURES else {}),
        }


def _state(tree: Tree) -> str:
    return vm_state_name(int(tree.get("STATE") or 0), int(tree.get("LCM_STATE") or 0))


async def _ask(call: Call, action: str) -> str:
    """Asks for an action; returns the platform's words when the machine's state does not allow it yet."""
    try:
        await call.cloud.rpc.call("vm.action", action, call.number)
    except RpcError as error:
        if error.code != ErrorCode.ACTION:
            raise
        return error.text
    return ""


async def _extra(call: Call) -> dict[str, Any]:
    """What goes over the template. The platform replaces CONTEXT as a whole (reference 2.10), so it is merged here."""
    inputs = call.inputs
    size = {key: flat(inputs[name]) for name, key in CAPACITY.items() if name in inputs}
    context = {**section(await _template(call), "CONTEXT"), **upper(inputs["context"])} if "context" in inputs else None
    return {**size, "CONTEXT": context}


async def _template(call: Call) -> Tree:
    return section(await call.cloud.reads.one("template", call.inputs["templateId"]) or {}, "TEMPLATE")


async def _capacity(call: Call) -> dict[str, Any]:
    """CPU, VCPU and MEMORY as declared, the template's where nothing is."""
    template = await _template(call)
    declared = {key: flat(call.inputs[name]) for name, key in CAPACITY.items() if name in call.inputs}
    return present({**{key: template.get(key) for key in CAPACITY.values()}, **declared})
