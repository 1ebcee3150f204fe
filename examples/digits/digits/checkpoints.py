"""The global model on the SuperLink's disk: saved every few rounds, and what the next run starts from.

A reader, and a run that starts after any crash, sees a whole checkpoint or the one before it.
"""

import json
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digits import places

Arrays = Sequence[NDArray[Any]]
LATEST = "checkpoint_latest"
LOG = logging.getLogger("flwr")


@dataclass(frozen=True)
class Checkpoints:
    """``checkpoint_round_<N>.npz`` every ``interval`` rounds and after the last of ``rounds``; none without folder."""

    folder: Path | None
    interval: int
    rounds: int

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "Checkpoints":
        """Read the run config."""
        folder = places.path(str(config["checkpoint-path"])) if config["checkpoint-enabled"] else None
        return cls(folder, int(config["checkpoint-interval"]), int(config["num-server-rounds"]))

    def save(self, server_round: int, arrays: Arrays) -> Path | None:
        """Save the model after a round in which one is due; return its file, None where none is."""
        due = server_round == self.rounds or server_round % self.interval == 0
        if self.folder is None or server_round == 0 or not due:
            return None
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"checkpoint_round_{server_round}.npz"
        with (new := self.folder / f".{file.name}").open("wb") as output:
            np.savez(output, **{str(number): array for number, array in enumerate(arrays)})
            output.flush()
            os.fsync(output.fileno())
        new.replace(file)
        self._point(self.folder, file, {"round": server_round, "num_arrays": len(arrays)})
        LOG.info("checkpoint of round %s: %s", server_round, file)
        return file

    @staticmethod
    def _point(folder: Path, file: Path, facts: Mapping[str, int]) -> None:
        """Make ``checkpoint_latest.npz`` a link to the file, and ``checkpoint_latest.json`` say what it is."""
        link, note = folder / f".{LATEST}.npz", folder / f".{LATEST}.json"
        link.unlink(missing_ok=True)
        link.symlink_to(file.name)
        link.replace(folder / f"{LATEST}.npz")
        note.write_text(json.dumps({**facts, "timestamp": datetime.now(UTC).isoformat(timespec="seconds")}) + "\n")
        note.replace(folder / f"{LATEST}.json")

    def latest(self, fresh: Arrays) -> Arrays:
        """Return the arrays of the last checkpoint, ``fresh`` when there is none.

        Raises:
            ValueError: the checkpoint is of a model with other shapes.
        """
        file = self.folder / f"{LATEST}.npz" if self.folder else None
        if file is None or not file.exists():
            return fresh
        with np.load(file) as saved:
            arrays = [saved[name] for name in sorted(saved.files, key=int)]
        found, expected = ([array.shape for array in each] for each in (arrays, fresh))
        if found != expected:
            raise ValueError(f"{file}: arrays of the shapes {found}, expected {expected}: another model's checkpoint")
        LOG.info("the run starts from the checkpoint %s", file.resolve())
        return arrays
