"""With which probabilities to serve the responses, so that the jury's welfare is greatest.

Ex ante, juror j's utility under the mixture q is v_j = sum_m q_m u_mj, and q maximises w(v_1..v_n)
over the simplex. For power means with a <= 1, the mean of the worst-off, and the inequality-averse
mean, w is concave, so the optimum comes with a certificate. Where w is smooth it is climbed, and
the Frank-Wolfe gap max_m g_m - g.q bounds what is left (g the gradient); else Kelley's cutting
planes (1960) bound it by a linear program. For a > 1 w is convex, so the best single response is
the optimum. Quantiles are neither, and are refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from juries.measures.resampling import Interval, juror_multiplicities, percentile_interval
from juries.measures.welfare import check_weights
from juries.measures.welfare_functions import (
    InequalityAverseMean,
    LowerTailMean,
    PowerMean,
    Quantile,
    WelfareFunction,
)
from personas.errors import InputError

FloatArray = NDArray[np.float64]

GAP = 1e-7
"""Certified distance to the greatest welfare at which the search stops."""

_ROUGH = 1e-4
"""The gap allowed on each resampled jury: far below the spread between juries."""

_MOST_CUTS = 400
_SMALLEST = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Optimum:
    """A mixture of the greatest welfare.

    Attributes:
        probabilities: of the responses, [responses].
        welfare: of the mixture.
        gap: the greatest welfare is at most this much higher (certified).
        best_single: position of the best response served always.
        welfare_single: its welfare.
    """

    probabilities: FloatArray
    welfare: float
    gap: float
    best_single: int
    welfare_single: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MixtureBootstrap:
    """The optimum with its spread over resampled juries, each solved anew.

    Attributes:
        optimum: on the jury itself.
        probabilities: interval of each probability, over jurors.
        gain: interval of the welfare gained over the best single response.
        optimism: by how much the welfare of a mixture is higher on the jury it was found for than
            on the whole jury, a mean over resamples: subtract it for an honest welfare.
        left_out: jurors without a utility for every response.
    """

    optimum: Optimum
    probabilities: Interval
    gain: Interval
    optimism: float
    left_out: int


def optimal_mixture(
    utilities: ArrayLike,
    function: WelfareFunction,
    weights: ArrayLike | None = None,
    *,
    gap: float = GAP,
) -> Optimum:
    """The mixture that maximises ex-ante welfare.

    Args:
        utilities: [responses, jurors] in [0, 1], none missing. A floor of the function is applied
            to them (before mixing, so that the problem stays concave).
        function: what is maximised.
        weights: one per juror, equal when None.
        gap: certified distance to the greatest welfare at which to stop.

    Returns:
        A mixture whose `gap` is at most the one asked for, unless the number of cuts ran out.
        Where several are best, one of them.

    Raises:
        InputError: a quantile, which no certificate covers.
        ValueError: bad utilities or weights.
    """
    table = np.asarray(utilities, dtype=np.float64)
    if table.ndim != 2 or table.size == 0 or not np.isfinite(table).all() or (table < 0).any():
        raise ValueError(f"expected finite, non-negative [responses, jurors], shape {table.shape}")
    shares = check_weights(weights, table.shape[1])
    table, shares = table[:, shares > 0], shares[shares > 0]
    if isinstance(function, Quantile):
        raise InputError(
            "a quantile has no certified best mixture",
            found=function.name,
            expected="power:A, cvar:Q or inequality:L",
        )
    if isinstance(function, PowerMean) and function.floor:
        table = np.maximum(table, function.floor)
    single = np.asarray(function(table, shares))
    best = int(np.argmax(single))
    corner = np.zeros(len(table))
    corner[best] = 1.0
    convex = isinstance(function, PowerMean) and function.power >= 1
    # With a utility of 0 on every response, a juror pins a power mean with a <= 0 to 0.
    pinned = isinstance(function, PowerMean) and function.power <= 0 and (table.max(0) <= 0).any()
    if convex or pinned or len(table) == 1:
        found = _Found(mixture=corner, welfare=float(single[best]), gap=0.0)
    else:
        found = _search(_Problem(table=table, function=function, shares=shares), corner, gap)
    return Optimum(
        probabilities=found.mixture,
        welfare=found.welfare,
        gap=found.gap,
        best_single=best,
        welfare_single=float(single[best]),
    )


def mixture_bootstrap(
    utilities: ArrayLike,
    function: WelfareFunction,
    *,
    rng: np.random.Generator,
    weights: ArrayLike | None = None,
    resamples: int = 200,
    level: float = 0.95,
) -> MixtureBootstrap:
    """The optimal mixture, solved again on resampled juries.

    Args:
        utilities: [responses, jurors]; jurors with a missing one are left out and counted.
        function: what is maximised.
        rng: source of the resamples.
        weights: one per juror, equal when None.
        resamples: juries drawn.
        level: coverage of the intervals.

    Raises:
        InputError: no juror has a utility for every response, or as `optimal_mixture`.
    """
    table = np.asarray(utilities, dtype=np.float64)
    shares = check_weights(weights, table.shape[1])
    whole = ~np.isnan(table).any(axis=0) & (shares > 0)
    if not whole.any():
        raise InputError("no juror has a valid rating of every response to be mixed")
    kept, shares = table[:, whole], shares[whole] / shares[whole].sum()
    optimum = optimal_mixture(kept, function, shares)
    drawn = juror_multiplicities(kept.shape[1], resamples, rng)
    probabilities = np.empty((len(kept), resamples))
    gains, excess = np.empty(resamples), np.empty(resamples)
    for at, counts in enumerate(drawn.T):
        again = optimal_mixture(kept, function, shares * counts, gap=_ROUGH)
        probabilities[:, at] = again.probabilities
        gains[at] = again.welfare - again.welfare_single
        excess[at] = again.welfare - float(function(again.probabilities @ kept, shares))
    return MixtureBootstrap(
        optimum=optimum,
        probabilities=percentile_interval(probabilities, level, resampled="jurors"),
        gain=percentile_interval(gains, level, resampled="jurors"),
        optimism=float(excess.mean()),
        left_out=int((~whole).sum()),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Found:
    mixture: FloatArray
    welfare: float
    gap: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Problem:
    table: FloatArray
    function: WelfareFunction
    shares: FloatArray

    @property
    def smooth(self) -> bool:
        return isinstance(self.function, PowerMean) and not np.isinf(self.function.power)

    def welfare(self, q: FloatArray) -> float:
        return float(self.function(q @ self.table, self.shares))

    def slope(self, q: FloatArray) -> FloatArray:
        """A supergradient with respect to the probabilities, [responses]."""
        v = q @ self.table
        return self.table @ _juror_slopes(v, self.function, self.shares)


def _search(problem: _Problem, corner: FloatArray, gap: float) -> _Found:
    if problem.smooth:
        climbed = _climb(problem)
        if climbed.gap <= gap:
            return climbed
        return _cutting_planes(problem, [corner, climbed.mixture], gap)
    return _cutting_planes(problem, [corner], gap)


def _climb(problem: _Problem) -> _Found:
    """Sequential quadratic programming from the centre; the Frank-Wolfe gap certifies it."""
    from scipy.optimize import minimize

    responses = len(problem.table)
    solved = minimize(
        lambda q: -problem.welfare(q),
        np.full(responses, 1.0 / responses),
        jac=lambda q: -problem.slope(q),
        bounds=[(0.0, 1.0)] * responses,
        constraints={"type": "eq", "fun": lambda q: q.sum() - 1.0, "jac": np.ones_like},
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 200},
    )
    q = np.maximum(cast("FloatArray", solved.x), 0.0)
    q /= q.sum()
    slope = problem.slope(q)
    left = max(float(slope.max() - slope @ q), 0.0)
    return _Found(mixture=q, welfare=problem.welfare(q), gap=left)


def _cutting_planes(problem: _Problem, starts: list[FloatArray], gap: float) -> _Found:
    """Kelley's method on the simplex."""
    from scipy.optimize import linprog

    responses = len(problem.table)
    points = [*starts, np.full(responses, 1.0 / responses)]
    points.extend(np.eye(responses) * 0.98 + 0.02 / responses)
    slopes: list[FloatArray] = []
    heights: list[float] = []
    best, value, upper = starts[0], -np.inf, np.inf
    for _ in range(_MOST_CUTS):
        for q in points:
            welfare, slope = problem.welfare(q), problem.slope(q)
            slopes.append(slope)
            heights.append(welfare - float(slope @ q))
            if welfare > value:
                best, value = q, welfare
        solved = linprog(
            np.append(np.zeros(responses), -1.0),
            A_ub=np.column_stack([-np.array(slopes), np.ones(len(slopes))]),
            b_ub=np.array(heights),
            A_eq=np.append(np.ones(responses), 0.0)[None],
            b_eq=[1.0],
            bounds=[(0.0, 1.0)] * responses + [(None, None)],
            method="highs",
        )
        upper = min(upper, float(-cast("float", solved.fun)))
        if upper - value <= gap:
            break
        found = np.maximum(cast("FloatArray", solved.x)[:responses], 0.0)
        found /= found.sum()
        # Half-way to the best point so far steadies the method where welfare is smooth.
        points = [found, (found + best) / 2]
    return _Found(mixture=best, welfare=value, gap=max(upper - value, 0.0))


def _juror_slopes(v: FloatArray, function: WelfareFunction, shares: FloatArray) -> FloatArray:
    """A supergradient with respect to the jurors' utilities, [jurors]."""
    if isinstance(function, PowerMean) and not np.isinf(function.power):
        # dW/dv_j = p_j (W / v_j)^(1 - a)
        ratio = max(float(function(v, shares)), _SMALLEST) / np.maximum(v, _SMALLEST)
        return shares * np.minimum(ratio ** (1.0 - function.power), 1e12)
    order = np.argsort(v, kind="stable")
    reached = np.cumsum(shares[order])
    below = reached - shares[order]
    slopes = np.empty_like(v)
    if isinstance(function, PowerMean):
        slopes[order] = np.where(np.arange(len(v)) == 0, 1.0, 0.0)
    elif isinstance(function, LowerTailMean):
        within = np.minimum(reached, function.share) - np.minimum(below, function.share)
        slopes[order] = within / function.share
    else:
        # mean - λ/2 · sum p_i p_j |v_i - v_j|: p_j weighted by the mass above less that below.
        aversion = cast("InequalityAverseMean", function).aversion
        slopes[order] = shares[order] * (1.0 + aversion * ((1.0 - reached) - below))
    return slopes
