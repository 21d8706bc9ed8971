"""The raking kernel, on cells: people alike in every margin share one multiplier.

`rake_cells` finds the weights that meet the margins and are nearest to the base weights in
Kullback-Leibler divergence, between a lowest and a highest ratio to the base weight. Without
bounds it is iterative proportional fitting (Deming & Stephan 1940). With bounds each step solves
for the multiplier whose *clipped* ratios meet the level, which is coordinate ascent on the dual
of the bounded problem: the truncated multiplicative calibration of Deville & Särndal (1992).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_HUGE = 1e12
_STALL = 50  # sweeps without one per cent of progress mean that the margins cannot all be met


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """A raking problem on cells.

    Attributes:
        mass: base weight in each cell, positive, summing to 1; shape [C].
        levels: per margin, each cell's level; shape [C] each.
        targets: per margin, the target share of each level, summing to 1.
    """

    mass: FloatArray
    levels: Sequence[IntArray]
    targets: Sequence[FloatArray]

    def achieved(self, ratio: FloatArray) -> list[FloatArray]:
        """Per margin, each level's share under `mass * ratio`."""
        weight = self.mass * ratio
        return [
            weighted_counts(level, weight, target.size)
            for level, target in zip(self.levels, self.targets, strict=True)
        ]

    def deviation(self, ratio: FloatArray) -> float:
        """The largest distance of a level's share from its target."""
        pairs = zip(self.achieved(ratio), self.targets, strict=True)
        return max(float(np.abs(share - target).max()) for share, target in pairs)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solution:
    """What raking found.

    Attributes:
        ratio: weight over base weight of each cell; shape [C].
        iterations: sweeps over all margins.
        converged: whether every level is within the tolerance of its target.
        least_miss: where not converged, the smallest sum of absolute deviations over all levels
            that any weights within the bounds reach; None where converged.
    """

    ratio: FloatArray
    iterations: int
    converged: bool
    least_miss: float | None = None


def weighted_counts(codes: IntArray, weights: FloatArray, size: int) -> FloatArray:
    """Sum of the weights at each code 0..size-1."""
    return np.bincount(codes, weights=weights, minlength=size).astype(np.float64)


def rake_cells(
    cells: Cells, *, bounds: tuple[float, float] | None, tol: float, max_iter: int
) -> Solution:
    """Rake cells to their targets, or as near to them as the bounds and the cells allow.

    Where the targets cannot all be met, the cells are raked to `nearest_targets` instead.

    Args:
        cells: the problem.
        bounds: lowest and highest ratio, around 1; None leaves ratios free.
        tol: largest deviation from a target that counts as met, in shares.
        max_iter: most sweeps.
    """
    solution = _sweep(cells, bounds=bounds, tol=tol, max_iter=max_iter)
    if solution.converged:
        return solution
    nearest = nearest_targets(cells, bounds)
    pairs = zip(nearest, cells.targets, strict=True)
    miss = sum(float(np.abs(share - target).sum()) for share, target in pairs)
    if miss <= tol:
        return replace(solution, least_miss=0.0)
    closest = replace(cells, targets=nearest)
    second = _sweep(closest, bounds=bounds, tol=tol, max_iter=max_iter)
    return replace(
        second,
        iterations=solution.iterations + second.iterations,
        converged=False,
        least_miss=miss,
    )


def _sweep(
    cells: Cells, *, bounds: tuple[float, float] | None, tol: float, max_iter: int
) -> Solution:
    lower, upper = bounds or (0.0, np.inf)
    alive = _reachable(cells) if lower == 0 else np.ones(cells.mass.size, dtype=bool)
    multiplier = alive.astype(np.float64)
    mass = cells.mass * alive
    total = np.zeros(cells.mass.size, dtype=np.int64)
    checkpoint = np.inf
    iterations = 0
    while iterations < max_iter:
        iterations += 1
        for level, target in zip(cells.levels, cells.targets, strict=True):
            if bounds is None:
                _scale(multiplier, mass, level, target)
            else:
                _scale_bounded(multiplier, mass, level, target, (lower, upper))
        if bounds is not None:  # the shares must still sum to 1 where a level cannot be met
            _scale_bounded(multiplier, mass, total, np.ones(1), (lower, upper))
        deviation = cells.deviation(_ratio(multiplier, alive, lower, upper))
        if deviation <= tol:
            return Solution(
                ratio=_ratio(multiplier, alive, lower, upper), iterations=iterations, converged=True
            )
        if iterations % _STALL == 0:
            if deviation > 0.99 * checkpoint:
                break
            checkpoint = deviation
    return Solution(
        ratio=_ratio(multiplier, alive, lower, upper), iterations=iterations, converged=False
    )


