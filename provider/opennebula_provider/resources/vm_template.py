"""`VirtualMachineTemplate`: what a virtual machine is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fedstack.opennebula.errors import ErrorCode

from ..attributes import FREE, names, seen_all
from ..checks import Problem, join
from ..cloud import TAG
from ..errors import RpcError
from ..objects import PoolObject
from ..resource import Call
from ..rpc import Tree
from ..shape import ENDPOINT, Definition, Field, ListOf, MapOf, Shape, owned
from ..values import Properties

DISK = Shape(
    "Disk",
    "A disk of the virtual machine: an image by id or by name, or a volatile disk (a `type` in `attributes`).",
    {
        "imageId": Field("integer", "Id of the image that the disk is made from.", minimum=0, attr="IMAGE_ID"),
        "image": Field("string", "Name of the image, instead of its id; of the template's owner.", attr="IMAGE"),
        "sizeMb": Field("integer", "Size in MiB; the image's own when absent.", minimum=1, attr="SIZE"),
        "target": Field(
            "string", "Device in the guest, such as `vda`. Chosen by the platform when absent.", attr="TARGET"
        ),
        "devPrefix": Field("string", "Prefix of the device in the guest, such as `vd`.", attr="DEV_PREFIX"),
        "driver": Field("string", "Driver of the disk, such as `qcow2`.", attr="DRIVER"),
        "cache": Field("string", "Cache mode of the disk, such as `none`.", attr="CACHE"),
        "attributes": Field(MapOf("string"), "Further attributes of the disk, written as they are."),
    },
)
NIC = Shape(
    "Nic",
    "A network interface of the virtual machine: in a network by id or by name.",
    {
        "networkId": Field("integer", "Id of the network.", minimum=0, attr="NETWORK_ID"),
        "network": Field("string", "Name of the network, instead of its id; of the template's owner.", attr="NETWORK"),
        "ip": Field("string", "IPv4 address. The next free one when absent.", attr="IP"),
        "mac": Field("string", "MAC address. That of the address when absent.", attr="MAC"),
        "model": Field("string", "Model of the emulated interface, for example `virtio`.", attr="MODEL"),
        "securityGroups": Field(
            ListOf("integer"),
            "Ids of the security groups of the interface beside those of its network.",
            attr="SECURITY_GROUPS",
            key=(),
        ),
        "attributes": Field(MapOf("string"), "Further attributes of the interface, written as they are."),
    },
)
OS = Shape(
    "OperatingSystem",
    "How the virtual machine boots.",
    {
        "arch": Field("string", "Architecture, for example `x86_64`.", attr="ARCH"),
        "boot": Field("string", "Boot devices in their order, such as `disk0,nic0`.", attr="BOOT"),
        "machine": Field("string", "Machine type, for example `q35`.", attr="MACHINE"),
        "firmware": Field("string", "Firmware: `BIOS` or the path of an UEFI image.", attr="FIRMWARE"),
        "attributes": Field(MapOf("string"), "Further attributes, written as they are."),
    },
)
GRAPHICS = Shape(
    "Graphics",
    "The console of the virtual machine.",
    {
        "type": Field("string", "Protocol of the console.", attr="TYPE", choices=("VNC", "SPICE", "SDL")),
        "listen": Field("string", "Address on the host on which the console listens.", attr="LISTEN"),
        "port": Field("integer", "Port of the console. Chosen by the platform when absent.", minimum=1, attr="PORT"),
        "password": Field("string", "Password of the console.", secret=True, attr="PASSWD"),
        "keymap": Field("string", "Keyboard of the console, for example `de`.", attr="KEYMAP"),
        "attributes": Field(MapOf("string"), "Further attributes, written as they are."),
    },
)
FEATURES = Shape(
    "Features",
    "Features of the hypervisor.",
    {
        "acpi": Field(
            "boolean", "Advanced power management, without which a guest cannot be asked to shut down.", attr="ACPI"
        ),
        "apic": Field("boolean", "Programmable interrupts.", attr="APIC"),
        "guestAgent": Field("boolean", "A channel to the QEMU guest agent.", attr="GUEST_AGENT"),
        "hyperv": Field("boolean", "What Windows guests like.", attr="HYPERV"),
        "attributes": Field(MapOf("string"), "Further attributes, written as they are."),
    },
)
DEFINITION = Definition(
    name="VirtualMachineTemplate",
    description="A template from which virtual machines are instantiated. Every change is in place, and reaches "
    "machines that are made afterwards. The template is what the program says: what others add is a difference.",
    inputs=owned(
        "template; unique per owner",
        {
            "cpu": Field("number", "Share of physical CPUs.", required=True, minimum=0.01, attr="CPU"),
            "vcpu": Field("integer", "Number of virtual CPUs; 1 when absent.", minimum=1, attr="VCPU"),
            "memoryMb": Field("integer", "Memory in MiB.", required=True, minimum=1, attr="MEMORY"),
            "disks": Field(ListOf(DISK), "Disks in the order in which the guest sees them.", attr="DISK"),
            "nics": Field(ListOf(NIC), "Network interfaces in the order in which the guest sees them.", attr="NIC"),
            "context": Field(MapOf("string"), "What the guest is told (`CONTEXT`).", attr="CONTEXT"),
            "os": Field(OS, "How it boots.", attr="OS"),
            "graphics": Field(GRAPHICS, "Its console.", attr="GRAPHICS"),
            "features": Field(FEATURES, "Features of the hypervisor.", attr="FEATURES"),
            "hypervisor": Field("string", "Hypervisor that it is for, such as `kvm`.", attr="HYPERVISOR"),
            "schedRequirements": Field(
                "string", "Expression over hosts: where its machines may run.", attr="SCHED_REQUIREMENTS"
            ),
            "schedRank": Field("string", "Expression over hosts: where they run best.", attr="SCHED_RANK"),
            "userInputs": Field(
                MapOf("string"),
                "Inputs that are asked for at instantiation: name to type string such as `M|text|Description`.",
                attr="USER_INPUTS",
            ),
            "description": Field("string", "Free text.", attr="DESCRIPTION"),
            "logo": Field("string", "Path of the logo in the web interface.", attr="LOGO"),
            "attributes": Field(
                MapOf("any"),
                "Further attributes. A scalar becomes an attribute, an object a vector attribute, a list repeats it.",
            ),
        },
    ),
    outputs={
        "templateId": Field("integer", "Id of the template.", required=True),
        "endpoint": ENDPOINT,
    },
    example={
        **{"name": "worker", "cpu": 0.5, "vcpu": 2, "memoryMb": 2048},
        "disks": [{"imageId": "${image.imageId}", "sizeMb": 20480}],
        "nics": [{"networkId": "${virtualNetwork.networkId}"}],
        "context": {"NETWORK": "YES", "TOKEN": "YES", "REPORT_READY": "YES"},
        "graphics": {"type": "VNC", "listen": "127.0.0.1"},
    },
)


class VirtualMachineTemplate(PoolObject):
    """Templates of one owner."""

    definition = DEFINITION
    kind, word = "template", "virtual machine template"

    def check(self, inputs: Properties) -> list[Problem]:
        """Typed attributes must not be given a second time as free ones; a disk and an interface need an origin."""
        typed = {*names(DEFINITION.inputs), "NAME", TAG}
        return [*doubled(inputs.get(FREE), typed), *_origins(inputs)]

    async def allocate(self, call: Call) -> int:
        """Stores the template."""
        return int(await call.cloud.rpc.call("template.allocate", self.text(call, {"NAME": call.inputs["name"]})))

    def owned(self, call: Call, stored: Mapping[str, Any]) -> set[str]:
        """All attributes; only labels stay where they are not declared."""
        declared = "labels" in call.inputs or "labels" in call.old
        return set(stored) - ({"LABELS"} if not declared else set())

    def seen_free(self, known: Properties, template: Tree) -> Properties | None:
        """All attributes without a property of their own."""
        return seen_all(known.get(FREE, {}), template, names(DEFINITION.inputs))

    def outputs(self, call: Call, tree: Tree) -> Properties:
        """The id."""
        del tree
        return {"templateId": call.number}

    async def delete(self, call: Call) -> None:
        """Deletes the template; its images stay."""
        try:
            await call.cloud.rpc.call("template.delete", call.number)
        except RpcError as error:
            if error.code != ErrorCode.NO_EXISTS:
                raise


def doubled(free: Any, typed: set[str]) -> list[Problem]:
    """Free attributes that have a property of their own."""
    keys = free if isinstance(free, dict) else {}
    return [Problem(join(FREE, key), "has a property of its own; use that") for key in keys if key.upper() in typed]


_ORIGINS = {"disks": ("imageId", "image"), "nics": ("networkId", "network")}


def _origins(inputs: Properties) -> list[Problem]:
    """Members of a disk or interface that name its origin twice."""
    return [
        Problem(f"{name}[{index}].{second}", f"does not go with {first}: give one of them")
        for name, (first, second) in _ORIGINS.items()
        for index, one in enumerate(inputs[name] if isinstance(inputs.get(name), list) else [])
        if isinstance(one, dict) and {first, second} <= one.keys()
    ]
