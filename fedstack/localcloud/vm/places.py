"""Where a VM can be, as (STATE, LCM_STATE), and how it leaves the passing places.

A passing place has a step: what the hypervisor does there, where the VM goes after that, and where when it fails.
Because the step follows from the place alone, a cloud that was killed knows after its start what is left to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cache

from fedstack.opennebula.states import LCM_FAILURES, LcmState, VmState

Place = tuple[int, int]


def active(lcm_state: LcmState) -> Place:
    """ACTIVE in that life-cycle state."""
    return (int(VmState.ACTIVE), int(lcm_state))


def resting(state: VmState) -> Place:
    """A state outside of ACTIVE."""
    return (int(state), 0)


PENDING = resting(VmState.PENDING)
HOLD = resting(VmState.HOLD)
STOPPED = resting(VmState.STOPPED)
SUSPENDED = resting(VmState.SUSPENDED)
POWEROFF = resting(VmState.POWEROFF)
UNDEPLOYED = resting(VmState.UNDEPLOYED)
DONE = resting(VmState.DONE)
RUNNING = active(LcmState.RUNNING)
UNKNOWN = active(LcmState.UNKNOWN)
FAILURES = frozenset(active(state) for state in LCM_FAILURES)
AT_REST = frozenset({STOPPED, SUSPENDED, POWEROFF, UNDEPLOYED})


class Work(Enum):
    """What a step asks of the hypervisor."""

    NOTHING = "nothing"
    START = "start"
    STOP = "stop"
    KILL = "kill"
    WIPE = "wipe"


@dataclass(frozen=True)
class Step:
    """How a passing place is left. `failed` is where the VM goes when the work fails (None: it cannot)."""

    work: Work
    then: Place
    failed: Place | None = None


STEPS: dict[Place, Step] = {
    PENDING: Step(Work.NOTHING, active(LcmState.PROLOG)),
    active(LcmState.PROLOG): Step(Work.NOTHING, active(LcmState.BOOT), active(LcmState.PROLOG_FAILURE)),
    active(LcmState.BOOT): Step(Work.START, RUNNING, active(LcmState.BOOT_FAILURE)),
    active(LcmState.BOOT_UNKNOWN): Step(Work.START, RUNNING, UNKNOWN),
    active(LcmState.BOOT_POWEROFF): Step(Work.START, RUNNING, POWEROFF),
    active(LcmState.BOOT_SUSPENDED): Step(Work.START, RUNNING, SUSPENDED),
    active(LcmState.PROLOG_RESUME): Step(
        Work.NOTHING, active(LcmState.BOOT_STOPPED), active(LcmState.PROLOG_RESUME_FAILURE)
    ),
    active(LcmState.BOOT_STOPPED): Step(Work.START, RUNNING, active(LcmState.BOOT_STOPPED_FAILURE)),
    active(LcmState.PROLOG_UNDEPLOY): Step(
        Work.NOTHING, active(LcmState.BOOT_UNDEPLOY), active(LcmState.PROLOG_UNDEPLOY_FAILURE)
    ),
    active(LcmState.BOOT_UNDEPLOY): Step(Work.START, RUNNING, active(LcmState.BOOT_UNDEPLOY_FAILURE)),
    active(LcmState.SHUTDOWN): Step(Work.STOP, active(LcmState.EPILOG), RUNNING),
    active(LcmState.EPILOG): Step(Work.NOTHING, DONE, active(LcmState.EPILOG_FAILURE)),
    active(LcmState.SHUTDOWN_POWEROFF): Step(Work.STOP, POWEROFF, RUNNING),
    active(LcmState.SAVE_SUSPEND): Step(Work.STOP, SUSPENDED, RUNNING),
    active(LcmState.SAVE_STOP): Step(Work.STOP, active(LcmState.EPILOG_STOP), RUNNING),
    active(LcmState.EPILOG_STOP): Step(Work.NOTHING, STOPPED, active(LcmState.EPILOG_STOP_FAILURE)),
    active(LcmState.SHUTDOWN_UNDEPLOY): Step(Work.STOP, active(LcmState.EPILOG_UNDEPLOY), RUNNING),
    active(LcmState.EPILOG_UNDEPLOY): Step(Work.NOTHING, UNDEPLOYED, active(LcmState.EPILOG_UNDEPLOY_FAILURE)),
    active(LcmState.CLEANUP_DELETE): Step(Work.KILL, DONE),
    active(LcmState.CLEANUP_RESUBMIT): Step(Work.WIPE, PENDING),
}

HOTPLUGS: dict[Place, Place] = {
    RUNNING: active(LcmState.HOTPLUG_NIC),
    POWEROFF: active(LcmState.HOTPLUG_NIC_POWEROFF),
}
"""Where NICs can be changed, and the place that the VM passes through meanwhile."""

RETRIES: dict[Place, Place] = {
    step.failed: place for place, step in STEPS.items() if step.failed in FAILURES and step.failed is not None
}
"""Where `recover` with retry sends a VM that failed."""


@cache
def is_starting(place: Place) -> bool:
    """Whether the hypervisor is starting the VM, or has just done so."""
    return place in STEPS and STEPS[place].work == Work.START


def name(place: Place) -> str:
    """The platform's name, as in error texts: `RUNNING`, `POWEROFF`."""
    state, lcm_state = place
    return LcmState(lcm_state).name if state == VmState.ACTIVE else VmState(state).name
