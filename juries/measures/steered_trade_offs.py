"""Trade-off steerable benchmarks: a model steered towards each of many trade-offs.

A commensurating function f turns a vector of objectives into one number: a weighted sum, or a
weighted Chebyshev value, which counts the objective that falls shortest. `trade_off(steered,
family)` scores a model steered towards each f by f itself (arXiv 2402.05070, section 4.2), with
the regret to the best known response and the share of the known Pareto front that it reached.
The functions, and which response is best under which: `juries.measures.commensuration`.

Objectives are larger-is-better here, utilities in [0, 1] by default.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from juries.measures.commensuration import Family, Kind
from juries.measures.estimates import Estimate, undefined, with_interval
from juries.measures.multi_objective import item_means
from juries.measures.pareto import hypervolume, pareto_front
from juries.measures.resampling import percentile_interval
from personas.identity import generator

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeOffRow:
    """One commensurating function: a row of chart data.

    Attributes:
        weights: of the objectives.
        score: f(o) of the model steered towards f.
        regret: best known f(o) less the score.
        best: number of the best known response: those of `known` first, then the steered ones.
    """

    weights: tuple[float, ...]
    score: Estimate
    regret: Estimate
    best: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeOff:
    """A model steered towards a family of trade-offs.

    Attributes:
        kind: of the functions.
        score: mean over functions of f(o(M_f)).
        regret: mean over functions of the regret to the best known response. The best is chosen
            on the same items, so that with few items the regret is somewhat too large.
        gain: score less that of the unsteered model; undefined without one.
        front_reached: share of the known Pareto front that is the steered model's own.
        volume_reached: hypervolume of the steered responses over that of all known ones, measured
            from 0; undefined where nothing lies above it.
        rows: one per function.
        known: responses that the best was sought among, the steered ones included.
    """

    kind: Kind
    score: Estimate
    regret: Estimate
    gain: Estimate
    front_reached: Estimate
    volume_reached: Estimate
    rows: tuple[TradeOffRow, ...]
    known: int


def trade_off(
    steered: ArrayLike,
    functions: Family,
    *,
    known: ArrayLike | None = None,
    unsteered: ArrayLike | None = None,
    resamples: int = 1000,
    rng: np.random.Generator | None = None,
) -> TradeOff:
    """Score a model that was steered towards each function of a family.

    Args:
        steered: [functions, items, objectives]: what the model reached when steered towards each
            function, in the family's order; NaN for no valid value.
        functions: the family.
        known: [responses, items, objectives] of other models or settings on the same items, for
            the regret and the front.
        unsteered: [items, objectives] of the model without steering; it counts as known too.
        resamples: bootstrap resamples of the items.
        rng: source of the resamples; a fixed stream when None.

    Raises:
        ValueError: shapes that do not match, or a response without any valid value.
    """
    rng = generator(0, "trade-off") if rng is None else rng
    table = np.asarray(steered, dtype=np.float64)
    count, size = functions.weights.shape
    if table.ndim != 3 or table.shape[::2] != (count, size):
        raise ValueError(f"steered has shape {table.shape}, expected [{count}, items, {size}]")
    base = None if unsteered is None else np.asarray(unsteered, dtype=np.float64)[None]
    parts = [base, None if known is None else np.asarray(known, dtype=np.float64), table]
    given = [part for part in parts if part is not None]
    if any(part.ndim != 3 or part.shape[1:] != table.shape[1:] for part in given):
        raise ValueError("known and unsteered must have the items and objectives of steered")
    means = item_means(np.concatenate(given), resamples=resamples, rng=rng)
    if np.isnan(means.replicates[0]).any():
        raise ValueError("a response has no valid value of some objective")
    points = means.replicates[~np.isnan(means.replicates).any(axis=(1, 2))]
    own = points.shape[1] - count
    values = functions.values(points)
    reached = values[:, own + np.arange(count), np.arange(count)]
    regret = values.max(axis=1) - reached
    gain = None if base is None else reached.mean(axis=1) - values[:, 0].mean(axis=1)
    front, volume = _reached(points, own)
    items = table.shape[1]
    rows = [
        TradeOffRow(
            weights=tuple(functions.weights[place].tolist()),
            score=_estimate(reached[:, place], items),
            regret=_estimate(regret[:, place], items),
            best=int(values[0, :, place].argmax()),
        )
        for place in range(count)
    ]
    return TradeOff(
        kind=functions.kind,
        score=_estimate(reached.mean(axis=1), items),
        regret=_estimate(regret.mean(axis=1), items),
        gain=undefined("no unsteered model") if gain is None else _estimate(gain, items),
        front_reached=_estimate(front, items),
        volume_reached=_estimate(volume, items),
        rows=tuple(rows),
        known=points.shape[1],
    )


def _reached(points: FloatArray, own: int) -> tuple[FloatArray, FloatArray]:
    """Shares of the front and of the hypervolume that the last responses reach, per resample."""
    front, volume = np.full(len(points), np.nan), np.full(len(points), np.nan)
    corner = np.zeros(points.shape[2])
    for place, point in enumerate(points):
        best = pareto_front(point, maximise=True)
        # A response that equals a steered one is reached as well.
        ends = np.unique(point[best], axis=0)
        reached = (ends[:, None] == point[None, own:]).all(axis=-1).any(axis=1)
        front[place] = reached.mean()
        whole = hypervolume(point, corner, maximise=True)
        if whole > 0:
            volume[place] = hypervolume(point[own:], corner, maximise=True) / whole
    return front, volume


def _estimate(replicates: FloatArray, items: int) -> Estimate:
    if np.isnan(replicates[0]):
        return undefined("nothing lies above the reference point", n=items)
    interval = percentile_interval(replicates[1:], resampled="items")
    return with_interval(float(replicates[0]), interval, n=items)
