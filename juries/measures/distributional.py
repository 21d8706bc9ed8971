"""Distributional pluralism: does a model answer a survey as a population does?

- `compare_to_population(...)`: one model against each population, with intervals over questions.
- `PopulationRow`: distance, shuffled control, representativeness, entropies and refusals.

Distances are Jensen-Shannon distances (the square root of the divergence) in base 2. The control
shuffles the model's own probabilities over the options: a model that comes no closer than that
knows the shape of the answers at best, not which answer is which. Definitions: arXiv 2402.05070
(section 3.3), 2306.16388 and 2303.17548. A model before and after alignment: `measures.alignment`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from juries.measures.estimates import Estimate, mean_estimates
from juries.measures.per_question import (
    UNIT,
    Answerer,
    Refusals,
    Shuffles,
    compared_options,
    distance_label,
    some,
)
from juries.measures.references import Answers, PopulationReference
from personas.identity import generator

FloatArray = NDArray[np.float64]

MEAN = "mean over populations"

_COLUMNS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulationRow:
    """One model against one population: means over the questions that both answered.

    Attributes:
        population: its name, or `mean over populations`.
        distance: Jensen-Shannon distance (base 2).
        shuffled: the same with the model's probabilities shuffled over the options.
        representativeness: OpinionQA's 1 - W1 / range over ordered options, refusals set apart;
            undefined where no question's options are ordered.
        model_entropy: of the model's answers, in nats.
        population_entropy: of the population's answers, in nats.
        refusal_gap: the model's less the population's share of refusals; undefined where no
            question offers one.
        excluded: questions that both answered, left out because one side only refused.
    """

    population: str
    distance: Estimate
    shuffled: Estimate
    representativeness: Estimate
    model_entropy: Estimate
    population_entropy: Estimate
    refusal_gap: Estimate
    excluded: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulationComparison:
    """One model against the populations of a survey.

    Attributes:
        survey: the reference's name.
        rows: one per population, in the order asked for.
        overall: means over populations, each with equal weight in every question that it
            answered, on the same resamples of questions.
        farthest: the population at the largest distance.
        label: what the distance is, base and root named.
        unanswered: questions of these populations that the model did not answer.
    """

    survey: str
    rows: tuple[PopulationRow, ...]
    overall: PopulationRow
    farthest: str
    label: str
    unanswered: int


def compare_to_population(
    model: Answers,
    reference: PopulationReference,
    *,
    populations: Sequence[str] | None = None,
    refusals: Refusals = "an option",
    shuffles: int = 100,
    resamples: int = 1000,
    rng: np.random.Generator | None = None,
) -> PopulationComparison:
    """Compare one model with the populations of a survey.

    Args:
        model: question id to probabilities over the reference's options, in its order
            (`align_answers` brings labelled ones there).
        reference: questions and how populations answered them.
        populations: which to compare with; all when None.
        refusals: whether distances and entropies take refusals as one more option (as arXiv
            2402.05070 does) or are among opinions only. Representativeness sets them apart
            always.
        shuffles: shuffles averaged for the control.
        resamples: bootstrap resamples of the questions.
        rng: source of shuffles and resamples; a fixed stream when None.

    Raises:
        InputError: an unknown population, answers that do not match the options or are no
            distributions, or no question in common.
    """
    rng = generator(0, "distributional") if rng is None else rng
    names = reference.chosen(populations)
    held = [reference.distributions[name] for name in names]
    asked = [key for key in reference.questions if any(key in answers for answers in held)]
    keys = some([key for key in asked if key in model], reference)
    drawn = Shuffles.draw(compared_options(reference, keys, refusals), shuffles, rng)
    subject = Answerer.read(model, reference, keys, refusals)
    columns: list[FloatArray] = []
    excluded: list[int] = []
    for answers in held:
        people = Answerer.read(answers, reference, keys, refusals)
        columns.append(_columns(subject, people, reference, keys, drawn))
        undefined = np.isnan(columns[-1][:, 0])
        excluded.append(int(undefined[[key in answers for key in keys]].sum()))
    table = np.concatenate([*columns, _mean_where_defined(np.stack(columns))], axis=1)
    found = mean_estimates(table, resampled=UNIT, resamples=resamples, rng=rng)
    rows = [
        _row(name, found[place * _COLUMNS : (place + 1) * _COLUMNS], left_out)
        for place, (name, left_out) in enumerate(
            zip([*names, MEAN], [*excluded, sum(excluded)], strict=True)
        )
    ]
    return PopulationComparison(
        survey=reference.name,
        rows=tuple(rows[:-1]),
        overall=rows[-1],
        farthest=max(rows[:-1], key=_rank).population,
        label=distance_label(),
        unanswered=len(asked) - len(keys),
    )


def _columns(
    subject: Answerer,
    people: Answerer,
    reference: PopulationReference,
    keys: Sequence[str],
    shuffles: Shuffles,
) -> FloatArray:
    """The six figures of a row per question, [questions, 6], on questions that both answered."""
    distances = subject.distances(people)
    both = np.isfinite(distances)
    return np.column_stack(
        [
            distances,
            subject.shuffled_distances(people, shuffles),
            subject.representativeness(people, reference, keys),
            np.where(both, subject.entropies(), np.nan),
            np.where(both, people.entropies(), np.nan),
            subject.refused - people.refused,
        ]
    )


def _mean_where_defined(stacked: FloatArray) -> FloatArray:
    """Mean over the first axis of what is defined; NaN where nothing is."""
    there = np.isfinite(stacked)
    count = there.sum(axis=0)
    total = np.where(there, stacked, 0.0).sum(axis=0)
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def _row(name: str, found: Sequence[Estimate], excluded: int) -> PopulationRow:
    distance, shuffled, representative, model, people, refusal = found
    return PopulationRow(
        population=name,
        distance=distance,
        shuffled=shuffled,
        representativeness=representative,
        model_entropy=model,
        population_entropy=people,
        refusal_gap=refusal,
        excluded=excluded,
    )


def _rank(row: PopulationRow) -> float:
    return -1.0 if row.distance.value is None else row.distance.value
