"""Distances between answer distributions.

- `js_distance`: Jensen-Shannon distance (square root of the divergence), base named.
- `wasserstein_distance`: W1 between distributions over ordered options.
- `wasserstein_representativeness`: 1 - W1 over its largest value (OpinionQA, arXiv 2303.17548).
- `entropy`: Shannon entropy, in nats unless said otherwise.
- `set_refusals_apart`: opinions among those who gave one, and the share that refused.

Distributions are arrays [..., options]; leading shapes broadcast, so a million pairs are one call.
A single pair gives a 0-d array, which works as a number. Rows are checked: finite, not negative,
summing to 1 within `TOLERANCE`; what rounding in the source left over is then normalised away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

TOLERANCE = 0.01
"""How far a distribution's sum may lie from 1: room for shares rounded at the source."""

_BLOCK = 1 << 14
_TINY = np.finfo(np.float64).tiny


def as_distributions(values: ArrayLike, *, name: str = "distribution") -> FloatArray:
    """Check that the last axis holds probabilities, and normalise its sum to exactly 1.

    Raises:
        ValueError: fewer than two options; a value that is negative or not finite; a sum further
            than `TOLERANCE` from 1. The message names the first row at fault.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim == 0 or array.shape[-1] < 2:
        raise ValueError(f"{name}: found shape {array.shape}, expected [..., two options or more]")
    _refuse(~(np.isfinite(array) & (array >= 0)).all(axis=-1), array, name, "is not a probability")
    total = array.sum(axis=-1, keepdims=True)
    off = np.abs(total[..., 0] - 1.0) > TOLERANCE * (1 + 1e-9)
    _refuse(off, array, name, f"sum further than {TOLERANCE} from 1")
    return array / total


def js_distance(p: ArrayLike, q: ArrayLike, base: float = 2) -> FloatArray:
    """Jensen-Shannon distance: the square root of the divergence, in units of `base`.

    With base 2 it lies in [0, 1], and (1, 0) against (0, 1) is 1; in nats (base e) it reaches
    sqrt(ln 2). Equal to `scipy.spatial.distance.jensenshannon(p, q, base)`.

    Args:
        p: [..., options].
        q: [..., options]; broadcasts with `p`.
        base: of the logarithm, above 1. Name it wherever the number is shown.

    Returns:
        Distance per pair, shape of the leading axes.

    Raises:
        ValueError: numbers that are no distributions, unequal options, a base not above 1.
    """
    if not 1 < base < np.inf:
        raise ValueError(f"base is {base}, expected a number above 1")
    first, second = _pair(p, q)
    return _blockwise(lambda a, b: np.sqrt(_divergence(a, b) / np.log(base)), first, second)


def wasserstein_distance(
    p: ArrayLike, q: ArrayLike, positions: Sequence[float] | None = None
) -> FloatArray:
    """1-Wasserstein distance between distributions over options that have positions on a line.

    W1 = sum over neighbouring positions of |P(x) - Q(x)| times the step, P and Q the cumulative
    distributions. Equal to `scipy.stats.wasserstein_distance(positions, positions, p, q)`.

    Args:
        p: [..., options].
        q: [..., options]; broadcasts with `p`.
        positions: where each option stands; 1, 2, … K without them. Any order, ties allowed
            (OpinionQA gives a middle answer listed last a position in the middle).

    Raises:
        ValueError: numbers that are no distributions, or positions that do not match.
    """
    first, second = _pair(p, q)
    place = option_positions(positions, first.shape[-1])
    order = np.argsort(place, kind="stable")
    steps = np.diff(place[order])
    ordered = bool((order == np.arange(order.size)).all())
    turn = None if ordered else order
    return _blockwise(lambda a, b: _transport(a, b, turn, steps), first, second)


def wasserstein_representativeness(
    p: ArrayLike, q: ArrayLike, positions: Sequence[float] | None = None
) -> FloatArray:
    """OpinionQA's representativeness of one distribution for another: 1 - W1 / range, in [0, 1].

    The range is the largest possible W1, the distance between the outermost positions: K - 1 for
    K options at 1 … K. Set refusals apart first (`set_refusals_apart`). Source: arXiv 2303.17548.

    Args:
        p: [..., options].
        q: [..., options]; broadcasts with `p`.
        positions: as in `wasserstein_distance`.

    Raises:
        ValueError: as in `wasserstein_distance`, and where all options share one position: such
            options have no order, and the measure is not defined.
    """
    place = option_positions(positions, np.shape(p)[-1] if np.ndim(p) else 0)
    spread = float(np.ptp(place)) if place.size else 0.0
    if spread == 0:
        raise ValueError("all options share one position: without an order this is not defined")
    return 1.0 - wasserstein_distance(p, q, positions) / spread


def entropy(p: ArrayLike, base: float = np.e) -> FloatArray:
    """Shannon entropy per distribution [..., options], in nats unless `base` says otherwise.

    Raises:
        ValueError: numbers that are no distributions, or a base not above 1.
    """
    if not 1 < base < np.inf:
        raise ValueError(f"base is {base}, expected a number above 1")
    return np.abs(_sum_x_log_x(as_distributions(p))) / np.log(base)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpinionsApart:
    """Opinions among those who gave one, and who refused.

    Attributes:
        opinions: [..., options that are no refusals], summing to 1; NaN where all refused.
        refused: share of refusals, shape of the leading axes.
        defined: False where all refused, so that there is no opinion to compare.
    """

    opinions: FloatArray
    refused: FloatArray
    defined: BoolArray


def set_refusals_apart(p: ArrayLike, refusals: Sequence[bool]) -> OpinionsApart:
    """Split distributions [..., options] into opinions and the share of refusals.

    Args:
        p: [..., options].
        refusals: one flag per option: is it a refusal or "don't know"?

    Raises:
        ValueError: numbers that are no distributions; flags that do not match the options or
            leave fewer than two.
    """
    p = as_distributions(p)
    flags = np.asarray(refusals, dtype=np.bool_)
    if flags.shape != p.shape[-1:]:
        raise ValueError(f"{flags.size} refusal flags for {p.shape[-1]} options")
    if (~flags).sum() < 2:
        raise ValueError("fewer than two options are left besides refusals")
    kept = p[..., ~flags]
    total = kept.sum(axis=-1, keepdims=True)
    defined = total[..., 0] > 0
    opinions = np.divide(kept, total, out=np.full_like(kept, np.nan), where=total > 0)
    return OpinionsApart(opinions=opinions, refused=p[..., flags].sum(axis=-1), defined=defined)


def option_positions(positions: Sequence[float] | None, options: int) -> FloatArray:
    """Positions of `options` options, checked; 1 … K where none are given.

    Raises:
        ValueError: where their number differs or one is not finite.
    """
    if positions is None:
        return np.arange(1.0, options + 1.0)
    place = np.asarray(positions, dtype=np.float64)
    if place.shape != (options,):
        raise ValueError(f"{place.size} positions for {options} options")
    if not np.isfinite(place).all():
        raise ValueError("a position is not finite")
    return place


def _pair(p: ArrayLike, q: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Both arrays, shapes checked; the blocks check the numbers, while they are in the cache."""
    first, second = np.asarray(p, dtype=np.float64), np.asarray(q, dtype=np.float64)
    for name, array in (("p", first), ("q", second)):
        if array.ndim == 0 or array.shape[-1] < 2:
            as_distributions(array, name=name)
    if first.shape[-1] != second.shape[-1]:
        raise ValueError(
            f"p has {first.shape[-1]} options and q has {second.shape[-1]}: align them first"
        )
    return first, second


