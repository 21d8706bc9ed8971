"""From the ledger's rows to arrays: what the jury said of each response.

Ratings become utilities in [0, 1] (the scale's ends rescaled; the expected rating where the whole
distribution is known). Only rows with status `ok` carry a utility; every row is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphs.items import Choice, FloatArray, Item, Question
from graphs.records import Status, unpack

Float32 = NDArray[np.float32]
_COLUMNS = ("item", "response", "juror", "criterion", "replicate", "status", "rating")
_STATUSES = {status.value: code for code, status in enumerate(Status)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """A jury's answers as arrays; M models, I items, J jurors, C criteria.

    Attributes:
        models: names, length M.
        item_ids: length I.
        utilities: float32 [C, M, I, J], mean over replicates; NaN where there is no valid answer.
        points: int8 [C, M, I, J], the rating 1..K of the first replicate; -1 where none.
        weights: of criteria in the overall utility, length C, sum 1.
        statuses: rows by status per model, int64 [M, statuses] in the order of `Status`.
        asked: questions put per model, int64 [M], whether or not anything was recorded.
        present: bool [M, I], whether the model has a response to the item.
    """

    models: tuple[str, ...]
    item_ids: tuple[str, ...]
    utilities: Float32
    points: NDArray[np.int8]
    weights: FloatArray
    statuses: NDArray[np.int64]
    asked: NDArray[np.int64]
    present: NDArray[np.bool_]

    def overall(self) -> Float32:
        """Utility of the whole response, float32 [M, I, J].

        The weighted mean over criteria; NaN unless every criterion was validly answered.
        """
        if len(self.weights) == 1:
            return self.utilities[0]
        return np.einsum("c,cmij->mij", self.weights.astype(np.float32), self.utilities)


def columns(questions: Sequence[Question]) -> tuple[str, ...]:
    """The rating fields that `collect` reads for these questions, in its order."""
    nominal = any(isinstance(question, Choice) for question in questions)
    return (*_COLUMNS, "probabilities" if nominal else "expected")


def collect(
    blocks: Iterable[Sequence[tuple[Any, ...]]],
    *,
    items: Sequence[Item],
    models: Sequence[str],
    jurors: int,
    questions: Sequence[Question],
    replicates: int = 1,
) -> Verdicts:
    """Gather rows into arrays.

    Args:
        blocks: rows of `columns(questions)`, in blocks, as `Ledger.blocks` yields them.
        items: the study's items; rows beyond them are an error of the caller.
        models: names, in the order of the result.
        jurors: how many sit.
        questions: what was asked, for the scale of each criterion.
        replicates: how often each question was asked.
    """
    model_of = _model_of(items, models)
    shape = (len(questions), len(models), len(items), jurors)
    total = np.zeros(shape, dtype=np.float32)
    answers = np.zeros(shape, dtype=np.int16)
    points = np.full(shape, -1, dtype=np.int8)
    statuses = np.zeros((len(models), len(Status)), dtype=np.int64)
    scales = [_utility_table(question) for question in questions]
    for rows in blocks:
        item, response, juror, criterion, replicate, status, rating, known = zip(*rows, strict=True)
        place = np.array([criterion, item, juror, replicate], dtype=np.int64)
        model = model_of[place[1], np.array(response)]
        codes = np.fromiter(map(_STATUSES.__getitem__, status), dtype=np.int64, count=len(rows))
        np.add.at(statuses, (model, codes), 1)
        ok = codes == _STATUSES[Status.OK]
        drawn = np.array([-1 if r is None else r for r in rating], dtype=np.int64)
        where = (place[0][ok], model[ok], place[1][ok], place[2][ok])
        utility = _utility(scales, place[0], drawn, known)
        np.add.at(total, where, utility[ok])
        np.add.at(answers, where, 1)
        first = ok & (place[3] == 0)
        points[place[0][first], model[first], place[1][first], place[2][first]] = drawn[first]
    with np.errstate(invalid="ignore"):
        utilities = np.divide(total, answers, out=total)  # 0/0 is NaN: no valid answer
    weights = np.array([getattr(question, "weight", 1.0) for question in questions])
    present = np.zeros((len(models), len(items)), dtype=np.bool_)
    for position, row in enumerate(model_of):
        present[row[row >= 0], position] = True
    return Verdicts(
        models=tuple(models),
        item_ids=tuple(item.id for item in items),
        utilities=utilities,
        points=points,
        weights=weights / weights.sum(),
        statuses=statuses,
        asked=present.sum(axis=1) * jurors * len(questions) * replicates,
        present=present,
    )


def _model_of(items: Sequence[Item], models: Sequence[str]) -> NDArray[np.int16]:
    """Model position of each item's responses, int16 [items, responses], -1 beyond the last."""
    position = {model: index for index, model in enumerate(models)}
    widest = max((len(item.responses) for item in items), default=1)
    table = np.full((len(items), widest), -1, dtype=np.int16)
    for row, item in zip(table, items, strict=True):
        row[: len(item.responses)] = [position[response.model] for response in item.responses]
    return table


def _utility_table(question: Question) -> FloatArray | None:
    table = question.utilities
    return None if table is None else np.concatenate([[np.nan], table])


def _utility(
    scales: Sequence[FloatArray | None],
    criterion: NDArray[np.int64],
    drawn: NDArray[np.int64],
    known: Sequence[float | bytes | None],
) -> FloatArray:
    """Utility per row: under the distribution where it is known, else of the point drawn."""
    utility = np.full(len(drawn), np.nan)
    for position, table in enumerate(scales):
        rows = np.flatnonzero(criterion == position)
        if table is None or not len(rows):
            continue
        of_point = np.where(drawn[rows] > 0, table[drawn[rows]], np.nan)
        under = _mean_utilities(table, [known[int(row)] for row in rows])
        utility[rows] = np.where(np.isnan(under), of_point, under)
    return utility


def _mean_utilities(table: FloatArray, known: Sequence[float | bytes | None]) -> FloatArray:
    """Utility under each distribution, or at its mean point; NaN where neither is known.

    On an evenly spaced scale the two are the same.
    """
    if isinstance(next((one for one in known if one is not None), None), bytes):
        return np.array(
            [unpack(one) @ table[1:] if isinstance(one, bytes) else np.nan for one in known]
        )
    mean_point = np.array(known, dtype=np.float64)
    return table[1] + (mean_point - 1) * (table[-1] - table[1]) / (len(table) - 2)
