"""What a VM printed: its console and every log below var/log of its file system, also while it grows.

The files are read where they are, so that a cloud need not run. A line that two of them have is shown once.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from fedstack.localcloud import directory
from fedstack.localcloud.errors import CloudError
from fedstack.localcloud.inotify import Watch

_CONSOLE = "console.log"
_LOGS = Path("root/var/log")
_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_REMEMBERED = 2000
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Line:
    """One line; `source` is the file's name without its ending."""

    source: str
    text: str


def directory_of(state_dir: Path, vm_id: int) -> Path:
    """Where the VM keeps its files. Raises CloudError: no such VM, a simulated one, files that are gone."""
    last = _last_vm(state_dir, vm_id)
    if last is not None:
        there = "there is no VM yet" if last < 0 else f"the last one is {last}"
        raise CloudError(f"VM {vm_id} does not exist in {state_dir} ({there})")
    found = state_dir / "vms" / str(vm_id)
    if found.is_dir():
        return found
    if _hypervisor(state_dir) == "simulated":
        raise CloudError(f"VM {vm_id} is simulated: it is nothing but its states and prints nothing")
    raise CloudError(f"VM {vm_id} has printed nothing: it never booted, or its files were removed after its end")


def _last_vm(state_dir: Path, vm_id: int) -> int | None:
    """None when the VM exists, else the highest id there is (-1: none)."""
    database = state_dir / directory.DATABASE
    if not database.exists():
        raise CloudError(f"there is no local cloud in {state_dir}")
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        if connection.execute("SELECT 1 FROM vm WHERE id = ?", (vm_id,)).fetchone():
            return None
        last = connection.execute("SELECT max(id) FROM vm").fetchone()[0]
    return -1 if last is None else int(last)


def _hypervisor(state_dir: Path) -> str:
    try:
        return str(json.loads((state_dir / "kept.json").read_text()).get("hypervisor"))
    except (OSError, ValueError):
        return ""


@dataclass
class _File:
    """How far a file has been read; `rest` is the beginning of a line that is not complete."""

    path: Path
    position: int = 0
    inode: int = 0
    rest: bytes = b""

    def lines(self) -> Iterator[str]:
        """The complete lines that have been added."""
        try:
            with self.path.open("rb") as file:
                self._begin_anew(file.fileno())
                file.seek(self.position)
                while chunk := file.read(_CHUNK):
                    self.position += len(chunk)
                    *complete, self.rest = (self.rest + chunk).split(b"\n")
                    yield from (_printable(one) for one in complete)
        except OSError:
            return

    def _begin_anew(self, descriptor: int) -> None:
        """A file that was replaced or emptied is read from its start."""
        found = os.fstat(descriptor)
        if found.st_ino != self.inode or found.st_size < self.position:
            self.inode, self.position, self.rest = found.st_ino, 0, b""


def _printable(line: bytes) -> str:
    text = _COLOURS.sub("", line.decode(errors="replace")).rstrip("\r")
    return text if text.isprintable() else "".join(one if one.isprintable() or one == "\t" else "?" for one in text)


@dataclass
class Reader:
    """Reads all that a VM prints."""

    directory: Path
    _files: dict[Path, _File] = field(default_factory=dict)
    _recent: deque[Line] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    _said: dict[str, str] = field(default_factory=dict)

    def new_lines(self) -> Iterator[Line]:
        """What was added since the last call: console first, then each log."""
        for path in self._paths():
            file = self._files.setdefault(path, _File(path))
            for text in file.lines():
                line = Line(path.stem, text)
                if not self._is_copy(line):
                    yield line

    def all_lines(self) -> Iterator[Line]:
        """Everything that is there, also lines that are not complete."""
        yield from self.new_lines()
        for path, file in self._files.items():
            if file.rest:
                yield Line(path.stem, _printable(file.rest))

    def follow(self) -> Iterator[Line]:
        """What is there, then each line as it comes, until the VM's directory is gone."""
        watch = Watch()
        try:
            while self.directory.is_dir():
                watch.look_at(self._directories())
                yield from self.new_lines()
                watch.wait()
        finally:
            watch.close()

    def _paths(self) -> list[Path]:
        logs = sorted(path for path in (self.directory / _LOGS).rglob("*.log") if path.is_file())
        return [self.directory / _CONSOLE, *logs]

    def _directories(self) -> list[Path]:
        logs = self.directory / _LOGS
        below = [path for path in logs.rglob("*") if path.is_dir()]
        return [self.directory, self.directory / "root", logs.parent, logs, *below]

    def _is_copy(self, line: Line) -> bool:
        """Whether another file has had the same line a short time ago."""
        source = self._said.get(line.text)
        if source is not None and source != line.source:
            return True
        if source is None and line.text:
            if len(self._recent) == _REMEMBERED:
                self._said.pop(self._recent[0].text, None)
            self._recent.append(line)
            self._said[line.text] = line.source
        return False
