"""scikit-learn's bundled digits: 1797 grey images of 8 x 8 pixels, a held-out part of them and the nodes' shards."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Examples = tuple[NDArray[np.float64], NDArray[np.int64]]
"""Pixels scaled to 0..2, shape (n, 64), and labels 0..9, shape (n,)."""

SEED = 20260401
HELD_OUT = 360
PIXEL_SCALE = 8.0


def held_out() -> Examples:
    """Return the 360 examples that no node ever trains on; the server evaluates on them."""
    pixels, labels = _shuffled()
    return pixels[:HELD_OUT], labels[:HELD_OUT]


def shard(partition: int, partitions: int) -> Examples:
    """Return one node's part of the 1437 training examples.

    A number beyond the last partition wraps round, so that a node which joined later still has data.

    Raises:
        ValueError: ``partitions`` is not positive or ``partition`` is negative.
    """
    if partitions < 1 or partition < 0:
        raise ValueError(f"partition-id={partition} num-partitions={partitions}: expected 0 <= id, 1 <= number")
    pixels, labels = _shuffled()
    chosen = slice(HELD_OUT + partition % partitions, None, partitions)
    return pixels[chosen], labels[chosen]


def sample(seed: int) -> Examples:
    """Return half of the training examples, drawn by ``seed``: what a node without a partition number trains on."""
    pixels, labels = _shuffled()
    available = np.arange(HELD_OUT, len(labels))
    chosen = np.random.default_rng(seed).choice(available, size=len(available) // 2, replace=False)
    return pixels[chosen], labels[chosen]


def _shuffled() -> Examples:
    table = np.loadtxt(_file(), delimiter=",")
    order = np.random.default_rng(SEED).permutation(len(table))
    return table[order, :-1] / PIXEL_SCALE, table[order, -1].astype(np.int64)


def _file() -> Path:
    """Find the file without importing scikit-learn, which takes seconds: each message starts a process."""
    package = find_spec("sklearn")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("scikit-learn is not installed in this environment; it carries the digits data")
    return Path(package.submodule_search_locations[0], "datasets", "data", "digits.csv.gz")
