"""The way back after a killed `pulumi up`: what it left on this machine goes, its lock goes, and the update goes on.

Objects that were being made are found again by the stack's mark and adopted, so nothing is made twice.
"""

from __future__ import annotations

from collections.abc import Callable

from fedstack.operations import checkpoints
from fedstack.operations.engines import engines
from fedstack.operations.errors import OperationError
from fedstack.operations.stack import Stack

ANSWERS = ("--yes", "--skip-preview")


def resume(stack: Stack, say: Callable[[str], None]) -> None:
    """Clears up after a killed run, then `pulumi cancel`, `up` and `refresh --clear-pending-creates`.

    Raises OperationError: a run of this stack is under way, or one of the commands failed (its own output says why).
    """
    clear(stack, say)
    for path in checkpoints.mend(stack.environment):
        say(f"removed {path.name}, which a kill left half written beside the state")
    _step(stack, "cancel", "--yes")
    _step(stack, "up", *ANSWERS, *stack.pack)
    _step(stack, "refresh", *ANSWERS, "--clear-pending-creates")


def clear(stack: Stack, say: Callable[[str], None]) -> None:
    """Ends the processes that dead runs of the stack left on this machine; raises OperationError when one is alive.

    Helpers whose stack nobody says are taken for ours: once their engine is gone they serve nobody.
    """
    ours = [engine for engine in engines(stack.project.root) if engine.stack in {None, stack.name}]
    alive = [engine for engine in ours if engine.alive]
    if alive:
        pids = ", ".join(str(helper.pid) for helper in alive[0].helpers)
        raise OperationError(
            f"stack {stack.name!r}: a run of Pulumi is under way in this project (its processes: {pids}): wait for its "
            "end or stop it with Ctrl-C; `fedstack resume` is for runs that were killed"
        )
    for engine in ours:
        left = engine.end_helpers()
        ended = len(engine.helpers) - len(left)
        say(f"ended {ended} process{'' if ended == 1 else 'es'} of a killed run")
        if left:
            raise OperationError(f"process {left[0]} of a killed run cannot be ended: end it, then try again")


def _step(stack: Stack, *arguments: str) -> None:
    if stack.run(*arguments):
        raise OperationError(
            f"`pulumi {arguments[0]}` did not go through, its messages are above: when they are mended, "
            f"`fedstack resume --stack {stack.name}` goes on"
        )
