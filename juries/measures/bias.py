"""Biases of single judges, estimated from their ratings.

- `length_bias`: whether longer responses to the same item are rated higher.
- `repeatability`: whether a juror, asked again, answers the same.
- Effects of order are in `juries.measures.order_effects`, what personas add in
  `juries.measures.diversity`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from juries.measures.estimates import Estimate
from juries.measures.item_estimates import item_sums, ratio_estimate
from juries.measures.resampling import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthBias:
    """Ratings against length of responses to the same item.

    Attributes:
        correlation: of rating and log length, both less their item's mean.
        slope: rating gained per doubling of length.
        n_items: items with at least two rated responses.
    """

    correlation: Estimate
    slope: Estimate
    n_items: int

    @property
    def reading(self) -> str:
        """What was found, in words."""
        r = self.correlation
        if r.value is None or r.low is None or r.high is None or self.slope.value is None:
            return f"Length bias is undefined: {r.reason}."
        clear = "" if r.low > 0 or r.high < 0 else ", which chance could explain"
        return (
            f"Within items, rating and length correlate by {r.value:+.2f} ({self.slope.value:+.3f} "
            f"per doubling){clear}. Longer may also be better: this is no proof of bias."
        )


def length_bias(
    ratings: ArrayLike, lengths: ArrayLike, *, rng: np.random.Generator, resamples: int = 1000
) -> LengthBias:
    """Pooled within-item correlation of rating with log2(1 + length), over responses.

    Undefined, with a reason: no item with two rated responses, or no variation within items.

    Args:
        ratings: [models, items], mean rating or utility of each response, NaN missing.
        lengths: [models, items], words or characters, not negative; NaN missing.
        rng: source of the draws over items.
        resamples: number of replicates.

    Raises:
        ValueError: different shapes, infinite ratings, negative lengths.
    """
    y, raw = np.asarray(ratings, dtype=np.float64), np.asarray(lengths, dtype=np.float64)
    if y.ndim != 2 or y.shape != raw.shape or np.isinf(y).any() or np.any(raw < 0):
        raise ValueError("expected finite ratings and lengths ≥ 0, both [models, items]")
    there = ~np.isnan(y + raw)
    size = np.maximum(there.sum(axis=0), 1)
    x, y = (np.where(there, each, 0.0) for each in (np.log2(1 + np.nan_to_num(raw)), y))
    x, y = (np.where(there, each - each.sum(axis=0) / size, 0.0) for each in (x, y))
    sums = item_sums(np.stack([(x * y).sum(0), (x**2).sum(0), (y**2).sum(0)], 1), resamples, rng)
    n_items = int((there.sum(axis=0) > 1).sum())
    reason = "no item has two rated responses" if not n_items else "nothing varies within items"
    sums[1:][sums[1:] < 1e-20] = 0.0
    return LengthBias(
        correlation=ratio_estimate(sums[0], np.sqrt(sums[1] * sums[2]), n=n_items, reason=reason),
        slope=ratio_estimate(sums[0], sums[1], n=n_items, reason=reason),
        n_items=n_items,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeatability:
    """How alike a juror's answers to the same question are.

    Attributes:
        agreement: share of pairs of repeats with the same rating.
        difference: mean absolute difference of two repeats.
        n_cells: questions (juror and item) asked at least twice.
    """

    agreement: Estimate
    difference: Estimate
    n_cells: int

    @property
    def reading(self) -> str:
        """What was found, in words."""
        if self.agreement.value is None or self.difference.value is None:
            return f"Repeatability is undefined: {self.agreement.reason}."
        return (
            f"Asked again, a juror gives the same rating {self.agreement.value:.0%} of the time; "
            f"two answers differ by {self.difference.value:.2f} on average."
        )


def repeatability(
    ratings: ArrayLike, *, rng: np.random.Generator, resamples: int = 1000
) -> Repeatability:
    """Agreement between repeats of the same question to the same juror.

    Undefined, with a reason: no question has two valid answers.

    Args:
        ratings: [jurors, items, replicates], NaN missing.
        rng: source of the draws over items.
        resamples: number of replicates of the bootstrap.

    Raises:
        ValueError: wrong shape or infinite ratings.
    """
    table = np.asarray(ratings, dtype=np.float64)
    if table.ndim != 3 or np.isinf(table).any():
        raise ValueError(f"expected finite ratings [jurors, items, replicates], not {table.shape}")
    sums = np.zeros((table.shape[1], 3))
    for gap in _gaps(table):
        there = ~np.isnan(gap)
        sums[:, 0] += (gap == 0).sum(axis=0)
        sums[:, 1] += np.where(there, gap, 0.0).sum(axis=0)
        sums[:, 2] += there.sum(axis=0)
    same, apart, pairs = item_sums(sums, resamples, rng)
    n_items = int((sums[:, 2] > 0).sum())
    reason = "no question was asked twice of the same juror"
    return Repeatability(
        agreement=ratio_estimate(same, pairs, n=n_items, reason=reason),
        difference=ratio_estimate(apart, pairs, n=n_items, reason=reason),
        n_cells=int(((~np.isnan(table)).sum(axis=2) > 1).sum()),
    )


def _gaps(table: FloatArray) -> Iterator[FloatArray]:
    for first, second in combinations(range(table.shape[2]), 2):
        yield np.abs(table[:, :, first] - table[:, :, second])
