"""What a surrogate must beat, and how its probabilities are judged."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from juries.surrogate.table import RatingTable

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_UNIFORM = 0.01


class AdditiveBaseline:
    """The response's mean plus the juror's mean, as a distribution over points.

    Deviations from the overall mean are shrunk by n / (n + ratio), the ratio of residual to
    between variance (best linear prediction), in three rounds of backfitting. The distribution is
    a normal of the residual's standard deviation cut at the points' midpoints, with one per cent
    of a uniform one.
    """

    def __init__(self, table: RatingTable) -> None:
        self._points = table.points
        rating = table.rating.astype(np.float64)
        self._mean = float(rating.mean())
        self._response = np.zeros(len(table.responses))
        self._juror = np.zeros(len(table.jurors))
        left = rating - self._mean
        for _ in range(3):
            self._response = _shrunk(
                left - self._juror[table.juror], table.response, len(table.responses)
            )
            self._juror = _shrunk(
                left - self._response[table.response], table.juror, len(table.jurors)
            )
        rest = left - self._response[table.response] - self._juror[table.juror]
        self._spread = max(float(rest.std()), 1e-3)

    def predict(self, response: IntArray, juror: IntArray) -> FloatArray:
        """P(Y = k), [N, K]."""
        from scipy.stats import norm

        middle = self._mean + self._response[response] + self._juror[juror]
        cuts = np.arange(self._points - 1) + 0.5
        below = norm.cdf((cuts - middle[:, None]) / self._spread)
        edges = np.column_stack([np.zeros(len(middle)), below, np.ones(len(middle))])
        return (1 - _UNIFORM) * np.diff(edges, axis=1) + _UNIFORM / self._points


def _shrunk(left: FloatArray, group: IntArray, groups: int) -> FloatArray:
    """Means by group, shrunk by the ratio of within to between variance."""
    count = np.bincount(group, minlength=groups)
    total = np.bincount(group, left, minlength=groups)
    mean = np.divide(total, count, out=np.zeros(groups), where=count > 0)
    within = float(((left - mean[group]) ** 2).sum() / max(len(left) - (count > 0).sum(), 1))
    seen = count > 0
    noise = float((within / count[seen]).mean()) if seen.any() else 0.0
    between = max(float(mean[seen].var()) - noise, 1e-6)
    return mean * count / (count + within / between)


def log_loss(probabilities: FloatArray, rating: IntArray) -> float:
    """Mean negative log probability of what was said, nats."""
    said = probabilities[np.arange(len(rating)), rating]
    return float(-np.log(np.maximum(said, 1e-12)).mean())


def calibration_error(probabilities: FloatArray, rating: IntArray, bins: int = 15) -> float:
    """Expected calibration error of P(Y >= k), pooled over k = 2 … K, in bins of equal numbers.

    The mean over bins of |mean probability - share of events| (Naeini et al. 2015).
    """
    above = 1.0 - np.cumsum(probabilities, axis=1)[:, :-1]
    steps = np.arange(above.shape[1], dtype=np.int64)
    happened = np.greater.outer(rating, steps)
    order = np.argsort(above, axis=None, kind="stable")
    said, came = above.ravel()[order], happened.ravel()[order].astype(np.float64)
    parts = np.array_split(np.arange(said.size), min(bins, said.size))
    gaps = [abs(float((said[part] - came[part]).sum())) for part in parts]
    return sum(gaps) / said.size
