"""How a SuperNode finds its SuperLink: a static address, else OneGate, else not at all (reference 4.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fedstack.appliance import service
from fedstack.appliance.failure import StepError
from fedstack.appliance.onegate import GateError, OneGate
from fedstack.appliance.service import Announcement
from fedstack.appliance.waiting import pause

ATTEMPTS = 30
WAIT_SECONDS = 10.0


@dataclass(frozen=True)
class Found:
    """`announced` and `document` (the whole service) are None with a static address."""

    address: str
    announced: Announcement | None
    document: Mapping[str, Any] | None


def discover(
    static: str,
    gate: OneGate | None,
    say: Callable[[str], None],
    *,
    attempts: int = ATTEMPTS,
    wait: float = WAIT_SECONDS,
) -> Found:
    """Finds the SuperLink; without a static address asks OneGate up to `attempts` times, `wait` seconds apart.

    Raises StepError: neither address nor OneGate, OneGate not usable at all, or no SuperLink became ready.
    """
    if static:
        return Found(static, None, None)
    if not gate:
        raise StepError("FL_SUPERLINK_ADDRESS is empty and there is no OneGate token: set one of them")
    _check(gate)
    for attempt in range(1, attempts + 1):
        if found := _ask(gate, say):
            return found
        if attempt < attempts:
            say(f"no SuperLink is ready (attempt {attempt} of {attempts}), next look in {wait:.0f} s")
            pause(wait)
    raise StepError(f"no SuperLink of this service became ready in {attempts} attempts, {wait:.0f} s apart")


def _check(gate: OneGate) -> None:
    """The pre-check: OneGate has to know this VM. It does not get better by asking again."""
    try:
        gate.vm()
    except GateError as error:
        raise StepError(f"OneGate cannot be used ({error}); set FL_SUPERLINK_ADDRESS instead") from None


def _ask(gate: OneGate, say: Callable[[str], None]) -> Found | None:
    try:
        document = gate.service()
    except GateError as error:
        say(str(error))
        return None
    announced = service.announcement(document)
    return Found(announced.endpoint, announced, document) if announced else None
