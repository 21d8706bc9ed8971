"""Commensurating functions: what makes one number of a vector of objectives.

- `family(kind, objectives)`: weighted sums or weighted Chebyshev values over a simplex grid.
- `best_by_weight(points, functions)`: which response is best under which weights.

Objectives are larger-is-better, utilities in [0, 1] by default.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
Kind = Literal["weighted sum", "weighted Chebyshev"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Family:
    """A family of commensurating functions.

    Attributes:
        kind: `weighted sum`: sum of w_k o_k; `weighted Chebyshev`: 1 - max of w_k (z_k - o_k).
        weights: [functions, objectives], not negative, each row summing to 1.
        ideal: z, [objectives], the best value of each objective; only Chebyshev uses it.

    Raises:
        ValueError: weights that are none, or an ideal that does not match.
    """

    kind: Kind
    weights: FloatArray
    ideal: FloatArray

    def __post_init__(self) -> None:
        weights = self.weights
        if weights.ndim != 2 or weights.size == 0 or not np.isfinite(weights).all():
            raise ValueError(
                f"weights have shape {weights.shape}, expected [functions, objectives]"
            )
        if (weights < 0).any() or np.abs(weights.sum(axis=1) - 1).max() > 1e-9:
            raise ValueError("weights must not be negative and sum to 1 in each function")
        if self.ideal.shape != weights.shape[1:] or not np.isfinite(self.ideal).all():
            raise ValueError(f"ideal has shape {self.ideal.shape}, expected {weights.shape[1:]}")

    def values(self, objectives: FloatArray) -> FloatArray:
        """Value of each vector under each function, [..., functions] from [..., objectives]."""
        if self.kind == "weighted sum":
            return objectives @ self.weights.T
        short = self.weights * (self.ideal - objectives[..., None, :])
        return 1.0 - short.max(axis=-1)


def family(
    kind: Kind, objectives: int, *, steps: int = 10, ideal: Sequence[float] | None = None
) -> Family:
    """All weights that are multiples of 1 / `steps`, a grid over the simplex.

    Args:
        kind: of the functions.
        objectives: how many.
        steps: the grid has (steps + objectives - 1 choose objectives - 1) functions.
        ideal: best value of each objective; 1 for each when None.

    Raises:
        ValueError: fewer than one objective or step.
    """
    best = np.ones(objectives) if ideal is None else np.asarray(ideal, dtype=np.float64)
    return Family(kind=kind, weights=simplex_grid(objectives, steps), ideal=best)


def simplex_grid(objectives: int, steps: int) -> FloatArray:
    """Weight vectors [functions, objectives] whose parts are multiples of 1 / `steps`."""
    if objectives < 1 or steps < 1:
        raise ValueError(f"{objectives} objectives and {steps} steps; both must be at least 1")
    places = list(combinations(range(steps + objectives - 1), objectives - 1))
    bars = np.array(places, dtype=np.int64).reshape(len(places), objectives - 1)
    ends = np.full((len(places), 1), steps + objectives - 1)
    edges = np.concatenate([np.full_like(ends, -1), bars, ends], axis=1)
    return (np.diff(edges, axis=1) - 1) / steps


@dataclass(frozen=True, slots=True, kw_only=True)
class BestByWeight:
    """Where one response is the best under a family of weighted sums.

    Attributes:
        response: its number.
        share: share of the weights under which it is best (ties split).
        low: with two objectives, from which weight of the first one on it is best; else None.
        high: with two objectives, up to which weight; else None.
    """

    response: int
    share: float
    low: float | None = None
    high: float | None = None


def best_by_weight(points: ArrayLike, functions: Family) -> tuple[BestByWeight, ...]:
    """Which response is best under which weights.

    With two objectives and weighted sums the answer is exact: the weight of the first objective
    runs from 0 to 1 and the best response changes at the corners of the upper envelope. Otherwise
    shares are counted over the family's grid.

    Args:
        points: [responses, objectives], larger is better.
        functions: the family; its weights matter for the grid only.

    Returns:
        The responses that are best somewhere: along the weight of the first objective with two
        objectives, else the most often best first.

    Raises:
        ValueError: shapes that do not match, or a value that is not finite.
    """
    table = np.asarray(points, dtype=np.float64)
    size = functions.weights.shape[1]
    if table.ndim != 2 or table.shape[1:] != (size,) or not np.isfinite(table).all():
        raise ValueError(f"points have shape {table.shape}, expected finite [responses, {size}]")
    if size == 2 and functions.kind == "weighted sum":
        return _envelope(table)
    values = functions.values(table)
    ties = values >= values.max(axis=0) - 1e-12
    shares = (ties / ties.sum(axis=0)).mean(axis=1)
    order = np.argsort(-shares, kind="stable")
    return tuple(
        BestByWeight(response=int(place), share=float(shares[place]))
        for place in order
        if shares[place] > 0
    )


def _envelope(table: FloatArray) -> tuple[BestByWeight, ...]:
    """Upper envelope over w in [0, 1] of the lines w a + (1 - w) b."""
    found: list[BestByWeight] = []
    low = 0.0
    current = int(np.lexsort((-table[:, 0], -table[:, 1]))[0])
    while True:
        gain = table[:, 0] - table[current, 0]
        loss = table[current, 1] - table[:, 1]
        steeper = gain + loss > 1e-15
        crossing = np.divide(loss, gain + loss, out=np.full(len(table), np.inf), where=steeper)
        crossing[crossing < low] = np.inf
        high = float(min(crossing.min(), 1.0))
        if high > low:
            found.append(BestByWeight(response=current, share=high - low, low=low, high=high))
        if high >= 1.0:
            return tuple(found)
        at = np.flatnonzero(crossing <= high + 1e-12)
        current = int(at[np.argmax((table[:, 0] - table[:, 1])[at])])
        low = high
