"""`VirtualMachineTemplate`: what a virtual machine is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fedstack.opennebula.errors import ErrorCode
from fedstack.opennebula.template import Value, as_list

from ..checks import Problem, join
from ..cloud import TAG
from ..errors import ProviderError, RpcError
from ..objects import flat, give_rights, info, rename, rights, template_text, upper
from ..resource import Call, Made, Resource, folded
from ..rpc import Tree, each, section
from ..shape import ENDPOINT, MARK, PERMISSIONS, Definition, Field, ListOf, MapOf, Shape, name_field
from ..values import Properties

DISK = Shape(
    "Disk",
    "A disk of the virtual machine.",
    {
        "imageId": Field("integer", "Id of the image that the disk is made from.", required=True, minimum=0),
        "sizeMb": Field("integer", "Size in MiB; the image's own when absent.", minimum=1),
        "attributes": Field(MapOf("string"), "Further attributes of the disk, written as they are."),
    },
)
NIC = Shape(
    "Nic",
    "A network interface of the virtual machine.",
    {
        "networkId": Field("integer", "Id of the network.", required=True, minimum=0),
        "model": Field("string", "Model of the emulated interface, for example `virtio`."),
        "attributes": Field(MapOf("string"), "Further attributes of the interface, written as they are."),
    },
)
DEFINITION = Definition(
    name="VirtualMachineTemplate",
    description="A template from which virtual machines are instantiated.",
    inputs={
        "mark": MARK,
        "name": name_field("template; unique per owner"),
        "cpu": Field("number", "Share of physical CPUs.", required=True, minimum=0.01),
        "vcpu": Field("integer", "Number of virtual CPUs; 1 when absent.", minimum=1),
        "memoryMb": Field("integer", "Memory in MiB.", required=True, minimum=1),
        "disks": Field(ListOf(DISK), "Disks in the order in which the guest sees them."),
        "nics": Field(ListOf(NIC), "Network interfaces in the order in which the guest sees them."),
        "context": Field(MapOf("string"), "What the guest is told (`CONTEXT`)."),
        "permissions": PERMISSIONS,
        "attributes": Field(
            MapOf("any"),
            "Further attributes. A scalar becomes an attribute, an object a vector attribute, a list repeats it.",
        ),
    },
    outputs={
        "templateId": Field("integer", "Id of the template.", required=True),
        "endpoint": ENDPOINT,
    },
)

_KNOWN_KEYS = ("CPU", "VCPU", "MEMORY", "DISK", "NIC", "CONTEXT")


class VirtualMachineTemplate(Resource):
    """Templates of one owner. An update replaces the whole text, so everything is in place."""

    definition = DEFINITION
    names_collide = True

    def check(self, inputs: Properties) -> list[Problem]:
        """Typed attributes must not be given a second time as free ones."""
        free = inputs.get("attributes")
        if not isinstance(free, dict):
            return []
        doubled = [key for key in free if key.upper() in {*_KNOWN_KEYS, "NAME", TAG}]
        return [Problem(join("attributes", key), "has a property of its own; use that") for key in doubled]

    async def create(self, call: Call) -> Made:
        """Allocates the template, or adopts it by its tag and rewrites it."""
        name = call.inputs["name"]
        number = await call.cloud.find_object("templatepool", "VMTEMPLATE", name, call.tag) if call.tag else None
        if number is None:
            number = await call.cloud.rpc.call("template.allocate", _text(call, name=name))
        else:
            await call.cloud.rpc.call("template.update", number, _text(call), 0)
        call.id = str(number)
        await give_rights(call, "template", number)
        return await self._seen(call)

    async def _seen(self, call: Call) -> Made:
        made = await self.read(call)
        if made is None:
            raise ProviderError(f"virtual machine template {call.id} was deleted while it was being written")
        return made

    async def read(self, call: Call) -> Made | None:
        """The template as it is."""
        tree = await info(call, "template", call.number)
        if tree is None:
            return None
        inputs = folded(call.inputs, inputs_of(call.inputs, tree))
        outputs = {"templateId": call.number, "endpoint": call.cloud.endpoint}
        return Made(call.id, {**inputs, **outputs}, inputs)

    async def update(self, call: Call) -> Made:
        """Name, rights, and the whole text where anything else differs."""
        difference = self.diff(call)
        await rename(call, "template", difference)
        await give_rights(call, "template", call.number)
        if set(difference.names) - {"name", "permissions"}:
            await call.cloud.rpc.call("template.update", call.number, _text(call), 0)
        return await self._seen(call)

    async def delete(self, call: Call) -> None:
        """Deletes the template; its images stay."""
        try:
            await call.cloud.rpc.call("template.delete", call.number)
        except RpcError as error:
            if error.code != ErrorCode.NO_EXISTS:
                raise


def _text(call: Call, **fixed: str) -> str:
    return template_text({**fixed, **_attributes(call.inputs)}, call.tag)


def _attributes(inputs: Properties) -> dict[str, Value | list[Value] | None]:
    """The template's content; free attributes last."""
    free = {key.upper(): _free(value) for key, value in inputs.get("attributes", {}).items()}
    return {
        "CPU": flat(inputs["cpu"]),
        "VCPU": flat(inputs["vcpu"]) if "vcpu" in inputs else None,
        "MEMORY": flat(inputs["memoryMb"]),
        "DISK": [_member(one, {"imageId": "IMAGE_ID", "sizeMb": "SIZE"}) for one in inputs.get("disks", [])],
        "NIC": [_member(one, {"networkId": "NETWORK_ID", "model": "MODEL"}) for one in inputs.get("nics", [])],
        "CONTEXT": upper(inputs.get("context")),
        **free,
    }


