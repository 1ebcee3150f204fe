"""`VirtualNetwork`: a network with its address ranges."""

from __future__ import annotations

from fedstack.opennebula.states import VnetState
from fedstack.opennebula.template import Value, to_text

from ..awaits import GONE, Sight, Verdict
from ..errors import ProviderError
from ..objects import (
    give_rights,
    info,
    merged,
    remove,
    rename,
    rights,
    seen_attributes,
    state_name,
    template_text,
    upper,
)
from ..resource import Call, Made, Resource, ensure, folded, row, wait_state
from ..rpc import Tree, each, section
from ..shape import ENDPOINT, MARK, PERMISSIONS, Definition, Field, ListOf, MapOf, Shape, name_field
from ..values import Properties

ADDRESS_RANGE = Shape(
    "AddressRange",
    "A block of consecutive addresses of a network.",
    {
        "type": Field(
            "string",
            "Kind of the addresses.",
            default="IP4",
            choices=("IP4", "IP6", "IP6_STATIC", "IP4_6", "IP4_6_STATIC", "ETHER"),
        ),
        "ip": Field("string", "First IPv4 address. Left to the address manager when absent."),
        "mac": Field("string", "First MAC address. Derived by the platform when absent."),
        "size": Field("integer", "Number of addresses.", required=True, minimum=1),
        "ipam": Field("string", "Address manager (`IPAM_MAD`) that chooses the addresses."),
    },
)
ASSIGNED_RANGE = Shape(
    "AssignedRange",
    "An address range as the platform holds it.",
    {
        "rangeId": Field("integer", "Id of the range within the network.", required=True),
        "type": Field("string", "Kind of the addresses.", required=True),
        "ip": Field("string", "First IPv4 address.", required=True),
        "mac": Field("string", "First MAC address.", required=True),
        "size": Field("integer", "Number of addresses.", required=True),
    },
)
DEFINITION = Definition(
    name="VirtualNetwork",
    description="A virtual network and its address ranges.",
    inputs={
        "mark": MARK,
        "name": name_field("network; unique per owner"),
        "vnMad": Field(
            "string", "Network driver, for example `bridge`, `vxlan` or `dummy`.", default="dummy", replace=True
        ),
        "bridge": Field("string", "Bridge on the hosts. Chosen by the platform when absent.", replace=True),
        "clusterId": Field(
            "integer", "Cluster of the network. The default cluster when absent.", replace=True, minimum=0
        ),
        "addressRanges": Field(
            ListOf(ADDRESS_RANGE), "Address ranges. Ranges may be added and removed in place, told apart by position."
        ),
        "gateway": Field("string", "Default gateway that guests are told."),
        "dns": Field("string", "Name server that guests are told."),
        "networkMask": Field("string", "Network mask that guests are told."),
        "securityGroups": Field(ListOf("integer"), "Ids of the security groups of every interface in this network."),
        "permissions": PERMISSIONS,
        "attributes": Field(MapOf("string"), "Further attributes of the network, written as they are."),
    },
    outputs={
        "networkId": Field("integer", "Id of the network.", required=True),
        "state": Field("string", "State of the network, for example `READY`.", required=True),
        "ranges": Field(ListOf(ASSIGNED_RANGE), "The address ranges with their assigned values.", required=True),
        "endpoint": ENDPOINT,
    },
)

SERVER_KEYS = (
    *("BRIDGE", "BRIDGE_TYPE", "PHYDEV", "VN_MAD", "VLAN_ID", "OUTER_VLAN_ID", "SECURITY_GROUPS"),
    *("GATEWAY", "DNS", "NETWORK_MASK", "FILTER", "OUTER_VLAN_ID_AUTOMATIC", "VLAN_ID_AUTOMATIC"),
)
"""Members of a network's template that are not the user's free attributes."""

GUEST_KEYS = {"gateway": "GATEWAY", "dns": "DNS", "networkMask": "NETWORK_MASK"}


