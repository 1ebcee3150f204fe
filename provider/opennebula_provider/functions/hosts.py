"""`getHosts`."""

from __future__ import annotations

from fedstack.opennebula.states import HostState

from ..attributes import seen_declared
from ..cloud import Cloud
from ..function import Function
from ..objects import state_name
from ..rpc import Tree, section
from ..shape import Definition, Field, ListOf, MapOf, Shape
from ..values import Properties
from .lookup import NAME_PATTERN, Kind, identity, named_like, pool

HOST = Kind("host", "hostId", "host", "HOST", filtered=False)
FOUND_HOST = Shape(
    "FoundHost",
    "A host that runs virtual machines.",
    {
        **identity(HOST),
        "state": Field("string", "State of the host, for example `MONITORED`.", required=True),
        "clusterId": Field("integer", "Id of its cluster.", required=True),
        "cluster": Field("string", "Name of its cluster.", required=True),
        "vmMad": Field("string", "Driver of its virtual machines, for example `kvm`.", required=True),
        "cpus": Field("number", "CPUs that virtual machines may have.", required=True),
        "cpusUsed": Field("number", "CPUs that virtual machines were promised.", required=True),
        "memoryMb": Field("integer", "Memory in MiB that virtual machines may have.", required=True),
        "memoryUsedMb": Field("integer", "Memory in MiB that virtual machines were promised.", required=True),
        "runningVms": Field("integer", "Number of its virtual machines.", required=True),
        "attributes": Field(MapOf("string"), "Its further attributes.", required=True),
    },
)


async def get_hosts(cloud: Cloud, inputs: Properties) -> Properties:
    """All hosts that fit, by id."""
    found = [_host(one) for one in named_like(inputs, await pool(cloud, HOST))]
    filters = [name for name in ("state", "clusterId") if name in inputs]
    return {"hosts": [one for one in found if all(one[name] == inputs[name] for name in filters)]}


def _host(tree: Tree) -> Properties:
    share = {key: int(value or 0) for key, value in section(tree, "HOST_SHARE").items() if isinstance(value, str)}
    return {
        "hostId": int(tree["ID"]),
        "name": tree["NAME"],
        "state": state_name(HostState, tree),
        "clusterId": int(tree.get("CLUSTER_ID") or 0),
        "cluster": tree.get("CLUSTER", ""),
        "vmMad": tree.get("VM_MAD", ""),
        "cpus": share.get("MAX_CPU", 0) / 100,
        "cpusUsed": share.get("CPU_USAGE", 0) / 100,
        "memoryMb": share.get("MAX_MEM", 0) // 1024,
        "memoryUsedMb": share.get("MEM_USAGE", 0) // 1024,
        "runningVms": share.get("RUNNING_VMS", 0),
        "attributes": seen_declared(None, section(tree, "TEMPLATE"), ()) or {},
    }


GET_HOSTS = Function(
    Definition(
        "getHosts",
        "Finds all hosts that fit every argument; without arguments all that the user may see.",
        {
            "namePattern": NAME_PATTERN,
            "state": Field("string", "State of the hosts, for example `MONITORED`."),
            "clusterId": Field("integer", "Id of the hosts' cluster.", minimum=0),
        },
        {"hosts": Field(ListOf(FOUND_HOST), "The hosts in the order of their ids.", required=True)},
    ),
    get_hosts,
)
