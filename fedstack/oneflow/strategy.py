"""Which roles come next: the two deployment strategies `none` and `straight` (reference 6.14).

Roles are those of a service body: `name`, `state` (RoleState number) and, optionally, `parents`. Every function
returns role names in template order and changes nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fedstack.oneflow.graph import parent_names, parents
from fedstack.oneflow.states import RoleState

Role = Mapping[str, Any]

_FINISHED = frozenset({RoleState.UNDEPLOYING, RoleState.DONE, RoleState.FAILED_UNDEPLOYING})


def to_deploy(deployment: str, roles: Sequence[Role]) -> list[str]:
    """Roles whose VMs are created now.

    `none`: all PENDING or SCALING ones at once; `straight`: PENDING ones whose parents are all RUNNING. A parent
    that does not exist is never RUNNING, so its child never deploys.
    """
    if deployment != "straight":
        return _names(roles, lambda role: role["state"] in (RoleState.PENDING, RoleState.SCALING))
    return _eligible(roles, RoleState.PENDING, RoleState.RUNNING)


def to_hold(deployment: str, roles: Sequence[Role]) -> list[str]:
    """Roles whose VMs are created on hold now, for a service that starts on hold."""
    if deployment != "straight":
        return _names(roles, lambda role: role["state"] == RoleState.PENDING)
    return _eligible(roles, RoleState.PENDING, RoleState.HOLD)


def to_release(deployment: str, roles: Sequence[Role]) -> list[str]:
    """Roles whose held VMs are released now."""
    if deployment != "straight":
        return _names(roles, lambda role: role["state"] == RoleState.HOLD)
    return _eligible(roles, RoleState.HOLD, RoleState.RUNNING)


def to_shutdown(deployment: str, roles: Sequence[Role]) -> list[str]:
    """Roles whose VMs are terminated now; `straight` takes children before parents.

    In a cycle every role is somebody's parent: nothing is eligible, as on the platform.
    """
    waiting = _names(roles, lambda role: role["state"] not in _FINISHED)
    if deployment != "straight":
        return waiting
    needed = parent_names(role for role in roles if role["state"] != RoleState.DONE)
    return [name for name in waiting if name not in needed]


def _names(roles: Sequence[Role], chosen: Callable[[Role], bool]) -> list[str]:
    return [str(role["name"]) for role in roles if chosen(role)]


def _eligible(roles: Sequence[Role], own: RoleState, parent: RoleState) -> list[str]:
    """Roles in state `own` all of whose parents exist and are in state `parent`."""
    states = {role["name"]: role["state"] for role in roles}
    return _names(
        roles,
        lambda role: role["state"] == own and all(states.get(name) == parent for name in parents(role)),
    )
