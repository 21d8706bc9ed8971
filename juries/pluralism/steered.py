"""Models that were steered themselves: what the jury makes of them.

Fidelity, identification and cost as the jury sees them; the prompt steerability index where
several budgets were tried; the error in goal space where several criteria had a goal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from graphs.items import Choice, FloatArray
from juries.figures import Figure, MeasureScores, figure
from juries.measures.goal_space import goal_space_error
from juries.measures.prompt_steering import prompt_steerability
from juries.measures.steerable import fidelity_gain, identification, steering_cost
from juries.pluralism.evidence import Evidence, weighted_mean
from juries.spec_measures import SteeredModel
from personas.errors import InputError, nearest

_WHERE = "scores.steering"


def steered_models(evidence: Evidence) -> MeasureScores:
    """Steerability of the models that the study says were steered.

    Raises:
        InputError: the section names a model, criterion or level that the study lacks.
    """
    models = evidence.spec.steering.models
    for each in models:
        _check(evidence, each)
    figures: list[Figure] = []
    said: list[str] = []
    needs: list[str] = []
    if evidence.has_utilities:
        _jury_reading(evidence, models, figures, said)
        _budgets(evidence, models, figures, said, needs)
        _goals(evidence, models, figures, said, needs)
    _identified(evidence, models, figures, said, needs)
    return MeasureScores(
        measure="steerable",
        reading="; ".join(said) or "not measured",
        method="models that were steered, against the same models without steering",
        produced_by=evidence.produced_by,
        figures=tuple(figures),
        needs="; ".join(needs) or None,
    )


def _check(evidence: Evidence, each: SteeredModel) -> None:
    for name in (each.model, each.baseline):
        known(name, evidence.models, "model")
    for criterion in (*each.goal, *([each.criterion] if each.criterion else [])):
        known(criterion, evidence.criteria, "criterion")
    if evidence.spec.steering.fidelity is not None:
        known(evidence.spec.steering.fidelity, evidence.criteria, "criterion")
    if not _holds(evidence, each).any():
        (attribute, level), *_ = each.towards.items()
        raise InputError(
            f"no juror has {attribute} = {level}",
            where=_WHERE,
            expected="a level that some juror holds, so that somebody can judge",
        )


def known(name: str, names: Sequence[str], what: str, where: str = _WHERE) -> int:
    """Position of a name.

    Raises:
        InputError: the study has none of that name.
    """
    if name not in names:
        raise InputError(
            f"the study has no {what} {name!r}",
            where=where,
            expected="one of " + ", ".join(names),
            hint=nearest(name, names),
        )
    return names.index(name)


def _holds(evidence: Evidence, each: SteeredModel) -> NDArray[np.bool_]:
    (attribute, level), *_ = each.towards.items()
    return np.array([juror.persona.attributes.get(attribute) == level for juror in evidence.jurors])


def _title(each: SteeredModel) -> str:
    (attribute, level), *_ = each.towards.items()
    return f"{each.model} towards {attribute} = {level}"


def _judged(evidence: Evidence, model: str, criterion: str | None) -> FloatArray:
    """Utilities of one model's responses, [items, jurors], on a criterion or overall."""
    place = evidence.models.index(model)
    if criterion is None:
        return evidence.utilities[place].astype(np.float64)
    at = evidence.criteria.index(criterion)
    return evidence.verdicts.utilities[at, place].astype(np.float64)


def _jury_reading(
    evidence: Evidence, models: Sequence[SteeredModel], figures: list[Figure], said: list[str]
) -> None:
    spec, titles = evidence.spec, [_title(each) for each in models]
    holds = np.stack([_holds(evidence, each) for each in models])
    fidelity = np.stack([_judged(evidence, m.model, spec.steering.fidelity) for m in models])
    gain = fidelity_gain(
        fidelity, holds, attributes=titles, weights=evidence.weights, resamples=spec.resamples,
        rng=evidence.rng("fidelity"),
    )  # fmt: skip
    figures += [figure("fidelity gain", row.attribute, row.gain) for row in gain.rows]
    figures.append(figure("fidelity gain", gain.overall.attribute, gain.overall.gain))
    said.append(f"holders find steered responses truer than others do by {gain.overall.gain}")
    for title, each, held in zip(titles, models, holds, strict=True):
        found = steering_cost(
            _judged(evidence, each.model, None)[None],
            _judged(evidence, each.baseline, None),
            held[None],
            attributes=[title],
            weights=evidence.weights,
            resamples=spec.resamples,
            rng=evidence.rng("steering cost"),
        )
        row = found.rows[0]
        figures.append(figure("gain of those steered for", title, row.holders))
        figures.append(figure("change for the others", title, row.others))
        figures.append(figure("change for the jury", title, row.jury))
        said.append(f"{title}: its holders gain {row.holders}, the others {row.others}")


