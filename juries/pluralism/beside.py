"""Rows of the validity table that hold a jury beside its baselines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from graphs.items import FloatArray
from juries.baselines import RANDOM, BaselineAnswers
from juries.figures import ValidityRow
from juries.measures.baselines import against_baseline
from juries.pluralism.evidence import Evidence
from juries.pluralism.rows import estimated


def baseline_rows(
    evidence: Evidence, baselines: Sequence[BaselineAnswers]
) -> Iterator[ValidityRow]:
    """The jury beside the same mind without a persona, and beside random answers."""
    if not any(each.items for each in baselines):
        reading = (
            "Not asked: let `baselines.share` be above 0 and run the study again, to see what "
            "personas add."
        )
        yield ValidityRow(check="against no persona", value=None, shown="n/a", reading=reading)
        return
    for each in baselines:
        if not each.items:
            continue
        found = against_baseline(
            _of_jury(evidence, list(each.items)),
            _of_baseline(evidence, each),
            each.name,
            rng=evidence.rng("baseline", each.name),
            resamples=evidence.spec.resamples,
        )
        reading = found.reading
        if found.correlation.value is not None:
            reading += f" Means of responses correlate by {found.correlation}."
        if each.name == RANDOM:
            reading += " Clearly above 0 would mean a fault."
        yield estimated(f"spread against {each.name}", found.spread_ratio, reading)


def _of_jury(evidence: Evidence, items: Sequence[int]) -> FloatArray:
    """What each juror said on some items, [jurors, answers]; NaN for no valid answer.

    Points of the first ordinal criterion, or what was preferred of each pair over both orders.
    """
    if evidence.verdicts.pairs is not None:
        drawn = evidence.verdicts.pairs.drawn()[:, items]
        return drawn.reshape(-1, drawn.shape[-1]).T
    points = evidence.verdicts.points[evidence.ordinal()[0]][:, items].astype(np.float64)
    points[points < 0] = np.nan
    return points.reshape(-1, points.shape[-1]).T


def _of_baseline(evidence: Evidence, baseline: BaselineAnswers) -> FloatArray:
    """The same of a baseline on its items, [answers of each question, answers]."""
    if baseline.pairs is not None:
        drawn = baseline.pairs.drawn()[:, list(baseline.items)]
        return drawn.reshape(-1, drawn.shape[-1]).T
    points = baseline.points[evidence.ordinal()[0]]
    return points.reshape(len(points), -1)
