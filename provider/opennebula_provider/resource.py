"""What every resource has in common: the operations of the engine in plain Python, and how an object is adopted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import ClassVar

from .awaits import TABLE, Await, Outcome, Seen, Sight, StateWatch, Verdict, Watch
from .checks import Problem
from .cloud import Cloud, tag_of
from .diffs import Change, Difference, Kind, compare, top_names
from .errors import InitFailedError, ProviderError
from .polling import InterruptedWaitError
from .shape import Definition
from .values import Properties


@dataclass
class Call:
    """One operation on one object. `state` are its outputs so far, `old` its inputs so far (empty on import)."""

    cloud: Cloud
    urn: str
    id: str
    inputs: Properties
    old: Properties = field(default_factory=dict)
    state: Properties = field(default_factory=dict)
    timeout: float = 0.0
    report: Callable[[str], Awaitable[None]] = field(default=lambda _text: _nothing())
    warn: Callable[[str], Awaitable[None]] = field(default=lambda _text: _nothing())

    @property
    def number(self) -> int:
        """The id as the platform writes it; raises ProviderError for one that cannot be."""
        if not self.id.isdigit():
            raise ProviderError(f"id {self.id!r}: expected the object's number, such as 12")
        return int(self.id)

    @property
    def tag(self) -> str | None:
        """What is written on the object, so that it is found again."""
        return tag_of(self.inputs.get("mark"), self.urn)


async def _nothing() -> None:
    return None


@dataclass(frozen=True)
class Made:
    """An object as it is now: id, all its properties, and its inputs as they would have to be written."""

    id: str
    properties: Properties
    inputs: Properties


class Resource(ABC):
    """One type of object. All methods but `check` and `diff` may raise ProviderError."""

    definition: ClassVar[Definition]
    volatile: ClassVar[tuple[str, ...]] = ()
    """Outputs that an update may change, hence unknown in its preview."""

    def check(self, inputs: Properties) -> list[Problem]:
        """Problems beyond those of single properties; `inputs` may contain UNKNOWN."""
        del inputs
        return []

    def complete(self, inputs: Properties) -> Properties:
        """The checked inputs with what only this resource knows how to add."""
        return inputs

    def diff(self, call: Call) -> Difference:
        """What differs between `call.old` and `call.inputs`; an object in state ERROR is replaced."""
        changes = compare(self.definition.inputs, call.old, call.inputs)
        if call.state.get("state") == "ERROR":
            changes["state"] = Change(Kind.UPDATE, replace=True, from_state=True)
        return Difference(changes, delete_first=same_name(call))

    @abstractmethod
    async def create(self, call: Call) -> Made:
        """Makes the object, or adopts the one that a creation which was cut off left."""

    @abstractmethod
    async def read(self, call: Call) -> Made | None:
        """The object as it is now; None when it is gone."""

    @abstractmethod
    async def update(self, call: Call) -> Made:
        """Brings the object to `call.inputs`."""

    @abstractmethod
    async def delete(self, call: Call) -> None:
        """Removes the object; one that is gone is no error."""


def row(resource: Resource, operation: str) -> Await:
    """The row of the await table."""
    return TABLE[resource.definition.name, operation]


async def wait_for(call: Call, look: Callable[[], Awaitable[Seen]], watch: Watch[Seen]) -> Outcome:
    """Waits with progress; an interruption is a failed outcome."""
    try:
        return await call.cloud.poller.wait(look, watch, call.report)
    except InterruptedWaitError:
        return Outcome(Verdict.FAILED, "interrupted while waiting; the next update goes on")


async def wait_state(
    call: Call, rule: Await, what: str, look: Callable[[], Awaitable[Sight]], deadline: float | None = None
) -> Outcome:
    """Waits by a row of the table. `customTimeouts` of the program come first, then `deadline`, then the table's."""
    seconds = call.timeout or deadline or rule.deadline
    return await wait_for(call, look, StateWatch(rule, what, seconds))


def ensure(outcome: Outcome, made: Made) -> Made:
    """The object when the wait went well; else raises InitFailedError with it."""
    if outcome.verdict is Verdict.FAILED:
        raise InitFailedError(made.id, made.properties, made.inputs, outcome.message)
    return made


async def as_it_is(resource: Resource, call: Call) -> Made:
    """An object whose creation failed on the way: what it is, so that the next update sees what is left to do."""
    try:
        made = await resource.read(call)
    except InitFailedError as error:
        made = Made(error.object_id, dict(error.properties), dict(error.inputs))
    except ProviderError:
        made = None
    return made or Made(call.id, {**call.inputs, "endpoint": call.cloud.endpoint}, call.inputs)


def same_name(call: Call) -> bool:
    """Whether an old and a new object would have one name: the platform refuses that, or the tag would find the old."""
    return "name" in call.inputs and call.old.get("name") == call.inputs["name"]


async def adopted(resource: Resource, call: Call, number: int) -> Made | None:
    """What a creation that was cut off left, brought to the inputs; None after removing what cannot be."""
    call.id = str(number)
    try:
        was = await resource.read(call)
    except InitFailedError as error:
        was = Made(error.object_id, dict(error.properties), dict(error.inputs))
    if was is not None:
        found = replace(call, old=was.inputs, state=was.properties)
        if not resource.diff(found).replaces:
            return await resource.update(found)
        await resource.delete(found)
    call.id = ""
    return None


async def settled(resource: Resource, call: Call, made: Made) -> Made:
    """The object after it was written, with a warning where the platform accepted something but did not do it."""
    left = top_names(compare(resource.definition.inputs, made.inputs, call.inputs))
    if left:
        name = f"{resource.definition.name} {call.id}"
        await call.warn(f"{name}: OpenNebula did not take over {', '.join(left)}; the next refresh shows what it has")
    return made


def folded(known: Properties, seen: Properties) -> Properties:
    """The inputs so far with what was seen over them; what was looked for and not found (None) is dropped."""
    kept = {key: value for key, value in known.items() if seen.get(key, value) is not None}
    return {**kept, **{key: value for key, value in seen.items() if value is not None}}
