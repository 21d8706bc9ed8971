"""A run's answers as calibration needs them: every juror's points, and the jury's means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graphs.items import Criterion, FloatArray, Item, Question
from juries.calibration.answers import Answers
from juries.human.ratings import unit_names
from juries.paired_verdicts import rated_scale
from juries.progress import Silent
from juries.verdicts import Verdicts
from personas.persona import AttributeValue

if TYPE_CHECKING:
    from juries.runs import Run


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JuryTable:
    """What a jury said in a run; C criteria, M models, I items, J jurors.

    Attributes:
        items: of the run, in order, length I.
        models: length M.
        questions: asked about each response, length C.
        criteria: their names, length C.
        points: int8 [C, M, I, J], 1..K; -1 where there is no valid answer.
        means: [C, M, I], the jury's weighted mean point, under whole distributions where the mind
            states them; NaN where nobody answered, and for choices.
        put: bool [I, J], who was to be asked about which item.
        weights: of the jurors, [J].
        jurors: names, length J.
        attributes: of each juror.
        produced_by: names and kinds of the minds.
        simulator: whether any mind is a rater simulator.
    """

    items: Sequence[Item]
    models: tuple[str, ...]
    questions: tuple[Question, ...]
    criteria: tuple[str, ...]
    points: NDArray[np.int8]
    means: FloatArray
    put: NDArray[np.bool_]
    weights: FloatArray
    jurors: tuple[str, ...]
    attributes: tuple[Mapping[str, AttributeValue], ...]
    produced_by: str
    simulator: bool

    def answers(self, criterion: int) -> Answers:
        """Jurors' answers on one criterion; units as `HumanRatings.answers` has them."""
        models, items, jurors = self.points.shape[1:]
        matrix = self.points[criterion].transpose(2, 1, 0).reshape(jurors, items * models)
        return Answers.from_matrix(
            matrix,
            points=len(self.questions[criterion].points),
            units=unit_names([item.id for item in self.items], self.models),
            raters=self.jurors,
        )

    def unit_means(self, criterion: int) -> FloatArray:
        """The jury's mean by unit, item-major, [I * M]."""
        return self.means[criterion].T.ravel()

    def group(self, attribute: str, level: str) -> NDArray[np.bool_]:
        """Jurors with a level of an attribute, [J]."""
        return np.array(
            [str(row.get(attribute, "")) == level and attribute in row for row in self.attributes],
            dtype=np.bool_,
        )


def jury_table(run: Run) -> JuryTable:
    """Read a run's answers.

    Raises:
        InputError: the study compares responses in pairs.
        JuriesError: nothing was recorded yet.
    """
    from juries.concluding import gather  # it reads records of calibration

    rated_scale(run.study.scale, "a comparison with people")

    record = run.record
    gathered = gather(run.directory, record, Silent())
    jurors, asked, verdicts = gathered.jurors, gathered.questions, gathered.verdicts
    weights = np.array([juror.weight for juror in jurors])
    return JuryTable(
        items=gathered.items,
        models=tuple(record.models),
        questions=asked,
        criteria=gathered.criteria,
        points=verdicts.points,
        means=_means(verdicts, asked, weights),
        put=verdicts.put,
        weights=weights,
        jurors=tuple(juror.id for juror in jurors),
        attributes=tuple(juror.persona.attributes for juror in jurors),
        produced_by=", ".join(f"{mind.name} ({mind.kind})" for mind in record.minds),
        simulator=any(mind.kind == "simulator" for mind in record.minds),
    )


def _means(verdicts: Verdicts, asked: tuple[Question, ...], weights: FloatArray) -> FloatArray:
    """Weighted mean points, [C, M, I], from utilities: a scale's utilities are linear in points."""
    means = np.full(verdicts.utilities.shape[:3], np.nan)
    for criterion, question in enumerate(asked):
        if not isinstance(question, Criterion):
            continue
        utility = verdicts.utilities[criterion]
        known = np.isfinite(utility)
        total = np.where(known, utility, 0) @ weights
        mass = known @ weights
        mean = np.divide(total, mass, out=np.full(total.shape, np.nan), where=mass > 0)
        position = mean if question.better == "high" else 1 - mean
        means[criterion] = 1 + position * (len(question.points) - 1)
    return means
