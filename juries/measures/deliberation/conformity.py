"""Conformity: moves towards the local majority, beyond the drift of the same jurors without talk.

A juror who rates again tends to move towards the others even unheard: a rating off by chance is
followed by one less far off (regression to the mean). So the same measure is taken on the no-talk
control, with the neighbours whom the juror would have heard, and subtracted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from juries.measures.estimates import Estimate, undefined, with_interval
from juries.measures.resampling import bootstrap_means, percentile_interval

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Local = Literal["median", "mean"]
_BLOCK = 4_000_000
"""Numbers held at once while local medians are found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conformity:
    """How much of the gap to the local majority jurors close in a round.

    Attributes:
        talk: with talk: sum of moves towards it over sum of gaps; 1 is adopting it at once.
        drift: the same without talk.
        index: talk minus drift.
        moves: juror-rounds with a gap, with talk.
        control_moves: the same without talk.
        local: what stands for the local majority.
    """

    talk: Estimate
    drift: Estimate
    index: Estimate
    moves: int
    control_moves: int
    local: Local


def conformity(
    talk: FloatArray,
    control: FloatArray | None,
    *,
    weights: FloatArray,
    items: IntArray,
    local: Local = "median",
    resamples: int = 1000,
    level: float = 0.95,
    rng: np.random.Generator,
) -> Conformity:
    """Measure conformity, with an interval over items.

    Args:
        talk: positions [rounds, questions, jurors]; NaN is no valid answer.
        control: the same questions rated again without talk; NaN throughout where a question has
            no control; None where there is none at all.
        weights: W of each round of talk, shape [rounds - 1, hearer, speaker], or one for all.
        items: which item each question belongs to, shape [questions]; items are resampled, with
            talk and without together.
        local: the weighted `median` of the neighbours (what a majority of them would settle on)
            or their weighted `mean`.
        resamples: of the bootstrap.
        level: of the intervals.
        rng: source of the resamples.
    """
    talked, moves = _gaps_closed(talk, weights, local)
    silent, control_moves = np.full_like(talked, np.nan), 0
    if control is not None:
        silent, control_moves = _gaps_closed(control, weights, local)
    columns = _item_sums(np.concatenate([talked, silent], axis=1), items)
    boot = bootstrap_means(columns, resamples=resamples, rng=rng)
    sums = np.concatenate([boot.estimate[:, None], boot.replicates], axis=1)
    ratio = np.divide(
        sums[[0, 2]], sums[[1, 3]], out=np.full((2, sums.shape[1]), np.nan), where=sums[[1, 3]] > 0
    )
    values = np.stack([ratio[0], ratio[1], ratio[0] - ratio[1]])
    interval = percentile_interval(values[:, 1:], level, resampled="items")
    counts = np.isfinite(columns).sum(axis=0)
    n = (int(counts[0]), int(counts[2]), int(counts[2]))
    reasons = ("nobody had a gap to close", "no control", "no control to compare with")
    estimates = [
        with_interval(float(values[at, 0]), interval, n=n[at], place=at)
        if np.isfinite(values[at, 0])
        else undefined(reasons[at])
        for at in range(3)
    ]
    return Conformity(
        talk=estimates[0],
        drift=estimates[1],
        index=estimates[2],
        moves=moves,
        control_moves=control_moves,
        local=local,
    )


def local_mean(positions: FloatArray, weights: FloatArray) -> FloatArray:
    """Weighted mean position of the neighbours each juror hears, shape [questions, jurors].

    Args:
        positions: shape [questions, jurors]; NaN is not heard.
        weights: W, shape [hearer, speaker]; one's own weight is left out.
    """
    heard = _without_self(weights)
    there = np.isfinite(positions)
    total = np.where(there, positions, 0.0) @ heard.T
    weight = there.astype(np.float64) @ heard.T
    return np.divide(total, weight, out=np.full(total.shape, np.nan), where=weight > 0)


def local_median(positions: FloatArray, weights: FloatArray) -> FloatArray:
    """Weighted median position of the neighbours each juror hears; as `local_mean`."""
    heard = _without_self(weights)
    questions, jurors = positions.shape
    out = np.full((questions, jurors), np.nan)
    size = max(1, _BLOCK // (jurors * jurors))
    for start in range(0, questions, size):
        block = positions[start : start + size]
        order = np.argsort(block, axis=1)  # NaN comes last
        ranked = np.take_along_axis(block, order, axis=1)
        there = np.isfinite(ranked)
        weight = np.where(there[:, None, :], heard[:, order].transpose(1, 0, 2), 0.0)
        below = weight.cumsum(axis=2)
        half = below[:, :, -1:] / 2
        lower = (below >= half - 1e-12).argmax(axis=2)
        upper = (below > half + 1e-12).argmax(axis=2)
        ends = [np.take_along_axis(ranked, at, axis=1) for at in (lower, upper)]
        out[start : start + size] = np.where(half[:, :, 0] > 0, (ends[0] + ends[1]) / 2, np.nan)
    return out


_LOCAL: dict[Local, Callable[[FloatArray, FloatArray], FloatArray]] = {
    "mean": local_mean,
    "median": local_median,
}


def _gaps_closed(
    positions: FloatArray, weights: FloatArray, local: Local
) -> tuple[FloatArray, int]:
    """Per question: moves towards the local majority and gaps to it, summed; and juror-rounds."""
    steps = len(positions) - 1
    each = np.broadcast_to(weights, (steps, *weights.shape[-2:]))
    closed = np.zeros((positions.shape[1], 2))
    count = 0
    for step in range(steps):
        now, then = positions[step], positions[step + 1]
        gap = _LOCAL[local](now, each[step]) - now
        counted = np.isfinite(gap) & np.isfinite(then) & (np.abs(gap) > 1e-12)
        towards = np.where(counted, (then - now) * np.sign(gap), 0.0)
        closed += np.stack([towards.sum(axis=1), np.where(counted, np.abs(gap), 0).sum(1)], axis=1)
        count += int(counted.sum())
    return np.where(closed[:, 1:] > 0, closed, np.nan), count


def _item_sums(values: FloatArray, items: IntArray) -> FloatArray:
    _, item = np.unique(items, return_inverse=True)
    total = np.zeros((int(item.max()) + 1, values.shape[1]))
    there = np.zeros_like(total)
    np.add.at(total, item, np.where(np.isfinite(values), values, 0.0))
    np.add.at(there, item, np.isfinite(values))
    return np.where(there > 0, total, np.nan)


def _without_self(weights: FloatArray) -> FloatArray:
    return weights - np.diag(np.diagonal(weights))
