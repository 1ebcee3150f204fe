"""Line numbers of the members of a JSON text, by path."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from json.decoder import scanstring  # type: ignore[attr-defined]

from fedstack.oneflow.problem import element, member

_LEXEME = re.compile(r'[\s:]*(?:(["{}\[\],])|([^\s"{}\[\],:]+))')
_OLD_NAMES = {
    "custom_attrs": "user_inputs",
    "custom_attrs_values": "user_inputs_values",
    "vm_template": "template_id",
    "vm_template_contents": "template_contents",
}


class Positions:
    """Where each member begins: a member of an object at its key, an element of a list at its first character.

    Lines count from 1. The text must be good JSON. Keys are found in any case, and those of 6.x by their new names too.
    """

    def __init__(self, text: str) -> None:
        reader = _Reader()
        for sign, content, line in _lexemes(text):
            reader.take(sign, content, line)
        self._lines = reader.lines

    def line(self, path: str) -> int:
        """The line of a path, or of the nearest part around it that is there."""
        path = path.lower()
        while path and path not in self._lines:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self._lines.get(path, 1)


def _lexemes(text: str) -> Iterator[tuple[str, str, int]]:
    """The signs of the text with their lines; a string comes as its quote and its content, a number without sign."""
    place, seen, line = 0, 0, 1
    while match := _LEXEME.match(text, place):
        start, place = max(match.start(1), match.start(2)), match.end()
        line, seen = line + text.count("\n", seen, start), start
        sign, content = match.group(1) or "", ""
        if sign == '"':
            content, place = scanstring(text, place)
        yield sign, content, line


@dataclass
class _Reader:
    """The path that has been reached, and the containers around it: path, and the index reached in a list."""

    lines: dict[str, int] = field(default_factory=dict)
    path: str = ""
    around: list[tuple[str, int | None]] = field(default_factory=list)
    wants_key: bool = False

    def take(self, sign: str, content: str, line: int) -> None:
        """Goes on by one sign."""
        if sign == ",":
            self._next()
        elif sign in ("}", "]"):
            self.path, self.wants_key = self.around.pop()[0], False
        elif sign == '"' and self.wants_key:
            self._key(content.lower(), line)
        else:
            self.lines.setdefault(self.path, line)
            self._open(sign)

    def _open(self, sign: str) -> None:
        if sign == "{":
            self.around.append((self.path, None))
            self.wants_key = True
        elif sign == "[":
            self.around.append((self.path, 0))
            self.path = element(self.path, 0)

    def _next(self) -> None:
        """After a comma: the next key of an object, or the next element of a list."""
        holder, index = self.around[-1]
        if index is None:
            self.wants_key = True
        else:
            self.around[-1] = (holder, index + 1)
            self.path = element(holder, index + 1)

    def _key(self, key: str, line: int) -> None:
        """Of members with one name the last counts, as it does for the reader."""
        holder = self.around[-1][0]
        is_body_or_role = holder == "" or holder.endswith((".body", "]"))
        self.path, self.wants_key = member(holder, key), False
        self.lines[self.path] = line
        if is_body_or_role and key in _OLD_NAMES:
            self.path = member(holder, _OLD_NAMES[key])
            self.lines[self.path] = line
