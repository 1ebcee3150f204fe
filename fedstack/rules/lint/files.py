"""Finds and reads templates: plain, or inside what OneFlow and OpenNebula print about them."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedstack.oneflow.problem import element, member
from fedstack.rules.lint.positions import Positions
from fedstack.rules.rule import Place

_SERVICE, _VM = Place.SERVICE_TEMPLATE, Place.VM_TEMPLATE
_WRAPPINGS: tuple[tuple[tuple[str, ...], Place], ...] = (
    (("DOCUMENT_POOL", "DOCUMENT", "TEMPLATE", "BODY"), _SERVICE),
    (("DOCUMENT", "TEMPLATE", "BODY"), _SERVICE),
    (("TEMPLATE", "BODY"), _SERVICE),
    (("BODY",), _SERVICE),
    (("VMTEMPLATE_POOL", "VMTEMPLATE", "TEMPLATE"), _VM),
    (("VMTEMPLATE", "TEMPLATE"), _VM),
)
_EXPECTED = "expected a OneFlow template (an object with `roles`), a document with one as its BODY, or a VMTEMPLATE"


class UnreadableError(ValueError):
    """A file without a readable template; the message begins with its place."""

    def __init__(self, file: Path, line: int, message: str) -> None:
        super().__init__(f"{file}:{line}: {message}" if line else f"{file}: {message}")
        self.file, self.line, self.message = file, line, message


@dataclass(frozen=True)
class Found:
    """A template in a file: its body, and where the body is in the file."""

    file: Path
    prefix: str
    body: Mapping[str, Any]
    place: Place
    positions: Positions

    def line(self, path: str) -> int:
        """The line of a path in the body."""
        joined = f"{self.prefix}{path}" if path.startswith("[") else member(self.prefix, path)
        return self.positions.line(joined if path else self.prefix)


def collect(paths: Iterable[Path]) -> Iterator[Found | UnreadableError]:
    """The templates of files and of all *.json in directories, in order; what cannot be read comes as an error.

    A JSON file in a directory that holds something else is passed over; a file that is named must hold a template.
    """
    for path in paths:
        if path.is_dir():
            for file in sorted(each for each in path.rglob("*.json") if each.is_file()):
                yield from _read(file, named=False)
        else:
            yield from _read(path, named=True)


def _read(file: Path, *, named: bool) -> Iterator[Found | UnreadableError]:
    try:
        found = list(_templates(file))
    except UnreadableError as error:
        yield error
        return
    if named and not found:
        yield UnreadableError(file, 1, _EXPECTED)
    yield from found


def _templates(file: Path) -> Iterator[Found]:
    text, content = _parsed(file)
    if not isinstance(content, Mapping):
        return
    positions = Positions(text)
    if "roles" in content:
        yield Found(file, "", content, _SERVICE, positions)
        return
    for keys, place in _WRAPPINGS:
        inside = [each for each in _inside(content, "", keys) if place is _VM or "roles" in each[1]]
        if inside:
            yield from (Found(file, prefix, body, place, positions) for prefix, body in inside)
            return


def _parsed(file: Path) -> tuple[str, Any]:
    try:
        text = file.read_text("utf-8-sig")
        return text, json.loads(text)
    except OSError as error:
        raise UnreadableError(file, 0, str(error.strerror or error)) from None
    except UnicodeDecodeError as error:
        raise UnreadableError(file, 0, f"expected UTF-8 text, byte {error.start} is none") from None
    except json.JSONDecodeError as error:
        raise UnreadableError(file, error.lineno, f"column {error.colno}: expected JSON: {error.msg}") from None
    except (RecursionError, ValueError):
        raise UnreadableError(file, 0, "expected JSON that is less deep and has shorter numbers") from None


def _inside(value: Any, path: str, keys: tuple[str, ...]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The objects at the end of the keys, through lists on the way; BODY may be JSON as text."""
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from _inside(each, element(path, index), keys)
        return
    if isinstance(value, str) and not keys:
        value = _body_text(value)
    if not isinstance(value, Mapping):
        return
    if not keys:
        yield path, value
    elif keys[0] in value:
        yield from _inside(value[keys[0]], member(path, keys[0]), keys[1:])


def _body_text(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
