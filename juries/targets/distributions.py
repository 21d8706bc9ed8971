"""Target distributions: how a population's answers to each question are spread.

Per response and criterion: the share of each point, weighted by the jurors' (or annotators')
weights, over whole distributions where a mind gave them. Shares are smoothed towards even ones by
`smoothing` imagined answers per point, against the Kish effective number of real ones:

    p_k = (n_eff · share_k + smoothing) / (n_eff + smoothing · K).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graphs.items import Question
from juries.paired_verdicts import rated_scale
from juries.targets.evidence import answered_share, calibration_of, group_label
from juries.targets.pairs import JURY
from juries.targets.provenance import Provenance, origin
from personas.errors import InputError, nearest
from personas.persona import AttributeValue

if TYPE_CHECKING:
    import polars as pl

    from juries.concluding import Gathered
    from juries.human import HumanRatings
    from juries.runs import Run

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

_SMALLEST_GROUP = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetDistribution:
    """Answers of one population to one question.

    Attributes:
        item: id.
        model: whose response was asked about.
        criterion: what was asked.
        population: `jury`, a group such as `sex=Female`, or `annotators`.
        options: labels of the points, in order.
        probabilities: smoothed shares, sum 1.
        raw: shares before smoothing.
        n: who validly answered.
        n_effective: Kish effective number of them.
        asked: who were asked, as far as known.
    """

    item: str
    model: str
    criterion: str
    population: str
    options: tuple[str, ...]
    probabilities: tuple[float, ...]
    raw: tuple[float, ...]
    n: int
    n_effective: float
    asked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetDistributions:
    """The distributions in study order, and questions that nobody validly answered.

    Attributes:
        distributions: one per response, criterion and population.
        unanswered: questions without a valid answer from a population; they have no distribution.
        provenance: where they come from.
    """

    distributions: tuple[TargetDistribution, ...]
    unanswered: int
    provenance: Provenance


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Answers:
    """Distributions by person, one row a person, question and occasion; N rows of K numbers."""

    question: IntArray
    person: IntArray
    probabilities: FloatArray


def jury_distributions(
    run: Run, *, groups: Sequence[str] = (), smoothing: float = 0.5
) -> TargetDistributions:
    """Distributions over the jury, weighted as it is, and over groups of it.

    Args:
        run: with recorded answers; any scale, worths are not needed.
        groups: attributes whose levels get distributions of their own.
        smoothing: imagined answers per point; 0.5 is Jeffreys' prior.

    Raises:
        InputError: the study compares responses in pairs, fewer than half of the questions were
            validly answered, no juror has an
            attribute named, or a negative smoothing.
    """
    rated_scale(run.study.scale, "a target distribution")
    gathered = run.gather()
    answered = answered_share(gathered.verdicts)
    if answered <= 0.5:
        raise InputError(
            f"only {answered:.0%} of the questions were validly answered",
            where=run.path,
            expected="more than half",
        )
    populations = _populations([j.persona.attributes for j in gathered.jurors], groups)
    weights = np.array([juror.weight for juror in gathered.jurors])
    provenance = origin(run.record, answered=answered, calibration=calibration_of(run)).of(
        "distributions", settings={"groups": list(groups), "smoothing": smoothing, "by": "jury"}
    )
    ratings = run.ratings
    found: list[TargetDistribution] = []
    unanswered = 0
    for criterion, question in zip(gathered.criteria, gathered.questions, strict=True):
        answers = _from_ratings(ratings, gathered, criterion, question)
        for population, members in populations.items():
            spread = _Spread(answers, members, weights, len(question.points), smoothing)
            for item, model, name in _responses(gathered):
                place = item * len(gathered.verdicts.models) + model
                one = spread.at(
                    place,
                    item=gathered.items[item].id,
                    model=name,
                    criterion=criterion,
                    population=population,
                    options=question.points,
                )
                if one is None:
                    unanswered += 1
                else:
                    found.append(one)
    return TargetDistributions(
        distributions=tuple(found), unanswered=unanswered, provenance=provenance
    )


def human_distributions(
    human: HumanRatings,
    provenance: Provenance,
    *,
    groups: Sequence[str] = (),
    smoothing: float = 0.5,
) -> TargetDistributions:
    """Distributions over people's answers, each annotator with equal weight.

    Args:
        human: people's first answers.
        provenance: of the study they belong to.
        groups: attributes of the annotators.
        smoothing: as in `jury_distributions`.
    """
    populations = _populations(human.attributes, groups)
    populations["annotators"] = populations.pop(JURY)
    weights = np.ones(len(human.annotators))
    found: list[TargetDistribution] = []
    first = human.repeat == 0
    for position, (criterion, labels) in enumerate(zip(human.criteria, human.labels, strict=True)):
        kept = first & (human.criterion == position)
        answers = _Answers(
            question=(human.item * len(human.models) + human.model)[kept],
            person=human.annotator[kept],
            probabilities=np.eye(len(labels))[human.rating[kept] - 1],
        )
        for population, members in populations.items():
            spread = _Spread(answers, members, weights, len(labels), smoothing)
            for place in sorted({int(question) for question in answers.question}):
                one = spread.at(
                    place,
                    item=human.items[place // len(human.models)],
                    model=human.models[place % len(human.models)],
                    criterion=criterion,
                    population=population,
                    options=labels,
                )
                if one is not None:
                    found.append(one)
    about = provenance.of(
        "distributions",
        settings={"groups": list(groups), "smoothing": smoothing, "by": human.source},
    )
    return TargetDistributions(
        distributions=tuple(found),
        unanswered=0,
        provenance=about.model_copy(
            update={
                "minds": (),
                "jurors": len(human.annotators),
                "uncalibrated": False,
                "calibration": "people's own answers",
            }
        ),
    )


class _Spread:
    """Weighted shares of every question in one population."""

    def __init__(
        self,
        answers: _Answers,
        members: BoolArray,
        weights: FloatArray,
        points: int,
        smoothing: float,
    ) -> None:
        if smoothing < 0:
            raise InputError(f"smoothing is {smoothing}", expected="0 or more")
        self._smoothing = smoothing
        self._asked = int(members.sum())
        kept = members[answers.person] & (weights[answers.person] > 0)
        people = len(weights)
        cells, where, repeats = np.unique(
            answers.question[kept] * people + answers.person[kept],
            return_inverse=True,
            return_counts=True,
        )
        mean = np.zeros((len(cells), points))
        np.add.at(mean, where, answers.probabilities[kept])
        mean /= repeats[:, None]  # replicates of one person are one answer
        self._question, person = cells // people, cells % people
        self._weights = weights[person]
        self._mean = mean

    def at(
        self,
        place: int,
        *,
        item: str,
        model: str,
        criterion: str,
        population: str,
        options: tuple[str, ...],
    ) -> TargetDistribution | None:
        """The distribution of one question, or None where nobody validly answered."""
        start, stop = np.searchsorted(self._question, [place, place + 1])
        if start == stop:
            return None
        weights = self._weights[start:stop]
        raw = weights @ self._mean[start:stop] / weights.sum()
        raw = raw / raw.sum()  # minds give distributions in single precision
        effective = float(weights.sum() ** 2 / (weights**2).sum())
        smooth = (effective * raw + self._smoothing) / (effective + self._smoothing * len(options))
        return TargetDistribution(
            item=item,
            model=model,
            criterion=criterion,
            population=population,
            options=options,
            probabilities=tuple(smooth.tolist()),
            raw=tuple(raw.tolist()),
            n=int(stop - start),
            n_effective=effective,
            asked=self._asked,
        )


def _from_ratings(
    ratings: pl.DataFrame, gathered: Gathered, criterion: str, question: Question
) -> _Answers:
    """Valid answers to one criterion: the distribution given, else the point drawn."""
    import polars as pl

    points = len(question.points)
    frame = ratings.filter((pl.col("criterion") == criterion) & (pl.col("status") == "ok"))
    last = frame["round"].max()
    if last is not None:
        frame = frame.filter(pl.col("round") == last)
    models = {name: at for at, name in enumerate(gathered.verdicts.models)}
    items = {item.id: at for at, item in enumerate(gathered.items)}
    people = {juror.id: juror.position for juror in gathered.jurors}

    def places(column: str, known: Mapping[str, int]) -> IntArray:
        numbers = frame[column].replace_strict(known, return_dtype=pl.Int64)
        return numbers.to_numpy().astype(np.int64)

    drawn = frame["rating"].fill_null(0).to_numpy().astype(np.int64)
    table = np.eye(points + 1)[drawn][:, 1:]
    given = frame["probabilities"].is_not_null().to_numpy()
    if given.any():
        lists = frame["probabilities"].drop_nulls().list.to_array(points)
        table[given] = lists.to_numpy()
    return _Answers(
        question=places("item_id", items) * len(models) + places("model", models),
        person=places("juror_id", people),
        probabilities=table,
    )


def _responses(gathered: Gathered) -> list[tuple[int, int, str]]:
    """Item position, model position and model of every response, in study order."""
    models = {name: at for at, name in enumerate(gathered.verdicts.models)}
    return [
        (at, models[response.model], response.model)
        for at, item in enumerate(gathered.items)
        for response in item.responses
    ]


def _populations(
    people: Sequence[Mapping[str, AttributeValue]], groups: Sequence[str]
) -> dict[str, BoolArray]:
    found = {JURY: np.ones(len(people), dtype=np.bool_)}
    for attribute in groups:
        values = [person.get(attribute) for person in people]
        if all(value is None for value in values):
            known = sorted({name for person in people for name in person})
            raise InputError(
                f"nobody has the attribute {attribute!r}",
                expected="one of " + ", ".join(known),
                hint=nearest(attribute, known),
            )
        for level in sorted({str(value) for value in values if value is not None}):
            members = np.array([value is not None and str(value) == level for value in values])
            if members.sum() >= _SMALLEST_GROUP:
                found[group_label(attribute, level)] = members
    return found
