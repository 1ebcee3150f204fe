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


Event = VmMoved | VmUpdated | ServiceRuns