def _refuse(bad: ArrayLike, array: FloatArray, name: str, problem: str) -> None:
    if np.any(bad):
        where = np.unravel_index(int(np.argmax(bad)), np.shape(bad))
        row = ", ".join(f"{value:g}" for value in array[where][:8])
        place = f" (row {', '.join(map(str, where))})" if where else ""
        raise ValueError(f"{name}{place}: {problem}; found {row}, sum {array[where].sum():g}")


def _blockwise(
    kernel: Callable[[FloatArray, FloatArray], FloatArray], p: FloatArray, q: FloatArray
) -> FloatArray:
    """Run a row kernel in blocks, so that temporaries stay in the processor's cache."""
    whole, other = p, q
    p, q = np.broadcast_arrays(p, q)
    shape, options = p.shape[:-1], p.shape[-1]
    p, q = p.reshape(-1, options), q.reshape(-1, options)
    out = np.empty(p.shape[0])
    for start in range(0, p.shape[0], _BLOCK):
        rows = slice(start, start + _BLOCK)
        first, second = _normalised(p[rows]), _normalised(q[rows])
        if first is None or second is None:
            as_distributions(whole, name="p")  # one of the two raises, naming the row
            as_distributions(other, name="q")
            raise AssertionError("a block was refused that the whole array passed")
        out[rows] = kernel(first, second)
    return out.reshape(shape)


def _normalised(block: FloatArray) -> FloatArray | None:
    """Rows summing to exactly 1, or None where one is no distribution (`as_distributions`)."""
    total = np.einsum("ij->i", block)
    off = float(np.abs(total - 1.0).max())
    if not (float(block.min()) >= 0.0 and off <= TOLERANCE * (1 + 1e-9)):
        return None
    return block / total[:, None] if off > 1e-12 else block


def _sum_x_log_x(x: FloatArray) -> FloatArray:
    # Raising zeros to the smallest normal number makes 0 ln 0 = 0 without a slow masked loop.
    return np.einsum("...k,...k->...", x, np.log(np.maximum(x, _TINY)))


def _divergence(p: FloatArray, q: FloatArray) -> FloatArray:
    """Jensen-Shannon divergence in nats, per row, never negative."""
    between = 0.5 * (_sum_x_log_x(p) + _sum_x_log_x(q)) - _sum_x_log_x(0.5 * (p + q))
    return np.clip(between, 0.0, np.log(2.0))


def _transport(
    p: FloatArray, q: FloatArray, order: NDArray[np.intp] | None, steps: FloatArray
) -> FloatArray:
    gap = p - q if order is None else (p - q)[:, order]
    total, cumulated = np.zeros(gap.shape[0]), np.zeros(gap.shape[0])
    for option, step in enumerate(steps):
        cumulated += gap[:, option]
        total += np.abs(cumulated) * step
    return total
