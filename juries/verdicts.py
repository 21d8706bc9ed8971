"""From the ledger's rows to arrays: what the jury said of each response.

Ratings become utilities in [0, 1] (the scale's ends rescaled; the expected rating where the whole
distribution is known). Only rows with status `ok` carry a utility; every row is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphs.items import Choice, FloatArray, Item, Pairwise, Question, compares
from graphs.records import Status, unpack
from juries.paired_verdicts import PairAnswers

Float32 = NDArray[np.float32]
Positions = NDArray[np.int64]
_COLUMNS = ("item", "response", "against", "juror", "criterion", "replicate", "status", "rating")
_STATUSES = {status.value: code for code, status in enumerate(Status)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """A jury's answers as arrays; M models, I items, J jurors, C criteria.

    Attributes:
        models: names, length M.
        item_ids: length I.
        utilities: float32 [C, M, I, J], mean over replicates; NaN where there is no valid answer.
        points: int8 [C, M, I, J], the rating 1..K of the first replicate; -1 where none, as
            everywhere where responses are compared.
        weights: of criteria in the overall utility, length C, sum 1.
        statuses: rows by status per model, int64 [M, statuses] in the order of `Status`; a
            comparison counts for the model shown first.
        asked: questions put per model, int64 [M], whether or not anything was recorded.
        present: bool [M, I], whether the model has a response to the item.
        put: bool [I, J], who was to be asked about which item.
        pairs: what was said of pairs; None where responses are judged alone.
    """

    models: tuple[str, ...]
    item_ids: tuple[str, ...]
    utilities: Float32
    points: NDArray[np.int8]
    weights: FloatArray
    statuses: NDArray[np.int64]
    asked: NDArray[np.int64]
    present: NDArray[np.bool_]
    put: NDArray[np.bool_]
    pairs: PairAnswers | None = None

    def overall(self) -> Float32:
        """Utility of the whole response, float32 [M, I, J].

        The weighted mean over criteria; NaN unless every criterion was validly answered.
        """
        if len(self.weights) == 1:
            return self.utilities[0]
        return np.einsum("c,cmij->mij", self.weights.astype(np.float32), self.utilities)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Some ratings as arrays of one length n.

    Attributes:
        criterion: position of the question.
        model: position of the response's model among `Verdicts.models`.
        against: that of the response shown second; -1 where the first is judged alone.
        item: position.
        juror: position.
        replicate: from 0.
        status: position in `Status`.
        rating: the point, 1..K; -1 where there is none.
        known: what is known of the whole distribution, NaN where nothing: its mean point [n], or
            the shares of the points [n, widest K] where an unordered question was asked.
    """

    criterion: Positions
    model: Positions
    against: Positions
    item: Positions
    juror: Positions
    replicate: Positions
    status: Positions
    rating: Positions
    known: FloatArray


def columns(questions: Sequence[Question]) -> tuple[str, ...]:
    """The rating fields that `read_rows` takes for these questions, in its order."""
    return (*_COLUMNS, "probabilities" if unordered(questions) else "expected")


def unordered(questions: Sequence[Question]) -> bool:
    """Whether a question has unordered answers, so that utilities need the whole distribution."""
    return any(isinstance(question, Choice | Pairwise) for question in questions)


def read_rows(
    blocks: Iterable[Sequence[tuple[Any, ...]]], *, items: Sequence[Item], models: Sequence[str]
) -> Iterator[Block]:
    """Rows of `columns(questions)`, in blocks, as `Ledger.blocks` yields them, as arrays.

    Args:
        blocks: the rows.
        items: the study's items; rows beyond them are an error of the caller.
        models: names, in the order of the result.
    """
    model_of = _model_of(items, models)
    for rows in blocks:
        *places, status, rating, known = zip(*rows, strict=True)
        item, response, against, juror, criterion, replicate = np.array(places, dtype=np.int64)
        other = np.where(against < 0, -1, model_of[item, against])
        yield Block(
            criterion=criterion,
            model=model_of[item, response].astype(np.int64),
            against=other.astype(np.int64),
            item=item,
            juror=juror,
            replicate=replicate,
            status=np.fromiter(map(_STATUSES.__getitem__, status), np.int64, len(rows)),
            rating=np.array([-1 if r is None else r for r in rating], dtype=np.int64),
            known=_known(known),
        )


