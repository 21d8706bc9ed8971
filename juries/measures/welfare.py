"""Welfare functions: how the utilities of many jurors become one number.

- `power_mean`: utilitarian mean, Nash, harmonic and Rawlsian minimum as one family.
- `quantile`, `lower_tail_mean`: robust versions of the minimum.
- `inequality_averse_mean`: the mean, less a share of the spread between jurors.
- `juries.measures.leximin_order` compares two distributions from the worst-off juror upwards.

Utilities are non-negative; NaN marks a juror without a valid rating. Such a juror is left out and
the other weights are renormalised; where no juror of positive weight is left, the result is NaN,
and callers that report results count those cells. Weights are one non-negative number per juror.
Which function is right is a value judgement, so report several (arXiv 2402.05070, section 4).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

TIE = 1e-12
"""Relative slack when a cumulated weight is compared with a share of the total: a weight of 0.1
added three times must reach the share 0.3."""

NEAR_ZERO_POWER = 0.01
"""Below it u^a is so close to 1 that only log1p and expm1 keep its digits."""

ZERO_POWER = 1e-100
"""Below it the limit a = 0 is exact to the last digit, and 1/a would overflow."""


def power_mean(
    utilities: ArrayLike,
    power: float,
    weights: ArrayLike | None = None,
    *,
    axis: int = -1,
    floor: float = 0.0,
) -> FloatArray:
    """Weighted power mean W_a = (Σ p_i u_i^a)^(1/a) over jurors.

    Args:
        utilities: non-negative, any shape; NaN is missing.
        power: a. 1 is the mean, 0 the weighted geometric mean (Nash), -1 harmonic, -inf the
            minimum (Rawlsian), inf the maximum; every other real number is allowed.
        weights: one per juror, equal when None.
        axis: the jurors' axis; it disappears from the result.
        floor: utilities below it are raised to it. For a ≤ 0 a single juror at 0 with positive
            weight makes the result 0; a floor above 0 is the explicit way out.

    Returns:
        float64 of the remaining shape; NaN where no juror of positive weight answered.

    Raises:
        ValueError: negative or infinite utilities, bad weights, NaN power, negative floor.
    """
    if np.isnan(power):
        raise ValueError("power is NaN")
    if not 0 <= floor < np.inf:
        raise ValueError(f"floor is {floor}; it must be finite and not negative")
    values, shares = prepare(utilities, weights, axis=axis)
    return power_mean_of_shares(np.maximum(values, floor), power, shares)


def power_mean_of_shares(values: FloatArray, power: float, shares: FloatArray) -> FloatArray:
    """`power_mean` along the last axis for shares that sum to 1 there; NaN where all are 0."""
    counted = shares > 0
    if np.isinf(power):
        pick, blank = (np.min, np.inf) if power < 0 else (np.max, -np.inf)
        result = pick(values, axis=-1, initial=blank, where=counted)
    elif power == 1:
        result = np.sum(values * shares, axis=-1)
    else:
        exact = 0.0 if abs(power) < ZERO_POWER else float(power)
        result = _finite_power_mean(values, exact, shares)
    return np.where(counted.any(axis=-1), result, np.nan)


def _finite_power_mean(values: FloatArray, power: float, shares: FloatArray) -> FloatArray:
    counted = shares > 0
    with np.errstate(divide="ignore"):
        logs = np.where(counted, np.log(np.where(counted, values, 1.0)), 0.0)
    zero = np.isneginf(logs)
    if power <= 0:
        hit = zero.any(axis=-1)
        logs = np.where(zero, 0.0, logs)
        with np.errstate(divide="ignore"):  # nobody answered: the caller makes it NaN
            return np.where(hit, 0.0, np.exp(_log_power_mean(logs, power, shares)))
    every = (zero | ~counted).all(axis=-1)
    lowest = np.min(logs, axis=-1, initial=0.0, where=~zero)[..., np.newaxis]
    logs = np.where(zero, lowest, logs)  # a zero adds nothing to the sum: its share is dropped
    kept = np.where(zero, 0.0, shares)
    mass = np.where(zero.any(axis=-1), kept.sum(axis=-1), 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        inner = _log_power_mean(logs, power, kept / mass[..., np.newaxis])
        return np.where(every, 0.0, np.exp(inner + np.log(mass) / power))


def _log_power_mean(logs: FloatArray, power: float, shares: FloatArray) -> FloatArray:
    """Log of the power mean from log utilities; shares sum to 1 along the last axis."""
    if power == 0:
        return np.sum(shares * logs, axis=-1)
    exponents = np.where(shares > 0, power * logs, -np.inf)
    top = np.max(exponents, axis=-1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    if abs(power) < NEAR_ZERO_POWER:  # 1 + small: log1p keeps the digits that a log would lose
        steps = np.where(shares > 0, np.expm1(exponents - top), 0.0)
        tail = np.log1p(np.sum(shares * steps, axis=-1))
    else:
        tail = np.log(np.sum(shares * np.exp(exponents - top), axis=-1))
    return (top[..., 0] + tail) / power


def quantile(
    utilities: ArrayLike, level: float, weights: ArrayLike | None = None, *, axis: int = -1
) -> FloatArray:
    """Weighted quantile: the smallest utility whose cumulated weight share reaches `level`.

    Args:
        utilities: non-negative, any shape; NaN is missing.
        level: strictly between 0 and 1.
        weights: one per juror, equal when None.
        axis: the jurors' axis.

    Returns:
        float64 of the remaining shape; NaN where no juror of positive weight answered.

    Raises:
        ValueError: a level outside (0, 1), bad utilities or weights.
    """
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; it must lie strictly between 0 and 1")
    values, cumulated = sort_shares(utilities, weights, axis)
    reached = np.argmax(cumulated >= level * (1 - TIE), axis=-1)[..., np.newaxis]
    result = np.take_along_axis(values, reached, axis=-1)[..., 0]
    return np.where(cumulated[..., -1] > 0, result, np.nan)


def lower_tail_mean(
    utilities: ArrayLike, share: float, weights: ArrayLike | None = None, *, axis: int = -1
) -> FloatArray:
    """Mean utility of the worst-off `share` of the weight (CVaR_q, expected shortfall).

    The juror on the boundary counts with the fraction that fills the tail exactly, so that
    doubling a juror equals doubling its weight (Rockafellar & Uryasev 2002). share = 1 is the
    mean; share → 0 tends to the minimum.

    Args:
        utilities: non-negative, any shape; NaN is missing.
        share: q in (0, 1].
        weights: one per juror, equal when None.
        axis: the jurors' axis.

    Returns:
        float64 of the remaining shape; NaN where no juror of positive weight answered.

    Raises:
        ValueError: a share outside (0, 1], bad utilities or weights.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share is {share}; it must lie in (0, 1]")
    values, cumulated = sort_shares(utilities, weights, axis)
    within = np.diff(np.minimum(cumulated, share), axis=-1, prepend=0.0)
    result = np.sum(within * np.where(within > 0, values, 0.0), axis=-1)
    mass = within.sum(axis=-1)
    return np.divide(result, mass, out=np.full_like(result, np.nan), where=mass > 0)


