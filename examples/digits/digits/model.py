"""Multinomial logistic regression, trained by mini-batch gradient descent."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digits.data import Examples

PIXELS = 64
CLASSES = 10
BATCH = 32

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Weights:
    """Coefficients of shape (64, 10) and intercepts of shape (10,)."""

    coefficients: Matrix
    intercepts: Matrix

    @classmethod
    def zeros(cls) -> "Weights":
        """Return the model that every run starts from."""
        return cls(np.zeros((PIXELS, CLASSES)), np.zeros(CLASSES))


def train(start: Weights, examples: Examples, *, rate: float, epochs: int, mu: float, seed: int) -> Weights:
    """Return the weights after ``epochs`` passes over the examples in an order drawn by ``seed``.

    ``mu`` is FedProx's pull towards ``start``: the loss gains (mu / 2) times the squared distance to it.
    """
    pixels, labels = examples
    targets = np.eye(CLASSES)[labels]
    order = np.random.default_rng(seed)
    coefficients, intercepts = start.coefficients.copy(), start.intercepts.copy()
    for _ in range(epochs):
        for batch in _batches(order.permutation(len(labels))):
            error = (_softmax(pixels[batch] @ coefficients + intercepts) - targets[batch]) / len(batch)
            coefficients -= rate * (pixels[batch].T @ error + mu * (coefficients - start.coefficients))
            intercepts -= rate * (error.sum(axis=0) + mu * (intercepts - start.intercepts))
    return Weights(coefficients, intercepts)


def evaluate(weights: Weights, examples: Examples) -> tuple[float, float]:
    """Return accuracy (0..1) and mean cross-entropy loss on the examples."""
    pixels, labels = examples
    probabilities = _softmax(pixels @ weights.coefficients + weights.intercepts)
    correct = probabilities[np.arange(len(labels)), labels]
    accuracy = np.mean(probabilities.argmax(axis=1) == labels)
    return float(accuracy), float(-np.log(np.maximum(correct, 1e-12)).mean())


def _softmax(scores: Matrix) -> Matrix:
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


def _batches(order: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return [order[first : first + BATCH] for first in range(0, len(order), BATCH)]
