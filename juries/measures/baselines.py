"""The jury beside baselines: the same model without a persona, and random answers.

- `against_baseline`: shift, spread and agreement on the items that both answered.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from juries.measures.estimates import Estimate
from juries.measures.item_estimates import item_sums, item_variance, ratio_estimate
from juries.measures.resampling import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineComparison:
    """A jury beside a baseline on the same items.

    Attributes:
        name: of the baseline, such as `no persona` or `random answers`.
        shift: mean over items of the jury's mean less the baseline's.
        spread_ratio: mean within-item variance of the jury over the baseline's.
        correlation: of item means between the two.
    """

    name: str
    shift: Estimate
    spread_ratio: Estimate
    correlation: Estimate

    @property
    def reading(self) -> str:
        """What was found, in words."""
        if self.spread_ratio.value is None or self.spread_ratio.low is None:
            return f"Against {self.name}: spread not comparable ({self.spread_ratio.reason})."
        if self.spread_ratio.low > 1:
            verdict = "wider"
        elif self.spread_ratio.high is not None and self.spread_ratio.high < 1:
            verdict = "narrower"
        else:
            verdict = "no clear difference"
        return (
            f"Ratings of an item have {self.spread_ratio.value:.2f} times the variance they have "
            f"with {self.name}: {verdict}."
        )


def against_baseline(
    ratings: ArrayLike,
    baseline: ArrayLike,
    name: str,
    *,
    rng: np.random.Generator,
    resamples: int = 1000,
) -> BaselineComparison:
    """Compare a jury with answers without a persona, or with random ones, item by item.

    Undefined, with a reason: no shared item; a baseline that never varies (no ratio); item means
    that do not vary (no correlation).

    Args:
        ratings: [jurors, items], NaN missing.
        baseline: [answers, items], the same items on the same scale, NaN missing.
        name: of the baseline.
        rng: source of the draws over items.
        resamples: number of replicates.

    Raises:
        ValueError: wrong shapes or infinite ratings.
    """
    jury, other = (np.asarray(each, dtype=np.float64) for each in (ratings, baseline))
    if jury.ndim != 2 or other.ndim != 2 or jury.shape[1] != other.shape[1]:
        raise ValueError(f"shapes {jury.shape} and {other.shape}; expected [answers, items] each")
    if np.isinf(jury).any() or np.isinf(other).any():
        raise ValueError("ratings must be finite (NaN marks a missing one)")
    (x, x_there), (y, y_there) = _item_means(jury), _item_means(other)
    both = x_there & y_there
    shared = int(both.sum())
    gaps = np.where(both, x - y, 0.0)
    if shared:  # centred: sums of squares keep their digits
        x, y = x - x[both].mean(), y - y[both].mean()
    u, v = item_variance(jury), item_variance(other)
    spread = ~np.isnan(u + v)
    columns = [both, gaps, x * both, y * both, x * y * both, x**2 * both, y**2 * both]
    columns += [np.where(spread, u, 0.0), np.where(spread, v, 0.0)]
    sums = item_sums(np.stack(columns, 1).astype(np.float64), resamples, rng)
    n, gap, sx, sy, sxy, sxx, syy, su, sv = sums
    size = np.maximum(n, 1)
    vx, vy = (np.maximum(q - s**2 / size, 0.0) for q, s in ((sxx, sx), (syy, sy)))
    scale = np.where((vx > 1e-20) & (vy > 1e-20), np.sqrt(vx * vy), 0.0)
    nothing = "no item was rated by both"
    flat = f"{name} never varies within an item" if spread.any() else nothing
    still = "item means do not vary" if shared else nothing
    return BaselineComparison(
        name=name,
        shift=ratio_estimate(gap, n, n=shared, reason=nothing),
        spread_ratio=ratio_estimate(su, sv, n=int(spread.sum()), reason=flat),
        correlation=ratio_estimate(sxy - sx * sy / size, scale, n=shared, reason=still),
    )


def _item_means(table: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    there = ~np.isnan(table)
    size = there.sum(axis=0)
    return np.where(there, table, 0.0).sum(axis=0) / np.maximum(size, 1), size > 0
