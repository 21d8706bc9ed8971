"""Welfare of every item in every bootstrap replicate, for one block of items.

Power means are matrix products of transformed utilities with the replicates' juror weights.
Minimum, quantile, tail mean and inequality need the jurors in order: `_steps` walks each item's
utilities from the worst-off up and hands (value, weight gained) to an accumulator, for all items
and replicates at once, and stops when every accumulator has its answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from juries.measures.welfare import NEAR_ZERO_POWER, TIE, ZERO_POWER
from juries.measures.welfare_functions import (
    InequalityAverseMean,
    LowerTailMean,
    PowerMean,
    Quantile,
    WelfareFunction,
)

FloatArray = NDArray[np.float64]

_WIDEST = 600.0
"""Largest |a|·log(max/min) for which a sum of powers neither over- nor underflows."""

_FEW = 0.25
"""Below this share of distinct utilities per juror, products beat gathers (measured)."""


def block_welfare(
    utilities: FloatArray, functions: Sequence[WelfareFunction], masses: FloatArray
) -> tuple[list[FloatArray], FloatArray]:
    """Welfare per item and replicate under each function.

    Args:
        utilities: [items, jurors], non-negative, NaN missing.
        functions: the welfare functions.
        masses: [jurors, B], persona weight times how often the juror was drawn.

    Returns:
        One [items, B] array per function (0 where the total is 0), and the total weight
        of the jurors who answered, [items, B] or [1, B] where nobody is missing.
    """
    missing = np.isnan(utilities)
    total = (~missing).astype(np.float64) @ masses if missing.any() else masses.sum(axis=0)[None]
    safe = np.where(total > 0, total, 1.0)
    results: list[FloatArray | None] = [None] * len(functions)
    waiting: list[tuple[int, _Accumulator]] = []
    for at, function in enumerate(functions):
        product = _by_product(utilities, function, masses, safe)
        if product is None:
            waiting.append((at, _accumulator(function, utilities, safe)))
        else:
            results[at] = product
    for floor in {_floor(functions[at]) for at, _ in waiting}:
        group = [(at, accumulator) for at, accumulator in waiting if _floor(functions[at]) == floor]
        _walk(np.maximum(utilities, floor), masses, [accumulator for _, accumulator in group])
        for at, accumulator in group:
            results[at] = accumulator.result()
    welfare = [result for result in results if result is not None]
    if not total.all():
        for result in welfare:
            result[total == 0] = 0.0
    return welfare, total


def _floor(function: WelfareFunction) -> float:
    return function.floor if isinstance(function, PowerMean) else 0.0


def _by_product(
    utilities: FloatArray, function: WelfareFunction, masses: FloatArray, total: FloatArray
) -> FloatArray | None:
    """The power mean as a matrix product, or None where the function needs another way."""
    if not isinstance(function, PowerMean) or np.isinf(function.power):
        return None
    values = np.maximum(utilities, function.floor)
    if function.power == 1:
        return np.divide(np.nan_to_num(values) @ masses, total)
    positive = values > 0  # False for NaN
    low = np.min(values, axis=1, initial=np.inf, where=positive)
    high = np.max(values, axis=1, initial=0.0, where=positive)
    nothing = high == 0
    low[nothing] = high[nothing] = 1.0
    power = 0.0 if abs(function.power) < ZERO_POWER else function.power
    if abs(power) * np.max(np.log(high / low)) > _WIDEST:
        return None
    anchor = (low if power < 0 else high)[:, None]
    result = _positive_power_mean(values / anchor, power, masses, total)
    result *= anchor
    zeros = values == 0
    if power <= 0 and zeros.any():
        result[zeros.astype(np.float64) @ masses > 0] = 0.0
    return result


def _positive_power_mean(
    ratios: FloatArray, power: float, masses: FloatArray, total: FloatArray
) -> FloatArray:
    """Power mean of ratios (NaN missing); for a ≤ 0 the caller puts right what holds a zero."""
    positive = ratios > 0
    bases = np.where(positive, ratios, 1.0)
    if power == 0:
        mean = np.log(bases) @ masses
        mean /= total
        return np.exp(mean, out=mean)
    if abs(power) < NEAR_ZERO_POWER:  # 1 + small: log1p keeps the digits that a power would lose
        terms = np.expm1(power * np.log(bases))
        if power > 0:
            terms[ratios == 0] = -1.0
        mean = terms @ masses
        mean /= total
        with np.errstate(divide="ignore"):
            return np.exp(np.log1p(np.maximum(mean, -1.0, out=mean)) / power)
    mean = np.where(positive, bases**power, 0.0) @ masses
    mean /= total
    with np.errstate(divide="ignore"):
        return mean ** (1.0 / power)


class _Accumulator(Protocol):
    """Takes each item's utilities in ascending order with the weight that each adds."""

    def add(self, value: FloatArray, gained: FloatArray) -> bool:
        """Take value [items, 1] with weight [items, B]; True when no more are needed."""
        ...

    def result(self) -> FloatArray:
        """The welfare, [items, B]."""
        ...


def _walk(utilities: FloatArray, masses: FloatArray, accumulators: Sequence[_Accumulator]) -> None:
    unfinished = list(accumulators)
    for value, gained in _steps(utilities, masses):
        unfinished = [each for each in unfinished if not each.add(value, gained)]
        if not unfinished:
            return


