"""`getVirtualMachineTemplate`."""

from __future__ import annotations

from ..cloud import Cloud
from ..function import Function
from ..resource import folded
from ..resources.vm_template import DISK, NIC, inputs_of
from ..shape import Definition, Field, ListOf, MapOf
from ..values import Properties
from .lookup import OWNERSHIP, Kind, find_object, identity, ownership

TEMPLATE = Kind("virtual machine template", "templateId", "template", "VMTEMPLATE")
FOUND = {
    **identity(TEMPLATE),
    "cpu": Field("number", "Share of physical CPUs.", required=True),
    "vcpu": Field("integer", "Number of virtual CPUs; 1 when absent."),
    "memoryMb": Field("integer", "Memory in MiB.", required=True),
    "disks": Field(ListOf(DISK), "Disks; `imageId` is -1 where one names its image otherwise.", required=True),
    "nics": Field(
        ListOf(NIC), "Network interfaces; `networkId` is -1 where one names its network otherwise.", required=True
    ),
    "context": Field(MapOf("string"), "What the guest is told (`CONTEXT`).", required=True),
    **OWNERSHIP,
    "attributes": Field(MapOf("any"), "Its further attributes.", required=True),
}


async def get_virtual_machine_template(cloud: Cloud, inputs: Properties) -> Properties:
    """One template."""
    tree = await find_object(cloud, TEMPLATE, inputs)
    empty: Properties = {"disks": [], "nics": [], "context": {}, "attributes": {}}
    return {**empty, **folded({}, inputs_of({}, tree)), "templateId": int(tree["ID"]), **ownership(tree)}


GET_VIRTUAL_MACHINE_TEMPLATE = Function(
    Definition(
        "getVirtualMachineTemplate",
        "Finds a virtual machine template that exists already, by its id or by its name.",
        TEMPLATE.inputs,
        FOUND,
    ),
    get_virtual_machine_template,
    either=("templateId", "name"),
)
