"""Weights to Flower's records and back."""

from flwr.app import ArrayRecord

from digits.model import Weights


def to_record(weights: Weights) -> ArrayRecord:
    """Return the two arrays in the order coefficients, intercepts."""
    return ArrayRecord([weights.coefficients, weights.intercepts])


def from_record(record: ArrayRecord) -> Weights:
    """Return the weights of a record that :func:`to_record` made."""
    coefficients, intercepts = record.to_numpy_ndarrays()
    return Weights(coefficients, intercepts)
