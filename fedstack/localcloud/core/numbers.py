"""Numbers in text that clients send: paths, headers, template values."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"[0-9]{1,15}")
_WHOLE = re.compile(r"-?[0-9]{1,9}")


def natural(text: object) -> int | None:
    """The number that a text of 1 to 15 ASCII digits is; None for anything else (no sign, no blanks, no other digits).

    Every result fits an integer column.
    """
    return int(text) if isinstance(text, str) and _NUMBER.fullmatch(text) else None


def whole(value: object) -> int | None:
    """The number that a whole number of up to 9 digits, or its text, is; None for anything else."""
    known = isinstance(value, int | str) and not isinstance(value, bool)
    return int(str(value)) if known and _WHOLE.fullmatch(str(value)) else None
