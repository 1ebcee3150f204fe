"""GPUs of the SuperNodes: the variables of the appliance, and the passthrough that brings a device into a VM."""

from typing import Annotated, Any

import pulumi_opennebula as one
from pydantic import BeforeValidator, Field

from components.fields import Group, Sets, matching
from components.machine import Size

Address = Annotated[
    str, BeforeValidator(matching(r"[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-7]", "a PCI address such as e1:00.0"))
]
Hex = Annotated[str, BeforeValidator(matching(r"[0-9A-Fa-f]{4}", "four hexadecimal digits such as 10de"))]


class PciDevice(Group):
    """A PCI device of a host: one by its address, or any of a kind; `profile` is that of a virtual GPU."""

    address: Address | None = Field(default=None, description="One device by its address, such as `e1:00.0`")
    vendor: Hex | None = Field(default=None, description="Any device of this vendor, such as `10de`")
    device: Hex | None = Field(default=None, description="Any device of this model")
    device_class: Hex | None = Field(default=None, description="Any device of this class, such as `0302`")
    profile: str | None = Field(default=None, description="Profile of a virtual GPU")

    @property
    def attributes(self) -> dict[str, str]:
        """The device as a `PCI` vector of a VM template."""
        values = {
            "SHORT_ADDRESS": self.address,
            "VENDOR": self.vendor,
            "DEVICE": self.device,
            "CLASS": self.device_class,
            "PROFILE": self.profile,
        }
        return {key: value for key, value in values.items() if value is not None}


class Gpu(Group):
    """GPUs of the SuperNodes."""

    enabled: Annotated[bool | None, Sets("FL_GPU_ENABLED")] = None
    devices: Annotated[str | None, Sets("FL_CUDA_VISIBLE_DEVICES")] = None
    memory_fraction: Annotated[float | None, Sets("FL_GPU_MEMORY_FRACTION")] = None
    metrics: Annotated[bool | None, Sets("FL_DCGM_ENABLED")] = None
    pci: tuple[PciDevice, ...] = ()
    firmware: str = Field(
        default="UEFI", description="Firmware of VMs with devices, for clouds that want the path of an UEFI image"
    )


def problems(gpu: Gpu) -> list[str]:
    """What is wrong with the devices, by key path."""
    found = [
        f"gpu.pci[{place}]: expected an address, or vendor, device or deviceClass"
        for place, each in enumerate(gpu.pci)
        if not (each.address or each.vendor or each.device or each.device_class)
    ]
    if gpu.pci and not gpu.enabled:
        found.append("gpu.enabled: expected true, because gpu.pci brings devices into the VMs")
    return found


def passthrough(gpu: Gpu, size: Size) -> dict[str, Any]:
    """Properties of a VM template with the devices (reference 11): UEFI, a PCIe machine, CPUs beside the device."""
    if not gpu.pci:
        return {}
    return {
        "os": one.OperatingSystemArgs(arch="x86_64", firmware=gpu.firmware, machine="q35"),
        "attributes": {
            "PCI": [each.attributes for each in gpu.pci],
            "CPU_MODEL": {"MODEL": "host-passthrough"},
            "TOPOLOGY": {"PIN_POLICY": "CORE", "SOCKETS": "1", "CORES": str(size.vcpu or 1)},
        },
    }


def identity(gpu: Gpu) -> dict[str, str]:
    """What a running VM depends on, by key: its devices and how it boots with them."""
    devices = "; ".join(",".join(f"{key}={value}" for key, value in each.attributes.items()) for each in gpu.pci)
    return {"gpu.pci": devices, "gpu.firmware": gpu.firmware} if devices else {}
