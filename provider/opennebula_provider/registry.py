"""The resources and functions that the provider offers."""

from __future__ import annotations

from .function import Function
from .functions.datastores import GET_DATASTORE
from .functions.hosts import GET_HOSTS
from .functions.images import GET_IMAGE, GET_IMAGES
from .functions.networks import GET_VIRTUAL_NETWORK
from .functions.services import GET_SERVICE, GET_SERVICE_TEMPLATE
from .functions.version import GET_VERSION
from .functions.vm_templates import GET_VIRTUAL_MACHINE_TEMPLATE
from .resource import Resource
from .resources.image import Image
from .resources.mark import Mark
from .resources.security_group import SecurityGroup
from .resources.service import Service
from .resources.service_template import ServiceTemplate
from .resources.virtual_machine import VirtualMachine
from .resources.virtual_network import VirtualNetwork
from .resources.vm_template import VirtualMachineTemplate

RESOURCES: dict[str, Resource] = {
    one.definition.token: one
    for one in (
        *(Mark(), SecurityGroup(), VirtualNetwork(), Image()),
        *(VirtualMachineTemplate(), VirtualMachine(), ServiceTemplate(), Service()),
    )
}
"""Type token to resource, in the order of the documentation."""

FUNCTIONS: dict[str, Function] = {
    one.definition.token: one
    for one in (
        *(GET_IMAGE, GET_IMAGES, GET_VIRTUAL_NETWORK, GET_VIRTUAL_MACHINE_TEMPLATE),
        *(GET_SERVICE_TEMPLATE, GET_SERVICE, GET_HOSTS, GET_DATASTORE, GET_VERSION),
    )
}
"""Token to function, in the order of the documentation."""
