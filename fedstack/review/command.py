"""`fedstack preview-report` and `fedstack drift`: exit codes for a pipeline, the report for people."""

import sys
from pathlib import Path

from fedstack.operations.stack import Stack
from fedstack.review import meaning, run
from fedstack.review.markdown import drift_report, preview_report

FAILED = 1
BLOCKED = 3
RESTARTS = 4
DRIFT = 7


def preview(stack: Stack, target: Path | None, fail_on_restart: bool = False) -> int:
    """Writes the report; 0 the stack may be deployed, 1 the preview failed, 3 blocked by a mandatory policy.

    With `fail_on_restart` 4 when a running VM would end or boot anew.
    """
    ran = run.preview(stack)
    run.write(preview_report(stack.name, ran.outcome, ran.text), target)
    if ran.outcome.blocked:
        return BLOCKED
    if ran.outcome.errors or not ran.outcome.complete:
        return FAILED
    return RESTARTS if fail_on_restart and meaning.restarts(ran.outcome) else 0


def drift(stack: Stack, target: Path | None) -> int:
    """Writes the report; 0 no drift, 7 drift, 1 it could not be read."""
    ran = run.refresh(stack)
    run.write(drift_report(stack.name, ran.outcome, ran.text), target)
    if ran.outcome.errors or not ran.outcome.complete:
        print(f"fedstack: stack {stack.name!r}: {'; '.join(ran.outcome.errors) or 'no summary'}", file=sys.stderr)
        return FAILED
    return DRIFT if ran.outcome.differing else 0
