"""Means over items and jurors with a two-way cluster bootstrap: both are drawn again.

Items and jurors are crossed: every juror answers many items. Resampling only one of them would
take the other's differences for granted, so intervals would be too short (Owen 2007, Ann. Appl.
Stat. 1, the pigeonhole bootstrap).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from juries.measures.estimates import Estimate, undefined, with_interval
from juries.measures.resampling import (
    item_multiplicities,
    juror_multiplicities,
    percentile_interval,
)

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

RESAMPLED = "items and jurors"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TwoWay:
    """Sums per juror over items, on all items (row 0) and on each resample of them.

    All means taken from one object share their resamples, so differences between them are paired.

    Attributes:
        totals: [statistics, 1 + resamples, jurors].
        counts: valid values behind them, the same shape.
        jurors: how often each juror counts, weights included: [1 + resamples, jurors].
        items: number of items.
    """

    totals: FloatArray
    counts: FloatArray
    jurors: FloatArray
    items: int

    @classmethod
    def draw(
        cls,
        values: FloatArray,
        *,
        weights: ArrayLike | None = None,
        resamples: int = 1000,
        rng: np.random.Generator,
    ) -> TwoWay:
        """Draw resamples for `values` [statistics, items, jurors], NaN for no valid value.

        Raises:
            ValueError: another number of axes, infinite values, or bad weights.
        """
        if values.ndim != 3 or values.size == 0 or np.isinf(values).any():
            raise ValueError(f"expected finite values [.., items, jurors], shape {values.shape}")
        statistics, items, jurors = values.shape
        share = np.ones(jurors) if weights is None else np.asarray(weights, dtype=np.float64)
        if share.shape != (jurors,) or not (np.isfinite(share) & (share >= 0)).all():
            raise ValueError("weights must be one finite number per juror, not negative")
        valid = np.isfinite(values)
        filled = np.where(valid, values, 0.0)
        totals = np.zeros((statistics, 1 + resamples, jurors))
        counts = np.zeros_like(totals)
        start = 0
        for drawn in item_multiplicities(items, resamples, rng):
            once = np.column_stack([np.ones(len(drawn)), drawn]).T
            part = slice(start, start + len(drawn))
            totals += once @ filled[:, part]
            counts += once @ valid[:, part].astype(np.float64)
            start += len(drawn)
        seats = np.column_stack([np.ones(jurors), juror_multiplicities(jurors, resamples, rng)])
        return cls(totals=totals, counts=counts, jurors=seats.T * share, items=items)

    def mean(self, statistic: int, members: ArrayLike | None = None) -> FloatArray:
        """Mean of a statistic over member jurors, [1 + resamples]; NaN without a value."""
        seats = self.jurors if members is None else self.jurors * np.asarray(members, dtype=float)
        total = (self.totals[statistic] * seats).sum(axis=-1)
        number = (self.counts[statistic] * seats).sum(axis=-1)
        return np.divide(total, number, out=np.full_like(total, np.nan), where=number > 0)


def two_way_estimate(replicates: FloatArray, *, items: int, reason: str) -> Estimate:
    """An estimate from entry 0 of `replicates`, its interval from the rest.

    Args:
        replicates: [1 + resamples], as `TwoWay.mean` gives them or a combination of such.
        items: number of items.
        reason: why the estimate is undefined, said where entry 0 is NaN.
    """
    if np.isnan(replicates[0]):
        return undefined(reason, resampled=RESAMPLED, n=items)
    interval = percentile_interval(replicates[1:], resampled=RESAMPLED)
    return with_interval(float(replicates[0]), interval, n=items)
