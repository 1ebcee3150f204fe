"""`getVirtualNetwork`."""

from __future__ import annotations

from fedstack.opennebula.states import VnetState

from ..cloud import Cloud
from ..function import Function
from ..objects import seen_attributes, state_name
from ..resources.virtual_network import ASSIGNED_RANGE, GUEST_KEYS, SERVER_KEYS, assigned, group_ids
from ..rpc import each, section
from ..shape import Definition, Field, ListOf, MapOf
from ..values import Properties
from .lookup import OWNERSHIP, Kind, find_object, identity, numbers, ownership

NETWORK = Kind("virtual network", "networkId", "vn", "VNET")
FOUND = {
    **identity(NETWORK),
    "state": Field("string", "State of the network, for example `READY`.", required=True),
    "vnMad": Field("string", "Network driver, for example `bridge`.", required=True),
    "bridge": Field("string", "Bridge on the hosts, empty without one.", required=True),
    "clusterIds": Field(ListOf("integer"), "Ids of the clusters that it belongs to.", required=True),
    "ranges": Field(ListOf(ASSIGNED_RANGE), "The address ranges.", required=True),
    "usedLeases": Field("integer", "Number of addresses that are in use.", required=True),
    "gateway": Field("string", "Default gateway that guests are told, empty without one.", required=True),
    "dns": Field("string", "Name server that guests are told, empty without one.", required=True),
    "networkMask": Field("string", "Network mask that guests are told, empty without one.", required=True),
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
        "ranges": [assigned(one) for one in each(section(tree, "AR_POOL"), "AR")],
        "usedLeases": int(tree.get("USED_LEASES") or 0),
        **{name: template.get(key, "") for name, key in GUEST_KEYS.items()},
        "securityGroups": group_ids(template),
        **ownership(tree),
        "attributes": seen_attributes(None, template, SERVER_KEYS) or {},
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
