"""Bootstrap resampling shared by the measures.

- `item_multiplicities`, `juror_multiplicities`: how often each unit is drawn in each replicate.
- `bootstrap_means`, `bootstrap_statistic`: a statistic with its replicates over items.
- `Interval`: a range that says its level and what was resampled.

Draws come from an explicit Generator and do not depend on how data is cut into blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

BLOCK = 256
"""Items drawn for at a time: a block of 1,000 replicates then fits the processor's cache."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Interval:
    """A confidence interval; arrays where the estimate is an array.

    Attributes:
        low: lower end.
        high: upper end.
        level: nominal coverage, such as 0.95.
        resampled: what was drawn with replacement, such as `items and jurors`.
        undefined: replicates in which the statistic was undefined; they are left out.
    """

    low: FloatArray
    high: FloatArray
    level: float
    resampled: str
    undefined: IntArray

    def __contains__(self, value: float) -> bool:
        return bool(np.all((self.low <= value) & (value <= self.high)))


def percentile_interval(replicates: ArrayLike, level: float = 0.95, *, resampled: str) -> Interval:
    """Percentile interval over the last axis of bootstrap replicates.

    Args:
        replicates: shape [..., B]; NaN marks a replicate in which the statistic is undefined.
        level: nominal coverage in (0, 1).
        resampled: what the replicates resample.

    Returns:
        Ends of shape [...]; NaN only where every replicate is undefined, which `undefined` counts.

    Raises:
        ValueError: a level outside (0, 1), or no replicates.
    """
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; it must lie strictly between 0 and 1")
    values = np.asarray(replicates, dtype=np.float64)
    if values.ndim == 0 or values.shape[-1] == 0:
        raise ValueError("there are no replicates")
    undefined = np.isnan(values).sum(axis=-1)
    tail = (1 - level) / 2
    ends = _nan_quantiles(values, undefined, (tail, 1 - tail))
    return Interval(
        low=ends[0], high=ends[1], level=level, resampled=resampled, undefined=np.asarray(undefined)
    )


def _nan_quantiles(
    values: FloatArray, undefined: IntArray, levels: tuple[float, float]
) -> FloatArray:
    if not undefined.any():
        return np.quantile(values, levels, axis=-1)
    rows = values.reshape(-1, values.shape[-1])
    ends = np.full((2, len(rows)), np.nan)
    for at, row in enumerate(rows):
        kept = row[~np.isnan(row)]
        if kept.size:
            ends[:, at] = np.quantile(kept, levels)
    return ends.reshape(2, *values.shape[:-1])


def juror_multiplicities(jurors: int, resamples: int, rng: np.random.Generator) -> FloatArray:
    """How often each juror is drawn, shape [jurors, resamples]; columns sum to `jurors`."""
    return np.concatenate(list(item_multiplicities(jurors, resamples, rng)))


def item_multiplicities(
    items: int, resamples: int, rng: np.random.Generator
) -> Iterator[FloatArray]:
    """How often each item is drawn, in blocks of `BLOCK` items, each [block, resamples].

    Over all blocks every column sums to `items`: the draws are one multinomial per replicate, made
    block by block so that memory does not grow with the number of items.
    """
    if items < 1 or resamples < 1:
        raise ValueError(f"{items} items and {resamples} resamples; both must be at least 1")
    starts = range(0, items, BLOCK)
    sizes = np.array([min(BLOCK, items - start) for start in starts])
    per_block = rng.multinomial(items, sizes / items, size=resamples)
    replicate = np.arange(resamples, dtype=np.int32)
    for size, counts in zip(sizes.tolist(), per_block.T, strict=True):
        drawn = rng.integers(0, size, size=int(counts.sum()), dtype=np.int32)
        cell = drawn * np.int32(resamples) + np.repeat(replicate, counts)
        flat = np.bincount(cell, minlength=size * resamples)
        yield flat.reshape(size, resamples).astype(np.float64)


