"""`VirtualNetwork`: a network with its address ranges."""

from __future__ import annotations

from fedstack.opennebula.states import VnetState

from ..attributes import encode, flat
from ..awaits import GONE, Sight, Verdict
from ..diffs import Difference
from ..objects import PoolObject, info, state_name
from ..resource import Call, Made, ensure, row, wait_state
from ..rpc import Tree, each, section
from ..shape import ENDPOINT, Definition, Field, ListOf, MapOf, owned
from ..values import Properties
from .address_ranges import (
    ADDRESS_RANGE,
    ASSIGNED_RANGE,
    HELD,
    RANGES,
    assigned,
    converge,
    lease_text,
    ranges,
    seen_held,
    seen_ranges,
)

GUEST = {
    "gateway": Field("string", "Default gateway that guests are told.", attr="GATEWAY"),
    "gateway6": Field("string", "Default IPv6 gateway that guests are told.", attr="GATEWAY6"),
    "dns": Field("string", "Name servers that guests are told, with blanks between them.", attr="DNS"),
    "searchDomain": Field("string", "Search domain that guests are told.", attr="SEARCH_DOMAIN"),
    "networkAddress": Field("string", "Address of the network that guests are told.", attr="NETWORK_ADDRESS"),
    "networkMask": Field("string", "Network mask that guests are told.", attr="NETWORK_MASK"),
    "mtu": Field("integer", "MTU that guests are told.", minimum=68, attr="GUEST_MTU"),
}
"""What guests learn of their network."""
FIXED = {
    "vnMad": Field(
        "string", "Network driver, for example `bridge`, `vxlan` or `dummy`.", default="dummy", replace=True
    ),
    "bridge": Field("string", "Bridge on the hosts. Chosen by the platform when absent.", replace=True, kept=True),
    "physicalDevice": Field(
        "string", "Network device of the hosts that the bridge is attached to (`PHYDEV`).", replace=True, kept=True
    ),
    "vlanId": Field("integer", "VLAN (or VXLAN) of the network.", replace=True, minimum=0, kept=True),
    "clusterId": Field(
        "integer", "Cluster of the network. The default cluster when absent.", replace=True, minimum=0, kept=True
    ),
}
"""What a network keeps for life."""
DEFINITION = Definition(
    name="VirtualNetwork",
    description="A virtual network and its address ranges. Everything but its driver, bridge, VLAN and cluster changes "
    "in place. It is deleted as soon as no machine has an address of it any more.",
    inputs=owned(
        "network; unique per owner",
        {
            **FIXED,
            "addressRanges": RANGES,
            "heldLeases": HELD,
            **GUEST,
            "securityGroups": Field(
                ListOf("integer"),
                "Ids of the security groups of every interface in this network, in any order. The platform adds the "
                "default group 0.",
                attr="SECURITY_GROUPS",
                key=(),
            ),
            "description": Field("string", "Free text.", attr="DESCRIPTION"),
            "attributes": Field(MapOf("string"), "Further attributes of the network, written as they are."),
        },
    ),
    outputs={
        "networkId": Field("integer", "Id of the network.", required=True),
        "state": Field("string", "State of the network, for example `READY`.", required=True),
        "ranges": Field(ListOf(ASSIGNED_RANGE), "The address ranges with their assigned values.", required=True),
        "endpoint": ENDPOINT,
    },
    example={
        **{"name": "lab", "vnMad": "bridge", "bridge": "br0"},
        "addressRanges": [{"ip": "10.20.0.10", "size": 32}, {"ip": "10.20.1.10", "size": 16}],
        **{"heldLeases": ["10.20.0.10"], "gateway": "10.20.0.1", "dns": "10.20.0.2"},
    },
)
SERVER_KEYS = frozenset(
    {
        *("BRIDGE", "BRIDGE_TYPE", "PHYDEV", "VN_MAD", "VLAN_ID", "OUTER_VLAN_ID", "FILTER"),
        *("OUTER_VLAN_ID_AUTOMATIC", "VLAN_ID_AUTOMATIC"),
    }
)
"""Members of a network's template that are neither typed properties nor the user's free attributes."""
HEADER = {"bridge": "BRIDGE", "physicalDevice": "PHYDEV", "vlanId": "VLAN_ID"}


