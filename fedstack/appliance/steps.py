"""Running a boot sequence: an ordered table of named steps, one log line each with its duration."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from fedstack.appliance.bootlog import BootLog, Stage
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
    stage: Stage = "bootstrap"


class BootFailedError(Exception):
    """A fatal step failed: `code` and the message are published."""

    def __init__(self, step: str, code: ErrorCode, message: str) -> None:
        super().__init__(f"{step}: {message}")
        self.code = code


def run(steps: Sequence[Step[Boot]], boot: Boot, log: BootLog) -> None:
    """Runs the steps in order. Raises BootFailedError at the first fatal failure."""
    for step in steps:
        if error := take(step, boot, log):
            code = getattr(error, "code", None) or step.code
            if code is not None:
                raise BootFailedError(_label(step), code, str(error)) from error


def take(step: Step[Boot], boot: Boot, log: BootLog) -> Exception | None:
    """Takes one step and logs it; returns why it failed."""
    start, log.stage = time.monotonic(), step.stage
    try:
        note = step.do(boot)
    except (StepError, OSError) as error:
        fatal = step.code or getattr(error, "code", None)
        log.write("ERROR" if fatal else "WARNING", _line(step, "failed", start, str(error)))
        return error
    log.write("INFO", _line(step, "done", start, note))
    return None


def _label(step: Step[Boot]) -> str:
    return f"step {step.number} {step.name}"


def _line(step: Step[Boot], outcome: str, start: float, note: str | None) -> str:
    took = f"{_label(step)} {outcome} in {time.monotonic() - start:.3f} s"
    return f"{took}: {note}" if note else took
