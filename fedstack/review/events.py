"""The engine's event log: JSON lines, as `--event-log` writes them, read into what a report is about.

The engine has masked secrets in them already; what it does not know yet stands as UNKNOWN.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from fedstack.review.paths import MISSING, label, look_up

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""Stands in events for a value that is known only after the update."""

ENDINGS = ("preview failed", "update failed", "refresh failed")
"""What the engine says after it has said what is wrong."""


class Operation(StrEnum):
    """What happens to a resource; the engine's steps of one replacement are one operation here."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    IMPORT = "import"
    READ = "read"
    SAME = "same"


@dataclass(frozen=True)
class PropertyChange:
    """One property: its path for people, both values (MISSING: absent), and whether it forces a replacement."""

    path: str
    before: Any
    after: Any
    replaces: bool


@dataclass(frozen=True)
class Change:
    """One resource; `before` and `after` hold its inputs over its outputs (None: it does not exist then)."""

    urn: str
    type: str
    operation: Operation
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    properties: tuple[PropertyChange, ...] = ()
    protected: bool = False

    @property
    def name(self) -> str:
        """The resource's name in the program."""
        return self.urn.rpartition("::")[2]

    @property
    def custom(self) -> bool:
        """Whether it is an object of a cloud, unlike a component, a stack or a provider."""
        return not self.type.startswith(("pulumi:", "fedstack:"))


@dataclass(frozen=True)
class PolicyViolation:
    """What a policy said of a resource; `level` is `mandatory` or `advisory`."""

    urn: str
    policy: str
    level: str
    message: str


@dataclass
class Outcome:
    """Everything that one run of the engine reported; `complete` is False when it ended before its summary."""

    changes: list[Change] = field(default_factory=list)
    violations: list[PolicyViolation] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    complete: bool = False

    @property
    def blocked(self) -> bool:
        """Whether a mandatory policy is violated."""
        return any(violation.level == "mandatory" for violation in self.violations)

    @property
    def differing(self) -> list[Change]:
        """The objects of a cloud that something happens to."""
        idle = (Operation.SAME, Operation.READ)
        return [change for change in self.changes if change.custom and change.operation not in idle]


def read_preview(lines: Iterable[str]) -> Outcome:
    """What a preview would do: the steps that are planned."""
    return _read(lines, "resourcePreEvent")


def read_refresh(lines: Iterable[str]) -> Outcome:
    """What a refresh found: `before` is the state, `after` what the cloud has."""
    return _read(lines, "resOutputsEvent")


def _read(lines: Iterable[str], steps: str) -> Outcome:
    outcome = Outcome()
    for line in lines:
        event = json.loads(line)
        if steps in event:
            change = _change(event[steps]["metadata"])
            if change:
                outcome.changes.append(change)
        elif "policyEvent" in event:
            outcome.violations.append(_violation(event["policyEvent"]))
        elif "diagnosticEvent" in event:
            _take_message(outcome, event["diagnosticEvent"])
        elif "summaryEvent" in event:
            outcome.complete = True
    return outcome


def _change(metadata: Mapping[str, Any]) -> Change | None:
    """The change of one step; None for the steps that only prepare or complete a replacement."""
    try:
        operation = Operation(metadata["op"])
    except ValueError:
        return None
    before, after = _state(metadata.get("old")), _state(metadata.get("new"))
    return Change(
        urn=metadata["urn"],
        type=metadata["type"],
        operation=operation,
        before=before,
        after=after,
        properties=tuple(_properties(metadata, before, after)),
        protected=bool((metadata.get("old") or {}).get("protect")),
    )


def _state(state: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    return None if state is None else {**(state.get("outputs") or {}), **(state.get("inputs") or {})}


def _properties(metadata: Mapping[str, Any], before: Any, after: Any) -> Iterable[PropertyChange]:
    detailed = metadata.get("detailedDiff")
    replacing = set(metadata.get("keys") or ())
    if detailed is None:
        detailed = {key: {"diffKind": "update"} for key in metadata.get("diffs") or ()}
    for path, detail in sorted(detailed.items()):
        kind = detail["diffKind"]
        yield PropertyChange(
            path=label(path, after, before),
            before=MISSING if kind.startswith("add") else look_up(before, path),
            after=MISSING if kind.startswith("delete") else look_up(after, path),
            replaces=kind.endswith("-replace") or path in replacing,
        )


def _violation(event: Mapping[str, Any]) -> PolicyViolation:
    return PolicyViolation(
        urn=event.get("resourceUrn", ""),
        policy=event["policyName"],
        level=event["enforcementLevel"],
        message=event["message"].strip(),
    )


def _take_message(outcome: Outcome, event: Mapping[str, Any]) -> None:
    text = event["message"].strip()
    if text in ENDINGS:
        return
    if event["severity"] == "error" and text:
        outcome.errors.append(text)
    elif event["severity"] == "warning" and text:
        outcome.warnings.append(text)
