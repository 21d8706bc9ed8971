"""A model before and after alignment, against populations: the table of the roadmap paper.

`compare_alignment(...)` gives, on one set of questions with paired intervals: the distance to each
population, the same with shuffled probabilities, the distance between the populations (a perfect
model of one is still that far from the other) and the entropies. Sorensen et al. (arXiv
2402.05070, section 5) found that after alignment entropy falls and distances rise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from juries.measures.estimates import Estimate, mean_estimates
from juries.measures.per_question import (
    UNIT,
    Answerer,
    Shuffles,
    compared_options,
    distance_label,
    some,
)
from juries.measures.references import Answers, PopulationReference
from personas.identity import generator

FloatArray = NDArray[np.float64]

DISTANCE = "distance"
SHUFFLED = "distance, model's probabilities shuffled"
BETWEEN = "distance between populations"
ENTROPY = "entropy (nats)"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignmentRow:
    """One line of the table.

    Attributes:
        measure: `DISTANCE`, `SHUFFLED`, `BETWEEN` or `ENTROPY`.
        of: the population compared with, both populations of a `BETWEEN` line, or whose entropy.
        pre: before alignment; None in lines that concern populations only.
        post: after alignment; None in lines that concern populations only.
        difference: post less pre, paired by question; None in such lines.
        value: the figure of a line that concerns populations only, else None.
    """

    measure: str
    of: str
    pre: Estimate | None = None
    post: Estimate | None = None
    difference: Estimate | None = None
    value: Estimate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignmentComparison:
    """The table, and what it rests on.

    Attributes:
        survey: the reference's name.
        rows: distances, shuffled controls, distances between populations, entropies.
        questions: ids of the questions that both models and every population answered.
        label: what the distance is, base and root named.
        shuffles: how many shuffles the control averages.
    """

    survey: str
    rows: tuple[AlignmentRow, ...]
    questions: tuple[str, ...]
    label: str
    shuffles: int

    def row(self, measure: str, of: str) -> AlignmentRow:
        """The line for a measure and population; KeyError where there is none."""
        for row in self.rows:
            if (row.measure, row.of) == (measure, of):
                return row
        raise KeyError((measure, of))


def compare_alignment(
    pre: Answers,
    post: Answers,
    reference: PopulationReference,
    *,
    populations: Sequence[str],
    shuffles: int = 100,
    resamples: int = 1000,
    rng: np.random.Generator | None = None,
) -> AlignmentComparison:
    """Compare a model before and after alignment with populations, on the same questions.

    Only questions that both models and every population answered count, so that all lines rest
    on the same ones. Refusals count as options, as in the paper, and both models are shuffled by
    the same permutations. Distances are Jensen-Shannon distances in base 2.

    Args:
        pre: answers before alignment: question id to probabilities over the reference's options.
        post: answers after alignment.
        reference: questions and how populations answered them.
        populations: one name or more.
        shuffles: shuffles averaged for the control.
        resamples: bootstrap resamples of the questions.
        rng: source of shuffles and resamples; a fixed stream when None.

    Raises:
        InputError: an unknown population, answers that do not match the options or are no
            distributions, or no question in common.
    """
    rng = generator(0, "distributional") if rng is None else rng
    names = reference.chosen(populations)
    common = [key for key in reference.shared(names) if key in pre and key in post]
    keys = some(common, reference)
    models = [Answerer.read(answers, reference, keys) for answers in (pre, post)]
    people = {name: Answerer.read(reference.distributions[name], reference, keys) for name in names}
    drawn = Shuffles.draw(compared_options(reference, keys), shuffles, rng)
    pairs = _model_lines(models, people, drawn)
    singles = _population_lines(people)
    columns = [column for a, b in pairs.values() for column in (a, b, b - a)]
    table = np.column_stack(columns + list(singles.values()))
    found = iter(mean_estimates(table, resampled=UNIT, resamples=resamples, rng=rng))
    rows = [
        AlignmentRow(
            measure=measure, of=of, pre=next(found), post=next(found), difference=next(found)
        )
        for measure, of in pairs
    ]
    rows += [AlignmentRow(measure=measure, of=of, value=next(found)) for measure, of in singles]
    return AlignmentComparison(
        survey=reference.name,
        rows=tuple(rows),
        questions=keys,
        label=distance_label(),
        shuffles=shuffles,
    )


def _model_lines(
    models: Sequence[Answerer], people: dict[str, Answerer], shuffles: Shuffles
) -> dict[tuple[str, str], tuple[FloatArray, FloatArray]]:
    """Per line (measure, of): the figure per question before and after."""
    pre, post = models
    lines: dict[tuple[str, str], tuple[FloatArray, FloatArray]] = {}
    for name, group in people.items():
        lines[DISTANCE, name] = (pre.distances(group), post.distances(group))
    for name, group in people.items():
        lines[SHUFFLED, name] = (
            pre.shuffled_distances(group, shuffles),
            post.shuffled_distances(group, shuffles),
        )
    lines[ENTROPY, "model"] = (pre.entropies(), post.entropies())
    return lines


def _population_lines(people: dict[str, Answerer]) -> dict[tuple[str, str], FloatArray]:
    lines = {
        (BETWEEN, f"{a} and {b}"): people[a].distances(people[b])
        for a, b in combinations(people, 2)
    }
    return lines | {(ENTROPY, name): group.entropies() for name, group in people.items()}
