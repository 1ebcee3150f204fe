"""How a SuperNode finds its SuperLink: a static address, else OneGate, else not at all (reference 4.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fedstack.appliance import service
from fedstack.appliance.backoff import FIXED, Backoff
from fedstack.appliance.failure import StepError
from fedstack.appliance.onegate import GateError, OneGate
from fedstack.appliance.service import Announcement
from fedstack.appliance.waiting import pause
from fedstack.context.forms import HOST_AND_PORT

Say = Callable[[str], None]


@dataclass(frozen=True)
class Found:
    """`announced` and `document` (the whole service) are None with a static address."""

    address: str
    announced: Announcement | None
    document: Mapping[str, Any] | None


def discover(
    static: str, gate: OneGate | None, say: Say, backoff: Backoff = FIXED, rest: Callable[[float], None] = pause
) -> Found:
    """Finds the SuperLink; without a static address asks OneGate as `backoff` says, and `rest`s in between.

    Raises StepError: neither address nor OneGate; and, with a limited back-off, OneGate not usable at all, or no
    SuperLink became ready.
    """
    if static:
        return Found(static, None, None)
    if not gate:
        raise StepError("FL_SUPERLINK_ADDRESS is empty and OneGate is not available: set the address, or TOKEN=YES")
    if not backoff.endless:
        _check(gate)
    for attempt, wait in enumerate(backoff.waits(), start=1):
        if found := _ask(gate, say):
            return found
        if wait is not None:
            limit = "" if backoff.attempts is None else f" of {backoff.attempts}"
            say(f"no SuperLink is ready (attempt {attempt}{limit}), next look in {wait:g} s")
            rest(wait)
    raise StepError(f"no SuperLink of this service became ready in {backoff.attempts} attempts")


def _check(gate: OneGate) -> None:
    """The pre-check: OneGate has to know this VM. Where time is limited it does not get better by asking again."""
    try:
        gate.vm()
    except GateError as error:
        raise StepError(f"OneGate cannot be used ({error}); set FL_SUPERLINK_ADDRESS instead") from None


def _ask(gate: OneGate, say: Say) -> Found | None:
    """One look. The service document says all that the pre-check does: without OneGate there is none."""
    try:
        document = gate.service()
    except GateError as error:
        say(str(error))
        return None
    announced = service.announcement(document)
    if announced and not HOST_AND_PORT.accepts(announced.endpoint):
        say(f"the SuperLink published FL_ENDPOINT={announced.endpoint!r}: expected {HOST_AND_PORT.expected}")
        return None
    return Found(announced.endpoint, announced, document) if announced else None
