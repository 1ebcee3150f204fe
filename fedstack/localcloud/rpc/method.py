"""What a method of the API is: a plain function, and the types of its parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fedstack.localcloud.core.objects import Caller
from fedstack.localcloud.store.database import Transaction

_TYPES: dict[str, type] = {"i": int, "s": str, "b": bool, "a": list}
_WORDS = {"i": "int", "s": "string", "b": "boolean", "a": "array"}

_LIMIT = 1 << 31
"""An <int> has 32 bits."""

TYPE_ERROR, INDEX_ERROR = -501, -502


class BadParametersError(Exception):
    """Parameters of the wrong number or type; answered as an XML-RPC fault with `code`."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Call:
    """One call: its transaction and who makes it."""

    tx: Transaction
    caller: Caller


@dataclass(frozen=True)
class Pool:
    """A value that may be long: a root element, and its members, which are written one after the other when asked."""

    root: str
    members: Iterator[str]


Value = str | int | Pool


def _fits(letter: str, value: Any) -> bool:
    whole = isinstance(value, int) and not -_LIMIT <= value < _LIMIT
    return type(value) is _TYPES[letter] and not whole


@dataclass(frozen=True)
class Method:
    """`required`, `optional`: a letter a parameter (i int, s string, b boolean, a array), without the session."""

    function: Callable[..., Value]
    required: str = ""
    optional: str = ""

    def __call__(self, call: Call, parameters: Sequence[Any]) -> Value:
        """Checks and calls; further parameters than known are ignored. Raises BadParametersError."""
        if len(parameters) < len(self.required):
            raise BadParametersError(INDEX_ERROR, f"Not enough parameters: expected {len(self.required) + 1}.")
        letters = (self.required + self.optional)[: len(parameters)]
        for place, (letter, value) in enumerate(zip(letters, parameters, strict=False), start=1):
            if not _fits(letter, value):
                raise BadParametersError(TYPE_ERROR, f"Parameter {place}: expected {_WORDS[letter]}.")
        return self.function(call, *parameters[: len(letters)])
