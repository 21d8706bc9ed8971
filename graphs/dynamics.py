"""How opinions move when jurors hear each other: DeGroot, Friedkin-Johnsen, bounded confidence.

One round of talk, for juror i with susceptibility l_i and neighbours' weights W:

    x_i(t + 1) = l_i * sum_j W_ij(t) x_j(t) + (1 - l_i) * x_i(0)

- l_i = 1 for all: DeGroot (1974); positions are averaged again and again.
- l_i < 1: Friedkin and Johnsen (1990); jurors hold on to where they started.
- Bounded confidence (Hegselmann and Krause 2002): those further away than `confidence` are not
  listened to, and the weights of the others are scaled to sum to 1.

Positions are arrays whose last axis is the jurors, so that many topics move at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def hear(
    positions: FloatArray,
    said: FloatArray,
    *,
    start: FloatArray,
    weights: FloatArray,
    susceptibility: FloatArray | float = 1.0,
    confidence: float | None = None,
) -> FloatArray:
    """Positions after hearing some speakers, who may have said something else than they think.

    Args:
        positions: where hearers stand, shape [..., hearers].
        said: what speakers argued for, shape [..., speakers].
        start: where hearers stood at first, shape [..., hearers].
        weights: of each speaker with each hearer, shape [hearers, speakers], rows sum to at most
            1; the rest is what hearers give to their own position.
        susceptibility: how far each hearer yields to what is heard, in 0..1, shape [hearers].
        confidence: furthest distance at which a speaker is listened to; None for no bound.

    Returns:
        Shape [..., hearers].
    """
    own = 1.0 - weights.sum(axis=1)
    if confidence is None:
        heard = said @ weights.T + own * positions
    else:
        apart = np.abs(positions[..., :, None] - said[..., None, :])
        listened = np.where(apart <= confidence, weights, 0.0)
        total = own + listened.sum(axis=-1)
        summed = np.einsum("...ij,...j->...i", listened, said) + own * positions
        # Who gives themselves no weight and finds nobody near stays where they are.
        heard = np.divide(summed, total, out=positions.copy(), where=total > 1e-12)
    return susceptibility * heard + (1.0 - np.asarray(susceptibility)) * start


def step(
    positions: FloatArray,
    *,
    start: FloatArray,
    weights: FloatArray,
    susceptibility: FloatArray | float = 1.0,
    confidence: float | None = None,
) -> FloatArray:
    """Positions after one round in which everybody says what they think.

    Args:
        positions: where jurors stand, shape [..., jurors].
        start: where they stood at first, shape [..., jurors].
        weights: W, shape [hearer, speaker], rows sum to 1.
        susceptibility: how far each juror yields to what is heard, in 0..1, shape [jurors].
        confidence: furthest distance at which a speaker is listened to; None for no bound.

    Returns:
        Shape [..., jurors].
    """
    others = weights - np.diag(np.diagonal(weights))
    return hear(
        positions,
        positions,
        start=start,
        weights=others,
        susceptibility=susceptibility,
        confidence=confidence,
    )


def trajectory(
    start: FloatArray,
    *,
    weights: FloatArray,
    rounds: int,
    susceptibility: FloatArray | float = 1.0,
    confidence: float | None = None,
) -> FloatArray:
    """Positions before the first and after each round, shape [rounds + 1, ..., jurors]."""
    path = [start]
    for _ in range(rounds):
        path.append(
            step(
                path[-1],
                start=start,
                weights=weights,
                susceptibility=susceptibility,
                confidence=confidence,
            )
        )
    return np.stack(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """Where repeated talk came to rest.

    Attributes:
        positions: after the last round, shape [..., jurors].
        rounds: how many were needed.
        at_rest: whether the last round moved nobody by more than the tolerance.
    """

    positions: FloatArray
    rounds: int
    at_rest: bool


def settle(
    start: FloatArray,
    *,
    weights: FloatArray,
    susceptibility: FloatArray | float = 1.0,
    confidence: float | None = None,
    tolerance: float = 1e-9,
    most_rounds: int = 10_000,
) -> Settled:
    """Talk until nobody moves by more than `tolerance`, or for `most_rounds`."""
    positions = start
    for rounds in range(1, most_rounds + 1):
        moved = step(
            positions,
            start=start,
            weights=weights,
            susceptibility=susceptibility,
            confidence=confidence,
        )
        at_rest = bool(np.abs(moved - positions).max() <= tolerance)
        positions = moved
        if at_rest:
            return Settled(positions=positions, rounds=rounds, at_rest=True)
    return Settled(positions=positions, rounds=most_rounds, at_rest=False)


def clusters(positions: FloatArray, gap: float) -> tuple[tuple[int, ...], ...]:
    """Jurors grouped where neighbouring positions are no more than `gap` apart.

    Args:
        positions: of one topic, shape [jurors].
        gap: the largest distance between neighbours within a group.

    Returns:
        Groups of jurors from the lowest position up; jurors ascending in each.
    """
    order = np.argsort(positions, kind="stable")
    breaks = np.flatnonzero(np.diff(positions[order]) > gap) + 1
    return tuple(tuple(sorted(group.tolist())) for group in np.split(order, breaks))
