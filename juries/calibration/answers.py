"""Answers in one long table, whether people or jurors gave them.

A *unit* is what is answered about: one response to one item on one criterion. A *rater* is a
person or a juror. Points count from 1 to K as on the scale.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphs.items import FloatArray

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answers:
    """M answers of R raters to U units on K points.

    Attributes:
        units: names, length U.
        raters: names, length R.
        unit: position of the unit answered about, [M].
        rater: position of who answered, [M].
        rating: point 1..K, [M].
        points: K.
    """

    units: tuple[str, ...]
    raters: tuple[str, ...]
    unit: IntArray
    rater: IntArray
    rating: IntArray
    points: int

    def __post_init__(self) -> None:
        if not len(self.unit) == len(self.rater) == len(self.rating):
            raise ValueError("unit, rater and rating must have one entry for each answer")
        for values, low, high, name in (
            (self.unit, 0, len(self.units) - 1, "unit"),
            (self.rater, 0, len(self.raters) - 1, "rater"),
            (self.rating, 1, self.points, "rating"),
        ):
            if len(values) and not low <= int(values.min()) <= int(values.max()) <= high:
                raise ValueError(f"{name} must lie in {low}..{high}")

    def __len__(self) -> int:
        return len(self.rating)

    @classmethod
    def from_rows(cls, rows: Iterable[tuple[str, str, int]], *, points: int) -> Self:
        """Table of (unit, rater, rating) rows; names are kept in the order they appear."""
        units: dict[str, int] = {}
        raters: dict[str, int] = {}
        table = [
            (units.setdefault(unit, len(units)), raters.setdefault(rater, len(raters)), rating)
            for unit, rater, rating in rows
        ]
        columns = np.array(table, dtype=np.int64).reshape(-1, 3).T
        return cls(
            units=tuple(units),
            raters=tuple(raters),
            unit=columns[0],
            rater=columns[1],
            rating=columns[2],
            points=points,
        )

    @classmethod
    def from_matrix(
        cls, matrix: ArrayLike, *, points: int, units: Sequence[str], raters: Sequence[str]
    ) -> Self:
        """Table of a [raters, units] matrix of points 1..K; anything below 1 is no answer."""
        ratings = np.asarray(matrix)
        rater, unit = np.nonzero(ratings >= 1)
        return cls(
            units=tuple(units),
            raters=tuple(raters),
            unit=unit.astype(np.int64),
            rater=rater.astype(np.int64),
            rating=ratings[rater, unit].astype(np.int64),
            points=points,
        )

    def counts(self, weights: ArrayLike | None = None) -> FloatArray:
        """Answers by unit and point, [U, K], each counted by its rater's weight."""
        cell = self.unit * self.points + self.rating - 1
        size = len(self.units) * self.points
        flat = np.bincount(cell, weights=self._per_answer(weights), minlength=size)
        return flat.astype(np.float64, copy=False).reshape(len(self.units), self.points)

    def shares(self, weights: ArrayLike | None = None) -> FloatArray:
        """Share of each point in the answers to each unit, [U, K]; NaN where nobody answered."""
        counts = self.counts(weights)
        total = counts.sum(axis=1, keepdims=True)
        return np.divide(counts, total, out=np.full_like(counts, np.nan), where=total > 0)

    def answered(self) -> IntArray:
        """Answers by unit, [U]."""
        return np.bincount(self.unit, minlength=len(self.units))

    def means(self, weights: ArrayLike | None = None) -> FloatArray:
        """Mean point by unit, [U], weighted by rater; NaN where nobody answered."""
        weight, units = self._per_answer(weights), len(self.units)
        n = np.bincount(self.unit, weights=weight, minlength=units)
        total = np.bincount(self.unit, weights=weight * self.rating, minlength=units)
        return np.divide(total, n, out=np.full(units, np.nan), where=n > 0)

    def _per_answer(self, weights: ArrayLike | None) -> FloatArray:
        if weights is None:
            return np.ones(len(self))
        return np.asarray(weights, dtype=np.float64)[self.rater]

    def variances(self) -> FloatArray:
        """Unbiased variance of the points by unit, [U]; NaN with fewer than two answers."""
        n = self.answered()
        spread = (self.rating - np.nan_to_num(self.means())[self.unit]) ** 2
        total = np.bincount(self.unit, weights=spread, minlength=len(self.units))
        return np.divide(total, n - 1, out=np.full(len(n), np.nan), where=n > 1)

    def where(self, kept: NDArray[np.bool_]) -> Self:
        """The answers marked True, [M]; names and positions stay as they are."""
        return self._with(self.unit[kept], self.rater[kept], self.rating[kept])

    def by_raters(self, kept: NDArray[np.bool_]) -> Self:
        """The answers of the raters marked True, [R]."""
        return self.where(kept[self.rater])

    def on_units(self, units: Sequence[str]) -> Self:
        """The answers about `units`, whose positions are those in `units`; others are left out."""
        place = {unit: position for position, unit in enumerate(units)}
        moved = np.array([place.get(unit, -1) for unit in self.units], dtype=np.int64)
        target = moved[self.unit] if len(self.units) else self.unit
        kept = target >= 0
        return type(self)(
            units=tuple(units),
            raters=self.raters,
            unit=target[kept],
            rater=self.rater[kept],
            rating=self.rating[kept],
            points=self.points,
        )

    def joined(self, other: Answers) -> Self:
        """Both tables in one, on the union of the units; equal rater names stay two raters.

        Raises:
            ValueError: scales of unlike length.
        """
        if other.points != self.points:
            raise ValueError(f"cannot join answers on {self.points} and {other.points} points")
        units = tuple(dict.fromkeys((*self.units, *other.units)))
        first, second = self.on_units(units), other.on_units(units)
        return type(self)(
            units=units,
            raters=(*self.raters, *other.raters),
            unit=np.concatenate([first.unit, second.unit]),
            rater=np.concatenate([first.rater, second.rater + len(self.raters)]),
            rating=np.concatenate([first.rating, second.rating]),
            points=self.points,
        )

    def _with(self, unit: IntArray, rater: IntArray, rating: IntArray) -> Self:
        return type(self)(
            units=self.units,
            raters=self.raters,
            unit=unit,
            rater=rater,
            rating=rating,
            points=self.points,
        )
