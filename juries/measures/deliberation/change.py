"""Before and after: who flipped, and how far the mean and the welfare shifted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from juries.measures.estimates import Estimate, mean_estimates

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Points = NDArray[np.integer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A figure before and after talk, and their paired difference.

    Attributes:
        name: of the figure.
        before: its mean over items at the first ballot.
        after: at the final ballot.
        change: after minus before, paired by item.
        undefined: questions in which the figure is undefined at either end; they are left out.
    """

    name: str
    before: Estimate
    after: Estimate
    change: Estimate
    undefined: int


def paired_change(
    name: str,
    before: FloatArray,
    after: FloatArray,
    *,
    items: IntArray,
    resamples: int = 1000,
    level: float = 0.95,
    rng: np.random.Generator,
) -> Change:
    """Compare a figure per question before and after.

    Args:
        name: of the figure.
        before: shape [questions]; NaN where undefined.
        after: likewise.
        items: which item each question belongs to, shape [questions]; items are resampled.
        resamples: of the bootstrap.
        level: of the intervals.
        rng: source of the resamples.
    """
    both = np.isfinite(before) & np.isfinite(after)
    columns = np.where(both[:, None], np.stack([before, after, after - before], axis=1), np.nan)
    first, last, change = mean_estimates(
        item_means(columns, items), resampled="items", resamples=resamples, level=level, rng=rng
    )
    return Change(name=name, before=first, after=last, change=change, undefined=int((~both).sum()))


def item_means(values: FloatArray, items: IntArray) -> FloatArray:
    """Means over each item's defined questions, shape [items, columns]; NaN where none is."""
    _, item = np.unique(items, return_inverse=True)
    count = np.zeros((int(item.max()) + 1, values.shape[1]))
    total = np.zeros_like(count)
    there = np.isfinite(values)
    np.add.at(total, item, np.where(there, values, 0.0))
    np.add.at(count, item, there)
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def welfare_changes(
    before: FloatArray,
    after: FloatArray,
    *,
    functions: Mapping[str, Callable[[FloatArray, FloatArray], FloatArray]],
    weights: FloatArray,
    items: IntArray,
    resamples: int = 1000,
    level: float = 0.95,
    rng: np.random.Generator,
) -> tuple[Change, ...]:
    """Shift of the mean and of other welfare functions, over the jurors valid at both ballots.

    Args:
        before: utilities in 0..1 at the first ballot, shape [questions, jurors]; NaN is missing.
        after: at the final ballot.
        functions: by name, from (utilities, weights) to one number per question, as in
            `juries.measures.welfare_functions`.
        weights: of the jurors, shape [jurors].
        items: which item each question belongs to.
        resamples: of the bootstrap over items.
        level: of the intervals.
        rng: source of the resamples.
    """
    both = np.isfinite(before) & np.isfinite(after)
    first, last = np.where(both, before, np.nan), np.where(both, after, np.nan)
    return tuple(
        paired_change(
            name,
            function(first, weights),
            function(last, weights),
            items=items,
            resamples=resamples,
            level=level,
            rng=rng,
        )
        for name, function in functions.items()
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Flips:
    """Which point jurors left for which.

    Attributes:
        counts: shape [K + 1, K + 1], from row to column; the last of each is no valid answer.
        flipped: share of the answers valid at both ballots that changed point.
        up: share that went to a higher point.
        down: share that went to a lower one.
        paired: answers valid at both ballots.
    """

    counts: IntArray
    flipped: Estimate
    up: Estimate
    down: Estimate
    paired: int


def flip_matrix(
    before: Points,
    after: Points,
    *,
    scale: int,
    items: IntArray,
    resamples: int = 1000,
    level: float = 0.95,
    rng: np.random.Generator,
) -> Flips:
    """Cross-tabulate the ballots before and after.

    Args:
        before: points 1..scale, shape [questions, jurors]; anything below 1 is no valid answer.
        after: likewise.
        scale: number of points K.
        items: which item each question belongs to, shape [questions].
        resamples: of the bootstrap over items.
        level: of the intervals.
        rng: source of the resamples.
    """
    none = scale
    rows, columns = (np.where(ballot >= 1, ballot - 1, none) for ballot in (before, after))
    counts = np.bincount((rows * (scale + 1) + columns).ravel(), minlength=(scale + 1) ** 2)
    both = (before >= 1) & (after >= 1)
    changed = np.stack([before != after, after > before, after < before], axis=2)
    paired = both.sum(axis=1)
    shares = np.divide(
        (changed & both[:, :, None]).sum(axis=1),
        paired[:, None],
        out=np.full((len(paired), 3), np.nan),
        where=paired[:, None] > 0,
    )
    flipped, up, down = mean_estimates(
        item_means(shares, items), resampled="items", resamples=resamples, level=level, rng=rng
    )
    return Flips(
        counts=counts.reshape(scale + 1, scale + 1),
        flipped=flipped,
        up=up,
        down=down,
        paired=int(paired.sum()),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Paths:
    """Each juror round by round; R rounds, J jurors.

    Attributes:
        mean: mean position over the questions validly answered, shape [R, J]; NaN where none was.
        moved: mean distance from the round before, shape [R - 1, J]; NaN where none is known.
        answered: questions validly answered, shape [R, J].
        asked: questions put in each round.
    """

    mean: FloatArray
    moved: FloatArray
    answered: IntArray
    asked: int


def juror_paths(positions: FloatArray) -> Paths:
    """Where each juror stood on average, and how far they moved, round by round.

    Args:
        positions: shape [rounds, questions, jurors]; NaN is no valid answer.
    """
    return Paths(
        mean=mean_defined(positions, 1),
        moved=mean_defined(np.abs(np.diff(positions, axis=0)), 1),
        answered=np.isfinite(positions).sum(axis=1),
        asked=positions.shape[1],
    )


def mean_defined(values: FloatArray, axis: int) -> FloatArray:
    """Mean over the numbers of an axis; NaN where there are none."""
    there = np.isfinite(values)
    total: FloatArray = np.where(there, values, 0.0).sum(axis=axis)
    count: IntArray = there.sum(axis=axis)
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
