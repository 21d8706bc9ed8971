"""A figure with its interval: what the measures of pluralism report.

- `Estimate`: value, interval, and how many units were resampled; undefined is said, never NaN.
- `mean_estimates(values, …)`: means over units (questions, items) that share their resamples, so
  that differences between columns are paired.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from juries.measures.resampling import Interval, bootstrap_means, percentile_interval
from personas.identity import generator

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One figure.

    Attributes:
        value: the estimate, or None where it is undefined.
        low: lower end of the interval, or None where there is none.
        high: upper end, or None.
        level: the interval's coverage.
        resampled: what was drawn again, such as `questions` or `items`.
        n: how many of those units the figure rests on.
        undefined: resamples in which the figure was undefined; the interval leaves them out.
        reason: why the value or its interval is undefined, else empty.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    level: float = 0.95
    resampled: str = "items"
    n: int = 0
    undefined: int = 0
    reason: str = ""

    def __str__(self) -> str:
        if self.value is None:
            return f"undefined ({self.reason})"
        if self.low is None or self.high is None:
            return f"{self.value:.3f} (no interval: {self.reason})"
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def undefined(reason: str, *, resampled: str = "items", n: int = 0) -> Estimate:
    """An estimate that does not exist, and why."""
    return Estimate(value=None, resampled=resampled, n=n, reason=reason)


def with_interval(
    value: float, interval: Interval, *, n: int, place: int | None = None
) -> Estimate:
    """Join a value with entry `place` of an interval (or the whole of a scalar one).

    With a single unit every resample is the same: the interval is then left out, and why is said.
    """
    if not np.isfinite(value):
        return undefined("no valid value", resampled=interval.resampled, n=n)
    if n < 2:
        reason = f"one unit ({interval.resampled}): nothing to resample"
        return Estimate(value=value, resampled=interval.resampled, n=n, reason=reason)
    at = () if place is None else place
    return Estimate(
        value=value,
        low=float(interval.low[at]),
        high=float(interval.high[at]),
        level=interval.level,
        resampled=interval.resampled,
        n=n,
        undefined=int(interval.undefined[at]),
    )


def mean_estimates(
    values: FloatArray,
    *,
    resampled: str,
    resamples: int = 1000,
    level: float = 0.95,
    rng: np.random.Generator | None = None,
) -> Sequence[Estimate]:
    """Mean of every column over its defined rows, with percentile intervals.

    Args:
        values: [units, columns]; NaN where a unit has no value in a column.
        resampled: what a row is, for the label.
        resamples: number of bootstrap resamples of the rows.
        level: coverage of the intervals.
        rng: source of the resamples; a fixed stream when None.

    Returns:
        One estimate per column. All columns see the same resamples, so an interval for a
        difference is that of the column of differences.
    """
    counts = np.isfinite(values).sum(axis=0)
    if values.shape[0] == 0 or not counts.any():
        return [undefined("no valid value", resampled=resampled) for _ in range(values.shape[1])]
    rng = generator(0, "estimates", resampled) if rng is None else rng
    boot = bootstrap_means(values, resamples=resamples, rng=rng)
    said = percentile_interval(boot.replicates, level, resampled=resampled)
    return [
        with_interval(float(mean), said, n=int(n), place=place)
        if n
        else undefined("no valid value", resampled=resampled)
        for place, (mean, n) in enumerate(zip(boot.estimate, counts, strict=True))
    ]
