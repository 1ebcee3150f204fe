"""When OneFlow counts a node as ready or failed (reference 6.13)."""

from enum import Enum

from fedstack.opennebula.states import LCM_FAILURES, LcmState, VmState

_QUOTES_AND_SPACES = str.maketrans("", "", "\"' \t\r\n")

_AT_REST = frozenset({VmState.STOPPED, VmState.SUSPENDED, VmState.POWEROFF, VmState.UNDEPLOYED, VmState.DONE})


class Readiness(Enum):
    """The verdict on one node of a role that is being waited for."""

    WAITING = "waiting"
    READY = "ready"
    FAILED = "failed"


def opens_gate(update_text: str) -> bool:
    """Whether the text of a `one.vm.update` event reports the VM as ready.

    The platform looks for `READY=YES` as a substring once quotes and blanks are gone, so `FL_READY="YES"` and
    `FL_NODE_READY = YES` open the gate as well.
    """
    return "READY=YES" in update_text.translate(_QUOTES_AND_SPACES)


def node_ready(gate: bool, state: int, lcm_state: int, ready: str | None) -> Readiness:
    """The verdict on a node: `gate` is ready_status_gate, `ready` is USER_TEMPLATE/READY (None: not reported).

    VMs at rest (STOPPED, SUSPENDED, POWEROFF, UNDEPLOYED) and DONE ones count as ready, with and without a gate.
    With the gate the life-cycle state does not matter, except that a failure state is a failure.
    """
    if state in _AT_REST:
        return Readiness.READY
    if gate and ready is not None and ready.strip() == "YES":
        return Readiness.READY
    if state != VmState.ACTIVE:
        return Readiness.WAITING
    if lcm_state in LCM_FAILURES:
        return Readiness.FAILED
    return Readiness.READY if not gate and lcm_state == LcmState.RUNNING else Readiness.WAITING


def node_held(state: int) -> Readiness:
    """The verdict on a node of a role that is deployed on hold; it never fails."""
    return Readiness.READY if state == VmState.HOLD else Readiness.WAITING
