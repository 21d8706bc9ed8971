"""Distributional pluralism of a run: whose distribution of answers is how far from whose.

With a survey on file and models' answers to it: models against people. Without: the mind that
answers without a persona against the jury and each of its groups, on the sampled items.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from juries.baselines import NO_PERSONA, RANDOM, BaselineAnswers
from juries.figures import Figure, MeasureScores, figure, unmeasured
from juries.measures.distributional import PopulationComparison, compare_to_population
from juries.measures.references import Answers, PopulationReference, reference_from_ratings
from juries.pluralism.evidence import Evidence
from juries.pluralism.paired import NEEDS
from juries.surveys import read_answers, read_survey

_OVERALL = "overall"
_JURY = "the whole jury"


def distributional(evidence: Evidence, baselines: Sequence[BaselineAnswers]) -> MeasureScores:
    """Distances from models to people, or from the mind without a persona to the jury."""
    spec = evidence.spec.distribution
    if spec.survey is None:
        return _against_jury(evidence, baselines)
    reference = read_survey(spec.survey)
    if not spec.answers:
        return unmeasured(
            "distributional",
            evidence.produced_by,
            "models' answers to the survey: name files in `scores.distribution.answers`",
        )
    found = {
        name: _compare(evidence, read_answers(path, reference), reference, name)
        for name, path in spec.answers.items()
    }
    return MeasureScores(
        measure="distributional",
        reading=_survey_reading(found),
        method=f"{next(iter(found.values())).label}, over {reference.name}'s questions",
        produced_by="the models that gave the answers: " + ", ".join(found),
        figures=tuple(f for name, one in found.items() for f in _figures(one, name)),
    )


def _compare(
    evidence: Evidence, answers: Answers, reference: PopulationReference, name: str
) -> PopulationComparison:
    spec = evidence.spec.distribution
    return compare_to_population(
        answers,
        reference,
        populations=spec.populations,
        refusals=spec.refusals,
        resamples=evidence.spec.resamples,
        rng=evidence.rng("distributional", name),
    )


def _survey_reading(found: dict[str, PopulationComparison]) -> str:
    parts = [
        f"{name} is {one.overall.distance} from {one.survey} (its shuffled self "
        f"{one.overall.shuffled}), farthest from {one.farthest}"
        for name, one in found.items()
    ]
    return "; ".join(parts)


def _against_jury(evidence: Evidence, baselines: Sequence[BaselineAnswers]) -> MeasureScores:
    if evidence.verdicts.pairs is not None:
        needs = f"{NEEDS}; or name a survey and models' answers in `scores.distribution`"
        return unmeasured("distributional", evidence.produced_by, needs)
    asked = [each for each in baselines if _answers(evidence, each)]
    models = [each for each in asked if each.name.startswith(NO_PERSONA)]
    answered = bool(models) and bool(
        (evidence.verdicts.points[0][:, list(models[0].items)] > 0).any()
    )
    if not answered:
        return unmeasured(
            "distributional",
            evidence.produced_by,
            (
                "a distribution to compare with: let `baselines.share` be above 0 and run the "
                "study again, or name a survey and models' answers in `scores.distribution`"
            ),
        )
    reference = jury_reference(evidence, models[0].items)
    found = {
        each.name: _compare(evidence, _answers(evidence, each), reference, each.name)
        for each in asked
    }
    own, control = found[models[0].name], found.get(RANDOM)
    jury = next(row for row in own.rows if row.population == _OVERALL)
    groups = [row for row in own.rows if row.population != _OVERALL and row.distance.value]
    reading = f"the mind without a persona is {jury.distance} from {_JURY}'s answers"
    if groups:
        far = max(groups, key=lambda row: row.distance.value or 0.0)
        reading += f", farthest from {far.population} ({far.distance})"
    if control is not None:
        chance = next(row for row in control.rows if row.population == _OVERALL)
        reading += f"; random answers are {chance.distance} away"
    return MeasureScores(
        measure="distributional",
        reading=reading,
        method=(
            f"{own.label}, between distributions over the points of "
            f"{evidence.criteria[0]!r}, over responses to {len(models[0].items)} sampled items"
        ),
        produced_by=evidence.produced_by,
        figures=tuple(f for name, one in found.items() for f in _figures(one, name)),
        needs="people to compare with: a survey and models' answers in `scores.distribution`",
    )


def jury_reference(evidence: Evidence, items: Sequence[int]) -> PopulationReference:
    """The jury as a population: how it, and each of its groups, rated the responses."""
    points = evidence.verdicts.points[0][:, list(items)].astype(np.float64)
    table = np.where(points < 0, np.nan, points).reshape(-1, len(evidence.jurors)).T
    attribute = evidence.attribute(evidence.spec.distribution.attribute)
    groups = None if attribute is None else [
        f"{attribute} = {level}" for level in evidence.labels(attribute)
    ]  # fmt: skip
    return reference_from_ratings(
        table,
        points=evidence.questions[0].points,
        name="the jury",
        source=evidence.produced_by,
        groups=groups,
        weights=evidence.weights,
        questions=[(key, "") for key in _keys(evidence, items)],
    )


def _keys(evidence: Evidence, items: Sequence[int]) -> list[str]:
    return [f"{model} on {evidence.items[i].id}" for model in evidence.models for i in items]


def _answers(evidence: Evidence, baseline: BaselineAnswers) -> Answers:
    flat = baseline.probabilities.reshape(-1, baseline.probabilities.shape[-1])
    known = ~np.isnan(flat).any(axis=1)
    keys = _keys(evidence, baseline.items)
    return {keys[at]: flat[at] for at in np.flatnonzero(known).tolist()}


def _figures(found: PopulationComparison, name: str) -> list[Figure]:
    figures: list[Figure] = []
    for row in (*found.rows, found.overall):
        of = f"{name} and {_JURY if row.population == _OVERALL else row.population}"
        figures.append(figure("distance", of, row.distance))
        figures.append(figure("distance, probabilities shuffled", of, row.shuffled))
        figures.append(figure("representativeness", of, row.representativeness))
        figures.append(figure("entropy of the model (nats)", of, row.model_entropy))
        figures.append(figure("entropy of the population (nats)", of, row.population_entropy))
    return figures
