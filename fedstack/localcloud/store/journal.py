"""The journal: every transition of a VM, a role and a service, written in the transaction in which it happens.

The last `KEPT` are kept. A transaction collects its transitions and writes them at its end in one statement on the
driver's own cursor, because a deployment consists of little else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

KEPT = 10_000
_TRIM_AFTER = 500
_INSERT = (
    'INSERT INTO transition (time, object, object_id, name, "before", "after", cause) VALUES (?, ?, ?, ?, ?, ?, ?)'
)
_TRIM = "DELETE FROM transition WHERE id <= (SELECT max(id) FROM transition) - ?"
_READ = (
    'SELECT id, time, object, object_id, name, "before", "after", cause FROM transition WHERE id > ?'
    " ORDER BY id LIMIT ?"
)
_POSITION = "SELECT id FROM transition ORDER BY id DESC LIMIT 1 OFFSET ?"


class Transition(NamedTuple):
    """An object (`vm`, `role` or `service`; a role has the id of its service) went from one state to another.

    `time` in epoch seconds; `before` is empty for an object that was created, `after` is DONE for one that is gone.
    """

    time: float
    object: str
    object_id: int
    name: str
    before: str
    after: str
    cause: str

    def as_dict(self) -> dict[str, Any]:
        """What `fedstack cloud events --json` prints."""
        own = {"time": round(self.time, 3), "object": self.object, "id": self.object_id, "name": self.name}
        return {**own, "from": self.before, "to": self.after, "cause": self.cause}


class Journal:
    """Writes and reads the table; about 500 more than `kept` are in it at most."""

    def __init__(self, connection: Connection, kept: int = KEPT) -> None:
        self._connection = connection
        self._kept = kept
        self._untrimmed = _TRIM_AFTER

    @property
    def _driver(self) -> Any:
        return self._connection.connection.driver_connection

    def write(self, transitions: Sequence[Transition]) -> None:
        """Appends; to be called inside a transaction."""
        driver = self._driver
        driver.executemany(_INSERT, transitions)
        self._untrimmed += len(transitions)
        if self._untrimmed >= _TRIM_AFTER:
            driver.execute(_TRIM, (self._kept,))
            self._untrimmed = 0

    def read(self, position: int, limit: int) -> list[tuple[int, Transition]]:
        """Transitions after a position, oldest first, each with its own position."""
        rows = self._driver.execute(_READ, (position, limit)).fetchall()
        return [(row[0], Transition(*row[1:])) for row in rows]

    def before_last(self, count: int) -> int:
        """The position after which the last `count` transitions come."""
        row = self._driver.execute(_POSITION, (count,)).fetchone()
        return row[0] if row else 0
