"""What a hypervisor is to the cloud: five calls, and one call back when a machine ends by itself.

A hypervisor never touches the store. The cloud calls it after a transition is committed, and calls it again
after a restart: every method is safe to repeat.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Guest:
    """Everything a hypervisor needs to know to run one virtual machine."""

    vm_id: int
    name: str
    directory: Path  # D/vms/<id>, owned by the VM
    image: Path | None  # what the image builder returned for the first DISK's image (None: diskless)
    address: str | None  # IP of NIC 0
    context: Mapping[str, str]  # complete CONTEXT incl. ONEGATE_ENDPOINT, VMID, ETH0_IP, ETH0_MAC
    token: str | None  # content of token.txt when TOKEN=YES


class BootError(Exception):
    """A machine could not start; the message is shown to users (the VM goes to BOOT_FAILURE)."""


class ImageError(Exception):
    """An image could not be built; the message is shown to users (the image goes to ERROR)."""


class Hypervisor(Protocol):
    """Runs machines and builds images. Built as ``Class(on_exit)``, ``on_exit: Callable[[int], None]``.

    ``on_exit(vm_id)`` is called on the event loop when a running machine ended by itself; the cloud makes the
    VM POWEROFF.
    """

    async def build_image(self, recipe: str, directory: Path) -> Path:
        """Build the image described at ``recipe`` in ``directory`` (D/images/<id>) and return its path.

        Raises ImageError with the cause.
        """

    async def start(self, guest: Guest) -> None:
        """Start the machine; it is running when this returns. Raises BootError."""

    async def stop(self, vm_id: int, *, hard: bool) -> None:
        """Stop the machine and return when nothing of it runs.

        Soft: SIGTERM, 30 s to finish, then kill. An unknown id counts as already stopped.
        """

    async def adopt(self, guest: Guest) -> bool:
        """After a restart of the cloud: True if the machine still runs (it is watched again)."""

    async def close(self) -> None:
        """The cloud ends; machines go on."""
