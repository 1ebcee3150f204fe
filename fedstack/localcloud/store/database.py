"""One SQLite file, one connection, one transaction at a time; effects leave only after the commit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Executable, Row, create_engine, event, insert, select, update
from sqlalchemy.pool import StaticPool

from fedstack.localcloud.effects import Effect
from fedstack.localcloud.events import Event
from fedstack.localcloud.site import Site
from fedstack.localcloud.store import schema
from fedstack.localcloud.store.journal import Journal, Transition

Listener = Callable[["Transaction", Event], None]


class Transaction:
    """One unit of work. Everything written is committed together; effects and nothing else survive it."""

    def __init__(self, connection: Connection, site: Site, listeners: Sequence[Listener]) -> None:
        self.connection = connection
        self.site = site
        self.effects: list[Effect] = []
        self.transitions: list[Transition] = []
        self.lasting: list[Callable[[Transaction], None]] = []
        self.cause = ""
        self._listeners = listeners

    @cached_property
    def moment(self) -> float:
        """Epoch seconds, the same for the whole transaction."""
        return time.time()

    @property
    def now(self) -> int:
        """The moment in whole seconds, as documents show it."""
        return int(self.moment)

    @cached_property
    def user_names(self) -> dict[int, str]:
        """Name by user id."""
        return {row.id: row.name for row in self.all(select(schema.user.c.id, schema.user.c.name))}

    @cached_property
    def group_names(self) -> dict[int, str]:
        """Name by group id."""
        return {row.id: row.name for row in self.all(select(schema.group.c.id, schema.group.c.name))}

    def forget_names(self) -> None:
        """To be called after a user or group was added, renamed or deleted."""
        self.__dict__.pop("user_names", None)
        self.__dict__.pop("group_names", None)

    def run(self, statement: Executable, values: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None) -> int:
        """Executes a write; returns the number of rows that it touched."""
        count: int = self.connection.execute(statement, values).rowcount
        return count

    def all(self, statement: Executable, values: Mapping[str, Any] | None = None) -> Sequence[Row[Any]]:
        """All rows of a query."""
        return self.connection.execute(statement, values).all()

    def first(self, statement: Executable, values: Mapping[str, Any] | None = None) -> Row[Any] | None:
        """The first row of a query, if any."""
        return self.connection.execute(statement, values).first()

    def value(self, statement: Executable, values: Mapping[str, Any] | None = None) -> Any:
        """The first column of the first row, None without a row."""
        return self.connection.execute(statement, values).scalar()

    def take_ids(self, name: str, count: int = 1) -> int:
        """Reserves `count` consecutive ids of a sequence and returns the first; ids never come back."""
        statement = update(schema.sequence).where(schema.sequence.c.name == name)
        statement = statement.values(next=schema.sequence.c.next + count)
        if not self.run(statement):
            self.run(insert(schema.sequence), {"name": name, "next": count})
            return 0
        following: int = self.value(select(schema.sequence.c.next).where(schema.sequence.c.name == name))
        return following - count

    def after(self, effect: Effect) -> None:
        """An effect for after the commit; the same one twice is done once."""
        if effect not in self.effects:
            self.effects.append(effect)

    def after_each(self, effects: Sequence[Effect]) -> None:
        """Many effects that are known to differ."""
        self.effects.extend(effects)

    def record(self, kind: str, object_id: int, name: str, before: str, after: str) -> None:
        """Notes a transition for the journal, with the cause that holds now."""
        self.transitions.append(Transition(self.moment, kind, object_id, name, before, after, self.cause))

    @contextmanager
    def because(self, cause: str) -> Iterator[None]:
        """Transitions inside of the block have this cause."""
        outer, self.cause = self.cause, cause
        try:
            yield
        finally:
            self.cause = outer

    def publish(self, happened: Event) -> None:
        """Tells the listeners, inside this transaction."""
        for listener in self._listeners:
            listener(self, happened)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """A part that is undone alone when it raises; its effects and transitions are dropped too."""
        kept, noted = len(self.effects), len(self.transitions)
        try:
            with self.connection.begin_nested():
                yield
        except BaseException:
            del self.effects[kept:]
            del self.transitions[noted:]
            raise


class Store:
    """The file. `perform` gets the effects of each committed transaction, in order; `recorded` is called after each
    one with transitions.
    """

    def __init__(self, path: Path, site: Site, *, full: bool = False) -> None:
        self._engine = create_engine(
            f"sqlite:///{path}",
            poolclass=StaticPool,
            hide_parameters=True,
            connect_args={"check_same_thread": False, "isolation_level": None},
        )
        _prepare(self._engine, "FULL" if full else "NORMAL")
        self._connection = self._engine.connect()
        self.site = site
        self.listeners: list[Listener] = []
        self.perform: Callable[[Sequence[Effect]], None] = lambda _: None
        self.recorded: Callable[[], None] = lambda: None
        self.journal = Journal(self._connection)
        with self._connection.begin():
            schema.metadata.create_all(self._connection)

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        """A transaction: commits at the end, rolls back when the block raises. Never held across an await."""
        tx = Transaction(self._connection, self.site, self.listeners)
        try:
            with self._connection.begin():
                yield tx
                if tx.transitions:
                    self.journal.write(tx.transitions)
        finally:
            self._finish(tx)
        if tx.transitions:
            self.recorded()
        if tx.effects:
            self.perform(tx.effects)

    def _finish(self, tx: Transaction) -> None:
        """What has to be written even if the transaction was undone."""
        if tx.lasting:
            with self.begin() as after:
                for write in tx.lasting:
                    write(after)

    def close(self) -> None:
        """Closes the file; nothing is lost without it."""
        self._connection.close()
        self._engine.dispose()


def _prepare(engine: Any, synchronous: str) -> None:
    """Connection settings, and BEGIN by ourselves: the driver would begin only at the first write."""

    @event.listens_for(engine, "connect")
    def _settings(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={synchronous}")
        connection.execute("PRAGMA cache_size=-65536")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")
