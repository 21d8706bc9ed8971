"""Effects of the order in which things are shown.

- `position_effect`: what a response gains by the place in which it was shown.
- `option_order_effect`: how far choices follow the place of an option instead of its content.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from juries.measures.estimates import Estimate
from juries.measures.item_estimates import estimate_of, item_sums
from juries.measures.resampling import FloatArray, Interval, percentile_interval

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PositionEffect:
    """Rating gained or lost by position.

    Attributes:
        effects: [positions], deviation from the mean over positions; None where undefined.
        interval: of the effects; None where undefined.
        first_less_last: effect of the first position less that of the last.
        n_units: units shown in at least two positions; the others say nothing.
        reason: why the effects are undefined, else empty.
    """

    effects: FloatArray | None
    interval: Interval | None
    first_less_last: Estimate
    n_units: int
    reason: str

    @property
    def reading(self) -> str:
        """What was found, in words."""
        gap = self.first_less_last
        if gap.value is None or gap.low is None or gap.high is None:
            return f"The effect of position is undefined: {self.reason or gap.reason}."
        clear = "" if gap.low > 0 or gap.high < 0 else ", which chance could explain"
        return f"The first position gains {gap.value:+.3f} over the last{clear}."


def position_effect(
    ratings: ArrayLike,
    positions: ArrayLike,
    units: ArrayLike,
    items: ArrayLike,
    *,
    rng: np.random.Generator,
    resamples: int = 1000,
) -> PositionEffect:
    """Effect of the position in which a response was shown, within units (fixed effects).

    Least squares of rating on unit and position; only units seen in several positions inform it, so
    what is better anyway cannot pass for an effect of position. Items are resampled with all
    their units. Undefined, with a reason: no unit in two positions, or positions that no chain of
    units connects.

    Args:
        ratings: [n], NaN missing.
        positions: [n], whole numbers from 0.
        units: [n], what was rated, by label: a response, or a response and a juror.
        items: [n], the item of each unit, by label.
        rng: source of the draws.
        resamples: number of replicates.

    Raises:
        ValueError: different lengths, infinite ratings, negative or fractional positions.
    """
    y, place, unit, item = _columns(ratings, positions, units, items)
    count, total, of_item = _by_unit(y, place, unit, item)
    n_units = int(((count > 0).sum(axis=1) > 1).sum())
    reason = "" if n_units else "nothing was shown in two positions"
    effects = interval = None
    gap = Estimate(value=None, resampled="items", n=n_units, reason=reason)
    if not reason:
        solved = _solve(count, total, of_item, resamples, rng)
        gap = estimate_of(
            solved[0] - solved[-1],
            n=len(np.unique(of_item)),
            reason="positions are not connected by any unit",
        )
        reason = gap.reason if gap.value is None else ""
        if gap.value is not None:
            effects = solved[:, 0]
            interval = percentile_interval(solved[:, 1:], resampled="items")
    return PositionEffect(
        effects=effects, interval=interval, first_less_last=gap, n_units=n_units, reason=reason
    )


def _columns(
    ratings: ArrayLike, positions: ArrayLike, units: ArrayLike, items: ArrayLike
) -> tuple[FloatArray, IntArray, IntArray, IntArray]:
    y, place = np.asarray(ratings, dtype=np.float64), np.asarray(positions)
    labels = [np.unique(np.asarray(each), return_inverse=True)[1] for each in (units, items)]
    if y.ndim != 1 or not len(y) == len(place) == len(labels[0]) == len(labels[1]):
        raise ValueError("ratings, positions, units and items must have one entry per rating")
    if np.isinf(y).any() or np.any((place < 0) | (place != np.floor(place))):
        raise ValueError("ratings must be finite, positions whole numbers from 0")
    kept = ~np.isnan(y)
    return y[kept], place[kept].astype(np.int64), labels[0][kept], labels[1][kept]


def _by_unit(
    y: FloatArray, place: IntArray, unit: IntArray, item: IntArray
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Ratings and their sum per unit and position, and each unit's item."""
    _, dense = np.unique(unit, return_inverse=True)
    shape = (int(dense.max(initial=-1)) + 1, int(place.max(initial=0)) + 1)
    count, total = np.zeros((2, *shape))
    np.add.at(count, (dense, place), 1.0)
    np.add.at(total, (dense, place), y)
    of_item = np.zeros(shape[0], dtype=np.int64)
    of_item[dense] = item
    return count, total, of_item


