"""The jury's distance from people, beside the distance of people from each other.

People are split at random into two halves; the distance between the halves is the ceiling that no
stand-in can be expected to beat. In place of the second half, as many answers are then drawn from
the jury's distribution as that half gave to each unit, so that both distances carry the same noise
of small numbers: a jury that answers as people do has an excess of zero on average.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphs.items import FloatArray
from juries.calibration.answers import Answers
from juries.calibration.interval import Figure, percentile_interval
from juries.measures.distances import js_distance, wasserstein_distance

_LEAST_UNITS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Halves:
    """Distances of distributions of answers, means over random halvings of the people.

    Attributes:
        measure: what the distance is.
        jury: answers drawn from the jury's distribution against one half, mean over units.
        ceiling: one half against the other.
        random: answers drawn evenly from all points against one half.
        no_persona: answers of the jury without personas; None where there is no such run.
        excess: jury minus ceiling; 0 would be as close as people are to each other.
        pooled_jury: the same as `jury` for answers pooled over all units.
        pooled_ceiling: the same as `ceiling` for pooled answers.
        jury_correlation: of unit means, jury against one half; ordinal scales only.
        ceiling_correlation: of unit means, one half against the other.
        units: units with answers of both halves and the jury, mean over halvings.
        splits: halvings.
    """

    measure: str
    jury: Figure
    ceiling: Figure
    random: Figure
    no_persona: Figure | None
    excess: Figure
    pooled_jury: Figure
    pooled_ceiling: Figure
    jury_correlation: Figure | None
    ceiling_correlation: Figure | None
    units: float
    splits: int


def compare_halves(
    people: Answers,
    jury: FloatArray,
    *,
    ordinal: bool,
    no_persona: FloatArray | None = None,
    splits: int = 100,
    level: float = 0.95,
    rng: np.random.Generator,
) -> Halves | None:
    """Distances of a jury and of people's halves from each other.

    Args:
        people: their answers.
        jury: the jury's shares of each point by unit of `people`, [U, K]; NaN rows where none.
        ordinal: whether points are ordered; the distance is then 1-Wasserstein over K - 1, else
            Jensen-Shannon in base 2.
        no_persona: shares of the baseline, as `jury`.
        splits: random halvings.
        level: of the intervals, which are over halvings and say how much the split matters.
        rng: of the halvings.

    Returns:
        None with fewer than two people, or where on average fewer than five units have answers
        of both halves and the jury.
    """
    present = np.unique(people.rater)
    even = np.full_like(jury, 1 / people.points)
    rivals = [jury, even] if no_persona is None else [jury, even, no_persona]
    rows: list[list[float]] = []
    for _ in range(splits if len(present) >= 2 else 0):
        half = np.zeros(len(people.raters), dtype=np.bool_)
        half[rng.permutation(present)[: len(present) // 2]] = True
        counts = people.by_raters(half).counts(), people.by_raters(~half).counts()
        row = _distances(*counts, rivals, ordinal=ordinal, rng=rng)
        if row is not None:
            rows.append(row)
    if sum(row[-1] for row in rows) < _LEAST_UNITS * splits:
        return None
    table = np.array(rows).T
    basis = f"random halvings of the people, {len(rows)}"

    def figure(values: FloatArray) -> Figure:
        defined = values[np.isfinite(values)]
        if not len(defined):
            return Figure(value=None, reason="the values are constant")
        interval = percentile_interval(defined, level=level, basis=basis)
        return Figure(value=float(defined.mean()), interval=interval)

    return Halves(
        measure="1-Wasserstein / (K - 1)" if ordinal else "Jensen-Shannon distance, base 2",
        ceiling=figure(table[0]),
        pooled_ceiling=figure(table[1]),
        ceiling_correlation=figure(table[2]) if ordinal else None,
        jury=figure(table[3]),
        pooled_jury=figure(table[4]),
        jury_correlation=figure(table[5]) if ordinal else None,
        excess=figure(table[3] - table[0]),
        random=figure(table[6]),
        no_persona=None if no_persona is None else figure(table[9]),
        units=float(table[-1].mean()),
        splits=len(rows),
    )


def _distances(
    first: FloatArray,
    second: FloatArray,
    rivals: Sequence[FloatArray],
    *,
    ordinal: bool,
    rng: np.random.Generator,
) -> list[float] | None:
    """One halving: distance, pooled distance and correlation with the first half.

    Three figures each of the second half and of every rival's draws, then the number of units;
    None where no unit has answers of all.
    """
    answers = second.sum(axis=1)
    known = (first.sum(axis=1) > 0) & (answers > 0)
    for rival in rivals:
        known &= np.isfinite(rival[:, 0])
    if not known.any():
        return None
    one, number = _shares(first[known]), answers[known].astype(np.int64)
    drawn = [_shares(rng.multinomial(number, rival[known])) for rival in rivals]
    row: list[float] = []
    for other in (_shares(second[known]), *drawn):
        row.append(_mean_distance(other, one, ordinal=ordinal))
        row.append(_mean_distance(other.mean(axis=0), one.mean(axis=0), ordinal=ordinal))
        row.append(_correlation(other, one) if ordinal else float("nan"))
    return [*row, float(known.sum())]


def _shares(counts: NDArray[Any]) -> FloatArray:
    return counts / counts.sum(axis=1, keepdims=True)


def _mean_distance(p: FloatArray, q: FloatArray, *, ordinal: bool) -> float:
    if ordinal:
        return float(np.mean(wasserstein_distance(p, q))) / (q.shape[-1] - 1)
    return float(np.mean(js_distance(p, q)))


def _correlation(a: FloatArray, b: FloatArray) -> float:
    points = np.arange(a.shape[1], dtype=np.float64)
    x: FloatArray = a @ points
    y: FloatArray = b @ points
    if len(x) < 3 or np.ptp(x) < 1e-12 or np.ptp(y) < 1e-12:
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1])
