"""What happened to an object, told to listeners inside the same transaction."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class VmMoved:
    """A VM is in another state."""

    vm_id: int
    state: int
    lcm_state: int


@dataclass(frozen=True)
class VmUpdated:
    """USER_TEMPLATE of a VM was written; `text` is what the caller sent."""

    vm_id: int
    text: str


@dataclass(frozen=True)
class ServiceRuns:
    """A service has entered RUNNING."""

    service_id: int


@dataclass(frozen=True)
class VmsCreated:
    """VMs were created: ids and names in order, and the role that they belong to, if any."""

    vms: list[tuple[int, str]]
    role: str | None


Event = VmMoved | VmUpdated | VmsCreated | ServiceRuns
