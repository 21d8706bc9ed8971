"""How unequally a model serves the jurors, and how much of that lies between groups.

- `atkinson`: Atkinson's index, tied to the power of the power mean.
- `inequality_decomposition`: the index over jurors' mean utilities, within and between groups.
- `welfare_curve`: welfare as a function of the power, with a band.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from juries.measures.bootstrap import UtilityBlocks, welfare_bootstrap
from juries.measures.juror_means import resampled_juror_means
from juries.measures.resampling import FloatArray, Interval, percentile_interval
from juries.measures.welfare import power_mean, power_mean_of_shares
from juries.measures.welfare_functions import PowerMean

DEFAULT_POWERS = (-8.0, -4.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0)


def atkinson(
    utilities: ArrayLike, power: float, weights: ArrayLike | None = None, *, axis: int = -1
) -> FloatArray:
    """Atkinson's index 1 - W_a / W_1, with aversion ε = 1 - a (Atkinson 1970).

    The share of the mean utility that could be given up for equality without loss of W_a. 0 is
    equality; it rises as a falls.

    Args:
        utilities: non-negative, any shape; NaN is missing.
        power: a, at most 1.
        weights: one per juror, equal when None.
        axis: the jurors' axis.

    Returns:
        float64 in [0, 1]; NaN where nobody answered or every utility is 0.

    Raises:
        ValueError: a power above 1, bad utilities or weights.
    """
    _check_power(power)
    mean = power_mean(utilities, 1.0, weights, axis=axis)
    equal = power_mean(utilities, power, weights, axis=axis)
    return 1 - np.divide(equal, mean, out=np.full_like(mean, np.nan), where=mean > 0)


def _check_power(power: float) -> None:
    if not power <= 1:
        raise ValueError(f"power is {power}; Atkinson's index needs a power of at most 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupWelfare:
    """What a group gets.

    Attributes:
        group: its name.
        n_jurors: jurors in it with a rating.
        weight: its share of the weight.
        mean: mean utility; None where nobody in it answered.
        equivalent: the utility that, given to each, is worth the same (W_a in the group).
    """

    group: str
    n_jurors: int
    weight: float
    mean: float | None
    equivalent: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InequalityDecomposition:
    """Atkinson's index of one model over its jurors, split exactly: (1-A) = (1-A_w)·(1-A_b).

    Attributes:
        power: a.
        atkinson: A; None where undefined.
        within: A_w, from differences inside groups; None where undefined.
        between: A_b, from differences between the groups' equivalents; None where undefined.
        groups: what each group gets, in alphabetical order.
        replicates: [3, B] of the three indices; NaN where undefined.
        reason: why the indices are undefined, else empty.
    """

    power: float
    atkinson: float | None
    within: float | None
    between: float | None
    groups: tuple[GroupWelfare, ...]
    replicates: FloatArray
    reason: str

    def interval(self, level: float = 0.95) -> Interval | None:
        """Percentile intervals of the three indices, [3]; None where undefined."""
        if self.atkinson is None:
            return None
        return percentile_interval(self.replicates, level, resampled="items and jurors")

    @property
    def between_share(self) -> float | None:
        """log(1 - A_b) / log(1 - A); None where undefined, equal throughout, or A is 1."""
        if self.atkinson is None or self.between is None or not 0 < self.atkinson < 1:
            return None
        return min(1.0, max(0.0, math.log1p(-self.between) / math.log1p(-self.atkinson)))

    @property
    def reading(self) -> str:
        """What the indices say, in words."""
        if self.atkinson is None:
            return f"Inequality is undefined: {self.reason}."
        text = (
            f"Equality could be bought with {self.atkinson:.1%} of the mean utility (a = "
            f"{self.power:g})"
        )
        if self.between_share is None:
            return f"{text}."
        return f"{text}; {self.between_share:.0%} of that lies between groups."


def inequality_decomposition(
    utilities: FloatArray,
    groups: Sequence[str],
    *,
    rng: np.random.Generator,
    power: float = 0.0,
    weights: ArrayLike | None = None,
    resamples: int = 1000,
) -> InequalityDecomposition:
    """Atkinson's index of one model over jurors' mean utilities, within and between groups.

    A group's equivalent is its own W_a; the between part is the index of a jury in which everyone
    has the group's equivalent (Blackorby, Donaldson & Auersperg 1981). A juror's utility is the
    mean over the items rated, so the index tells who fares worse on the whole, not on single
    items. Undefined, with a reason: nobody answered, or every utility is 0. Items and jurors are
    resampled; a replicate without a group goes on without it.

    Args:
        utilities: [items, jurors] of one model, NaN missing.
        groups: one label per juror.
        rng: source of the draws.
        power: a, at most 1.
        weights: one per juror, equal when None.
        resamples: number of replicates.

    Raises:
        ValueError: wrong shapes, a power above 1, bad utilities or weights.
    """
    _check_power(power)
    table = np.asarray(utilities, dtype=np.float64)
    if table.ndim != 2 or len(groups) != table.shape[1]:
        raise ValueError(
            f"utilities {table.shape} and {len(groups)} labels; expected one per juror"
        )
    drawn = resampled_juror_means(table[None], weights=weights, resamples=resamples, rng=rng)
    values, masses = drawn.means[0].T, drawn.masses.T
    missing = np.isnan(values)
    values, masses = np.where(missing, 0.0, values), np.where(missing, 0.0, masses)
    names = sorted(set(groups))
    member = np.array([[label == name for label in groups] for name in names])
    shares, means, equals = _group_welfare(values, masses, member, power)
    indices = _indices(shares, means, equals, power)
    first = [None if np.isnan(each) else float(each) for each in indices[:, 0]]
    undefined = any(each is None for each in first)
    return InequalityDecomposition(
        power=power,
        atkinson=None if undefined else first[0],
        within=None if undefined else first[1],
        between=None if undefined else first[2],
        groups=tuple(
            GroupWelfare(
                group=name,
                n_jurors=int((masses[0] > 0)[member[at]].sum()),
                weight=float(shares[0, at]),
                mean=float(means[0, at]) if shares[0, at] > 0 else None,
                equivalent=float(equals[0, at]) if shares[0, at] > 0 else None,
            )
            for at, name in enumerate(names)
        ),
        replicates=indices[:, 1:],
        reason="no juror has a utility above 0" if undefined else "",
    )


def _group_welfare(
    values: FloatArray, masses: FloatArray, member: np.ndarray, power: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Share of the weight, mean and equivalent of each group, each [1 + B, groups]."""
    total = masses.sum(axis=1)
    shares, means, equals = np.zeros((3, len(values), len(member)))
    for at, own in enumerate(member):
        mass = masses[:, own].sum(axis=1, keepdims=True)
        inside = np.divide(masses[:, own], mass, out=np.zeros_like(masses[:, own]), where=mass > 0)
        np.divide(mass[:, 0], total, out=shares[:, at], where=total > 0)
        means[:, at] = np.nan_to_num(power_mean_of_shares(values[:, own], 1.0, inside))
        equals[:, at] = np.nan_to_num(power_mean_of_shares(values[:, own], power, inside))
    return shares, means, equals