def _identified(
    evidence: Evidence,
    models: Sequence[SteeredModel],
    figures: list[Figure],
    said: list[str],
    needs: list[str],
) -> None:
    """Whether jurors chose the level that was asked for, where the scale offers the levels."""
    question = evidence.questions[0]
    levels = [str(next(iter(each.towards.values()))) for each in models]
    matching = isinstance(question, Choice) and set(levels) <= set(question.points)
    if not matching or len(set(levels)) < max(2, len(levels)):
        needs.append(
            "identification: a `choice` scale whose options are the levels steered towards, each "
            "asked of one model"
        )
        return
    number = np.full(len(question.points) + 1, -1, dtype=np.int64)
    for place, level in enumerate(levels):
        number[question.points.index(level)] = place
    points = np.stack(
        [evidence.verdicts.points[0, evidence.models.index(m.model)] for m in models]
    ).astype(np.int64)
    found = identification(
        number[points - 1] * (points > 0) - (points <= 0),
        attributes=levels,
        weights=evidence.weights,
        resamples=evidence.spec.resamples,
        rng=evidence.rng("identification"),
    )
    figures.append(figure("identification", "all attributes", found.accuracy))
    figures.append(figure("identification above chance", "all attributes", found.above_chance))
    figures += [
        figure("identification", level, recall)
        for level, recall in zip(levels, found.recall, strict=True)
    ]
    said.append(
        f"jurors tell which of {len(levels)} was asked for in {found.accuracy} of cases "
        f"({found.chance:.2f} by chance)"
    )


def _budgets(
    evidence: Evidence,
    models: Sequence[SteeredModel],
    figures: list[Figure],
    said: list[str],
    needs: list[str],
) -> None:
    series: dict[tuple[object, ...], list[SteeredModel]] = defaultdict(list)
    for each in models:
        (towards,) = each.towards.items()
        series[each.baseline, towards, each.criterion, each.direction].append(each)
    tried = [group for group in series.values() if len({m.budget for m in group}) > 1]
    if not tried:
        needs.append("prompt steerability over budgets: the same steering at several `budget`s")
    for group in tried:
        group.sort(key=lambda each: each.budget)
        first = group[0]
        found = prompt_steerability(
            _profile(evidence, first.baseline, first.criterion),
            np.stack([_profile(evidence, each.model, first.criterion) for each in group]),
            [each.budget for each in group],
            direction=first.direction,
            resamples=evidence.spec.resamples,
            rng=evidence.rng("prompt steerability"),
        )
        figures += [
            figure(f"prompt steerability index, budget {point.budget:g}", _title(each), point.index)
            for point, each in zip(found.points, group, strict=True)
        ]
        last = found.points[-1]
        said.append(f"steerability index {last.index} at budget {last.budget:g}")


def _profile(evidence: Evidence, model: str, criterion: str | None) -> FloatArray:
    """The jury's mean of each response of a model, [items]: its profile of answers in [0, 1]."""
    return np.clip(weighted_mean(_judged(evidence, model, criterion), evidence.weights), 0.0, 1.0)


def _goals(
    evidence: Evidence,
    models: Sequence[SteeredModel],
    figures: list[Figure],
    said: list[str],
    needs: list[str],
) -> None:
    aimed = [each for each in models if each.goal]
    if not aimed or len(evidence.criteria) < 2:
        needs.append("error in goal space: several criteria, and a `goal` on one or more of them")
        return
    means = evidence.means()
    for each in aimed:
        source = means[evidence.models.index(each.baseline)]
        goal = source.copy()
        for criterion, value in each.goal.items():
            goal[:, evidence.criteria.index(criterion)] = value
        found = goal_space_error(
            source,
            goal,
            means[evidence.models.index(each.model)],
            resamples=evidence.spec.resamples,
            rng=evidence.rng("goal space"),
        )
        title = _title(each)
        figures.append(figure("steering error", title, found.steering_error))
        figures.append(figure("miscalibration", title, found.miscalibration))
        figures.append(figure("overshoot", title, found.overshoot))
        figures.append(figure("side effects", title, found.side_effects))
        said.append(f"{title}: steering error {found.steering_error}")
