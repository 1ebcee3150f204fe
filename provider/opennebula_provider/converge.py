"""Bringing a service that exists to what is declared: wait, recover, heal, scale. Every step looks afresh."""

from __future__ import annotations

import json
from dataclasses import dataclass

from .awaits import TABLE, Outcome, Verdict
from .cloud import TAG
from .diffs import Difference
from .errors import FlowError, ProviderError
from .healing import cycle, heal
from .resource import Call, wait_for
from .service_view import HEALTHY, Role, View, observe
from .service_watch import ServiceSight, ServiceWatch, sight

SCALE_TRIES = 3
"""A policy of the platform may scale between our look and our call; then we look again."""


class StuckError(Exception):
    """The service is not what it should be. `replace`: no further update will mend it."""

    def __init__(self, reason: str, *, replace: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.replace = replace


@dataclass
class Converge:
    """The steps on one service; all raise StuckError, or ProviderError for a refused call."""

    call: Call

    @property
    def path(self) -> str:
        """Where OneFlow has it."""
        return f"service/{self.call.number}"

    @property
    def what(self) -> str:
        """How messages name it."""
        return f"service {self.call.inputs.get('name', '')!r} ({self.call.id})"

    def deadline(self, role: str) -> float:
        """Seconds that a role may take; "" is the service itself."""
        inputs = self.call.inputs
        own = {entry["name"]: entry.get("readyDeadline") for entry in inputs.get("roles", [])}
        return float(own.get(role) or inputs.get("readyDeadline", TABLE["Service", "create"].deadline))

    async def look(self) -> ServiceSight:
        """The service now."""
        return sight(await observe(self.call.cloud, self.call.number))

    async def now(self) -> View:
        """The service now; one that is gone is an error."""
        seen = await observe(self.call.cloud, self.call.number)
        if seen is None:
            raise ProviderError(f"{self.what} does not exist any more: run pulumi refresh, then it is made anew")
        return seen

    async def wait(self, operation: str, deadline: float | None = None) -> Outcome:
        """Waits by a row of the table, with role deadlines."""
        deadline_of = self.deadline if deadline is None else lambda _role: deadline
        watch = ServiceWatch(TABLE["Service", operation], self.what, deadline_of, self.call.timeout)
        return await wait_for(self.call, self.look, watch)

    async def settled(self) -> View:
        """The service once it is in no transient state; one that failed is recovered, once."""
        outcome = await self.wait("settle")
        seen = await self.now()
        if outcome.verdict is Verdict.DONE:
            return seen
        if _interrupted(self.call):
            raise StuckError(outcome.message)
        if not _recoverable(seen):
            raise StuckError(outcome.message, replace=seen.half_built)
        await self.call.report(f"{seen.state}: recover")
        await self.call.cloud.flow.action(self.path, "recover")
        return await self._recovered()

    async def _recovered(self) -> View:
        outcome = await self.wait("settle")
        if outcome.verdict is Verdict.FAILED:
            text = f"{outcome.message}; recovering did not help, so the next update replaces the service"
            raise StuckError(text, replace=not _interrupted(self.call))
        return await self.now()

    async def healed(self, seen: View) -> View:
        """All machines ready and the service out of WARNING."""
        if seen.health() == HEALTHY:
            return seen
        complaints = await heal(self.call, seen, max(self.deadline(role.name) for role in seen.roles))
        if complaints:
            raise StuckError(f"{self.what}: {'; '.join(complaints)}")
        outcome = await self.wait("heal", TABLE["Service", "heal"].deadline)
        if outcome.verdict is Verdict.FAILED and not _interrupted(self.call):
            await self._end_warning(await self.now())
        return await self.now()

    async def _end_warning(self, seen: View) -> None:
        """A role can stay in WARNING although its machines all run, when a bad one was ended (reference 6.19)."""
        for role in seen.roles:
            if role.state != "WARNING":
                continue
            if not role.nodes:
                raise StuckError(f"{self.what}: role {role.name} is in WARNING without machines", replace=True)
            if complaint := await cycle(self.call, role.nodes[-1], seen, self.deadline(role.name)):
                raise StuckError(f"{self.what}: {complaint}")
        outcome = await self.wait("heal")
        if outcome.verdict is Verdict.FAILED:
            raise StuckError(outcome.message)

    async def scaled(self, seen: View) -> View:
        """Every role at its number: more machines parents first, then fewer in the opposite order."""
        order = in_order(seen.roles)
        growing = [name for name in order if self._step(seen, name) > 0]
        shrinking = [name for name in reversed(order) if self._step(seen, name) < 0]
        for name in [*growing, *shrinking]:
            await self._scale(name)
        return await self.now()

    def _step(self, seen: View, name: str) -> int:
        role = next(role for role in seen.roles if role.name == name)
        target = target_of(self.call, role)
        return 0 if target is None else target - role.cardinality

    async def _scale(self, name: str) -> None:
        """Scales one role and waits until it is ready; only a further scaling waits the cooldown out."""
        for left in reversed(range(SCALE_TRIES)):
            seen = await self.settled()
            if not (step := self._step(seen, name)):
                return
            target = next(role.cardinality for role in seen.roles if role.name == name) + step
            try:
                body = {"role_name": name, "cardinality": target, "force": False}
                await self.call.cloud.flow.request("POST", f"{self.path}/scale", body)
            except FlowError as error:
                if left and "cannot be scaled in state" in error.text:
                    continue
                raise
            break
        outcome = await self.wait("scale")
        if outcome.verdict is Verdict.FAILED:
            raise StuckError(outcome.message)

    async def described(self, difference: Difference) -> None:
        """Name, tag and cooldown in place. A service that cools down refuses the last two, so that is waited out."""
        flow = self.call.cloud.flow
        if difference.touches("name"):
            await flow.action(self.path, "rename", name=self.call.inputs["name"])
        if difference.touches("mark") and self.call.tag:
            await self.settled()
            change = json.dumps({TAG.lower(): self.call.tag})
            await flow.request("PUT", self.path, {"append": True, "template": change})
        if difference.touches("cooldown") and "cooldown" in self.call.inputs:
            body = dict((await self.settled()).body)
            seconds = self.call.inputs["cooldown"]
            body["roles"] = [{**role, "cooldown": seconds} for role in body["roles"]]
            await flow.request("PUT", self.path, body)


def _recoverable(seen: View) -> bool:
    """Failed states, and a deployment that hangs: the platform then retries, resumes and creates what is missing."""
    return seen.state in {"FAILED_DEPLOYING", "FAILED_DEPLOYING_NETS", "FAILED_SCALING", "DEPLOYING", "SCALING"}


def _interrupted(call: Call) -> bool:
    return call.cloud.interrupted.is_set()


def target_of(call: Call, role: Role) -> int | None:
    """The number of machines that a role is held to; None leaves it alone.

    Where policies own the number, a declared one counts only at the moment when it is changed.
    """
    declared = _declared(call.inputs, role.name)
    if declared is None or not role.elastic or not role.within_bounds():
        return declared
    return None if declared == _declared(call.old, role.name) else declared


def _declared(inputs: dict[str, object], name: str) -> int | None:
    roles = inputs.get("roles")
    entries = roles if isinstance(roles, list) else []
    return next((entry.get("cardinality") for entry in entries if entry.get("name") == name), None)


def in_order(roles: tuple[Role, ...]) -> list[str]:
    """Role names with parents before children; roles in a cycle come last as they are."""
    order: list[str] = []
    left = list(roles)
    while left:
        free = [role for role in left if set(role.parents) <= {*order, role.name}] or left[:1]
        order.extend(role.name for role in free)
        left = [role for role in left if role.name not in order]
    return order