def _member(one: Properties, names: Mapping[str, str]) -> dict[str, str]:
    return {key: flat(one[name]) for name, key in names.items() if name in one} | upper(one.get("attributes"))


def _free(value: Any) -> Value | list[Value]:
    if isinstance(value, dict):
        return upper(value)
    if isinstance(value, list):
        return [upper(item) if isinstance(item, dict) else flat(item) for item in value]
    return flat(value)


def inputs_of(known: Properties, tree: Tree) -> Properties:
    """What would have to be written to get this template; spelled as it was, where it means the same."""
    actual = section(tree, "TEMPLATE")
    wished = _attributes({"cpu": 0, "memoryMb": 0, **known})
    seen: Properties = {
        "name": tree["NAME"],
        "cpu": number(actual.get("CPU", "0")),
        "vcpu": int(actual["VCPU"]) if actual.get("VCPU") else None,
        "memoryMb": int(actual.get("MEMORY") or 0),
        "permissions": rights(tree) if "permissions" in known else None,
    }
    for name, key, read in (("disks", "DISK", _disk), ("nics", "NIC", _nic), ("context", "CONTEXT", dict)):
        same = as_list(wished[key]) == each(actual, key)
        seen[name] = known.get(name) if same else _reread(name, actual, key, read)
    seen["attributes"] = _seen_free(known.get("attributes", {}), actual)
    return seen


def _reread(name: str, actual: Tree, key: str, read: Callable[[Any], Properties]) -> Any:
    members = [read(one) for one in each(actual, key) if isinstance(one, dict)]
    return (members[0] if members else None) if name == "context" else members or None


def _disk(one: dict[str, str]) -> Properties:
    rest = {key: value for key, value in one.items() if key not in {"IMAGE_ID", "SIZE"}}
    size = {"sizeMb": int(one["SIZE"])} if "SIZE" in one else {}
    return {"imageId": int(one.get("IMAGE_ID", -1)), **size, **({"attributes": rest} if rest else {})}


def _nic(one: dict[str, str]) -> Properties:
    rest = {key: value for key, value in one.items() if key not in {"NETWORK_ID", "MODEL"}}
    model = {"model": one["MODEL"]} if "MODEL" in one else {}
    return {"networkId": int(one.get("NETWORK_ID", -1)), **model, **({"attributes": rest} if rest else {})}


def _seen_free(known: Properties, actual: Tree) -> Properties | None:
    """All attributes without a property of their own; a declared one keeps its spelling while it means the same."""
    spelled = {key.upper(): key for key in known}
    seen: Properties = {}
    for key, value in actual.items():
        if key in {*_KNOWN_KEYS, TAG}:
            continue
        name = spelled.get(key, key)
        same = name in known and as_list(_free(known[name])) == each(actual, key)
        seen[name] = known[name] if same else value
    return seen or None


def number(text: Any) -> float:
    """A number as the platform writes it: whole ones as int."""
    value = float(text or 0)
    return int(value) if value.is_integer() else value
