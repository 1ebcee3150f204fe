"""The resources that the provider offers."""

from __future__ import annotations

from .resource import Resource
from .resources.image import Image
from .resources.mark import Mark
from .resources.service import Service
from .resources.service_template import ServiceTemplate
from .resources.virtual_network import VirtualNetwork
from .resources.vm_template import VirtualMachineTemplate

RESOURCES: dict[str, Resource] = {
    one.definition.token: one
    for one in (Mark(), VirtualNetwork(), Image(), VirtualMachineTemplate(), ServiceTemplate(), Service())
}
"""Type token to resource, in the order of the documentation."""
