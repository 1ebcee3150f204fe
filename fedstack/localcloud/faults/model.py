"""What a fault is: kind, selection, times; how it is written by a client and shown to one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from fedstack.localcloud.errors import OptionsError

if TYPE_CHECKING:
    from sqlalchemy import Row

ALWAYS = -1
"""`left` of a fault that strikes every time."""
MAX_SECONDS = 86_400.0


class FaultKind(Enum):
    """What goes wrong."""

    BOOT_FAILURE = "boot-failure"
    SLOW_BOOT = "slow-boot"
    NEVER_READY = "never-ready"
    POWER_OFF = "power-off"
    LOST_MONITORING = "lost-monitoring"
    DEPLOY_ERROR = "deploy-error"


KINDS = tuple(kind.value for kind in FaultKind)
AT_BOOT = frozenset({FaultKind.BOOT_FAILURE, FaultKind.SLOW_BOOT})
WHEN_UP = frozenset({FaultKind.POWER_OFF, FaultKind.LOST_MONITORING})
DEFAULT_SECONDS = {
    FaultKind.BOOT_FAILURE: 0.0,
    FaultKind.SLOW_BOOT: 10.0,
    FaultKind.POWER_OFF: 0.0,
    FaultKind.LOST_MONITORING: 10.0,
}
"""Kinds that have a time, and the one that holds when none is given."""


@dataclass(frozen=True)
class Fault:
    """One scripted fault. Selectors that are None let every VM pass; `nth` binds `vm_id` once that VM is created.

    `seconds`: until the boot fails, that a boot takes longer, after READY until power-off, or without monitoring.
    `left`: how often it will still strike (ALWAYS: no end); `struck`: how often it did.
    """

    id: int
    kind: FaultKind
    vm_id: int | None
    name: str | None
    role: str | None
    nth: int | None
    seen: int
    seconds: float
    left: int
    struck: int

    def concerns(self, vm_id: int, name: str, role: str | None) -> bool:
        """Whether it is meant for that VM; a fault for the n-th VM is meant for none until that one is created."""
        if self.nth is not None and self.vm_id is None:
            return False
        return self.vm_id in (None, vm_id) and (self.vm_id is not None or self.describes(name, role))

    def describes(self, name: str, role: str | None) -> bool:
        """Whether a VM of that name and role passes."""
        return (self.name is None or fnmatchcase(name, self.name)) and self.role in (None, role)

    def as_dict(self) -> dict[str, Any]:
        """What clients see; `left` is null for a fault without end."""
        selection = {"vm": self.vm_id, "name": self.name, "role": self.role, "nth": self.nth}
        left = None if self.left == ALWAYS else self.left
        return {
            "id": self.id,
            "kind": self.kind.value,
            **selection,
            "seconds": self.seconds,
            "left": left,
            "struck": self.struck,
        }


def from_row(row: Row[Any]) -> Fault:
    """A fault as stored."""
    return Fault(**{**row._mapping, "kind": FaultKind(row.kind)})


def values_of(sent: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a new fault from `kind`, `vm`, `name`, `role`, `nth`, `seconds`, `times` (0 = every time).

    Raises OptionsError with the place, the value and what is expected.
    """
    unknown = sorted(sent.keys() - {"kind", "vm", "name", "role", "nth", "seconds", "times"})
    if unknown:
        raise OptionsError(f"fault: {unknown[0]!r} is none of its settings")
    kind = _kind(sent.get("kind"))
    vm_id, nth = _whole(sent, "vm", 0), _whole(sent, "nth", 1)
    name, role = _text(sent, "name"), _text(sent, "role")
    if vm_id is not None and (nth is not None or name is not None or role is not None):
        raise OptionsError("fault: a VM is selected by its id alone; leave out name, role and nth")
    if kind == FaultKind.DEPLOY_ERROR and vm_id is not None:
        raise OptionsError("fault: deploy-error concerns VMs that do not exist yet; select by name, role or nth")
    times = 1 if sent.get("times") is None else _whole(sent, "times", 0)
    return {
        "kind": kind.value,
        "vm_id": vm_id,
        "name": name,
        "role": role,
        "nth": nth,
        "seconds": _seconds(kind, sent.get("seconds")),
        "left": times or ALWAYS,
    }


def _kind(given: Any) -> FaultKind:
    if given not in KINDS:
        raise OptionsError(f"fault: kind is {given!r}, expected one of {', '.join(KINDS)}")
    return FaultKind(given)


def _whole(sent: Mapping[str, Any], key: str, least: int) -> int | None:
    value = sent.get(key)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value < 1 << 31:
        raise OptionsError(f"fault: {key} is {value!r}, expected a whole number, {least} or more")
    return value


def _text(sent: Mapping[str, Any], key: str) -> str | None:
    value = sent.get(key)
    if value is not None and (not isinstance(value, str) or not 0 < len(value) <= 256):
        raise OptionsError(f"fault: {key} is {value!r}, expected a text of 1 to 256 characters")
    return value


def _seconds(kind: FaultKind, given: Any) -> float:
    if kind not in DEFAULT_SECONDS:
        if given is not None:
            raise OptionsError(f"fault: {kind.value} takes no seconds")
        return 0.0
    if given is None:
        return DEFAULT_SECONDS[kind]
    number = isinstance(given, int | float) and not isinstance(given, bool) and math.isfinite(given)
    if not number or not 0 <= given <= MAX_SECONDS:
        raise OptionsError(f"fault: seconds is {given!r}, expected a number from 0 to {MAX_SECONDS:.0f}")
    return float(given)
