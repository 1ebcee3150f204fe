"""Template text (`KEY = "value"`, `NIC = [ IP = "..." ]`) to data and back.

Keys are upper-cased; a key may repeat (NIC, DISK): its values are then a list, in order. Values of vectors are flat.
"""

import re
from collections.abc import Iterator, Mapping

Value = str | dict[str, str]
Attributes = dict[str, Value | list[Value]]

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_BARE = re.compile(r"[^\s=#,\[\]\"]+")
_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")


class TemplateSyntaxError(ValueError):
    """Text that is no template; the message names the line."""


class _Reader:
    """A position in the text and the few tokens of the format."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0

    def skip_blanks(self) -> None:
        match = _BLANK.match(self.text, self.place)
        self.place = match.end() if match else self.place

    def at_end(self) -> bool:
        self.skip_blanks()
        return self.place >= len(self.text)

    def fail(self, expected: str) -> TemplateSyntaxError:
        line = self.text.count("\n", 0, self.place) + 1
        found = self.text[self.place : self.place + 12].split("\n")[0] or "end of text"
        return TemplateSyntaxError(f"syntax error in line {line}: expected {expected}, found {found!r}")

    def accept(self, sign: str) -> bool:
        self.skip_blanks()
        if not self.text.startswith(sign, self.place):
            return False
        self.place += len(sign)
        return True

    def key(self) -> str:
        self.skip_blanks()
        match = _KEY.match(self.text, self.place)
        if not match:
            raise self.fail("an attribute name")
        self.place = match.end()
        if not self.accept("="):
            raise self.fail("'='")
        return match.group().upper()

    def scalar(self) -> str:
        """A quoted text, a bare word, or nothing (the line ends after `=`)."""
        end = re.compile(r"[ \t]*").match(self.text, self.place)
        self.place = end.end() if end else self.place
        if self.text.startswith('"', self.place):
            return self._quoted()
        match = _BARE.match(self.text, self.place)
        if not match:
            return ""
        self.place = match.end()
        return match.group()

    def _quoted(self) -> str:
        match = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL).match(self.text, self.place)
        if not match:
            raise self.fail("a closing quote")
        self.place = match.end()
        return re.sub(r'\\(["\\])', r"\1", match.group(1))

    def vector(self) -> dict[str, str]:
        members: dict[str, str] = {}
        while not self.accept("]"):
            key = self.key()
            members[key] = self.scalar()
            if not self.accept(",") and not self.text.startswith("]", self.place):
                raise self.fail("',' or ']'")
        return members

    def value(self) -> Value:
        start = self.place
        if self.accept("["):
            return self.vector()
        self.place = start
        return self.scalar()


def as_list(value: Value | list[Value] | None) -> list[Value]:
    """The values of an attribute: none, one or several."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def parse(text: str) -> Attributes:
    """Reads template text; raises TemplateSyntaxError."""
    reader = _Reader(text)
    attributes: Attributes = {}
    while not reader.at_end():
        key = reader.key()
        add(attributes, key, reader.value())
    return attributes


def add(attributes: Attributes, key: str, value: Value) -> None:
    """Adds one value; a repeated key becomes a list."""
    known = attributes.get(key)
    if known is None:
        attributes[key] = value
    elif isinstance(known, list):
        known.append(value)
    else:
        attributes[key] = [known, value]


def items(attributes: Mapping[str, Value | list[Value]]) -> Iterator[tuple[str, Value]]:
    """Key and value of every occurrence, repeated keys expanded."""
    for key, value in attributes.items():
        for one in as_list(value):
            yield key, one


def _quote(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _line(key: str, value: Value) -> str:
    if isinstance(value, str):
        return f"{key}={_quote(value)}"
    members = ", ".join(f"{name}={_quote(text)}" for name, text in value.items())
    return f"{key}=[{members}]"


def to_text(attributes: Mapping[str, Value | list[Value]]) -> str:
    """Template text with every value quoted; `parse` reads it back unchanged."""
    return "\n".join(_line(key, value) for key, value in items(attributes))


def append(base: Attributes, extra: Attributes) -> Attributes:
    """What `*.update` with type 1 stores: attributes of `extra` replace all of the same name; empty vectors drop."""
    kept = {key: value for key, value in extra.items() if value != {}}
    return {**base, **kept}
