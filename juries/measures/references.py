"""Populations to compare with: survey questions and how groups of people answered them.

- `SurveyQuestion`: options in the source's order, which of them are refusals, their positions.
- `PopulationReference`: per population and question, the distribution over the options.
- `align_answers(...)`: labelled probabilities in the order of the reference, or a clear error.
- `reference_from_ratings(...)`: the same from individual ratings, per group: human raters, or the
  jury itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from juries.measures.distances import as_distributions
from personas.errors import InputError, nearest

FloatArray = NDArray[np.float64]

Answers = Mapping[str, FloatArray]
"""Question id to a distribution over the question's options, in the reference's order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyQuestion:
    """One question of a survey.

    Attributes:
        id: unique in the reference.
        text: the question as the source has it.
        options: labels in the source's order.
        refusals: one flag per option: a refusal or "don't know".
        positions: of the options that are no refusals, on a line; None where the source gives
            no order, so that only distances for unordered options apply.
    """

    id: str
    text: str
    options: tuple[str, ...]
    refusals: tuple[bool, ...]
    positions: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if len(self.refusals) != len(self.options):
            raise ValueError(f"{len(self.refusals)} refusal flags, {len(self.options)} options")
        kept = len(self.options) - sum(self.refusals)
        if self.positions is not None and len(self.positions) != kept:
            raise ValueError(f"{len(self.positions)} positions for {kept} options")

    @property
    def ordered(self) -> bool:
        """Whether the options stand on a line, at two places or more."""
        return self.positions is not None and len(set(self.positions)) > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulationReference:
    """How populations answered a survey.

    Attributes:
        name: of the survey, shown beside every figure.
        source: citation.
        questions: by id.
        distributions: population to question id to probabilities [options].
        respondents: population to question id to the number of people behind the distribution,
            empty where the source does not say.
        notes: what was left out on reading, and how many.
    """

    name: str
    source: str
    questions: Mapping[str, SurveyQuestion]
    distributions: Mapping[str, Answers]
    respondents: Mapping[str, Mapping[str, int]] = field(
        default_factory=dict[str, Mapping[str, int]]
    )
    notes: tuple[str, ...] = ()

    @property
    def populations(self) -> tuple[str, ...]:
        """Names of the populations, those with the most questions first."""
        known = self.distributions
        return tuple(sorted(known, key=lambda name: (-len(known[name]), name)))

    def chosen(self, populations: Sequence[str] | None) -> tuple[str, ...]:
        """The populations asked for, or all.

        Raises:
            InputError: for a name that the survey does not have.
        """
        if populations is None:
            return self.populations
        for name in populations:
            if name not in self.distributions:
                raise InputError(
                    f"{self.name} has no population {name!r}",
                    expected="one of " + ", ".join(self.populations[:20]),
                    hint=nearest(name, self.distributions),
                )
        return tuple(dict.fromkeys(populations))

    def shared(self, populations: Sequence[str]) -> tuple[str, ...]:
        """Ids of the questions that every one of the populations answered, in survey order."""
        held = [self.distributions[name] for name in populations]
        return tuple(key for key in self.questions if all(key in answers for answers in held))


def align_answers(
    answers: Mapping[str, Mapping[str, float]], reference: PopulationReference
) -> dict[str, FloatArray]:
    """Bring labelled probabilities into the reference's order of options.

    Args:
        answers: question id to option label to probability. Questions that the reference does not
            have are an error: a model asked something else was not asked this survey.
        reference: whose questions and options count.

    Raises:
        InputError: an unknown question, options that do not match, or probabilities that do not
            sum to 1; the message names the question.
    """
    aligned: dict[str, FloatArray] = {}
    for key, labelled in answers.items():
        question = reference.questions.get(key)
        if question is None:
            raise InputError(
                f"{reference.name} has no question {key!r}",
                hint=nearest(key, reference.questions),
            )
        if set(labelled) != set(question.options) or len(labelled) != len(question.options):
            raise InputError(
                f"the options of question {key!r} do not match the reference",
                found=sorted(labelled),
                expected=", ".join(map(repr, question.options)),
            )
        values = [labelled[option] for option in question.options]
        aligned[key] = checked_answer(values, key)
    return aligned


def checked_answer(values: ArrayLike, question: str, *, options: int | None = None) -> FloatArray:
    """One distribution [options], checked.

    Raises:
        InputError: naming the question, where the numbers are no distribution over its options.
    """
    found = np.shape(values)[-1] if np.ndim(values) else 0
    if options is not None and found != options:
        raise InputError(
            f"question {question!r} was answered over another set of options",
            found=f"{found} probabilities",
            expected=f"{options}, one per option of the reference",
            hint="Bring labelled probabilities into the reference's order with align_answers.",
        )
    try:
        return as_distributions(values)
    except ValueError as error:
        raise InputError(f"question {question!r}: {error}") from error


