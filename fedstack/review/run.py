"""Runs a preview or a refresh of a stack and reads what the engine says.

Exit codes of the CLI tell nothing apart (every failure is 255), so the verdict comes from the events alone.
"""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from fedstack.operations.stack import Stack
from fedstack.review.events import Outcome, read_preview, read_refresh

QUIET = ("--diff", "--color", "never", "--suppress-progress", "--suppress-permalink=true", "--non-interactive")
EVENT_LOG = {"PULUMI_DEBUG_COMMANDS": "true"}
"""What makes the CLI take `--event-log`."""


@dataclass(frozen=True)
class Ran:
    """What came of it: the events, and what the CLI printed."""

    outcome: Outcome
    text: str


def preview(stack: Stack) -> Ran:
    """What an `up` would do, judged by the policy pack at the stack's levels."""
    return _run(stack, ("preview", *QUIET, *stack.pack), read_preview)


def refresh(stack: Stack) -> Ran:
    """What differs between the state and the cloud; the state is not changed."""
    return _run(stack, ("refresh", "--preview-only", *QUIET), read_refresh)


def _run(stack: Stack, arguments: tuple[str, ...], read: Callable[[Iterable[str]], Outcome]) -> Ran:
    """Runs the CLI with an event log of its own, which nobody else can read and which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="fedstack-") as folder:
        log = Path(folder) / "events"
        done = subprocess.run(
            stack.command(*arguments, "--event-log", str(log)),
            cwd=stack.project.root,
            env={**stack.environment, **EVENT_LOG},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        outcome = read(log.read_text().splitlines() if log.exists() else ())
    if done.returncode and not outcome.blocked and not outcome.errors:
        outcome.errors.append(done.stderr.strip() or f"pulumi ended with exit code {done.returncode}")
    return Ran(outcome, done.stdout)


def write(text: str, target: Path | None) -> None:
    """To a file, whole or not at all; without one to standard output."""
    if target is None:
        print(text, end="")
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    with os.fdopen(handle, "w") as file:
        file.write(text)
    Path(name).chmod(0o644)
    Path(name).replace(target)
