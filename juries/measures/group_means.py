"""Mean utilities of groups of jurors, under their own labels and under labels dealt at random."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from juries.measures.resampling import FloatArray
from juries.measures.welfare import check_weights


class GroupMeans:
    """Checked utilities with their jurors' labels, and mean utilities under any labelling."""

    def __init__(
        self,
        utilities: FloatArray,
        groups: Sequence[str],
        weights: ArrayLike | None,
        models: Sequence[str] | None,
    ) -> None:
        table = np.asarray(utilities, dtype=np.float64)
        if table.ndim != 3 or len(groups) != table.shape[2] or min(table.shape) < 1:
            raise ValueError(
                f"utilities {table.shape} and {len(groups)} labels; expected "
                "[models, items, jurors] and one label per juror"
            )
        if np.isinf(table).any():
            raise ValueError("utilities must be finite (NaN marks a missing one)")
        self.models = tuple(models or (f"model {at + 1}" for at in range(len(table))))
        if len(set(self.models)) != len(table):
            raise ValueError(f"{len(set(self.models))} different names for {len(table)} models")
        self._weights = check_weights(weights, table.shape[2])
        self.there = (~np.isnan(table)).astype(np.float64)
        self.values = np.nan_to_num(table)
        self.groups = tuple(sorted(set(groups)))
        self.member = np.array([[label == name for name in self.groups] for label in groups])
        self.everyone = np.ones((table.shape[2], 1), dtype=bool)

    def means(self, member: NDArray[np.bool_]) -> FloatArray:
        """Weighted mean utility of each group, [models, items, groups]; NaN without a rating."""
        mass = member * self._weights[:, None]
        return ratio(self.values @ mass, self.there @ mass)

    def raters(self, member: NDArray[np.bool_]) -> FloatArray:
        """Raters of positive weight in each group, [models, items, groups]."""
        return self.there @ (member & (self._weights > 0)[:, None]).astype(np.float64)

    def shuffled(self, times: int, rng: np.random.Generator) -> Iterator[NDArray[np.bool_]]:
        """The same labels dealt to the jurors at random."""
        for _ in range(times):
            yield rng.permutation(self.member)


def ratio(top: ArrayLike, bottom: ArrayLike) -> FloatArray:
    """Elementwise quotient; NaN where the divisor is not positive."""
    over = np.asarray(top, dtype=np.float64)
    under = np.asarray(bottom, dtype=np.float64)
    return np.divide(over, under, out=np.full(over.shape, np.nan), where=under > 0)
