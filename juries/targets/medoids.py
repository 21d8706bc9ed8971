"""k medoids: the k members whose weighted distances to all others are least (PAM).

Kaufman & Rousseeuw (1990): greedy building, then swaps while one helps; besides from a few spread
beginnings, for single swaps can be stuck. All swaps of a step are tried at once by array
operations, which is quick for juries of up to some thousands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_MOST_SWAPS = 100
_STARTS = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Medoids:
    """k medoids.

    Attributes:
        medoids: positions, [k].
        labels: which of them is nearest to each member, [members].
        cost: weighted sum of the distances to the nearest medoid.
    """

    medoids: IntArray
    labels: IntArray
    cost: float


def choose_medoids(distances: FloatArray, weights: FloatArray, k: int) -> Medoids:
    """Choose k medoids of members with pairwise distances.

    Args:
        distances: [members, members], not negative, 0 on the diagonal.
        weights: of the members.
        k: 1 to the number of members.

    Raises:
        ValueError: a k out of range.
    """
    members = len(distances)
    if not 1 <= k <= members:
        raise ValueError(f"{k} medoids of {members} members")
    starts = [_built(distances, weights, k)]
    spaced = np.linspace(0, members - 1, min(_STARTS, members)).astype(np.int64)
    starts.extend(_spread(distances, int(first), k) for first in spaced)
    found = [_swapped(distances, weights, start) for start in starts]
    return min(found, key=lambda each: each.cost)


def _built(distances: FloatArray, weights: FloatArray, k: int) -> IntArray:
    """Medoids one by one, each lowering the cost most."""
    medoids: list[int] = []
    nearest = np.full(len(distances), np.inf)
    for _ in range(k):
        cost = np.minimum(distances, nearest[None]) @ weights
        cost[medoids] = np.inf
        medoids.append(int(np.argmin(cost)))
        nearest = np.minimum(nearest, distances[medoids[-1]])
    return np.array(medoids)


def _spread(distances: FloatArray, first: int, k: int) -> IntArray:
    """Medoids one by one, each the farthest from those before."""
    medoids = [first]
    while len(medoids) < k:
        away = distances[medoids].min(axis=0)
        away[medoids] = -1.0
        medoids.append(int(np.argmax(away)))
    return np.array(medoids)


def _swapped(distances: FloatArray, weights: FloatArray, chosen: IntArray) -> Medoids:
    """Swap a medoid for a member as long as that lowers the cost."""
    for _ in range(_MOST_SWAPS):
        swapped = _best_swap(distances, weights, chosen)
        if swapped is None:
            break
        chosen = swapped
    to_medoids = distances[chosen]
    return Medoids(
        medoids=chosen,
        labels=to_medoids.argmin(axis=0),
        cost=float(weights @ to_medoids.min(axis=0)),
    )


def _best_swap(distances: FloatArray, weights: FloatArray, chosen: IntArray) -> IntArray | None:
    """The swap of a medoid for a member that lowers the cost most, or None where none does."""
    to_medoids = distances[chosen]
    before = float(weights @ to_medoids.min(axis=0))
    best, found = before * (1 - 1e-9), None
    for place in range(len(chosen)):
        rest = np.delete(to_medoids, place, axis=0)
        without = rest.min(axis=0) if len(rest) else np.full(len(distances), np.inf)
        costs = np.minimum(distances, without[None]) @ weights
        candidate = int(np.argmin(costs))
        if costs[candidate] < best:
            best, found = float(costs[candidate]), chosen.copy()
            found[place] = candidate
    return found
