"""Rows of the validity table that only comparisons allow: what a place gains, and both orders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphs.items import FloatArray
from juries.figures import ValidityRow
from juries.measures.coincidences import Level
from juries.measures.estimates import Estimate
from juries.measures.two_way import TwoWay, two_way_estimate
from juries.paired_verdicts import PairAnswers
from juries.pluralism.evidence import Evidence
from juries.pluralism.rows import estimated

NEEDS = "a rating of each response: the study compares responses in pairs"
"""What a measure over points of a common scale lacks in such a study."""

_NOT_TAKEN = (
    "Variance shares, repeatability and the take-over sentence need a rating of each response: the "
    "study compares responses in pairs."
)


class Said(NamedTuple):
    """What jurors said, as numbers and as codes at a level of measurement, [jurors, answers]."""

    numbers: FloatArray
    codes: FloatArray
    level: Level


def compared_pairs(evidence: Evidence, pairs: PairAnswers, kept: NDArray[np.intp]) -> Said:
    """What jurors prefer, and who won, of each pair of responses; NaN unless in both orders."""
    jurors = len(evidence.jurors)
    winners = pairs.winners(evidence.seed)[:, kept].astype(np.float64)
    winners[winners < 0] = np.nan
    preferred = pairs.preferences()[:, kept].astype(np.float64)
    return Said(preferred.reshape(-1, jurors).T, winners.reshape(-1, jurors).T, "nominal")


def paired_rows(evidence: Evidence, pairs: PairAnswers) -> Iterator[ValidityRow]:
    """What a response gains by its place, whether both orders agree, and what is not taken."""
    place = pooled_mean(evidence, pairs.first_shown(), "place")
    yield estimated("preference for the first shown", place, _place_reading(place), digits=3)
    same = pooled_mean(evidence, pairs.agree(), "both orders")
    reading = "No pair was validly answered in both orders."
    if same.value is not None:
        reading = (
            f"Asked in both orders, a juror gave one verdict on {same.value:.0%} of pairs. Where "
            "answers are drawn, responses that are nearly equal differ by chance too."
        )
    yield estimated("same verdict in both orders", same, reading, digits=3)
    yield ValidityRow(check="not taken", value=None, shown="n/a", reading=_NOT_TAKEN)


def pooled_mean(evidence: Evidence, values: FloatArray, name: str) -> Estimate:
    """Weighted mean over pairs, items and jurors, items and jurors resampled.

    Args:
        evidence: of the run, for weights, draws and resamples.
        values: [pairs, items, jurors], NaN where nothing was validly said.
        name: of the stream of draws.
    """
    valid = ~np.isnan(values)
    # Sums over an item's pairs, and their number: an item is drawn with all its pairs.
    sums = np.stack([np.where(valid, values, 0.0).sum(axis=0), valid.sum(axis=0)])
    drawn = TwoWay.draw(
        sums.astype(np.float64),
        weights=evidence.weights,
        resamples=evidence.spec.resamples,
        rng=evidence.rng("pairs", name),
    )
    total, number = (drawn.totals * drawn.jurors).sum(axis=-1)
    mean = np.divide(total, number, out=np.full_like(total, np.nan), where=number > 0)
    items = int(valid.any(axis=(0, 2)).sum())
    return two_way_estimate(mean, items=items, reason="no pair was answered in both orders")


def _place_reading(found: Estimate) -> str:
    if found.value is None:
        return "No pair was validly answered in both orders."
    chance = ""
    if found.low is not None and found.high is not None and found.low <= 0.5 <= found.high:
        chance = ", which chance could explain"
    return (
        f"Of two responses the one shown first was preferred {found.value:.1%} of the time{chance}"
        "; every pair is shown in both orders, so 50% is no taste for a place."
    )
