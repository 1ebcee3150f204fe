"""What a VM is made of: its size, its disk, its network interface, its devices."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_opennebula as one
from pydantic import Field

from components.fields import Group, Number, Positive


class Size(Group):
    """What a VM gets."""

    cpu: Number = Field(default=1.0, description="Share of physical CPUs for a VM")
    vcpu: Positive | None = Field(default=None, description="Virtual CPUs (unset: one)")
    memory_mb: Positive = Field(default=1024, description="Memory of a VM in MB")
    disk_mb: Positive | None = Field(default=None, description="Size of a VM's disk in MB (unset: the image's)")


def vm_template(
    name: str,
    size: Size,
    image_id: pulumi.Input[int],
    network_id: pulumi.Input[int],
    mark: pulumi.Input[str],
    more: Mapping[str, Any],
    opts: pulumi.ResourceOptions,
) -> one.VirtualMachineTemplate:
    """A template with one disk of the image and one network interface; the service's roles add the context.

    `more` are further properties of the template.
    """
    return one.VirtualMachineTemplate(
        name,
        name=name,
        cpu=size.cpu,
        vcpu=size.vcpu,
        memory_mb=size.memory_mb,
        disks=[one.DiskArgs(image_id=image_id, size_mb=size.disk_mb)],
        nics=[one.NicArgs(network_id=network_id)],
        mark=mark,
        opts=opts,
        **more,
    )


def identity(size: Size) -> dict[str, str]:
    """What a running VM of this size depends on, by key."""
    chosen = {"cpu": size.cpu, "vcpu": size.vcpu or 1, "memoryMb": size.memory_mb, "diskMb": size.disk_mb}
    return {key: f"{number:g}" for key, number in chosen.items() if number is not None}
