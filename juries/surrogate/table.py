"""What a surrogate learns from: who rated which response how, and what is known of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from juries.measures.text_features import hashed_features
from personas.errors import InputError
from personas.persona import AttributeValue

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_MOST_LEVELS = 20
_TEXT_DIMENSIONS = 32


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RatingTable:
    """N ratings of R responses by J jurors on K points.

    Attributes:
        response: [N], 0 … R - 1.
        juror: [N], 0 … J - 1.
        rating: [N], 0 … K - 1.
        points: K.
        responses: features, [R, features].
        jurors: features, [J, features].
    """

    response: IntArray
    juror: IntArray
    rating: IntArray
    points: int
    responses: FloatArray
    jurors: FloatArray

    def __post_init__(self) -> None:
        sizes = {len(self.response), len(self.juror), len(self.rating)}
        if len(sizes) != 1:
            raise ValueError(f"{sizes} responses, jurors and ratings; expected one length")
        if not len(self.rating):
            raise InputError("there is no valid rating to learn from")
        if self.rating.min() < 0 or self.rating.max() >= self.points:
            raise ValueError(f"ratings must lie in 0 … {self.points - 1}")

    def __len__(self) -> int:
        return len(self.rating)

    def part(self, rows: IntArray) -> RatingTable:
        """Some of the ratings, with the same responses and jurors."""
        return RatingTable(
            response=self.response[rows],
            juror=self.juror[rows],
            rating=self.rating[rows],
            points=self.points,
            responses=self.responses,
            jurors=self.jurors,
        )


def text_features(texts: Sequence[str], dimensions: int = _TEXT_DIMENSIONS) -> FloatArray:
    """Leading components of hashed word n-grams, [texts, dimensions], each of unit variance."""
    from scipy.sparse.linalg import svds

    features = hashed_features(texts)
    kept = min(dimensions, len(texts) - 1)
    if kept < 1 or features.nnz == 0:
        return np.zeros((len(texts), 1))
    start = np.ones(min(features.shape))  # the same result in every run
    left, sizes, _ = svds(features.astype(np.float64), k=kept, v0=start)
    return standardised(np.asarray(left * sizes, dtype=np.float64))


class PersonaFeatures:
    """Attributes as numbers: levels as indicators, numbers standardised, what is missing as 0.

    Args:
        people: attributes of the jurors that the surrogate learns from.
        names: attributes to use; every one by default. Those with more than 20 levels that are no
            numbers are left out.
    """

    def __init__(
        self, people: Sequence[Mapping[str, AttributeValue]], names: Sequence[str] | None = None
    ) -> None:
        known = sorted({name for person in people for name in person})
        self._levels: dict[str, tuple[str, ...]] = {}
        self._numbers: dict[str, tuple[float, float]] = {}
        for name in known if names is None else names:
            values = [person[name] for person in people if name in person]
            if values and all(_is_number(value) for value in values):
                numbers = np.array(values, dtype=np.float64)
                self._numbers[name] = (float(numbers.mean()), float(numbers.std()) or 1.0)
                continue
            levels = tuple(sorted({str(value) for value in values}))
            if 1 < len(levels) <= _MOST_LEVELS:
                self._levels[name] = levels

    def __call__(self, people: Sequence[Mapping[str, AttributeValue]]) -> FloatArray:
        """Features of people, [people, features]; a level never seen counts as missing."""
        return np.array([self._row(person) for person in people], dtype=np.float64).reshape(
            len(people), len(self._row({}))
        )

    def _row(self, person: Mapping[str, AttributeValue]) -> list[float]:
        row = [1.0]  # so that there is a feature where nothing is known
        for name, (mean, spread) in self._numbers.items():
            value = person.get(name)
            known = value is not None and _is_number(value)
            row.append((float(value) - mean) / spread if known and value is not None else 0.0)
        for name, levels in self._levels.items():
            value = person.get(name)
            row.extend(float(value is not None and str(value) == level) for level in levels)
        return row


def _is_number(value: AttributeValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def standardised(table: FloatArray) -> FloatArray:
    """Columns of mean 0 and variance 1; constant ones 0."""
    spread = table.std(axis=0)
    return (table - table.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