def row_multiplicities(
    weight: IntArray, resamples: int, rng: np.random.Generator
) -> Iterator[FloatArray]:
    """`item_multiplicities` for items of which `weight[r]` share row r, [block of rows, resamples].

    Drawing rows by one multinomial equals drawing their items one by one.
    """
    if np.all(weight == 1):
        yield from item_multiplicities(len(weight), resamples, rng)
        return
    starts = range(0, len(weight), BLOCK)
    masses = np.add.reduceat(weight, starts)
    per_block = rng.multinomial(int(masses.sum()), masses / masses.sum(), size=resamples)
    for start, mass, counts in zip(starts, masses, per_block.T, strict=True):
        shares = weight[start : start + BLOCK] / mass
        yield np.ascontiguousarray(rng.multinomial(counts, shares).T, dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ItemBootstrap:
    """A statistic with its bootstrap replicates over items.

    Attributes:
        estimate: the statistic on all items, shape [...]; NaN where undefined.
        replicates: shape [..., B]; NaN where undefined.
        n_items: items resampled.
        missing: items without a value, per entry of `estimate` (0 where the statistic decides).
    """

    estimate: FloatArray
    replicates: FloatArray
    n_items: int
    missing: IntArray

    def interval(self, level: float = 0.95) -> Interval:
        """Percentile interval of each entry."""
        return percentile_interval(self.replicates, level, resampled="items")


def bootstrap_means(
    values: ArrayLike, *, resamples: int = 1000, rng: np.random.Generator
) -> ItemBootstrap:
    """Means over items with a bootstrap over items; columns share the draws, so they are paired.

    Args:
        values: shape [items] or [items, columns]; NaN marks an item without a value, which is
            left out of its column's mean and counted in `missing`.
        resamples: number of replicates B.
        rng: source of the draws.

    Returns:
        Estimates of shape [] or [columns].

    Raises:
        ValueError: no items, or infinite values.
    """
    table = np.asarray(values, dtype=np.float64)
    if table.ndim not in (1, 2) or np.isinf(table).any():
        raise ValueError(f"expected finite values [items] or [items, columns], not {table.shape}")
    columns = table.reshape(len(table), -1)
    there = ~np.isnan(columns)
    filled = np.where(there, columns, 0.0)
    sums = np.zeros((columns.shape[1], resamples + 1))
    counts = np.zeros_like(sums)
    start = 0
    for drawn in item_multiplicities(len(table), resamples, rng):
        part = slice(start, start + len(drawn))
        once = np.column_stack([np.ones(len(drawn)), drawn])
        sums += filled[part].T @ once
        counts += there[part].T.astype(np.float64) @ once
        start += len(drawn)
    means = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
    means = means.reshape(*table.shape[1:], resamples + 1)
    return ItemBootstrap(
        estimate=means[..., 0],
        replicates=means[..., 1:],
        n_items=len(table),
        missing=np.asarray((~there).sum(axis=0)).reshape(table.shape[1:]),
    )


def bootstrap_statistic(
    statistic: Callable[[IntArray], ArrayLike],
    items: int,
    *,
    resamples: int = 1000,
    rng: np.random.Generator,
) -> ItemBootstrap:
    """Any statistic with a bootstrap over items, one call per replicate.

    Args:
        statistic: from item indices (with repeats, length `items`) to a number or an array of
            fixed shape; NaN where it is undefined.
        items: number of items.
        resamples: number of replicates B.
        rng: source of the draws.
    """
    estimate = np.asarray(statistic(np.arange(items)), dtype=np.float64)
    replicates = np.empty((*estimate.shape, resamples))
    for at in range(resamples):
        replicates[..., at] = statistic(rng.integers(0, items, size=items))
    return ItemBootstrap(
        estimate=estimate,
        replicates=replicates,
        n_items=items,
        missing=np.zeros(estimate.shape, dtype=np.int64),
    )