def _known(values: Sequence[float | bytes | None]) -> FloatArray:
    if not any(isinstance(value, bytes) for value in values):
        return np.array(values, dtype=np.float64)
    each = [unpack(value) if isinstance(value, bytes) else np.empty(0) for value in values]
    return shares_table(each)


def shares_table(distributions: Sequence[NDArray[np.floating]]) -> FloatArray:
    """Distributions [n, widest K], 0 beyond their last point, NaN where there is none."""
    lengths = np.array([len(one) for one in distributions], dtype=np.int64)
    table = np.where(lengths > 0, 0.0, np.nan)[:, None].repeat(lengths.max(initial=1), axis=1)
    for row, one in enumerate(distributions):
        table[row, : len(one)] = one
    return table


def collect(
    blocks: Iterable[Block],
    *,
    items: Sequence[Item],
    models: Sequence[str],
    jurors: int,
    questions: Sequence[Question],
    replicates: int = 1,
    put: NDArray[np.bool_] | None = None,
) -> Verdicts:
    """Gather ratings into arrays.

    Args:
        blocks: from `read_rows`, or from `juries.exports.ratings_table.read_ratings`.
        items: the study's items.
        models: names, in the order of the result.
        jurors: how many sit.
        questions: what was asked, for the scale of each criterion.
        replicates: how often each question was asked.
        put: bool [items, jurors], who was to be asked about which item; None for everybody about
            everything. What was not to be asked is neither counted as asked nor as missing.
    """
    compared = compares(questions)
    cells = (len(models),) * 2 if compared else (len(questions), len(models))
    shape = (*cells, len(items), jurors)
    total = np.zeros(shape, dtype=np.float32)
    answers = np.zeros(shape, dtype=np.int16)
    points = np.full(shape, -1, dtype=np.int8)
    statuses = np.zeros((len(models), len(Status)), dtype=np.int64)
    scales = [_utility_table(question) for question in questions]
    for block in blocks:
        np.add.at(statuses, (block.model, block.status), 1)
        ok = block.status == _STATUSES[Status.OK]
        about = (block.model, block.against) if compared else (block.criterion, block.model)
        where = tuple(place[ok] for place in (*about, block.item, block.juror))
        np.add.at(total, where, _utility(scales, block)[ok])
        np.add.at(answers, where, 1)
        first = block.replicate[ok] == 0
        points[tuple(place[first] for place in where)] = block.rating[ok][first]
    with np.errstate(invalid="ignore"):
        utilities = np.divide(total, answers, out=total)  # 0/0 is NaN: no valid answer
    weights = np.array([getattr(question, "weight", 1.0) for question in questions])
    present = np.zeros((len(models), len(items)), dtype=np.bool_)
    for position, row in enumerate(_model_of(items, models)):
        present[row[row >= 0], position] = True
    if put is None:
        put = np.ones((len(items), jurors), dtype=np.bool_)
    # A comparison counts for the model shown first: one for each opponent.
    subjects = present * (present.sum(axis=0) - 1) if compared else present
    pairs = PairAnswers(preferred=utilities, points=points) if compared else None
    return Verdicts(
        models=tuple(models),
        item_ids=tuple(item.id for item in items),
        utilities=utilities if pairs is None else pairs.utilities(present)[None],
        points=points if pairs is None else np.full((1, *shape[1:]), -1, dtype=np.int8),
        weights=weights / weights.sum(),
        statuses=statuses,
        asked=(subjects @ put.sum(axis=1)) * len(questions) * replicates,
        present=present,
        put=put,
        pairs=pairs,
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


def _utility(scales: Sequence[FloatArray | None], block: Block) -> FloatArray:
    """Utility per row: under the distribution where it is known, else of the point drawn."""
    utility = np.full(len(block.rating), np.nan)
    for position, table in enumerate(scales):
        rows = slice(None) if len(scales) == 1 else np.flatnonzero(block.criterion == position)
        if table is None:
            continue
        drawn = block.rating[rows]
        of_point = np.where(drawn > 0, table[drawn], np.nan)
        under = _mean_utilities(table, block.known[rows])
        utility[rows] = np.where(np.isnan(under), of_point, under)
    return utility


def _mean_utilities(table: FloatArray, known: FloatArray) -> FloatArray:
    """Utility under each distribution, or at its mean point; NaN where neither is known.

    On an evenly spaced scale the two are the same.
    """
    if known.ndim == 2:
        shares = known[:, : len(table) - 1]
        return shares @ table[1 : 1 + shares.shape[1]]
    return table[1] + (known - 1) * (table[-1] - table[1]) / (len(table) - 2)
