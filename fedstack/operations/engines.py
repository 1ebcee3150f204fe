"""Runs of Pulumi on this machine, told by the processes that their engines started.

An engine starts language hosts, the program, policy packs and providers, and tells each its own address. When it is
killed, hosts and packs do not notice and stay. A helper whose engine refuses connections works for nobody.
"""

from __future__ import annotations

import os
import re
import signal
import socket
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fedstack import processes

CONNECT_SECONDS = 2.0
END_SECONDS = 5.0
_ADDRESS = re.compile(r"127\.0\.0\.1:(\d+)")
_HELPER = re.compile(r"pulumi-(language|analyzer|resource)-[\w-]+|pulumi\.policy|provider")
_LEADING = 5
"""Words of a command line among which an interpreter's options, its script and a helper's own name are."""


@dataclass(frozen=True)
class Helper:
    """A process that some engine started; `stack` is None where it does not say."""

    pid: int
    started: int
    port: int
    stack: str | None


@dataclass(frozen=True)
class Engine:
    """A run of Pulumi: its port, its stack as far as any of its helpers says it, and those helpers."""

    port: int
    stack: str | None
    helpers: tuple[Helper, ...]

    @property
    def alive(self) -> bool:
        """Whether anything answers at its address; only a refusal says that it is gone."""
        try:
            socket.create_connection(("127.0.0.1", self.port), CONNECT_SECONDS).close()
        except ConnectionRefusedError:
            return False
        except OSError:
            return True
        return True

    def end_helpers(self) -> list[int]:
        """Ends the processes that it left; the ids of those that did not go (they may belong to somebody else)."""
        return [one.pid for one in self.helpers if not _end(one)]


def _end(helper: Helper) -> bool:
    try:
        return processes.end(helper.pid, helper.started, signal.SIGKILL, END_SECONDS)
    except PermissionError:
        return False


def engines(root: Path) -> list[Engine]:
    """All runs in a project's folder of which helpers are left, oldest helper first."""
    by_port: dict[int, list[Helper]] = defaultdict(list)
    for helper in sorted(_helpers(root), key=lambda one: one.started):
        by_port[helper.port].append(helper)
    return [
        Engine(port, next((one.stack for one in found if one.stack), None), tuple(found))
        for port, found in by_port.items()
    ]


def _helpers(root: Path) -> Iterator[Helper]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            found = _helper(int(entry.name), entry, root.resolve())
            if found is not None:
                yield found


def _helper(pid: int, entry: Path, root: Path) -> Helper | None:
    """The process as a helper of a run in that folder; None for any other."""
    started = processes.start_time(pid)
    try:
        words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
        place = (entry / "cwd").readlink()
        environment = (entry / "environ").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return None  # ended meanwhile, or another user's
    port = engine_port(words)
    if started is None or port is None or not place.is_relative_to(root):
        return None
    return Helper(pid, started, port, _stack_of(words, environment))


def engine_port(words: Sequence[str]) -> int | None:
    """The port of the engine in a helper's command line; None when it is no helper's."""
    if not any(_HELPER.fullmatch(Path(word).name) for word in words[:_LEADING]):
        return None
    named = [words[place + 1] for place, word in enumerate(words[:-1]) if word == "--engine"]
    addresses = (_ADDRESS.fullmatch(word) for word in (*named, *words))
    return next((int(found[1]) for found in addresses if found), None)


def _stack_of(words: Sequence[str], environment: Sequence[str]) -> str | None:
    """The stack as the program is told it (an option) or a policy pack (a variable)."""
    given = [words[place + 1] for place, word in enumerate(words[:-1]) if word == "--stack"]
    told = [line.partition("=")[2] for line in environment if line.startswith("PULUMI_STACK=")]
    return next(iter([*given, *told]), None)
