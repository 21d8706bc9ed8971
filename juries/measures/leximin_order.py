"""Leximin: of two distributions of utility, prefer the one whose worst-off fare better.

- `leximin` compares two distributions over the same jurors.
- `leximin_ranking` orders models by their jurors' mean utilities, with bootstrap probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from juries.measures.juror_means import JurorMeans, resampled_juror_means
from juries.measures.resampling import FloatArray
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


@dataclass(frozen=True, slots=True, kw_only=True)
class LeximinPair:
    """Leximin between two models, from the worst-off juror up.

    Attributes:
        a: the one model.
        b: the other.
        comparison: on the sample.
        probability: share of replicates in which `a` is preferred; equal ones count half.
        undefined: replicates without a juror who rated both; they are left out.
    """

    a: str
    b: str
    comparison: LeximinComparison
    probability: float
    undefined: int

    @property
    def reading(self) -> str:
        """Who is preferred and how surely, in words."""
        if self.comparison.order == 0:
            return f"{self.a} and {self.b} treat every juror alike."
        ahead, behind = (self.a, self.b) if self.comparison.order > 0 else (self.b, self.a)
        share = self.probability if self.comparison.order > 0 else 1 - self.probability
        return (
            f"{ahead} leaves its worst-off jurors better than {behind} "
            f"(in {share:.0%} of resamples)."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LeximinRanking:
    """Models ordered by leximin over their jurors' mean utilities.

    Attributes:
        order: models, best first; equal ones keep the order given.
        pairs: every pair of models.
        resampled: what the probabilities resample.
        note: what a reader must know.
    """

    order: tuple[str, ...]
    pairs: tuple[LeximinPair, ...]
    resampled: str
    note: str


def leximin_ranking(
    utilities: FloatArray,
    *,
    rng: np.random.Generator,
    weights: ArrayLike | None = None,
    models: Sequence[str] | None = None,
    tolerance: float = 0.0,
    resamples: int = 1000,
) -> LeximinRanking:
    """Order models so that the juror worst off on average fares best, then the next, and so on.

    A juror's utility from a model is the mean over the items that the juror rated. Items and
    jurors are resampled together, the same draws for every model.

    Args:
        utilities: [models, items, jurors], NaN missing.
        rng: source of the draws.
        weights: one per juror, equal when None.
        models: names, `model 1` … when None.
        tolerance: differences of a juror's utility up to it count as equal.
        resamples: number of replicates.

    Raises:
        ValueError: wrong shapes or weights, or two models that no juror rated both.
    """
    drawn = resampled_juror_means(utilities, weights=weights, resamples=resamples, rng=rng)
    count = len(drawn.means)
    names = tuple(models or (f"model {at + 1}" for at in range(count)))
    if len(set(names)) != count:
        raise ValueError(f"{len(set(names))} different names for {count} models")
    pairs: dict[tuple[int, int], LeximinPair] = {}
    wins = [0] * count
    for a, b in combinations(range(count), 2):
        comparison = _compare(drawn, a, b, 0, tolerance)
        if comparison is None:
            raise ValueError(f"no juror rated both {names[a]} and {names[b]}")
        orders = _orders(drawn, a, b, tolerance)[1:]
        defined = orders[~np.isnan(orders)]
        pairs[a, b] = LeximinPair(
            a=names[a],
            b=names[b],
            comparison=comparison,
            probability=0.5 + float(defined.mean()) / 2 if defined.size else 0.5,
            undefined=resamples - defined.size,
        )
        wins[a] += comparison.order
        wins[b] -= comparison.order
    ranked = sorted(range(count), key=lambda at: -wins[at])
    return LeximinRanking(
        order=tuple(names[at] for at in ranked),
        pairs=tuple(pairs.values()),
        resampled="items and jurors",
        note="Leximin looks at the worst-off jurors first, so it depends on the size of the jury.",
    )


def _compare(
    drawn: JurorMeans, a: int, b: int, column: int, tolerance: float
) -> LeximinComparison | None:
    left, right = drawn.means[a, :, column], drawn.means[b, :, column]
    mass = np.where(np.isnan(left) | np.isnan(right), 0.0, drawn.masses[:, column])
    if not mass.any():
        return None
    kept = mass > 0
    return leximin(left[kept], right[kept], mass[kept], tolerance=tolerance)


def _orders(drawn: JurorMeans, a: int, b: int, tolerance: float) -> FloatArray:
    """`leximin(...).order` of the two models in every column, NaN where it is undefined.

    Without a tolerance all columns are compared at once: the lowest utility up to which the two
    distributions hold different weight is where their quantile functions part first, and the one
    that holds more there has the worse-off jurors.
    """
    columns = drawn.masses.shape[1]
    if tolerance:
        each = (_compare(drawn, a, b, column, tolerance) for column in range(columns))
        return np.array([np.nan if one is None else one.order for one in each])
    values = np.concatenate([drawn.means[a], drawn.means[b]])  # [2 jurors, columns]
    both = ~np.isnan(drawn.means[a]) & ~np.isnan(drawn.means[b])
    mass = np.where(both, drawn.masses, 0.0)
    total = mass.sum(axis=0)
    signed = np.concatenate([mass, -mass])
    order = np.argsort(np.where(signed != 0, values, np.inf), axis=0)
    values = np.take_along_axis(values, order, axis=0)
    ahead = np.cumsum(np.take_along_axis(signed, order, axis=0), axis=0)
    last = np.ones(values.shape, dtype=np.bool_)  # of its ties: before it the sum is not whole
    last[:-1] = values[1:] != values[:-1]
    apart = last & (np.abs(ahead) > TIE * total)
    first = ahead[apart.argmax(axis=0), np.arange(columns)]
    found = np.where(apart.any(axis=0), -np.sign(first), 0.0)
    return np.where(total > 0, found, np.nan)
