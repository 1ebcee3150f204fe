"""The journal of transitions: with the transaction or not at all, and bounded."""

from __future__ import annotations

from pathlib import Path

import pytest

from fedstack.localcloud.site import Site
from fedstack.localcloud.store.database import Store, Transaction
from fedstack.localcloud.store.journal import Journal


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path / "cloud.db", Site(tmp_path, "", "", "", 16))


def move(tx: Transaction, number: int) -> None:
    """A transition."""
    tx.record("vm", number, f"one-{number}", "BOOT", "RUNNING")


def ids(journal: Journal) -> list[int]:
    """The objects of all transitions, oldest first."""
    return [one.object_id for _, one in journal.read(0, 100_000)]


def test_transitions_stand_and_fall_with_their_transaction(store: Store) -> None:
    wakes: list[int] = []
    store.recorded = lambda: wakes.append(1)
    with store.begin() as tx, tx.because("a test"):
        move(tx, 1)
        with pytest.raises(ValueError, match="inner"), tx.savepoint():
            move(tx, 2)
            raise ValueError("inner")
        move(tx, 3)
    with pytest.raises(ValueError, match="outer"), store.begin() as tx:
        move(tx, 4)
        raise ValueError("outer")
    with store.begin():
        pass
    assert ids(store.journal) == [1, 3]
    assert len(wakes) == 1
    first = store.journal.read(0, 1)[0][1].as_dict()
    assert list(first) == ["time", "object", "id", "name", "from", "to", "cause"]
    assert (first["from"], first["to"], first["cause"]) == ("BOOT", "RUNNING", "a test")


def test_what_is_lasting_outlives_its_transaction(store: Store) -> None:
    with pytest.raises(ValueError, match="undone"), store.begin() as tx:
        move(tx, 1)
        tx.lasting.append(lambda after: move(after, 2))
        raise ValueError("undone")
    assert ids(store.journal) == [2]


def test_it_is_bounded_and_positions_go_on(store: Store) -> None:
    with store.begin() as tx:
        store.journal = Journal(tx.connection, kept=100)
    for number in range(300):
        with store.begin() as tx:
            for part in range(10):
                move(tx, 10 * number + part)
    kept = ids(store.journal)
    assert kept == list(range(3000 - len(kept), 3000))
    assert 100 <= len(kept) <= 700
    assert [one.object_id for _, one in store.journal.read(store.journal.before_last(2), 9)] == [2998, 2999]
    assert store.journal.before_last(100_000) == 0