class VirtualNetwork(Resource):
    """Networks of one owner."""

    definition = DEFINITION
    names_collide = True
    volatile = ("ranges", "state")

    async def create(self, call: Call) -> Made:
        """Allocates the network (or adopts it by its tag) and waits until it is READY."""
        inputs = call.inputs
        number = await call.cloud.find_object("vnpool", "VNET", inputs["name"], call.tag) if call.tag else None
        if number is None:
            number = await call.cloud.rpc.call("vn.allocate", _text(call), inputs.get("clusterId", -1))
        call.id = str(number)
        await give_rights(call, "vn", number)
        return await self._ready(call)

    async def _ready(self, call: Call) -> Made:
        async def look() -> Sight:
            tree = await info(call, "vn", call.number)
            name = state_name(VnetState, tree) if tree else GONE
            return Sight(name, f"network {name}")

        outcome = await wait_state(call, row(self, "create"), f"network {call.inputs['name']!r} ({call.id})", look)
        tree = await info(call, "vn", call.number)
        return ensure(outcome, _made(call, tree) if tree else Made(call.id, call.inputs, call.inputs))

    async def read(self, call: Call) -> Made | None:
        """The network as it is."""
        tree = await info(call, "vn", call.number)
        return None if tree is None or state_name(VnetState, tree) == "DONE" else _made(call, tree)

    async def update(self, call: Call) -> Made:
        """Name, rights, attributes and address ranges in place."""
        difference = self.diff(call)
        await rename(call, "vn", difference)
        await give_rights(call, "vn", call.number)
        if difference.touches("gateway", "dns", "networkMask", "securityGroups", "attributes", "mark"):
            await self._rewrite(call)
        if difference.touches("addressRanges"):
            await _change_ranges(call)
        return await self._ready(call)

    async def _rewrite(self, call: Call) -> None:
        tree = await info(call, "vn", call.number) or {}
        drop = {*GUEST_KEYS.values(), *upper(call.old.get("attributes"))}
        text = template_text(merged(section(tree, "TEMPLATE"), _attributes(call.inputs), drop), call.tag)
        await call.cloud.rpc.call("vn.update", call.number, text, 0)

    async def delete(self, call: Call) -> None:
        """Deletes the network as soon as no lease is in use, and waits until it is gone."""
        outcome = await remove(call, "vn", row(self, "delete"), f"network {call.id}", VnetState)
        if outcome.verdict is Verdict.FAILED:
            raise ProviderError(outcome.message)


async def _change_ranges(call: Call) -> None:
    """Adds, resizes and removes ranges by position; a range whose addresses differ is removed and added again."""
    before, after = call.old.get("addressRanges", []), call.inputs.get("addressRanges", [])
    tree = await info(call, "vn", call.number) or {}
    ids = [int(one["AR_ID"]) for one in each(section(tree, "AR_POOL"), "AR")]
    for index, number in enumerate(ids):
        if index >= len(after):
            await call.cloud.rpc.call("vn.rm_ar", call.number, number)
        elif index >= len(before) or before[index] != after[index]:
            await _change_range(call, number, before[index] if index < len(before) else {}, after[index])
    for wanted in after[len(ids) :]:
        await call.cloud.rpc.call("vn.add_ar", call.number, to_text({"AR": _range(wanted)}))


async def _change_range(call: Call, number: int, before: Properties, after: Properties) -> None:
    if {**before, "size": 0} == {**after, "size": 0}:
        text = to_text({"AR": {"AR_ID": str(number), "SIZE": str(after["size"])}})
        await call.cloud.rpc.call("vn.update_ar", call.number, text)
        return
    await call.cloud.rpc.call("vn.rm_ar", call.number, number)
    await call.cloud.rpc.call("vn.add_ar", call.number, to_text({"AR": _range(after)}))


