"""How long a boot waits for what: the reference's limits, unless the image says what it needs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Limits:
    """Seconds; ``[limits]`` of image.toml changes them."""

    runtime: float = 60.0
    """Until the runtime can be used (reference 3.2 step 9, 4.2 step 8)."""
    health: float = 120.0
    """Until a SuperLink's APIs answer (3.2 step 11)."""
    supervisor: float = 60.0
    """Until a SuperNode with a static address is supervised (4.2 step 12)."""
    connection: float = 300.0
    """Until a SuperNode is connected (step 12)."""
    discovery: float = 10.0
    """Between two looks for a SuperLink, at first (4.3)."""


def read(table: Mapping[str, Any]) -> Limits:
    """The limits of a table. Raises ValueError for what is no limit or no number of seconds."""
    known = [each.name for each in dataclasses.fields(Limits)]
    for name, seconds in table.items():
        if name not in known:
            raise ValueError(f"limits.{name} is unknown, expected one of {', '.join(known)}")
        if type(seconds) not in (int, float) or seconds <= 0:
            raise ValueError(f"limits.{name} is {seconds!r}, expected a number of seconds above 0")
    return Limits(**table)