def _solve(
    count: FloatArray,
    total: FloatArray,
    of_item: IntArray,
    resamples: int,
    rng: np.random.Generator,
) -> FloatArray:
    """Position effects that sum to 0, [positions, 1 + B]; NaN where not identified."""
    width = count.shape[1]
    size = count.sum(axis=1)[:, None]
    cross = -count[:, :, None] * count[:, None, :] / size[:, :, None]
    cross[:, range(width), range(width)] += count
    against = total - count * total.sum(axis=1)[:, None] / size
    features = np.column_stack([cross.reshape(len(count), -1), against])
    _, dense = np.unique(of_item, return_inverse=True)
    per_item = np.zeros((int(dense.max()) + 1, features.shape[1]))
    np.add.at(per_item, dense, features)
    sums = item_sums(per_item, resamples, rng).T
    matrices = sums[:, : width**2].reshape(-1, width, width) + 1.0  # + 11': effects sum to 0
    values, vectors = np.linalg.eigh(matrices)
    known = values[:, 0] > 1e-9 * values[:, -1]
    inverse = np.where(known[:, None], 1 / np.where(values > 0, values, 1.0), np.nan)
    rotated = np.einsum("bji,bj->bi", vectors, sums[:, width**2 :]) * inverse
    return np.einsum("bij,bj->ib", vectors, rotated)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OptionOrderEffect:
    """How often the option in each place was chosen, with options in random order.

    Attributes:
        shares: [options], share of choices of the first, second, … option shown; None without any.
        interval: of the shares; None without any.
        n: choices.
        distance: total variation between the shares and equal ones, 0..1; None without any.
        chance: mean of that distance if every place were as likely; None without any.
        p: share of simulated choices (these counted) at least as far from equal; None without any.
    """

    shares: FloatArray | None
    interval: Interval | None
    n: int
    distance: float | None
    chance: float | None
    p: float | None

    @property
    def reading(self) -> str:
        """What was found, in words."""
        if self.shares is None or self.p is None:
            return "The effect of option order is undefined: no choice was made."
        clear = "" if self.p <= 0.05 else ", which chance could explain"
        most = int(np.argmax(self.shares)) + 1
        return (
            f"Place {most} was chosen most, {self.shares[most - 1]:.0%} of the time where "
            f"{1 / len(self.shares):.0%} is expected of random orders (p {self.p:.3f}){clear}."
        )


def option_order_effect(
    chosen: ArrayLike,
    options: int,
    items: ArrayLike,
    *,
    rng: np.random.Generator,
    resamples: int = 1000,
) -> OptionOrderEffect:
    """Choices by the place of the chosen option, when every choice saw its own random order.

    With random orders, content makes no place likelier; any deviation from equal shares is an
    effect of place. The interval resamples items; p simulates choices without an effect.

    Args:
        chosen: [n], place of the chosen option from 0; a negative number is no valid choice.
        options: number of options K.
        items: [n], item of each choice, by label.
        rng: source of the draws.
        resamples: number of replicates and of simulations.

    Raises:
        ValueError: different lengths, fewer than two options, a place beyond the last option.
    """
    place = np.asarray(chosen).astype(np.int64)
    _, item = np.unique(np.asarray(items), return_inverse=True)
    if place.ndim != 1 or len(place) != len(item) or options < 2 or np.any(place >= options):
        raise ValueError(f"places must be below {options} options, with one item label each")
    valid = place >= 0
    n = int(valid.sum())
    if not n:
        return OptionOrderEffect(
            shares=None, interval=None, n=0, distance=None, chance=None, p=None
        )
    counts = np.zeros((int(item.max()) + 1, options))
    np.add.at(counts, (item[valid], place[valid]), 1.0)
    sums = item_sums(counts, resamples, rng)
    size = sums.sum(axis=0)
    shares = np.divide(sums, size, out=np.full_like(sums, np.nan), where=size > 0)
    distance = float(np.abs(shares[:, 0] - 1 / options).sum() / 2)
    simulated = rng.multinomial(n, np.full(options, 1 / options), size=resamples) / n
    dealt = np.abs(simulated - 1 / options).sum(axis=1) / 2
    return OptionOrderEffect(
        shares=shares[:, 0],
        interval=percentile_interval(shares[:, 1:], resampled="items"),
        n=n,
        distance=distance,
        chance=float(dealt.mean()),
        p=float((1 + (dealt >= distance - 1e-12).sum()) / (1 + resamples)),
    )
