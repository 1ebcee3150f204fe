"""What is known of a run at its end, and the words for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from pathlib import Path

from fedstack.training.rounds import Round
from fedstack.training.toml import Value

COMPLETED = "finished:completed"
STOPPED = "finished:stopped"
LOST = "lost"
"""Our own status of a run whose end nobody could see; the others are Flower's."""


@dataclass(frozen=True)
class Result:
    """A run that ended: ``started`` in UTC, ``duration`` in seconds, ``error`` None exactly when ``exit_code`` is 0."""

    run_id: str
    app: str
    status: str
    rounds: Sequence[Round]
    run_config: Mapping[str, Value]
    supernodes: int | None
    started: datetime
    duration: float
    directory: Path
    exit_code: int
    error: str | None = None
    notes: Sequence[str] = ()


def final_line(result: Result) -> str:
    """Return the line that tools read: ``accuracy=0.958 rounds=3 supernodes=2`` (a value not known is ``none``)."""
    accuracy = next((one.accuracy for one in reversed(result.rounds) if one.accuracy is not None), None)
    nodes = "none" if result.supernodes is None else result.supernodes
    return f"accuracy={figure(accuracy)} rounds={len(result.rounds)} supernodes={nodes}"


def round_line(one: Round) -> str:
    """Return the line a person reads: ``round 1  accuracy 0.942  loss 0.332  clients 2``."""
    clients = "" if one.clients is None else f"  clients {one.clients}"
    return f"round {one.number}  accuracy {figure(one.accuracy)}  loss {figure(one.loss)}{clients}"


def figure(value: float | None) -> str:
    """Return three decimals; the rest is cut off, so that 0.8996 never reads as 0.900."""
    return "none" if value is None else str(Decimal(str(value)).quantize(Decimal("0.001"), ROUND_DOWN))
