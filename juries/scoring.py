"""From verdicts to scores: the jury-pluralistic benchmark of Sorensen et al. (2402.05070).

One two-way bootstrap (items and jurors) serves every welfare function and model, so comparisons
are paired.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graphs.items import Criterion, FloatArray, Question
from graphs.panel import Juror
from graphs.records import Status
from juries.figures import interval_bounds, number
from juries.group_scoring import score_groups
from juries.measures.agreement import krippendorff_alpha_bootstrap
from juries.measures.bootstrap import WelfareBootstrap, welfare_bootstrap
from juries.measures.effective import effective_jurors
from juries.measures.welfare_functions import parse_welfares
from juries.scores import (
    Agreement,
    Answers,
    Bounds,
    Comparison,
    GroupScore,
    JurySummary,
    RankFlip,
    WelfareScore,
)
from juries.spec import ScoresSpec
from juries.verdicts import Verdicts
from personas.identity import generator
from personas.weighting import kish_effective_size


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """The parts of `Scores` that come from verdicts alone."""

    jury: JurySummary
    answers: tuple[Answers, ...]
    agreement: tuple[Agreement, ...]
    notes: tuple[str, ...]
    welfare: tuple[WelfareScore, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    flips: tuple[RankFlip, ...] = ()
    groups: tuple[GroupScore, ...] = ()


def score_verdicts(
    verdicts: Verdicts,
    *,
    jurors: Sequence[Juror],
    questions: Sequence[Question],
    criteria: Sequence[str],
    spec: ScoresSpec,
    seed: int,
) -> Scored:
    """Score every model: welfare family, comparisons, groups, agreement.

    Args:
        verdicts: arrays of the jury's answers.
        jurors: in seat order, with weights.
        questions: what was asked.
        criteria: their names.
        spec: which functions, groups, resamples and level.
        seed: of the study; scoring draws from streams of its own.
    """
    weights = np.array([juror.weight for juror in jurors])
    agreement = tuple(
        _agreement(verdicts, position, question, name, spec, seed)
        for position, (question, name) in enumerate(zip(questions, criteria, strict=True))
    )
    if any(question.utilities is None for question in questions):
        return Scored(
            jury=_jury(verdicts, weights, spec),
            answers=_answers(verdicts),
            agreement=agreement,
            notes=("The scale states no `worth` of its options, so there is no welfare.",),
        )
    utilities = verdicts.overall()
    bootstrap = welfare_bootstrap(
        utilities,
        parse_welfares(spec.welfare),
        weights=weights,
        models=verdicts.models,
        resamples=spec.resamples,
        rng=generator(seed, "scores", "welfare"),
    )
    groups, left_out = score_groups(utilities, verdicts.models, jurors, spec, seed)
    return Scored(
        jury=_jury(verdicts, weights, spec),
        answers=_answers(verdicts),
        welfare=_welfare(bootstrap, spec.level),
        comparisons=_comparisons(bootstrap, spec.level),
        flips=_flips(bootstrap),
        groups=groups,
        agreement=agreement,
        notes=(*bootstrap.notes, *left_out),
    )


def _welfare(bootstrap: WelfareBootstrap, level: float) -> tuple[WelfareScore, ...]:
    interval = bootstrap.interval(level)
    scores: list[WelfareScore] = []
    for f, ranking in enumerate(bootstrap.rankings()):
        function = bootstrap.functions[f]
        scores.extend(
            WelfareScore(
                function=function.name,
                label=function.label,
                model=model,
                estimate=number(bootstrap.estimate[f, m]),
                interval=interval_bounds(interval, (f, m)),
                rank=ranking.order.index(model) + 1,
                first=float(ranking.first[ranking.order.index(model)]),
            )
            for m, model in enumerate(bootstrap.models)
        )
    return tuple(scores)


def _comparisons(bootstrap: WelfareBootstrap, level: float) -> tuple[Comparison, ...]:
    return tuple(
        Comparison(
            function=difference.function,
            a=difference.a,
            b=difference.b,
            difference=number(difference.estimate),
            interval=interval_bounds(difference.interval),
            probability=number(difference.probability),
        )
        for difference in bootstrap.differences(level)
    )


def _flips(bootstrap: WelfareBootstrap) -> tuple[RankFlip, ...]:
    return tuple(
        RankFlip(
            ahead=flip.ahead,
            behind=flip.behind,
            first=flip.first,
            second=flip.second,
            probability=flip.probability,
        )
        for flip in bootstrap.flips()
    )


def _agreement(
    verdicts: Verdicts, position: int, question: Question, name: str, spec: ScoresSpec, seed: int
) -> Agreement:
    points = verdicts.points[position]  # [M, I, J]
    if verdicts.pairs is not None:
        points = verdicts.pairs.winners(seed)  # [pairs, I, J]
    units = points.reshape(-1, points.shape[-1]).T
    level = "ordinal" if isinstance(question, Criterion) else "nominal"
    bootstrap = krippendorff_alpha_bootstrap(
        units,
        level,
        rng=generator(seed, "scores", "alpha", name),
        resamples=spec.resamples,
        missing=-1,
    )
    interval = bootstrap.interval(spec.level)
    return Agreement(
        criterion=name,
        level=level,
        alpha=bootstrap.alpha.alpha,
        interval=None if interval is None else interval_bounds(interval),
        reason=bootstrap.alpha.reason or None,
    )


def _jury(verdicts: Verdicts, weights: FloatArray, spec: ScoresSpec) -> JurySummary:
    rated = verdicts.overall() if verdicts.pairs is None else verdicts.pairs.preferences()
    units = rated.reshape(-1, rated.shape[-1]).T
    independent = effective_jurors(units, weights=weights, level=spec.level)
    interval = None
    if independent.low is not None:
        interval = Bounds(
            low=independent.low,
            high=independent.high,
            level=independent.level,
            resampled=independent.resampled,
        )
    return JurySummary(
        jurors=len(weights),
        kish_effective=kish_effective_size(weights),
        independent=independent.n_effective,
        independent_interval=interval,
        reading=independent.reading,
    )


def _answers(verdicts: Verdicts) -> tuple[Answers, ...]:
    return tuple(
        Answers(
            model=model,
            asked=int(verdicts.asked[m]),
            recorded=int(verdicts.statuses[m].sum()),
            statuses={
                status.value: int(verdicts.statuses[m, code]) for code, status in enumerate(Status)
            },
        )
        for m, model in enumerate(verdicts.models)
    )