def nearest_targets(cells: Cells, bounds: tuple[float, float] | None) -> list[FloatArray]:
    """The shares nearest to the targets that weights within the bounds reach together.

    Nearest in the sum of absolute deviations over all levels (a linear program), so that few
    levels carry the miss. Equal to the targets where these can be met.
    """
    from personas.programs import Program

    lower, upper = bounds or (0.0, np.inf)
    count, wanted = cells.mass.size, np.concatenate(list(cells.targets))
    shares = np.zeros((wanted.size, count))
    row = 0
    for level, target in zip(cells.levels, cells.targets, strict=True):
        shares[row + level, np.arange(count)] = cells.mass
        row += target.size
    identity = np.eye(wanted.size)
    total = np.concatenate([cells.mass, np.zeros(2 * wanted.size)])
    limits = np.append(wanted, 1.0)
    solved = Program(
        np.vstack([np.hstack([shares, identity, -identity]), total]),
        rows=(limits, limits),
        bounds=(
            np.append(np.full(count, lower), np.zeros(2 * wanted.size)),
            np.append(np.full(count, upper), np.full(2 * wanted.size, np.inf)),
        ),
        cost=np.append(np.zeros(count), np.ones(2 * wanted.size)),
    ).solve()
    if solved is None:  # a ratio of 1 everywhere is always allowed
        raise RuntimeError("the program of the nearest targets has no solution")
    return cells.achieved(solved.values[:count])


def _reachable(cells: Cells) -> NDArray[np.bool_]:
    """Cells in no level whose target is zero: the others can only have weight zero."""
    alive = np.ones(cells.mass.size, dtype=bool)
    for level, target in zip(cells.levels, cells.targets, strict=True):
        alive &= target[level] > 0
    return alive


def _ratio(
    multiplier: FloatArray, alive: NDArray[np.bool_], lower: float, upper: float
) -> FloatArray:
    return np.where(alive, np.clip(multiplier, lower, upper), 0.0)


def _scale(multiplier: FloatArray, mass: FloatArray, level: IntArray, target: FloatArray) -> None:
    share = weighted_counts(level, mass * multiplier, target.size)
    factor = np.divide(target, share, out=np.ones_like(target), where=share > 0)
    multiplier *= factor[level]


def _scale_bounded(
    multiplier: FloatArray,
    mass: FloatArray,
    level: IntArray,
    target: FloatArray,
    bounds: tuple[float, float],
) -> None:
    order = np.argsort(level, kind="stable")
    ends = np.searchsorted(level[order], np.arange(target.size + 1))
    for number, goal in enumerate(target.tolist()):
        members = order[ends[number] : ends[number + 1]]
        members = members[(mass[members] > 0)]
        if members.size:
            factor = _clipped_factor(multiplier[members], mass[members], goal, bounds)
            # Where margins contradict each other, multipliers would grow without end.
            multiplier[members] = np.clip(multiplier[members] * factor, 1 / _HUGE, _HUGE)


def _clipped_factor(
    multiplier: FloatArray, mass: FloatArray, goal: float, bounds: tuple[float, float]
) -> float:
    """The factor f with sum mass * clip(f * multiplier, lower, upper) = goal.

    The sum is piecewise linear in f with kinks where a cell reaches a bound, so it is solved
    exactly. A goal out of reach gives the factor at which every cell has just reached its bound.
    """
    lower, upper = bounds
    kinks = np.concatenate([lower / multiplier, upper / multiplier])
    slopes = np.concatenate([mass * multiplier, -mass * multiplier])
    order = np.argsort(kinks, kind="stable")
    kinks, slopes = kinks[order], np.cumsum(slopes[order])
    heights = lower * mass.sum() + np.append(0.0, np.cumsum(slopes[:-1] * np.diff(kinks)))
    place = int(np.searchsorted(heights, goal))
    if place == 0:
        return float(kinks[0])
    if place == heights.size:
        return float(kinks[-1])
    slope = slopes[place - 1]
    step = 0.0 if slope <= 0 else (goal - heights[place - 1]) / slope
    return float(kinks[place - 1] + step)
