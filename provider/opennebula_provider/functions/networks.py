"""`getVirtualNetwork`."""

from __future__ import annotations

from fedstack.opennebula.states import VnetState

from ..attributes import names, seen_declared
from ..cloud import Cloud
from ..function import Function
from ..objects import state_name
from ..resources.address_ranges import ASSIGNED_RANGE, assigned, ranges
from ..resources.virtual_network import DEFINITION, SERVER_KEYS, group_ids
from ..rpc import section
from ..shape import Definition, Field, ListOf, MapOf
from ..values import Properties
from .lookup import OWNERSHIP, Kind, find_object, found_typed, identity, numbers, ownership, typed

INPUTS = DEFINITION.inputs
NETWORK = Kind("virtual network", "networkId", "vn", "VNET")
FOUND = {
    **identity(NETWORK),
    "state": Field("string", "State of the network, for example `READY`.", required=True),
    "vnMad": Field("string", "Network driver, for example `bridge`.", required=True),
    "bridge": Field("string", "Bridge on the hosts, empty without one.", required=True),
    "clusterIds": Field(ListOf("integer"), "Ids of the clusters that it belongs to.", required=True),
    "ranges": Field(ListOf(ASSIGNED_RANGE), "The address ranges.", required=True),
    "usedLeases": Field("integer", "Number of addresses that are in use.", required=True),
    **typed(INPUTS),
    "securityGroups": Field(ListOf("integer"), "Ids of the security groups of every interface in it.", required=True),
    **OWNERSHIP,
    "attributes": Field(MapOf("string"), "Its further attributes.", required=True),
}


async def get_virtual_network(cloud: Cloud, inputs: Properties) -> Properties:
    """One network."""
    tree = await find_object(cloud, NETWORK, inputs)
    template = section(tree, "TEMPLATE")
    return {
        "networkId": int(tree["ID"]),
        "name": tree["NAME"],
        "state": state_name(VnetState, tree),
        "vnMad": tree.get("VN_MAD", ""),
        "bridge": tree.get("BRIDGE", ""),
        "clusterIds": numbers(tree, "CLUSTERS"),
        "ranges": [assigned(one) for one in ranges(tree)],
        "usedLeases": int(tree.get("USED_LEASES") or 0),
        **found_typed(INPUTS, template),
        "securityGroups": group_ids(template),
        **ownership(tree),
        "attributes": seen_declared(None, template, {*SERVER_KEYS, *names(INPUTS)}) or {},
    }


GET_VIRTUAL_NETWORK = Function(
    Definition(
        "getVirtualNetwork",
        "Finds a virtual network that exists already, by its id or by its name.",
        NETWORK.inputs,
        FOUND,
    ),
    get_virtual_network,
    either=("networkId", "name"),
)
