"""How far a jury is apart: entropy, variance and polarisation, before and after talk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from juries.measures.deliberation.change import Change, paired_change

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Points = NDArray[np.integer]
POLARISATION_AVERSION = 1.3
"""Esteban and Ray's alpha, which they confine to (0, 1.6]; larger sets polarisation further apart
from inequality."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spread:
    """How far the jury is apart on each question, shape [questions] each; NaN is undefined.

    Attributes:
        entropy: of the points' shares, in bits.
        variance: of the points, in squared points.
        bimodality: Sarle's coefficient in (0, 1]; above 5/9, that of a uniform distribution,
            it hints at two camps. Needs four votes that are not all alike; it counts jurors, not
            weights, for its correction is for sample size.
        polarisation: Esteban and Ray (1994), 1 for two equal camps at the ends, 0 for consensus.
    """

    entropy: FloatArray
    variance: FloatArray
    bimodality: FloatArray
    polarisation: FloatArray


def spread(points: Points, *, scale: int, weights: FloatArray | None = None) -> Spread:
    """Measure each question's ballots.

    Args:
        points: 1..scale, shape [questions, jurors]; anything below 1 is no valid answer.
        scale: number of points K.
        weights: of the jurors, shape [jurors]; equal when None.
    """
    weight = np.ones(points.shape[1]) if weights is None else weights
    shares = vote_shares(points, scale=scale, weights=weight)
    at = np.arange(1.0, scale + 1)
    mean = shares @ at
    logs = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    empty = np.isnan(shares[:, 0])
    return Spread(
        entropy=np.where(empty, np.nan, np.abs((shares * logs).sum(axis=1))),
        variance=(shares * (at - mean[:, None]) ** 2).sum(axis=1),
        bimodality=bimodality_coefficient(np.where(points >= 1, points, np.nan)),
        polarisation=esteban_ray(shares),
    )


def vote_shares(points: Points, *, scale: int, weights: FloatArray) -> FloatArray:
    """Weighted share of the valid votes on each point, shape [questions, K]; NaN without votes."""
    tally = np.stack([(points == point) @ weights for point in range(1, scale + 1)], axis=1)
    voted = tally.sum(axis=1, keepdims=True)
    return np.divide(tally, voted, out=np.full(tally.shape, np.nan), where=voted > 0)


def bimodality_coefficient(positions: FloatArray) -> FloatArray:
    """Sarle's bimodality coefficient (g1² + 1) / (g2 + 3 (n-1)² / ((n-2)(n-3))).

    g1 is sample skewness and g2 sample excess kurtosis, both corrected for sample size as SAS
    does. A uniform distribution tends to 5/9, two equal points to 1, a normal to 1/3.

    Args:
        positions: shape [questions, jurors]; NaN is missing.

    Returns:
        Shape [questions]; NaN with fewer than four votes or without variance.
    """
    there = np.isfinite(positions)
    n = there.sum(axis=1).astype(np.float64)
    known = np.maximum(n, 1.0)
    mean = np.where(there, positions, 0.0).sum(axis=1) / known
    apart = np.where(there, positions - mean[:, None], 0.0)
    second, third, fourth = ((apart**power).sum(axis=1) / known for power in (2, 3, 4))
    defined = (n >= 4) & (second > 1e-12)
    n, second = np.where(defined, n, 4.0), np.where(defined, second, 1.0)
    skewness = third / second**1.5 * np.sqrt(n * (n - 1)) / (n - 2)
    excess = fourth / second**2 - 3
    kurtosis = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * excess + 6)
    below = kurtosis + 3 * (n - 1) ** 2 / ((n - 2) * (n - 3))
    return np.divide(skewness**2 + 1, below, out=np.full(len(n), np.nan), where=defined)


def esteban_ray(shares: FloatArray, *, alpha: float = POLARISATION_AVERSION) -> FloatArray:
    """Polarisation K ∑_i ∑_j s_i^(1+alpha) s_j |i - j| (Esteban and Ray 1994).

    K makes two equal camps at the ends of the scale 1.

    Args:
        shares: of the votes on each point, shape [questions, K].
        alpha: in (0, 1.6].

    Returns:
        In 0..1, shape [questions]; NaN where shares are.
    """
    if not 0 < alpha <= 1.6:
        raise ValueError(f"alpha is {alpha}; Esteban and Ray's lies in (0, 1.6]")
    at = np.linspace(0.0, 1.0, shares.shape[1])
    distance = np.abs(at[:, None] - at[None, :])
    felt = np.einsum("qi,ij,qj->q", shares ** (1 + alpha), distance, shares)
    return felt * 2 ** (1 + alpha)


def spread_changes(
    before: Points,
    after: Points,
    *,
    scale: int,
    weights: FloatArray | None = None,
    items: IntArray,
    resamples: int = 1000,
    level: float = 0.95,
    rng: np.random.Generator,
) -> tuple[Change, ...]:
    """Change in entropy, variance, bimodality and polarisation, each paired by question.

    Only jurors valid at both ballots are compared, so that a lost vote is no change of heart.

    Args:
        before: points 1..scale, shape [questions, jurors]; anything below 1 is no valid answer.
        after: likewise.
        scale: number of points K.
        weights: of the jurors; equal when None.
        items: which item each question belongs to; items are resampled.
        resamples: of the bootstrap.
        level: of the intervals.
        rng: source of the resamples.
    """
    both = (before >= 1) & (after >= 1)
    first = spread(np.where(both, before, -1), scale=scale, weights=weights)
    last = spread(np.where(both, after, -1), scale=scale, weights=weights)
    return tuple(
        paired_change(
            name,
            getattr(first, name),
            getattr(last, name),
            items=items,
            resamples=resamples,
            level=level,
            rng=rng,
        )
        for name in ("entropy", "variance", "bimodality", "polarisation")
    )
