"""The rounds of a run, read from its log lines. Pure: text in, rounds out.

An app says what it measured in one line a round, wherever its log format puts it:
``fedstack.metrics {"round": 1, "accuracy": 0.95, "loss": 0.2, "clients": 2}``. For an app that says nothing, what
Flower's own strategies log is read: ``[ROUND 1/3]`` and the records below it.
"""

import ast
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MARK = "fedstack.metrics "
ANSI = re.compile(r"\x1b\[[0-9;]*m")
ROUND = re.compile(r"\[ROUND (\d+)(?:/\d+)?\]")
RECORD = re.compile(r"(Aggregated )?MetricRecord: (\{.*\})")
LEGACY = re.compile(r"fit progress: \((\d+), ([^,]+), (\{.*\}), [^)]*\)")
RESULTS = re.compile(r"aggregate_(?:train|fit): [Rr]eceived (\d+) results and (\d+) failures")


@dataclass(frozen=True)
class Round:
    """One round: number from 1, accuracy 0..1, mean loss, clients that trained, and whatever else was measured."""

    number: int
    accuracy: float | None = None
    loss: float | None = None
    clients: int | None = None
    other: Mapping[str, float] = field(default_factory=dict)


def metrics_line(line: str) -> Round | None:
    """Return the round that a ``fedstack.metrics`` line tells, or None for any other or malformed line."""
    _, mark, text = line.partition(MARK)
    if not mark:
        return None
    try:
        figures, _ = json.JSONDecoder().raw_decode(text.strip())
    except ValueError:
        return None
    if not isinstance(figures, dict) or type(figures.get("round")) is not int or figures["round"] < 1:
        return None
    return _round(figures.pop("round"), figures)


def plain(line: str) -> str:
    """Return a log line without the colours that Flower gives it."""
    return ANSI.sub("", line)


class RoundReader:
    """Feeds on plain log lines, one at a time, and gives each round once, as soon as it is known."""

    def __init__(self) -> None:
        self._told = False
        self._number = 0
        self._figures: dict[str, Any] = {}
        self._clients: int | None = None

    def feed(self, line: str) -> Round | None:
        """Return the round that this line completes, if any."""
        told = metrics_line(line)
        if told is not None:
            self._told = True
            return (
                told if told.clients is not None else _round(told.number, {**_figures(told), "clients": self._clients})
            )
        return self._flower(line)

    def finish(self) -> Round | None:
        """Return the round that the end of the log completes, if any (only for apps without metrics lines)."""
        number, figures = self._number, {"clients": self._clients, **self._figures}
        self._number, self._figures, self._clients = 0, {}, None
        return _round(number, figures) if number and not self._told else None

    def _flower(self, line: str) -> Round | None:
        if started := ROUND.search(line):
            finished = self.finish()
            self._number = int(started[1])
            return finished
        if results := RESULTS.search(line):
            self._clients = int(results[1])
        elif record := RECORD.search(line):
            self._figures |= _literal(record[2])
        elif legacy := LEGACY.search(line):
            self._figures |= _literal(f"{{'loss': {legacy[2]}}}") | _literal(legacy[3])
        return None


def _literal(text: str) -> dict[str, Any]:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return {}
    return value if isinstance(value, dict) else {}


def _figures(told: Round) -> dict[str, Any]:
    return {"accuracy": told.accuracy, "loss": told.loss, **told.other}


def _round(number: int, figures: Mapping[str, Any]) -> Round:
    """Sort figures by name: the first that speaks of accuracy, the first that speaks of loss, clients, the rest."""
    numbers = {key: float(value) for key, value in figures.items() if type(value) in (int, float)}
    clients = numbers.pop("clients", None)
    accuracy, loss = _named(numbers, "accuracy", "acc"), _named(numbers, "loss", "loss")
    return Round(
        number=number,
        accuracy=numbers.pop(accuracy, None),
        loss=numbers.pop(loss, None),
        clients=None if clients is None else int(clients),
        other=numbers,
    )


def _named(numbers: Mapping[str, float], name: str, part: str) -> str:
    """Return the key that is called ``name``, else the last one whose name holds ``part``, else ``name``."""
    return name if name in numbers else next((key for key in reversed([*numbers]) if part in key.lower()), name)
