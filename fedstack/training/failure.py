"""Why a run failed, read from its log lines. Pure: text in, one line out."""

import re

from fedstack.training.rounds import RESULTS

TRACEBACK = "Traceback (most recent call last):"
REPLY = re.compile(r"Received error in reply from node \d+: (.*)")
CLASS = re.compile(r"<class '(?:[\w]+\.)*(\w+)'>:<'(.*)'>", re.DOTALL)


class FailureReader:
    """Feeds on plain log lines and keeps the last exception of the ServerApp and of the clients."""

    def __init__(self) -> None:
        self._within = False
        self._exception: str | None = None
        self._reply: str | None = None
        self._trained: bool | None = None

    def feed(self, line: str) -> None:
        """Take in one log line."""
        if TRACEBACK in line:
            self._within = True
        elif self._within and line.strip() and not line[0].isspace():
            self._within = False
            self._exception = line.strip()
        elif reply := REPLY.search(line):
            self._reply = readable(reply[1])
        elif results := RESULTS.search(line):
            self._trained = bool(self._trained) or int(results[1]) > 0

    @property
    def exception(self) -> str | None:
        """The line that names the ServerApp's exception, such as ``ValueError: no data``."""
        return self._exception

    @property
    def untrained(self) -> str | None:
        """The reason, if in no round any client trained: Flower calls such a run completed."""
        return (self._reply or "no reply") if self._trained is False else None


def readable(reason: str) -> str:
    """Return ``ValueError: text`` for Flower's ``<class 'ValueError'>:<'text'>``, anything else as it is."""
    match = CLASS.fullmatch(reason.strip())
    return f"{match[1]}: {match[2]}" if match else reason.strip()
