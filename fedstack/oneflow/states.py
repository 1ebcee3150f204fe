"""States of services and roles, and what may be done in each (reference 6.10)."""

from enum import Enum, IntEnum


class ServiceState(IntEnum):
    """`BODY.state` of a service."""

    PENDING = 0
    DEPLOYING = 1
    RUNNING = 2
    UNDEPLOYING = 3
    WARNING = 4
    DONE = 5
    FAILED_UNDEPLOYING = 6
    FAILED_DEPLOYING = 7
    SCALING = 8
    FAILED_SCALING = 9
    COOLDOWN = 10
    DEPLOYING_NETS = 11
    UNDEPLOYING_NETS = 12
    FAILED_DEPLOYING_NETS = 13
    FAILED_UNDEPLOYING_NETS = 14
    HOLD = 15


class RoleState(IntEnum):
    """`roles[].state` of a service: as for services up to 10; 11 is HOLD."""

    PENDING = 0
    DEPLOYING = 1
    RUNNING = 2
    UNDEPLOYING = 3
    WARNING = 4
    DONE = 5
    FAILED_UNDEPLOYING = 6
    FAILED_DEPLOYING = 7
    SCALING = 8
    FAILED_SCALING = 9
    COOLDOWN = 10
    HOLD = 11


class Recovery(Enum):
    """What `recover` without delete does to a service."""

    DEPLOY = "deploy"
    UNDEPLOY = "undeploy"
    SCALE = "scale"
    COOLDOWN = "cooldown"
    NETWORKS = "networks"
    REFUSED = "refused"


TRANSIENT: frozenset[ServiceState] = frozenset(
    {
        ServiceState.DEPLOYING,
        ServiceState.UNDEPLOYING,
        ServiceState.SCALING,
        ServiceState.COOLDOWN,
        ServiceState.DEPLOYING_NETS,
        ServiceState.UNDEPLOYING_NETS,
    }
)
"""States that the platform leaves by itself; PUT is refused in them, a restarted server takes them up again."""

FAILED: frozenset[ServiceState] = frozenset(state for state in ServiceState if state.name.startswith("FAILED_"))
"""States that only `recover` leaves; PUT is refused in them too."""

UNDEPLOYABLE: frozenset[ServiceState] = frozenset(
    {
        ServiceState.PENDING,
        ServiceState.RUNNING,
        ServiceState.UNDEPLOYING,
        ServiceState.WARNING,
        ServiceState.HOLD,
    }
)
"""States in which DELETE is accepted; in all others `recover` with delete is the way out."""

_RECOVERY: dict[ServiceState, Recovery] = {
    ServiceState.PENDING: Recovery.DEPLOY,
    ServiceState.DEPLOYING: Recovery.DEPLOY,
    ServiceState.FAILED_DEPLOYING: Recovery.DEPLOY,
    ServiceState.UNDEPLOYING: Recovery.UNDEPLOY,
    ServiceState.FAILED_UNDEPLOYING: Recovery.UNDEPLOY,
    ServiceState.FAILED_UNDEPLOYING_NETS: Recovery.UNDEPLOY,
    ServiceState.SCALING: Recovery.SCALE,
    ServiceState.FAILED_SCALING: Recovery.SCALE,
    ServiceState.COOLDOWN: Recovery.COOLDOWN,
    ServiceState.DEPLOYING_NETS: Recovery.NETWORKS,
    ServiceState.UNDEPLOYING_NETS: Recovery.NETWORKS,
    ServiceState.FAILED_DEPLOYING_NETS: Recovery.NETWORKS,
}


def recovery(state: ServiceState) -> Recovery:
    """How `recover` without delete treats a service; REFUSED in RUNNING, WARNING, DONE and HOLD."""
    return _RECOVERY.get(state, Recovery.REFUSED)


def service_state_name(state: int) -> str:
    """The platform's name of a service state; an unknown number as text."""
    return _name(ServiceState, state)


def role_state_name(state: int) -> str:
    """The platform's name of a role state; an unknown number as text."""
    return _name(RoleState, state)


def _name(states: type[IntEnum], number: int) -> str:
    try:
        return states(number).name
    except ValueError:
        return str(number)