class VirtualNetwork(PoolObject):
    """Networks of one owner."""

    definition = DEFINITION
    kind, word, states = "vn", "network", VnetState
    server_keys = SERVER_KEYS
    later = PoolObject.later | {"heldLeases"}
    volatile = ("ranges", "state")

    async def allocate(self, call: Call) -> int:
        """Allocates the network with its ranges."""
        inputs = call.inputs
        fixed = {
            **{"NAME": inputs["name"], "VN_MAD": inputs["vnMad"]},
            **{key: flat(inputs[name]) for name, key in HEADER.items() if name in inputs},
            "AR": [encode(ADDRESS_RANGE.fields, one) for one in inputs.get("addressRanges", [])],
        }
        text = self.text(call, fixed)
        return int(await call.cloud.rpc.call("vn.allocate", text, inputs.get("clusterId", -1)))

    async def tree(self, call: Call) -> Tree | None:
        """The network with its leases, which the pool does not tell."""
        tree = await info(call, self.kind)
        return None if tree is None or state_name(VnetState, tree) == "DONE" else tree

    async def change(self, call: Call, difference: Difference) -> None:
        """Address ranges and held addresses, which only a network that is READY can change."""
        if difference.touches("addressRanges", "heldLeases"):
            await self._ready(call)
            await converge(call, await self.tree(call) or {})

    async def finish(self, call: Call) -> Made:
        """The network once it is READY."""
        await self._ready(call)
        return await super().finish(call)

    async def _ready(self, call: Call) -> None:
        async def look() -> Sight:
            tree = await call.cloud.reads.one("vn", call.number)
            name = state_name(VnetState, tree) if tree else GONE
            return Sight(name, f"network {name}")

        outcome = await wait_state(call, row(self, "create"), self.what(call), look)
        tree = await self.tree(call) if outcome.verdict is Verdict.FAILED else None
        ensure(outcome, self.made(call, tree) if tree else Made(call.id, call.inputs, call.inputs))

    async def delete(self, call: Call) -> None:
        """Releases the addresses on hold, then deletes the network as soon as no machine has one."""
        tree = await self.tree(call)
        for address in seen_held([], tree) if tree else []:
            await call.cloud.rpc.call("vn.release", call.number, lease_text(address))
        await super().delete(call)

    def outputs(self, call: Call, tree: Tree) -> Properties:
        """Id, state and ranges."""
        state = state_name(VnetState, tree)
        return {"networkId": call.number, "state": state, "ranges": [assigned(one) for one in ranges(tree)]}

    def seen(self, known: Properties, tree: Tree) -> Properties:
        """What is in the header, ranges and held addresses."""
        looked_at = {name for name, one in DEFINITION.inputs.items() if name in known or not (known and one.kept)}
        clusters = [int(one) for one in each(section(tree, "CLUSTERS"), "ID")]
        on_hold = seen_held(known.get("heldLeases", []), tree)
        found = {
            "vnMad": tree.get("VN_MAD"),
            "bridge": tree.get("BRIDGE"),
            "physicalDevice": tree.get("PHYDEV") or None,
            "vlanId": int(tree["VLAN_ID"]) if tree.get("VLAN_ID") else None,
            "clusterId": known["clusterId"] if known.get("clusterId") in clusters else next(iter(clusters), None),
            "addressRanges": seen_ranges(known.get("addressRanges", []), ranges(tree)) or None,
            "heldLeases": on_hold if on_hold or known else None,
            "securityGroups": _seen_groups(known.get("securityGroups"), group_ids(section(tree, "TEMPLATE"))),
        }
        return {name: value for name, value in found.items() if name in looked_at}


def _seen_groups(known: list[int] | None, groups: list[int]) -> list[int] | None:
    """The security groups; the platform always adds group 0, which is no difference (reference 2.10)."""
    declared = known or []
    if set(groups) | {0} == set(declared) | {0}:
        return known
    return [one for one in groups if one or one in declared] or None


def group_ids(template: Tree) -> list[int]:
    """The ids in a network's SECURITY_GROUPS."""
    return [int(part) for part in str(template.get("SECURITY_GROUPS", "")).split(",") if part.strip().isdigit()]