def _range(one: Properties) -> dict[str, str]:
    names = {"type": "TYPE", "ip": "IP", "mac": "MAC", "size": "SIZE", "ipam": "IPAM_MAD"}
    return {key: str(one[name]) for name, key in names.items() if name in one}


def _attributes(inputs: Properties) -> dict[str, Value | list[Value] | None]:
    groups = inputs.get("securityGroups")
    guest = {key: inputs.get(name) for name, key in GUEST_KEYS.items()}
    chosen = {"SECURITY_GROUPS": ",".join(str(one) for one in groups) if groups else None}
    return {**guest, **chosen, **upper(inputs.get("attributes"))}


def _text(call: Call) -> str:
    inputs = call.inputs
    fixed: dict[str, Value | list[Value] | None] = {
        "NAME": inputs["name"],
        "VN_MAD": inputs["vnMad"],
        "BRIDGE": inputs.get("bridge"),
        "AR": [_range(one) for one in inputs.get("addressRanges", [])],
    }
    return template_text({**fixed, **_attributes(inputs)}, call.tag)


def _made(call: Call, tree: Tree) -> Made:
    ranges = each(section(tree, "AR_POOL"), "AR")
    inputs = folded(call.inputs, _seen(call.inputs, tree, ranges))
    outputs = {
        "networkId": call.number,
        "state": state_name(VnetState, tree),
        "ranges": [assigned(one) for one in ranges],
        "endpoint": call.cloud.endpoint,
    }
    return Made(call.id, {**inputs, **outputs}, inputs)


def assigned(one: Tree) -> Properties:
    """An address range as an `AssignedRange` of the schema."""
    texts = {name: one.get(key, "") for name, key in (("type", "TYPE"), ("ip", "IP"), ("mac", "MAC"))}
    numbers = (("rangeId", "AR_ID"), ("size", "SIZE"))
    return {**texts, **{name: int(one.get(key) or 0) for name, key in numbers}}


def _seen(known: Properties, tree: Tree, ranges: list[Tree]) -> Properties:
    template = section(tree, "TEMPLATE")
    guest = {name: template.get(key) or None for name, key in GUEST_KEYS.items()}
    declared = known.get("attributes", {}) if known else None
    return {
        **guest,
        "name": tree["NAME"],
        "vnMad": tree.get("VN_MAD", ""),
        **({"bridge": tree.get("BRIDGE", "")} if "bridge" in known else {}),
        "addressRanges": _seen_ranges(known.get("addressRanges", []), ranges) or None,
        "securityGroups": _seen_groups(known.get("securityGroups"), template),
        "permissions": rights(tree) if "permissions" in known else None,
        "attributes": seen_attributes(declared, template, SERVER_KEYS) or None,
    }


def _seen_ranges(known: list[Properties], ranges: list[Tree]) -> list[Properties]:
    """Each range as it would have to be written: what the platform chose by itself is left out."""
    seen = []
    for index, one in enumerate(ranges):
        declared = known[index] if index < len(known) else None
        actual = {"type": one["TYPE"], "size": int(one["SIZE"])}
        for name, key in (("ip", "IP"), ("mac", "MAC"), ("ipam", "IPAM_MAD")):
            if one.get(key) and (name in declared if declared is not None else name == "ip"):
                actual[name] = one[key]
            elif declared is not None and name in declared and name == "ipam":
                actual[name] = declared[name]
        seen.append(actual)
    return seen


def _seen_groups(known: list[int] | None, template: Tree) -> list[int] | None:
    """The security groups; the platform always adds group 0, which is no difference (reference 2.10)."""
    groups = group_ids(template)
    if set(groups) | {0} == set(known or []) | {0}:
        return known
    return groups


def group_ids(template: Tree) -> list[int]:
    """The ids in a network's SECURITY_GROUPS."""
    return [int(part) for part in str(template.get("SECURITY_GROUPS", "")).split(",") if part.strip().isdigit()]
