"""Bringing a service that exists to what is declared: wait, recover, heal, tune, scale. Every step looks afresh."""

from __future__ import annotations

from dataclasses import dataclass

from .attributes import LABELS_KEY, labels_text
from .awaits import TABLE, Outcome, Verdict
from .errors import FlowError, ProviderError
from .healing import cycle, heal
from .recovery import RecoverWatch, failures
from .resource import Call, wait_for
from .scaling import declared, entry_of, written
from .service_view import HEALTHY, Role, View, observe
from .service_watch import ServiceSight, ServiceWatch, sight
from .values import Properties

TRIES = 3
"""A policy of the platform may scale or write between our look and our call; then we look again."""
OVERTAKEN = ("cannot be scaled in state", "cannot be updated in state", "Immutable value")
"""What the platform says when it has moved on since our look (reference 6.12, 6.16)."""


class StuckError(ProviderError):
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
        own = entry_of(inputs, role).get("readyDeadline")
        return float(own or inputs.get("readyDeadline", TABLE["Service", "create"].deadline))

    def longest(self, seen: View) -> float:
        """Seconds that the slowest role may take."""
        return max(self.deadline(name) for name in ("", *(role.name for role in seen.roles)))

    async def look(self) -> ServiceSight:
        """The service now."""
        return sight(await observe(self.call.cloud, self.call.number))

    async def now(self) -> View:
        """The service now; one that is gone is an error."""
        seen = await observe(self.call.cloud, self.call.number)
        if seen is None:
            raise ProviderError(f"{self.what} does not exist any more: run pulumi refresh, then it is made anew")
        return seen

    def watch(self, operation: str) -> ServiceWatch:
        """A row of the table, with the deadlines of the roles."""
        return ServiceWatch(TABLE["Service", operation], self.what, self.deadline, self.call.timeout)

    async def wait(self, operation: str) -> Outcome:
        """Waits by a row of the table."""
        return await wait_for(self.call, self.look, self.watch(operation))

    async def well(self) -> Outcome:
        """Waits for the end of a WARNING whose machines all run: the platform needs no longer than the table says."""
        rule = TABLE["Service", "heal"]
        watch = ServiceWatch(rule, self.what, lambda _role: rule.deadline, self.call.timeout)
        return await wait_for(self.call, self.look, watch)

    async def calm(self) -> View:
        """The service once it neither deploys nor scales; one that cools down is calm."""
        return await self._recovered_from("create")

    async def settled(self) -> View:
        """The service once it is in no transient state: a cooldown is waited out."""
        return await self._recovered_from("settle")

    async def _recovered_from(self, operation: str) -> View:
        """Waits; a service that failed meanwhile is recovered, once."""
        outcome = await self.wait(operation)
        seen = await self.now()
        if outcome.verdict is Verdict.DONE:
            return seen
        if _interrupted(self.call):
            raise StuckError(outcome.message)
        if not _recoverable(seen):
            raise StuckError(outcome.message, replace=seen.half_built)
        return await self._recovered(seen, operation)

    async def _recovered(self, seen: View, operation: str) -> View:
        await self.call.report(f"{seen.state}: recover")
        await self.call.cloud.flow.action(self.path, "recover")
        watch = RecoverWatch(self.watch(operation), failures(seen), self.longest(seen))
        outcome = await wait_for(self.call, self.look, watch)
        if outcome.verdict is Verdict.FAILED:
            text = f"{outcome.message}; recovering did not help, so the next update replaces the service"
            raise StuckError(text, replace=not _interrupted(self.call))
        return await self.now()

    async def healed(self, seen: View) -> View:
        """All machines ready and the service out of WARNING."""
        if seen.health() == HEALTHY:
            return seen
        await self.call.warn(f"{self.what}: {seen.health()}")
        complaints = await heal(self.call, seen, self.longest(seen))
        if complaints:
            raise StuckError(f"{self.what}: {'; '.join(complaints)}")
        outcome = await self.well()
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

    async def tuned(self, seen: View) -> View:
        """Bounds, cooldown, policies and labels as declared; the platform refuses them while the service cools down."""
        for left in reversed(range(TRIES)):
            if wanted_body(self.call, seen) == seen.body:
                return seen
            seen = await self.settled()
            try:
                await self.call.cloud.flow.request("PUT", self.path, wanted_body(self.call, seen))
            except FlowError as error:
                if not left or not _overtaken(error):
                    raise
            seen = await self.now()
        return seen

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
        for left in reversed(range(TRIES)):
            seen = await self.settled()
            if not (step := self._step(seen, name)):
                return
            try:
                await self.call.cloud.flow.request("POST", f"{self.path}/scale", self._order(seen, name, step))
            except FlowError as error:
                if left and _overtaken(error):
                    continue
                raise
            break
        await self._recovered_from("scale")

    def _order(self, seen: View, name: str, step: int) -> Properties:
        """The call; it is forced where the role has yet to get the bounds that allow its new number."""
        role = next(role for role in seen.roles if role.name == name)
        target = role.cardinality + step
        wished = declared(self.call.inputs, name).over(role.scaling)
        force = wished.holds(target) and not role.scaling.holds(target)
        return {"role_name": name, "cardinality": target, "force": force}


def outgrown(inputs: Properties, seen: View) -> bool:
    """Whether a role has a number of machines that its declared bounds do not allow: it is scaled before they hold."""
    return any(not declared(inputs, role.name).over(role.scaling).holds(role.cardinality) for role in seen.roles)


def wanted_body(call: Call, seen: View) -> Properties:
    """The service's body with what is declared about labels and about the scaling of roles."""
    roles = []
    for body, role in zip(seen.body.get("roles", []), seen.roles, strict=True):
        missing = declared(call.inputs, role.name).missing(role.scaling, declared(call.old, role.name))
        roles.append(written(body, missing) if missing else body)
    labels = labels_text(call.inputs)
    chosen = {} if labels is None or labels == seen.body.get(LABELS_KEY, "") else {LABELS_KEY: labels}
    return {**seen.body, "roles": roles, **chosen}


def _overtaken(error: FlowError) -> bool:
    return any(words in error.text for words in OVERTAKEN)


def _recoverable(seen: View) -> bool:
    """Failed states, and a deployment that hangs: the platform then retries, resumes and creates what is missing."""
    return seen.state in {"FAILED_DEPLOYING", "FAILED_DEPLOYING_NETS", "FAILED_SCALING", "DEPLOYING", "SCALING"}


def _interrupted(call: Call) -> bool:
    return call.cloud.poller.interrupted.is_set()


def target_of(call: Call, role: Role) -> int | None:
    """The number of machines that a role is held to; None leaves it alone.

    Where policies own the number, a declared one counts only at the moment when it is changed.
    """
    wished = entry_of(call.inputs, role.name).get("cardinality")
    scaling = declared(call.inputs, role.name).over(role.scaling)
    if not scaling.holds(role.cardinality):
        return scaling.clamped(role.cardinality) if wished is None else int(wished)
    if wished is None or (scaling.elastic and wished == entry_of(call.old, role.name).get("cardinality")):
        return None
    return int(wished)


def in_order(roles: tuple[Role, ...]) -> list[str]:
    """Role names with parents before children; roles in a cycle come last as they are."""
    order: list[str] = []
    left = list(roles)
    while left:
        free = [role for role in left if set(role.parents) <= {*order, role.name}] or left[:1]
        order.extend(role.name for role in free)
        left = [role for role in left if role.name not in order]
    return order
