"""Bootstrap over clusters of units: the responses to one item are drawn together."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from graphs.items import FloatArray
from juries.calibration.answers import IntArray
from juries.calibration.interval import Figure, percentile_interval

_BLOCK = 50  # resamples at a time
Statistic = Callable[[FloatArray], FloatArray]


def bootstrap_sums(
    columns: FloatArray,
    cluster: IntArray,
    *,
    resamples: int,
    rng: np.random.Generator,
) -> FloatArray:
    """Sums of columns over clusters drawn with replacement, [resamples, columns].

    Args:
        columns: [U, columns], without NaN.
        cluster: of each unit, [U], any whole numbers.
        resamples: how many.
        rng: of the draws.
    """
    codes = np.unique(cluster, return_inverse=True)[1].ravel()
    clusters = int(codes.max()) + 1
    sums = np.stack([np.bincount(codes, weights=c, minlength=clusters) for c in columns.T], axis=1)
    drawn: list[FloatArray] = []
    for start in range(0, resamples, _BLOCK):
        size = min(_BLOCK, resamples - start)
        picked = rng.integers(clusters, size=(size, clusters), dtype=np.int32)
        picked += np.arange(size, dtype=np.int32)[:, None] * clusters
        times = np.bincount(picked.ravel(), minlength=size * clusters).reshape(size, clusters)
        drawn.append(times.astype(np.float64) @ sums)
    return np.concatenate(drawn)


def cluster_figures(
    columns: FloatArray,
    cluster: IntArray,
    statistics: Mapping[str, Statistic],
    *,
    resamples: int,
    level: float,
    rng: np.random.Generator,
    unit: str = "items",
) -> dict[str, Figure]:
    """Statistics of column sums with percentile intervals.

    Args:
        columns: [U, columns]; units with NaN are left out.
        cluster: of each unit, [U].
        statistics: name to a function of sums [..., columns], NaN where undefined.
        resamples: bootstrap resamples.
        level: of the intervals.
        rng: of the draws.
        unit: what is resampled, in words.
    """
    known = np.isfinite(columns).all(axis=1)
    if known.sum() < 2:
        reason = f"only {known.sum()} units have answers on both sides"
        return {name: Figure(value=None, reason=reason) for name in statistics}
    used = columns[known]
    drawn = bootstrap_sums(used, cluster[known], resamples=resamples, rng=rng)
    total = used.sum(axis=0)
    figures: dict[str, Figure] = {}
    for name, statistic in statistics.items():
        with np.errstate(divide="ignore", invalid="ignore"):
            value, replicates = float(statistic(total)), statistic(drawn)
        basis = f"{unit}, {resamples:,} bootstrap resamples"
        interval = percentile_interval(replicates, level=level, basis=basis)
        undefined = not np.isfinite(value)
        figures[name] = Figure(
            value=None if undefined else value,
            interval=None if undefined else interval,
            reason="the values are constant" if undefined else "",
        )
    return figures


def correlation_of_sums(sums: FloatArray) -> FloatArray:
    """Pearson's correlation from sums of (1, x, y, xx, yy, xy) on the last axis."""
    n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    spread = (n * xx - x * x) * (n * yy - y * y)
    small = 1e-12 * np.maximum(n * xx * n * yy, 1e-300)
    return np.where(spread > small, (n * xy - x * y) / np.sqrt(np.maximum(spread, small)), np.nan)


def moments(x: FloatArray, y: FloatArray) -> FloatArray:
    """The columns that `correlation_of_sums` sums; centred, so that nothing cancels."""
    x, y = x - np.nanmean(x), y - np.nanmean(y)
    return np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=1)
