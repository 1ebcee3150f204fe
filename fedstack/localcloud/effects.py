"""What is to be done in the world after a transition is committed, as data.

Every effect can be derived again from the stored state, so that a cloud that was killed between the commit and the
effect goes on after its next start (`cloud.resume`). All are safe to repeat.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DriveVm:
    """Bring a VM that is in a passing state (PROLOG, BOOT, SHUTDOWN ...) to the next resting one."""

    vm_id: int
    interrupt: bool = False


@dataclass(frozen=True)
class RebootVm:
    """Stop and start a RUNNING VM without a change of its state."""

    vm_id: int
    hard: bool


@dataclass(frozen=True)
class BuildImage:
    """Build a LOCKED image from its recipe."""

    image_id: int


@dataclass(frozen=True)
class RemoveTree:
    """Delete a directory below the state directory."""

    path: str


@dataclass(frozen=True)
class DeployService:
    """Networks of a service are there: deploy its first roles."""

    service_id: int


@dataclass(frozen=True)
class FillRole:
    """Create the VMs that a role still misses, at most `step` in one transaction."""

    service_id: int
    role: str
    step: int = 50


@dataclass(frozen=True)
class DrainRole:
    """Terminate the VMs of a role that are marked as leaving."""

    service_id: int
    role: str


@dataclass(frozen=True)
class EndCooldown:
    """Leave COOLDOWN at `due` (epoch seconds)."""

    service_id: int
    role: str
    due: float


@dataclass(frozen=True)
class ScheduledAction:
    """Perform a VM's scheduled action at `due` (epoch seconds)."""

    action_id: int
    due: float


@dataclass(frozen=True)
class StrikeDue:
    """A scripted fault goes on with a VM at `due` (epoch seconds)."""

    vm_id: int
    kind: str
    due: float


@dataclass(frozen=True)
class CrashVm:
    """End a machine as a crash would end it."""

    vm_id: int


@dataclass(frozen=True)
class FindVm:
    """Look whether the machine of a RUNNING VM still runs."""

    vm_id: int


Effect = (
    DriveVm
    | RebootVm
    | BuildImage
    | RemoveTree
    | DeployService
    | FillRole
    | DrainRole
    | EndCooldown
    | ScheduledAction
    | StrikeDue
    | CrashVm
    | FindVm
)