def _indices(shares: FloatArray, means: FloatArray, equals: FloatArray, power: float) -> FloatArray:
    """A, A_within and A_between per replicate, [3, 1 + B]; NaN where a mean is 0."""
    mean = (shares * means).sum(axis=1)
    equal = (shares * equals).sum(axis=1)
    whole = power_mean_of_shares(equals, power, shares)
    defined = mean > 0
    blank = np.full_like(mean, np.nan)
    index = 1 - np.divide(whole, mean, out=blank.copy(), where=defined)
    within = 1 - np.divide(equal, mean, out=blank.copy(), where=defined)
    between = 1 - np.divide(whole, equal, out=np.where(defined, 1.0, np.nan), where=equal > 0)
    return np.clip([index, within, between], 0.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WelfareCurve:
    """Welfare of every model as the power a goes from the worst-off to the mean and beyond.

    Attributes:
        powers: [P], ascending.
        models: names.
        estimate: [P, models].
        interval: ends [P, models], pointwise.
        leaders: the model ahead at each power.
        lead_probability: [P], bootstrap probability that it is first.
        notes: what a reader must know.
    """

    powers: FloatArray
    models: tuple[str, ...]
    estimate: FloatArray
    interval: Interval
    leaders: tuple[str, ...]
    lead_probability: FloatArray
    notes: tuple[str, ...]

    @property
    def changes(self) -> tuple[tuple[float, float], ...]:
        """Neighbouring powers between which the lead passes to another model."""
        return tuple(
            (float(self.powers[at]), float(self.powers[at + 1]))
            for at in range(len(self.powers) - 1)
            if self.leaders[at] != self.leaders[at + 1]
        )


def welfare_curve(
    utilities: FloatArray | UtilityBlocks,
    powers: Sequence[float] = DEFAULT_POWERS,
    *,
    rng: np.random.Generator,
    weights: ArrayLike | None = None,
    models: Sequence[str] | None = None,
    floor: float = 0.0,
    level: float = 0.95,
    resamples: int = 1000,
) -> WelfareCurve:
    """Power-mean welfare over a range of powers, with a two-way bootstrap band.

    Args:
        utilities: [models, items, jurors], as for `welfare_bootstrap`.
        powers: values of a; sorted, repeats dropped.
        rng: source of the draws, shared by all powers and models.
        weights: one per juror, equal when None.
        models: names.
        floor: utilities below it are raised to it.
        level: nominal coverage of the pointwise band.
        resamples: number of replicates.

    Raises:
        ValueError: no power, or utilities that `welfare_bootstrap` refuses.
    """
    ascending = sorted({float(power) for power in powers})
    boot = welfare_bootstrap(
        utilities,
        [PowerMean(power=power, floor=floor) for power in ascending],
        rng=rng,
        weights=weights,
        models=models,
        resamples=resamples,
    )
    rankings = boot.rankings()
    return WelfareCurve(
        powers=np.array(ascending),
        models=boot.models,
        estimate=boot.estimate,
        interval=boot.interval(level),
        leaders=tuple(ranking.order[0] for ranking in rankings),
        lead_probability=np.array([ranking.first[0] for ranking in rankings]),
        notes=boot.notes,
    )