def inequality_averse_mean(
    utilities: ArrayLike, aversion: float, weights: ArrayLike | None = None, *, axis: int = -1
) -> FloatArray:
    """Mean - λ · (weighted mean absolute difference between jurors) / 2.

    The mean absolute difference is Σ_i Σ_j p_i p_j |u_i - u_j|. λ = 0 is the mean; λ = 1 is Sen's
    welfare μ(1 - Gini) (Sen 1976). Between 0 and 1 no juror's gain can lower the result.

    Args:
        utilities: non-negative, any shape; NaN is missing.
        aversion: λ in [0, 1].
        weights: one per juror, equal when None.
        axis: the jurors' axis.

    Returns:
        float64 of the remaining shape; NaN where no juror of positive weight answered.

    Raises:
        ValueError: an aversion outside [0, 1], bad utilities or weights.
    """
    if not 0 <= aversion <= 1:
        raise ValueError(f"aversion is {aversion}; it must lie in [0, 1]")
    values, cumulated = sort_shares(utilities, weights, axis)
    shares = np.diff(cumulated, axis=-1, prepend=0.0)
    mean = np.sum(shares * values, axis=-1)
    below = cumulated[..., :-1]
    spread = np.sum(np.diff(values, axis=-1) * below * (1 - below), axis=-1)
    return np.where(cumulated[..., -1] > 0, mean - aversion * spread, np.nan)


def prepare(
    utilities: ArrayLike, weights: ArrayLike | None, *, axis: int = -1
) -> tuple[FloatArray, FloatArray]:
    """Utilities with the jurors last and missing ones at 0, beside their shares of the weight.

    Shares sum to 1 along the last axis, or are all 0 where no juror of positive weight answered.
    """
    values = np.moveaxis(np.asarray(utilities, dtype=np.float64), axis, -1)
    checked = check_weights(weights, values.shape[-1])
    missing = np.isnan(values)
    if np.any((values < 0) | np.isinf(values)):
        raise ValueError("utilities must be finite and not negative (NaN marks a missing one)")
    masses = np.where(missing, 0.0, checked)
    total = masses.sum(axis=-1, keepdims=True)
    shares = np.divide(masses, total, out=np.zeros_like(masses), where=total > 0)
    return np.where(missing, 0.0, values), shares


def check_weights(weights: ArrayLike | None, jurors: int) -> FloatArray:
    """Weights as float64 [jurors], equal when None; ValueError where they cannot be weights."""
    if jurors == 0:
        raise ValueError("there are no jurors along this axis")
    if weights is None:
        return np.full(jurors, 1.0 / jurors)
    checked = np.asarray(weights, dtype=np.float64)
    if checked.shape != (jurors,):
        raise ValueError(f"weights have shape {checked.shape}; expected ({jurors},)")
    if not np.all(np.isfinite(checked)) or np.any(checked < 0) or not checked.sum() > 0:
        raise ValueError("weights must be finite, not negative, and not all zero")
    return checked / checked.sum()


def sort_shares(
    utilities: ArrayLike, weights: ArrayLike | None, axis: int
) -> tuple[FloatArray, FloatArray]:
    """Utilities ascending along the last axis, and their cumulated shares (last one 1, or 0).

    Jurors without a share stand at the end, at the value of the last juror with one.
    """
    values, shares = prepare(utilities, weights, axis=axis)
    top = np.max(values, axis=-1, keepdims=True, initial=0.0, where=shares > 0)
    values = np.where(shares > 0, values, top)
    order = np.argsort(np.where(shares > 0, values, np.inf), axis=-1, kind="stable")
    cumulated = np.cumsum(np.take_along_axis(shares, order, axis=-1), axis=-1)
    answered = cumulated[..., -1:] > 0
    np.divide(cumulated, cumulated[..., -1:], out=cumulated, where=answered)
    return np.take_along_axis(values, order, axis=-1), cumulated