def reference_from_ratings(
    ratings: ArrayLike,
    *,
    points: Sequence[str],
    name: str,
    source: str,
    groups: Sequence[str] | None = None,
    weights: ArrayLike | None = None,
    questions: Sequence[tuple[str, str]] | None = None,
    min_ratings: int = 1,
) -> PopulationReference:
    """Distribution of ratings per group and item, from a jury or from human raters.

    Args:
        ratings: [raters, items], 1 … K; NaN where a rater gave no valid rating.
        points: labels of the K points of the scale, lowest first.
        name: of the reference.
        source: where the ratings come from: a data set's citation, or what kind of mind.
        groups: one label per rater; without them all raters are one population, `overall`.
            With them `overall` is added.
        weights: one per rater, equal when None.
        questions: (id, text) per item; ids count from 0 without them.
        min_ratings: cells with fewer ratings are left out, and counted in the notes.

    Raises:
        ValueError: shapes that do not match, a rating outside 1 … K, bad weights, or a group
            named `overall`.
    """
    table = np.asarray(ratings, dtype=np.float64)
    if table.ndim != 2:
        raise ValueError(f"ratings have shape {table.shape}, expected [raters, items]")
    share = np.ones(table.shape[0]) if weights is None else np.asarray(weights, dtype=np.float64)
    if share.shape != table.shape[:1] or not (np.isfinite(share) & (share >= 0)).all():
        raise ValueError("weights must be one finite number per rater, not negative")
    counts, people = _counts(table, share, len(points), _members(groups, table.shape[0]))
    keys = questions or [(str(item), "") for item in range(table.shape[1])]
    if len(keys) != table.shape[1]:
        raise ValueError(f"{len(keys)} questions for {table.shape[1]} items")
    asked = {
        key: SurveyQuestion(
            id=key,
            text=text,
            options=tuple(points),
            refusals=(False,) * len(points),
            positions=tuple(range(1, len(points) + 1)),
        )
        for key, text in keys
    }
    distributions: dict[str, dict[str, FloatArray]] = {}
    respondents: dict[str, dict[str, int]] = {}
    thin = 0
    for group, cells in counts.items():
        number = people[group]
        kept = (number >= max(1, min_ratings)) & (cells.sum(axis=-1) > 0)
        thin += int(((number > 0) & ~kept).sum())
        distributions[group] = {
            keys[item][0]: cells[item] / cells[item].sum() for item in np.flatnonzero(kept).tolist()
        }
        respondents[group] = {
            keys[item][0]: int(number[item]) for item in np.flatnonzero(kept).tolist()
        }
    note = f"{thin} cells of group and item with fewer than {min_ratings} ratings left out"
    return PopulationReference(
        name=name,
        source=source,
        questions=asked,
        distributions=distributions,
        respondents=respondents,
        notes=(note,) if thin else (),
    )


def _members(groups: Sequence[str] | None, raters: int) -> dict[str, NDArray[np.bool_]]:
    members = {"overall": np.ones(raters, dtype=np.bool_)}
    if groups is None:
        return members
    labels = np.asarray(list(groups), dtype=np.str_)
    if labels.shape != (raters,):
        raise ValueError(f"{labels.size} group labels for {raters} raters")
    if "overall" in labels:
        raise ValueError("a group is named 'overall', which means all raters together")
    return members | {str(label): labels == label for label in np.unique(labels)}


def _counts(
    table: FloatArray, weights: FloatArray, points: int, members: Mapping[str, NDArray[np.bool_]]
) -> tuple[dict[str, FloatArray], dict[str, NDArray[np.int64]]]:
    """Weighted ratings per group, item and point, and how many raters gave one."""
    valid = np.isfinite(table)
    rounded = np.where(valid, table, 1.0)
    if not np.isin(rounded, np.arange(1, points + 1)).all():
        raise ValueError(f"a rating is no whole number from 1 to {points}")
    raters, items = np.nonzero(valid)
    cell = items * points + rounded[valid].astype(np.int64) - 1
    size = table.shape[1] * points
    cells: dict[str, FloatArray] = {}
    people: dict[str, NDArray[np.int64]] = {}
    for group, inside in members.items():
        chosen = inside[raters]
        total = np.bincount(cell[chosen], weights=weights[raters[chosen]], minlength=size)
        cells[group] = total.astype(np.float64).reshape(table.shape[1], points)
        people[group] = (valid & inside[:, None]).sum(axis=0).astype(np.int64)
    return cells, people
