"""`getVirtualMachineTemplate`."""

from __future__ import annotations

from ..attributes import names, seen_all
from ..cloud import Cloud
from ..function import Function
from ..resources.vm_template import DEFINITION
from ..rpc import section
from ..shape import Definition, Field, MapOf
from ..values import Properties
from .lookup import OWNERSHIP, Kind, find_object, found_typed, identity, ownership, typed

INPUTS = DEFINITION.inputs
TEMPLATE = Kind("virtual machine template", "templateId", "template", "VMTEMPLATE")
FOUND = {
    **identity(TEMPLATE),
    **typed(INPUTS),
    **OWNERSHIP,
    "attributes": Field(MapOf("any"), "Its further attributes.", required=True),
}


async def get_virtual_machine_template(cloud: Cloud, inputs: Properties) -> Properties:
    """One template."""
    tree = await find_object(cloud, TEMPLATE, inputs)
    template = section(tree, "TEMPLATE")
    return {
        "templateId": int(tree["ID"]),
        "name": tree["NAME"],
        **found_typed(INPUTS, template),
        **ownership(tree),
        "attributes": seen_all({}, template, names(INPUTS)) or {},
    }


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
