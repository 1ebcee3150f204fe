"""Running a boot sequence: an ordered table of named steps, one log line each with its duration."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from fedstack.appliance.bootlog import BootLog
from fedstack.appliance.failure import ErrorCode, StepError

Boot = TypeVar("Boot")


@dataclass(frozen=True)
class Step(Generic[Boot]):
    """One step: its number in the reference, what it does, and what its failure means.

    `code` is the FL_ERROR of a fatal failure; None makes the failure degraded (a warning, the boot goes on).
    """

    number: str
    name: str
    do: Callable[[Boot], str | None]
    """Does the work; a text that it returns goes into the log line."""
    code: ErrorCode | None


class BootFailedError(Exception):
    """A fatal step failed: `code` and the message are published."""

    def __init__(self, step: str, code: ErrorCode, message: str) -> None:
        super().__init__(f"{step}: {message}")
        self.code = code


def run(steps: Sequence[Step[Boot]], boot: Boot, log: BootLog) -> None:
    """Runs the steps in order. Raises BootFailedError at the first fatal failure."""
    for step in steps:
        _run_one(step, boot, log)


def _run_one(step: Step[Boot], boot: Boot, log: BootLog) -> None:
    label = f"step {step.number} {step.name}"
    start = time.monotonic()
    try:
        note = step.do(boot)
    except (StepError, OSError) as error:
        code = getattr(error, "code", None) or step.code
        log.write("WARNING" if code is None else "ERROR", _line(label, "failed", start, str(error)))
        if code is not None:
            raise BootFailedError(label, code, str(error)) from error
    else:
        log.write("INFO", _line(label, "done", start, note))


def _line(label: str, outcome: str, start: float, note: str | None) -> str:
    took = f"{label} {outcome} in {time.monotonic() - start:.3f} s"
    return f"{took}: {note}" if note else took
