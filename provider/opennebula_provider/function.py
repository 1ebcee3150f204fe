"""What every function has in common: a question to the cloud that changes nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from .checks import Problem, check
from .cloud import Cloud
from .shape import Definition
from .values import Properties


@dataclass(frozen=True)
class Function:
    """A function: its definition and who answers it. Of the inputs in `either` exactly one must be given."""

    definition: Definition
    answer: Callable[[Cloud, Properties], Awaitable[Properties]]
    either: tuple[str, ...] = ()

    def check(self, arguments: Properties) -> tuple[Properties, list[Problem]]:
        """The arguments with defaults, and everything that is wrong with them."""
        inputs, problems = check(self.definition.inputs, arguments)
        given = [name for name in self.either if name in inputs]
        if self.either and len(given) != 1 and not problems:
            found = f"got {' and '.join(given)}" if given else "got none of them"
            problems = [Problem("", f"exactly one of {' and '.join(self.either)} is needed, {found}")]
        return inputs, problems
