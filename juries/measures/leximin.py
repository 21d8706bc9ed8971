"""Leximin: of two distributions of utility, prefer the one whose worst-off fare better.

- `leximin` compares two distributions over the same jurors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from juries.measures.welfare import TIE, sort_shares


@dataclass(frozen=True, slots=True, kw_only=True)
class LeximinComparison:
    """Which of two distributions leximin prefers, and where they part.

    Attributes:
        order: 1 where `a` is better, -1 where `b` is, 0 where they are equal throughout.
        share: weight of jurors, from the worst-off up, on which both are equal.
        a: utility in `a` at the first difference; None without one.
        b: utility in `b` there; None without one.
    """

    order: Literal[-1, 0, 1]
    share: float
    a: float | None
    b: float | None


def leximin(
    a: ArrayLike, b: ArrayLike, weights: ArrayLike | None = None, *, tolerance: float = 0.0
) -> LeximinComparison:
    """Compare two distributions of utility, worst-off first.

    With equal weights: the sorted utilities are compared lexicographically. With weights: the two
    weighted quantile functions are compared at the smallest share where they differ. Jurors that
    lack either utility are left out of both.

    Args:
        a: utilities of the jurors under one alternative, shape [jurors].
        b: utilities of the same jurors under the other, shape [jurors].
        weights: one per juror, equal when None.
        tolerance: differences up to it count as equal.

    Returns:
        The comparison; its `order` is 1, 0 or -1.

    Raises:
        ValueError: different shapes, bad utilities or weights, or no juror who rated both.
    """
    left, right = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if left.shape != right.shape or left.ndim != 1:
        raise ValueError(f"shapes {left.shape} and {right.shape}; expected one value per juror")
    missing = np.isnan(left) | np.isnan(right)
    if missing.all():
        raise ValueError("no juror rated both alternatives")
    (low, low_cumulated), (high, high_cumulated) = (
        sort_shares(np.where(missing, np.nan, side), weights, -1) for side in (left, right)
    )
    if low_cumulated[-1] == 0:
        raise ValueError("no juror of positive weight rated both alternatives")
    cuts = np.union1d(low_cumulated, high_cumulated)
    cuts = cuts[cuts > 0]
    cuts = cuts[np.diff(cuts, append=np.inf) > TIE]  # one cut where rounding made two
    first = low[np.searchsorted(low_cumulated, cuts * (1 - TIE))]
    second = high[np.searchsorted(high_cumulated, cuts * (1 - TIE))]
    apart = np.flatnonzero(np.abs(first - second) > tolerance)
    if not apart.size:
        return LeximinComparison(order=0, share=1.0, a=None, b=None)
    at = int(apart[0])
    return LeximinComparison(
        order=1 if first[at] > second[at] else -1,
        share=float(cuts[at - 1]) if at else 0.0,
        a=float(first[at]),
        b=float(second[at]),
    )
