"""XML-RPC calls as bytes: decoded in one pass, without document types, entities or deep nesting."""

from __future__ import annotations

import xmlrpc.client
from typing import Any
from xml.parsers import expat

MAX_DEPTH = 64
"""Levels of elements; a call of the platform has about ten."""

MAX_ELEMENTS = 100_000
"""Elements of a call."""

_MALFORMED = (
    *(expat.ExpatError, xmlrpc.client.Error, ValueError, TypeError, LookupError),
    *(ArithmeticError, AttributeError, AssertionError),
)
"""What the parser and the standard unmarshaller raise for documents that are no calls."""


class DecodeError(ValueError):
    """A body that is no call; the message is shown to the client."""


class _Reader:
    """Feeds the standard unmarshaller from a parser that refuses what no call contains."""

    def __init__(self) -> None:
        self.target = xmlrpc.client.Unmarshaller()
        self.target.xml(None, None)  # type: ignore[arg-type]  # texts arrive decoded
        self._depth = self._elements = 0
        self._parser = expat.ParserCreate(None, None)
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self.target.data
        self._parser.StartDoctypeDeclHandler = self._refuse

    def read(self, body: bytes) -> None:
        self._parser.Parse(body, True)

    def _refuse(self, *_details: Any) -> None:
        raise DecodeError("document types are not accepted")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > MAX_DEPTH or self._elements > MAX_ELEMENTS:
            raise DecodeError("too many elements")
        self.target.start(tag, attributes)

    def _end(self, tag: str) -> None:
        self._depth -= 1
        self.target.end(tag)


def call(body: bytes) -> tuple[str, list[Any]]:
    """Method name and parameters; raises DecodeError."""
    reader = _Reader()
    try:
        reader.read(body)
        parameters = list(reader.target.close())
    except DecodeError:
        raise
    except _MALFORMED as error:
        raise DecodeError(type(error).__name__) from error
    name = reader.target.getmethodname()
    if not isinstance(name, str) or not name:
        raise DecodeError("no method name")
    return name, parameters
