"""Welfare as a function of how much the worst-off count: the power mean over its exponent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphs.items import FloatArray
from juries.measures.bootstrap import welfare_bootstrap
from juries.measures.resampling import Interval
from juries.measures.welfare_functions import PowerMean
from juries.report.source import Source
from personas.identity import generator

POWERS = (-8.0, -6.0, -4.0, -3.0, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
"""Exponents a of W_a = (Σ p u^a)^(1/a): from close to the minimum to well above the mean."""

_MOST_UTILITIES = 20_000_000
"""Beyond so many utilities the curve costs minutes and is left out."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WelfareCurve:
    """Scores of every model along the power means.

    Attributes:
        powers: exponents, length P.
        models: names, length M.
        estimate: [P, M]; NaN for a model that no juror rated.
        interval: ends of shape [P, M].
    """

    powers: tuple[float, ...]
    models: tuple[str, ...]
    estimate: FloatArray
    interval: Interval


def has_curve(source: Source) -> bool:
    """Whether there is welfare, and not too much of it to draw the curve in a report's time."""
    answers = len(source.models) * len(source.items) * len(source.jurors)
    rated = any(score.estimate is not None for score in source.scores.welfare)
    return rated and answers <= _MOST_UTILITIES


def welfare_curve(source: Source) -> WelfareCurve:
    """The curve, on the same resamples as the scores.

    The stream of random numbers is that of the scores, so at an exponent that the study scores
    the curve passes through the score and its interval.
    """
    spec = source.study.scores
    bootstrap = welfare_bootstrap(
        source.utilities,
        [PowerMean(power=power) for power in POWERS],
        weights=source.weights,
        models=source.models,
        resamples=source.scores.resamples,
        rng=generator(source.record.seed, "scores", "welfare"),
    )
    return WelfareCurve(
        powers=POWERS,
        models=source.models,
        estimate=np.asarray(bootstrap.estimate),
        interval=bootstrap.interval(spec.level),
    )
