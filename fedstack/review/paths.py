"""Property paths as the engine writes them: `roles[1].userInputs.FL_LOG_LEVEL`, `attributes["a.b"]`."""

import re
from collections.abc import Sequence
from typing import Any

Step = str | int

_STEP = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.\[\]]+)')

MISSING = object()
"""What `look_up` returns where there is nothing."""


def steps(path: str) -> list[Step]:
    """The keys and indexes of a path."""
    found: list[Step] = []
    for quoted, index, key in _STEP.findall(path):
        found.append(int(index) if index else key or quoted.replace('\\"', '"'))
    return found


def look_up(properties: Any, path: str | Sequence[Step]) -> Any:
    """The value at a path, MISSING where the path leads nowhere."""
    value = properties
    for step in steps(path) if isinstance(path, str) else path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return MISSING
    return value


def label(path: str, *sides: Any) -> str:
    """The path for people: elements that have a name go by it, `roles[1]` is `roles[supernode]`.

    `sides` are the properties in which to look for names, the preferred one first.
    """
    keys = steps(path)
    text = ""
    for place, step in enumerate(keys):
        if isinstance(step, int):
            names = (look_up(side, [*keys[: place + 1], "name"]) for side in sides)
            text += f"[{next((name for name in names if isinstance(name, str)), step)}]"
        else:
            text += f".{step}" if text else step
    return text
