"""Many VM documents at once: each is written when it is needed for the first time and kept while the VM stays as it is.

A pool of a thousand VMs is megabytes of text. The rows are read as the text that the store holds, and that text is
what tells whether a document can be used again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, TypeVar

from sqlalchemy import JSON, Row, String, select, type_coerce

from fedstack.localcloud.core.objects import owner_tree
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import vm
from fedstack.localcloud.vm.view import Shown, actions_of

_JSON = frozenset(column.name for column in vm.c if isinstance(column.type, JSON))
_NAMES = tuple(column.name for column in vm.c)

ROWS = select(*(type_coerce(column, String).label(column.name) if column.name in _JSON else column for column in vm.c))
"""VMs as the store holds them: objects as JSON text."""

Raw = tuple[Any, ...]
T = TypeVar("T")


def documents(tx: Transaction, rows: Sequence[Row[Any]], write: Callable[[Shown], T]) -> Iterator[T]:
    """What `write`, a function of a module, makes of VMs that `ROWS` has found; may be taken after the transaction."""
    actions = actions_of(tx)
    owners = [tuple(owner_tree(tx, row).items()) for row in rows]
    hostname = tx.site.hostname
    return (
        _document(write, tuple(row), owner, hostname, json.dumps(actions.get(row.id, ())))
        for row, owner in zip(rows, owners, strict=True)
    )


@lru_cache(maxsize=4096)
def _document(
    write: Callable[[Shown], Any], raw: Raw, owner: tuple[tuple[str, str], ...], hostname: str, actions: str
) -> Any:
    row = {name: json.loads(value) if name in _JSON else value for name, value in zip(_NAMES, raw, strict=True)}
    return write(Shown(SimpleNamespace(**row), dict(owner), hostname, json.loads(actions)))
