"""Who moved whom: each juror's moves regressed on the gaps to those they heard.

The model is Friedkin and Johnsen's round of talk, written as a move:

    x_i(t+1) - x_i(t) = a_i + sum_j b_ij (x_j(t) - x_i(t)) + h_i (x_i(0) - x_i(t)) + error

b_ij is how much of the gap to j juror i closes in a round (susceptibility times weight), h_i how
far i is drawn back to where i started, a_i a drift that has nothing to do with anybody.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from juries.measures.deliberation.change import mean_defined
from juries.measures.resampling import item_multiplicities, percentile_interval

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
_WORST_CONDITION = 1e10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Influence:
    """Estimated influence between jurors; NaN where i does not hear j or nothing can be estimated.

    Attributes:
        pull: b, shape [hearer, speaker].
        low: lower end of its interval.
        high: upper end.
        hold: h, shape [jurors]; NaN with a single round, in which nobody has left their start.
        by_speaker: mean pull over those who hear the juror, shape [speaker].
        by_speaker_low: lower end of its interval.
        by_speaker_high: upper end.
        observations: moves that each hearer's regression rests on, shape [jurors].
        undefined: hearers whose regression has fewer moves than unknowns, or neighbours who
            always stood alike, so that their pulls cannot be told apart.
        level: of the intervals.
        resampled: what was drawn again.
    """

    pull: FloatArray
    low: FloatArray
    high: FloatArray
    hold: FloatArray
    by_speaker: FloatArray
    by_speaker_low: FloatArray
    by_speaker_high: FloatArray
    observations: IntArray
    undefined: tuple[int, ...]
    level: float
    resampled: str = "items"


def influence(
    positions: FloatArray,
    *,
    weights: FloatArray,
    items: IntArray,
    resamples: int = 500,
    level: float = 0.95,
    rng: np.random.Generator,
) -> Influence:
    """Estimate who moved whom on the topology, with intervals over items.

    Ratings with chance in them bias every pull upwards (a rating off by chance comes back, towards
    the others): compare with the same regression on the no-talk control.

    Args:
        positions: shape [rounds, questions, jurors]; NaN is no valid answer.
        weights: W of each round, shape [rounds - 1, hearer, speaker], or one for all; only which
            entries are positive matters. A speaker unheard in some rounds counts in the others.
        items: which item each question belongs to, shape [questions]; items are resampled.
        resamples: of the bootstrap.
        level: of the intervals.
        rng: source of the resamples; every hearer sees the same ones.
    """
    steps, jurors = len(positions) - 1, positions.shape[2]
    heard = np.broadcast_to(weights, (steps, jurors, jurors)) > 0
    heard = heard & ~np.eye(jurors, dtype=np.bool_)
    _, item = np.unique(items, return_inverse=True)
    drawn = np.concatenate(list(item_multiplicities(int(item.max()) + 1, resamples, rng)))
    once = np.column_stack([np.ones(len(drawn)), drawn])
    pull = np.full((jurors, jurors, resamples + 1), np.nan)
    hold = np.full(jurors, np.nan)
    observations = np.zeros(jurors, dtype=np.int64)
    undefined: list[int] = []
    for hearer in range(jurors):
        speakers = np.flatnonzero(heard[:, hearer].any(axis=0))
        if not speakers.size:
            continue
        fit = _regress(positions, heard[:, hearer], hearer, speakers, item, once)
        observations[hearer] = fit.observations
        if np.isnan(fit.coefficients[0, 0]):
            undefined.append(hearer)
            continue
        pull[hearer, speakers] = fit.coefficients[: len(speakers)]
        if steps > 1:
            hold[hearer] = fit.coefficients[-1, 0]
    by_speaker = mean_defined(pull, 0)
    edges = percentile_interval(pull[:, :, 1:], level, resampled="items")
    speaking = percentile_interval(by_speaker[:, 1:], level, resampled="items")
    return Influence(
        pull=pull[:, :, 0],
        low=edges.low,
        high=edges.high,
        hold=hold,
        by_speaker=by_speaker[:, 0],
        by_speaker_low=speaking.low,
        by_speaker_high=speaking.high,
        observations=observations,
        undefined=tuple(undefined),
        level=level,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Fit:
    """Coefficients [speakers, drift (, hold)] x [estimate, resamples], NaN where undefined."""

    coefficients: FloatArray
    observations: int


def _regress(
    positions: FloatArray,
    heard: NDArray[np.bool_],
    hearer: int,
    speakers: IntArray,
    item: IntArray,
    once: FloatArray,
) -> _Fit:
    """Least squares from per-item cross products, so that a resample is a weighted sum of them."""
    design, move, owner = _observations(positions, heard, hearer, speakers, item)
    width = design.shape[1]
    if len(move) < width:
        return _Fit(coefficients=np.full((width, once.shape[1]), np.nan), observations=len(move))
    products = np.zeros((len(once), width, width + 1))
    for row in range(width):
        for column, other in enumerate([*design.T, move]):
            weight = design[:, row] * other
            products[:, row, column] = np.bincount(owner, weights=weight, minlength=len(once))
    summed: FloatArray = np.einsum("irc,ib->brc", products, once, optimize=True)
    gram, moments = summed[:, :, :width], summed[:, :, width]
    scale = np.sqrt(np.maximum(np.diagonal(gram, axis1=1, axis2=2), 1e-300))
    left: FloatArray = gram / scale[:, :, None] / scale[:, None, :]
    right: FloatArray = (moments / scale)[:, :, None]
    sound = np.linalg.cond(left) < _WORST_CONDITION
    coefficients = np.full((len(summed), width), np.nan)
    if sound.any():
        coefficients[sound] = np.linalg.solve(left[sound], right[sound])[:, :, 0] / scale[sound]
    return _Fit(coefficients=coefficients.T, observations=len(move))


def _observations(
    positions: FloatArray,
    heard: NDArray[np.bool_],
    hearer: int,
    speakers: IntArray,
    item: IntArray,
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Rows of the regression: gaps to those heard, drift, way back to the start; move; item."""
    rows: list[FloatArray] = []
    moves: list[FloatArray] = []
    owners: list[IntArray] = []
    start = positions[0, :, hearer]
    for step in range(len(positions) - 1):
        now, then = positions[step], positions[step + 1, :, hearer]
        own = now[:, hearer]
        silent = ~heard[step, speakers]
        gaps = np.where(silent, 0.0, now[:, speakers] - own[:, None])
        columns = [gaps, np.ones((len(own), 1))]
        if len(positions) > 2:
            columns.append((start - own)[:, None])
        design = np.concatenate(columns, axis=1)
        whole = np.isfinite(design).all(axis=1) & np.isfinite(then - own)
        rows.append(design[whole])
        moves.append((then - own)[whole])
        owners.append(item[whole])
    return np.concatenate(rows), np.concatenate(moves), np.concatenate(owners)
