"""Scores of a sparse design: ratings never asked for are imputed, marked, and made to count less.

Each of several completed data sets draws the missing ratings from one member of the surrogate;
where the minds of the run gave whole distributions, whose expected utility is what counts, the
expected utility under the member's distribution is taken instead.
Their bootstrap replicates are pooled, so intervals hold the jurors' and items' spread, the chance
in single ratings, and what the members disagree about (Rubin 1987; pooled as by Schomaker & Heumann
2018, Stat. Med. 37). What was asked and not validly answered is not imputed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from juries.measures.bootstrap import welfare_bootstrap
from juries.measures.resampling import Interval, percentile_interval
from juries.measures.welfare_functions import WelfareFunction
from juries.surrogate.fitting import SurrogateReport
from juries.surrogate.modelling import RunModel
from personas.errors import InputError
from personas.identity import generator

if TYPE_CHECKING:
    from juries.concluding import Gathered

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooling:
    """How completed data sets are drawn and pooled.

    Attributes:
        draws: completed data sets.
        resamples: bootstrap replicates over all of them.
        level: coverage of the intervals.
        seed: of the draws.
    """

    draws: int = 10
    resamples: int = 1000
    level: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        if self.draws < 2:
            raise InputError(f"{self.draws} draws", expected="2 or more, to show uncertainty")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FilledScores:
    """Welfare where part of the ratings is imputed; F functions, M models.

    Attributes:
        models: names.
        functions: names.
        estimate: mean over completed data sets, [F, M].
        interval: pooled over them, ends [F, M].
        imputed: share of the ratings that are imputed.
        reports: what the surrogates are worth, per criterion.
        notes: what a reader must know, in sentences.
    """

    models: tuple[str, ...]
    functions: tuple[str, ...]
    estimate: FloatArray
    interval: Interval
    imputed: float
    reports: tuple[SurrogateReport, ...]
    notes: tuple[str, ...]


def filled_scores(
    gathered: Gathered,
    model: RunModel,
    functions: Sequence[WelfareFunction],
    *,
    asked: BoolArray | None = None,
    pooling: Pooling | None = None,
) -> FilledScores:
    """Welfare over completed data sets.

    Args:
        gathered: a run, with missing ratings.
        model: its surrogates.
        functions: welfare functions.
        asked: bool [M, I, J], which questions were put; those without a valid answer stay
            missing. By default every missing rating of an existing response counts as not asked.
        pooling: how completed data sets are pooled.
    """
    pooling = pooling or Pooling()
    verdicts = gathered.verdicts
    there = np.broadcast_to(verdicts.present[:, :, None], verdicts.points.shape[1:])
    missing = never_asked(gathered, asked)
    weights = np.array([juror.weight for juror in gathered.jurors])
    completed = completed_utilities(gathered, model, missing, pooling)
    return pool_scores(
        completed,
        functions,
        models=verdicts.models,
        weights=weights,
        imputed=float(missing.sum() / max(int(there.sum()), 1)),
        points=model.points,
        reports=tuple(each.report for each in model.surrogates),
        pooling=pooling,
    )


def never_asked(gathered: Gathered, asked: BoolArray | None = None) -> BoolArray:
    """Which ratings of existing responses are missing and were not asked for, bool [M, I, J].

    Args:
        gathered: a run.
        asked: bool [M, I, J], which questions were put; without it every missing rating counts
            as never asked for.
    """
    overall = gathered.verdicts.overall()
    there = np.broadcast_to(gathered.verdicts.present[:, :, None], overall.shape)
    missing = np.isnan(overall) & there
    return missing if asked is None else missing & ~asked


def pool_scores(
    completed: Iterator[FloatArray],
    functions: Sequence[WelfareFunction],
    *,
    models: tuple[str, ...],
    weights: FloatArray,
    imputed: float,
    points: bool,
    reports: tuple[SurrogateReport, ...],
    pooling: Pooling,
) -> FilledScores:
    """Bootstrap each completed data set and pool the replicates."""
    each = max(20, -(-pooling.resamples // pooling.draws))
    estimates: list[FloatArray] = []
    replicates: list[FloatArray] = []
    for draw, utilities in enumerate(completed):
        boot = welfare_bootstrap(
            utilities,
            functions,
            weights=weights,
            models=models,
            resamples=each,
            rng=generator(pooling.seed, "surrogate", "bootstrap", draw),
        )
        estimates.append(boot.estimate)
        replicates.append(boot.replicates)
    notes = [f"{imputed:.0%} of the ratings are imputed by a surrogate of the jurors."]
    notes += [report.reading for report in reports]
    if imputed and not points:
        notes.append(
            "Imputed ratings are expected ones, so imputed jurors differ less than jurors do: "
            "welfare that looks at the worst-off comes out too high; the mean does not."
        )
    return FilledScores(
        models=models,
        functions=tuple(function.name for function in functions),
        estimate=np.mean(estimates, axis=0),
        interval=percentile_interval(
            np.concatenate(replicates, axis=-1),
            pooling.level,
            resampled="items, jurors and imputed ratings",
        ),
        imputed=imputed,
        reports=reports,
        notes=tuple(notes),
    )


def completed_utilities(
    gathered: Gathered, model: RunModel, missing: BoolArray, pooling: Pooling
) -> Iterator[FloatArray]:
    """Utilities [M, I, J] with missing ones drawn, one array a draw."""
    models, items, jurors = np.nonzero(missing)
    for draw in range(pooling.draws):
        rng = generator(pooling.seed, "surrogate", "fill", draw)
        filled = gathered.verdicts.overall().astype(np.float64)
        total = np.zeros(len(models))
        for surrogate, utilities, weight in zip(
            model.surrogates, model.utilities, model.weights, strict=True
        ):
            if not len(models):
                break
            response = models * missing.shape[1] + items
            given = surrogate.predict(response, jurors, member=draw)
            total += weight * model.worth(given, utilities, rng)
        filled[models, items, jurors] = total
        yield filled
