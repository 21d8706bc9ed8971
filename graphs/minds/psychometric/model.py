"""The response models: from the standing of a response to the distribution of its rating.

Pure functions on arrays; the last axis is the scale's points.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def even_thresholds(points: int, span: float) -> FloatArray:
    """Thresholds between `points` points, evenly from -span to span; one threshold is 0.

    Returns:
        Shape [points - 1], strictly rising.
    """
    return np.zeros(1) if points == 2 else np.linspace(-span, span, points - 1)


def graded(standing: FloatArray, discrimination: FloatArray, thresholds: FloatArray) -> FloatArray:
    """Graded-response model (Samejima 1969): P(Y = k), k = 1..K, lowest point first.

    P(Y >= k) = logistic(discrimination * (standing - threshold_k)); P(Y = k) is the difference of
    two neighbours.

    Args:
        standing: on the logit scale, any shape [...].
        discrimination: positive, broadcasts against `standing`.
        thresholds: strictly rising, shape [K - 1].

    Returns:
        Shape [..., K]; each distribution sums to 1.
    """
    logits = (standing[..., None] - thresholds) * np.asarray(discrimination)[..., None]
    bounds = np.empty((*standing.shape, len(thresholds) + 2))
    bounds[..., 0] = 1.0
    bounds[..., -1] = 0.0
    # The logistic function by way of tanh, which cannot overflow.
    np.multiply(np.tanh(logits * 0.5) + 1.0, 0.5, out=bounds[..., 1:-1])
    return bounds[..., :-1] - bounds[..., 1:]


def nominal(utilities: FloatArray) -> FloatArray:
    """Nominal response model (Bock 1972): P(Y = k) proportional to exp(utility_k).

    Args:
        utilities: logits, shape [..., K].

    Returns:
        Shape [..., K]; each distribution sums to 1.
    """
    weights = np.exp(utilities - utilities.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def compared(lead: FloatArray, tie_weight: float | None) -> FloatArray:
    """Davidson's (1970) model of comparisons with ties: P(first), P(second), P(tie).

    They are proportional to exp(lead / 2), exp(-lead / 2) and nu; without ties, P(first) is
    logistic(lead), the model of Bradley and Terry (1952).

    Args:
        lead: by how many logits the response shown first is ahead, any shape [...].
        tie_weight: nu, 0 or more; None where no ties are allowed.

    Returns:
        Shape [..., 3], or [..., 2] without ties; each distribution sums to 1.
    """
    sides = [lead / 2, -lead / 2]
    if tie_weight is not None:
        with np.errstate(divide="ignore"):  # log 0 is -inf: a weight of 0 makes no tie
            sides.append(np.full_like(lead, np.log(tie_weight)))
    return nominal(np.stack(sides, axis=-1))


def draw(probabilities: FloatArray, uniforms: FloatArray) -> IntArray:
    """One point 1..K from each distribution by inversion of its cumulative sum.

    Args:
        probabilities: shape [..., K].
        uniforms: in [0, 1), shape [...].

    Returns:
        Shape [...]; a larger uniform gives the same or a higher point.
    """
    passed = np.cumsum(probabilities[..., :-1], axis=-1) <= uniforms[..., None]
    return 1 + passed.sum(axis=-1)


def expected_point(probabilities: FloatArray) -> FloatArray:
    """Mean point, sum over k of k * P(Y = k), in 1..K; shape [...]."""
    points = np.arange(1.0, probabilities.shape[-1] + 1.0)
    # Not a matrix product: its rounding depends on how many rows there are.
    return (probabilities * points).sum(axis=-1)
