"""From the jury's scale to people's, learned on some items and judged on others.

- `isotonic`: the rising function that fits people's means best; keeps every order.
- `ordinal`: a proportional-odds model of people's points, which gives whole distributions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import isotonic_regression, minimize
from scipy.special import expit

from graphs.items import FloatArray
from juries.calibration.answers import IntArray

Method = Literal["isotonic", "ordinal"]
_RIDGE = 1e-6  # keeps the slope finite where jury and people agree perfectly


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScaleMapping:
    """A mapping from the jury's mean point to people's.

    Attributes:
        method: how it was learned.
        points: K of people's scale.
        learned_from: the units it was learned on; it must not be judged on them.
        knots: jury's values at which `levels` stand, rising (isotonic).
        levels: people's mean there (isotonic).
        slope: of people's log odds in the jury's value (ordinal).
        thresholds: where people's odds of the next point are even, K - 1 (ordinal).
    """

    method: Method
    points: int
    learned_from: frozenset[str]
    knots: FloatArray
    levels: FloatArray
    slope: float
    thresholds: FloatArray

    def mean(self, values: ArrayLike) -> FloatArray:
        """People's mean point for the jury's values; NaN stays NaN."""
        x = np.asarray(values, dtype=np.float64)
        if self.method == "ordinal":
            return self.distribution(x) @ np.arange(1.0, self.points + 1)
        return np.where(np.isfinite(x), np.interp(x, self.knots, self.levels), np.nan)

    def distribution(self, values: ArrayLike) -> FloatArray:
        """People's distribution for the jury's values, [..., K]; the ordinal model only.

        Raises:
            ValueError: an isotonic mapping, which knows means alone.
        """
        if self.method != "ordinal":
            raise ValueError("an isotonic mapping has no distribution; learn an ordinal one")
        x = np.asarray(values, dtype=np.float64)[..., None]
        above = expit(self.slope * x - self.thresholds)
        edge = np.ones_like(x)
        cumulative = np.concatenate([edge, above, 0 * edge], axis=-1)
        return cumulative[..., :-1] - cumulative[..., 1:]

    def check_unseen(self, units: ArrayLike) -> None:
        """Refuse to be judged on what it was learned from.

        Raises:
            ValueError: one of the units was used in learning.
        """
        seen = self.learned_from.intersection(np.asarray(units, dtype=str).tolist())
        if seen:
            raise ValueError(f"the mapping was learned on {len(seen)} of these units, such as "
                             f"{min(seen)}; judge it on others")  # fmt: skip


def learn_mapping(
    jury: ArrayLike,
    people: ArrayLike,
    units: tuple[str, ...],
    *,
    method: Method = "isotonic",
) -> ScaleMapping:
    """Learn a mapping.

    Args:
        jury: the jury's mean by unit, [U].
        people: counts of people's points by unit, [U, K]; units without an answer, or without a
            finite value of the jury, teach nothing.
        units: names, length U.
        method: which.

    Raises:
        ValueError: fewer than two units to learn from.
    """
    x, counts = np.asarray(jury, dtype=np.float64), np.asarray(people, dtype=np.float64)
    used = np.isfinite(x) & (counts.sum(axis=1) > 0)
    if used.sum() < 2:
        raise ValueError(f"{used.sum()} units are too few to learn a mapping from")
    points = counts.shape[1]
    knots, levels = np.zeros(0), np.zeros(0)
    slope, thresholds = 0.0, np.zeros(0)
    if method == "isotonic":
        knots, levels = _isotonic(x[used], counts[used])
    else:
        slope, thresholds = _proportional_odds(x[used], counts[used])
    return ScaleMapping(
        method=method,
        points=points,
        learned_from=frozenset(u for u, keep in zip(units, used, strict=True) if keep),
        knots=knots,
        levels=levels,
        slope=slope,
        thresholds=thresholds,
    )


def cross_mapped(
    jury: ArrayLike,
    people: ArrayLike,
    units: tuple[str, ...],
    cluster: IntArray,
    *,
    method: Method = "isotonic",
    folds: int = 5,
    rng: np.random.Generator,
) -> FloatArray:
    """The jury's values on people's scale, each mapped by what other items taught, [U].

    Args:
        jury: the jury's mean by unit, [U].
        people: counts of people's points, [U, K].
        units: names.
        cluster: item of each unit; an item is never split between folds.
        method: of the mapping.
        folds: how many; fewer where there are fewer items.
        rng: of the folds.

    Raises:
        ValueError: fewer than four items.
    """
    items = np.unique(cluster)
    folds = min(folds, len(items) // 2)
    if folds < 2:
        raise ValueError(f"{len(items)} items are too few to learn on some and judge on others")
    x, counts = np.asarray(jury, dtype=np.float64), np.asarray(people, dtype=np.float64)
    fold_of = dict(zip(rng.permutation(items).tolist(), range(len(items)), strict=True))
    fold = np.array([fold_of[item] % folds for item in cluster.tolist()])
    mapped = np.full(len(x), np.nan)
    for number in range(folds):
        held: NDArray[np.bool_] = fold == number
        mapping = learn_mapping(np.where(held, np.nan, x), counts, units, method=method)
        mapping.check_unseen([unit for unit, out in zip(units, held, strict=True) if out])
        mapped[held] = mapping.mean(x[held])
    return mapped


def _isotonic(x: FloatArray, counts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Distinct values of the jury and the rising levels of people's mean there."""
    knots, at = np.unique(x, return_inverse=True)
    n = counts.sum(axis=1)
    total = counts @ np.arange(1.0, counts.shape[1] + 1)
    weight = np.bincount(at.ravel(), weights=n)
    mean = np.bincount(at.ravel(), weights=total) / weight
    fit = isotonic_regression(mean, weights=weight)
    return knots, np.asarray(fit.x, dtype=np.float64)


def _proportional_odds(x: FloatArray, counts: FloatArray) -> tuple[float, FloatArray]:
    """Slope and rising thresholds by maximum likelihood; P(Y > k) = expit(slope x - t_k)."""
    points = counts.shape[1]
    centre, scale = float(x.mean()), float(x.std()) or 1.0
    z = (x - centre) / scale

    def unpack(parameters: FloatArray) -> tuple[float, FloatArray]:
        steps = np.exp(parameters[2:])
        return float(parameters[0]), parameters[1] + np.concatenate([[0.0], np.cumsum(steps)])

    def loss(parameters: FloatArray) -> float:
        slope, thresholds = unpack(parameters)
        above = expit(slope * z[:, None] - thresholds)
        cumulative = np.pad(above, ((0, 0), (1, 1)), constant_values=(1.0, 0.0))
        cumulative[:, 0], cumulative[:, -1] = 1.0, 0.0
        chance = np.maximum(cumulative[:, :-1] - cumulative[:, 1:], 1e-12)
        return float(-(counts * np.log(chance)).sum() + _RIDGE * slope**2)

    share = (counts.sum(axis=0) + 0.5) / (counts.sum() + 0.5 * points)
    above = np.clip(1 - np.cumsum(share)[:-1], 1e-6, 1 - 1e-6)
    start = -np.log(above / (1 - above))
    gaps = np.log(np.maximum(np.diff(start), 1e-3))
    found = minimize(loss, np.concatenate([[0.1], start[:1], gaps]), method="L-BFGS-B")
    slope, thresholds = unpack(np.asarray(found.x, dtype=np.float64))
    return slope / scale, thresholds + slope * centre / scale
