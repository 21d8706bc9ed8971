"""How many independent jurors a jury is worth, given that its members err together.

- `effective_jurors`: n / (1 + (n - 1)·r), r the mean correlation of two jurors' errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from juries.measures.resampling import FloatArray
from juries.measures.welfare import check_weights

Basis = Literal["errors against a reference", "ratings"]

_GROUPS = 50
_FEWEST = 3
"""Items that two jurors must share before their correlation counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveJurors:
    """Effective number of jurors.

    Attributes:
        n_effective: None where undefined; `reason` then says why.
        low: lower end of the interval; None where it is undefined.
        high: upper end; None where undefined or unbounded.
        level: nominal coverage of the interval.
        resampled: how the interval was made.
        mean_correlation: r, (weighted) mean over pairs of jurors.
        n_jurors: jurors of positive weight.
        n_pairs: pairs of jurors with a correlation.
        undefined_pairs: pairs without one: fewer than 3 items in common, or a juror who
            gave them all the same rating.
        basis: what was correlated.
        reason: why `n_effective` is undefined, else empty.
    """

    n_effective: float | None
    low: float | None
    high: float | None
    level: float
    resampled: str
    mean_correlation: float | None
    n_jurors: int
    n_pairs: int
    undefined_pairs: int
    basis: Basis
    reason: str

    @property
    def reading(self) -> str:
        """What the figure says, in words."""
        if self.n_effective is None:
            return f"The effective number of jurors is undefined: {self.reason}."
        text = f"{self.n_jurors} jurors are worth {self.n_effective:.2f} independent ones"
        if self.basis == "ratings":
            return (
                f"{text} (no reference: what jurors share because items differ counts as "
                "redundancy too, so this is a lower bound)."
            )
        return f"{text}: their errors correlate by {self.mean_correlation:.2f} on average."


def effective_jurors(
    ratings: ArrayLike,
    reference: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    *,
    level: float = 0.95,
) -> EffectiveJurors:
    """Effective number of jurors, n / (1 + (n - 1)·r) with equal weights.

    With weights p (sum 1): 1 / (Σp² + r·(1 - Σp²)), the size of a jury of independent, equally
    weighted jurors whose mean is as precise; at r = 0 it is Kish's (Σp)² / Σp².

    r is the mean Pearson correlation, over the items that two jurors share, of their errors
    (rating less reference). Without a reference the ratings themselves are correlated: what jurors
    share because items truly differ then counts as redundancy, which makes a lower bound. Residuals
    after item means are no way out: they sum to 0 in every item, so that their mean correlation is
    about -1 / (n - 1) whatever the data.

    Undefined, with a reason: fewer than two jurors of positive weight, no pair with a correlation,
    and r at or below the value where the variance of the mean would not be positive.

    Args:
        ratings: [jurors, items], NaN missing.
        reference: [items], NaN where unknown; such items are left out.
        weights: one per juror, equal when None.
        level: nominal coverage of the interval.

    Returns:
        The figure with a delete-a-group jackknife interval over items (50 groups, or one per item).

    Raises:
        ValueError: wrong shapes, infinite ratings, bad weights.
    """
    table = np.array(ratings, dtype=np.float64)
    if table.ndim != 2 or np.isinf(table).any():
        raise ValueError(f"expected finite ratings [jurors, items], not {table.shape}")
    basis: Basis = "ratings"
    if reference is not None:
        truth = np.asarray(reference, dtype=np.float64)
        if truth.shape != table.shape[1:]:
            raise ValueError(f"reference has shape {truth.shape}; expected {table.shape[1:]}")
        table -= truth
        basis = "errors against a reference"
    shares = check_weights(weights, len(table))
    seated = shares > 0
    return _summary(table[seated], shares[seated], basis, level)


def _summary(errors: FloatArray, shares: FloatArray, basis: Basis, level: float) -> EffectiveJurors:
    jurors, items = errors.shape
    there = ~np.isnan(errors)
    answered = np.maximum(there.sum(axis=1, keepdims=True), 1)
    centre = np.where(there, errors, 0.0).sum(axis=1, keepdims=True) / answered
    errors = np.where(there, errors - centre, 0.0)  # centred: sums of squares keep their digits
    totals = _sums(errors, there)
    r, defined = _mean_correlation(totals, shares)
    squares = float(np.sum(shares**2))
    n_effective = _effective(r, squares)
    reason = ""
    if jurors < 2:
        reason = "it takes two jurors of positive weight"
    elif r is None:
        reason = "no two jurors share 3 items on which both vary"
    elif n_effective is None:
        reason = f"the mean correlation {r:.3f} leaves the mean no variance"
    groups = min(_GROUPS, items)
    low = high = None
    if n_effective is not None and r is not None and groups > 1:
        left_out = [
            _mean_correlation(totals - _sums(errors[:, g::groups], there[:, g::groups]), shares)[0]
            for g in range(groups)
        ]
        low, high = _ends(r, [each for each in left_out if each is not None], squares, level)
    pairs = jurors * (jurors - 1) // 2
    return EffectiveJurors(
        n_effective=n_effective,
        low=low,
        high=high,
        level=level,
        resampled=f"items, left out in {groups} groups",
        mean_correlation=r,
        n_jurors=jurors,
        n_pairs=defined,
        undefined_pairs=pairs - defined,
        basis=basis,
        reason=reason,
    )


def _sums(errors: FloatArray, there: NDArray[np.bool_]) -> FloatArray:
    """Per pair (j, k), over shared items: count, Σ e_j, Σ e_j², Σ e_j e_k; [4, n, n]."""
    mask = there.astype(np.float64)
    return np.stack([mask @ mask.T, errors @ mask.T, errors**2 @ mask.T, errors @ errors.T])


def _mean_correlation(sums: FloatArray, shares: FloatArray) -> tuple[float | None, int]:
    count, first, square, product = sums
    count = np.maximum(count, 1)
    covariance = product - first * first.T / count
    variance = square - first**2 / count
    noise = 1e-12 * np.maximum(square, 1e-300)
    usable = (sums[0] > _FEWEST - 0.5) & (variance > noise) & (variance.T > noise.T)
    np.fill_diagonal(usable, val=False)
    if not usable.any():
        return None, 0
    scale = np.sqrt(np.where(usable, variance * variance.T, 1.0))
    weight = np.where(usable, np.outer(shares, shares), 0.0)
    return float(np.sum(weight * covariance / scale) / weight.sum()), int(usable.sum()) // 2


def _effective(r: float | None, squares: float) -> float | None:
    variance = 0.0 if r is None else squares + r * (1 - squares)
    return 1 / variance if variance > 1e-12 else None


def _ends(
    r: float, left_out: list[float], squares: float, level: float
) -> tuple[float | None, float | None]:
    """Interval of r by the jackknife with Student's t, carried over to the effective number."""
    groups = len(left_out)
    if groups < 2:
        return None, None
    error = float(np.sqrt((groups - 1) / groups * np.sum((np.array(left_out) - r) ** 2)))
    reach = float(stdtrit(groups - 1, (1 + level) / 2)) * error
    return _effective(min(r + reach, 1.0), squares), _effective(r - reach, squares)