def _steps(utilities: FloatArray, masses: FloatArray) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Yield (value [items, 1], weight [items, B]) from each item's worst-off juror up.

    Jurors with equal utilities come in one step where utilities repeat much. Items that run out of
    jurors go on with weight 0 at their last value. `gained` is overwritten by the next step.
    """
    order = np.argsort(utilities, axis=1, kind="stable")  # NaN last
    values = np.take_along_axis(utilities, order, axis=1)
    there = ~np.isnan(values)
    top = np.max(values, axis=1, initial=0.0, where=there)[:, None]
    values = np.where(there, values, top)
    ranks = np.cumsum(np.diff(values, axis=1, prepend=values[:, :1]) > 0, axis=1)
    distinct = int(ranks.max()) + 1
    if distinct > _FEW * utilities.shape[1]:
        padded = np.vstack([masses, np.zeros(masses.shape[1])])
        order = np.where(there, order, len(masses))
        gained = np.empty((len(utilities), masses.shape[1]))
        for rank in range(utilities.shape[1]):
            np.take(padded, order[:, rank], axis=0, out=gained)
            yield values[:, rank : rank + 1], gained
        return
    by_juror = np.empty_like(ranks)
    np.put_along_axis(by_juror, order, np.where(there, ranks, -1), axis=1)
    for rank in range(distinct):
        at = np.minimum((ranks < rank).sum(axis=1), utilities.shape[1] - 1)
        yield values[np.arange(len(values)), at][:, None], (by_juror == rank).astype(float) @ masses


def _accumulator(
    function: WelfareFunction, utilities: FloatArray, total: FloatArray
) -> _Accumulator:
    shape = (len(utilities), total.shape[1])
    match function:
        case PowerMean(power=power):
            if np.isinf(power):
                return _Minimum(shape) if power < 0 else _Maximum(shape)
            return _ExtremePower(shape, power, total)
        case Quantile(level=level):
            return _Quantile(shape, level * total * (1 - TIE))
        case LowerTailMean(share=share):
            return _LowerTail(shape, share * total)
        case InequalityAverseMean(aversion=aversion):
            return _Inequality(shape, aversion, total)


class _Minimum:
    def __init__(self, shape: tuple[int, int]) -> None:
        self._found = np.zeros(shape, dtype=bool)
        self._low = np.zeros(shape)

    def add(self, value: FloatArray, gained: FloatArray) -> bool:
        new = gained > 0
        new &= ~self._found
        np.copyto(self._low, value, where=new)
        self._found |= new
        return bool(self._found.all())

    def result(self) -> FloatArray:
        return self._low


class _Maximum:
    def __init__(self, shape: tuple[int, int]) -> None:
        self._high = np.zeros(shape)

    def add(self, value: FloatArray, gained: FloatArray) -> bool:
        np.copyto(self._high, value, where=gained > 0)
        return False

    def result(self) -> FloatArray:
        return self._high


class _ExtremePower:
    """Power means whose powers leave the range of a float: summed in logarithms, juror by juror."""

    def __init__(self, shape: tuple[int, int], power: float, total: FloatArray) -> None:
        self._power = power
        self._log_total = np.log(total)
        self._logs = np.full(shape, -np.inf)

    def add(self, value: FloatArray, gained: FloatArray) -> bool:
        with np.errstate(divide="ignore", invalid="ignore"):
            term = np.log(gained) + self._power * np.log(value)
        term[np.broadcast_to(gained == 0, term.shape)] = -np.inf
        np.logaddexp(self._logs, term, out=self._logs)
        return False

    def result(self) -> FloatArray:
        return np.exp((self._logs - self._log_total) / self._power)


class _Quantile:
    def __init__(self, shape: tuple[int, int], target: FloatArray) -> None:
        self._target = target
        self._cumulated = np.zeros(shape)
        self._value = np.zeros(shape)
        self._found = np.zeros(shape, dtype=bool)

    def add(self, value: FloatArray, gained: FloatArray) -> bool:
        self._cumulated += gained
        new = self._cumulated >= self._target
        new &= ~self._found
        np.copyto(self._value, value, where=new)
        self._found |= new
        return bool(self._found.all())

    def result(self) -> FloatArray:
        return self._value


class _LowerTail:
    def __init__(self, shape: tuple[int, int], target: FloatArray) -> None:
        self._target = target
        self._left = np.broadcast_to(target, shape).copy()
        self._sum = np.zeros(shape)

    def add(self, value: FloatArray, gained: FloatArray) -> bool:
        taken = np.minimum(gained, self._left)
        self._left -= taken
        taken *= value
        self._sum += taken
        return not self._left.any()

    def result(self) -> FloatArray:
        return self._sum / self._target


class _Inequality:
    """Σ gap·F·(1 - F) over the sorted utilities is half the mean absolute difference."""

    def __init__(self, shape: tuple[int, int], aversion: float, total: FloatArray) -> None:
        self._aversion = aversion
        self._total = total
        self._below = np.zeros(shape)
        self._spread = np.zeros(shape)
        self._sum = np.zeros(shape)
        self._term = np.empty(shape)
        self._previous: FloatArray | None = None

    def add(self, value: FloatArray, gained: FloatArray) -> bool:
        term = self._term  # one buffer for all steps: this loop is bound by memory
        if self._previous is not None:
            np.subtract(self._total, self._below, out=term)
            term *= self._below
            term *= value - self._previous
            self._spread += term
        self._previous = value.copy()
        self._below += gained
        np.multiply(value, gained, out=term)
        self._sum += term
        return False

    def result(self) -> FloatArray:
        return self._sum / self._total - self._aversion * self._spread / self._total**2
