"""What a round's ballots say of the jury: where each seat stands, and which view leads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphs.items import Choice, FloatArray, Item, Question
from graphs.minds.deliberator import Side, response_name
from graphs.records import Rating, Status

MIDDLE = 0.5
"""Utility from which a single response counts as good."""


def answers(ballots: Sequence[Rating], *, seats: int, responses: int, questions: int) -> FloatArray:
    """Points chosen (expected points where a distribution is known), NaN where not valid.

    Returns:
        Shape [questions, responses, seats].
    """
    found = np.full((questions, responses, seats), np.nan)
    for row in ballots:
        if row.status == Status.OK and row.rating is not None:
            point = row.rating if row.expected is None else row.expected
            found[row.criterion, row.response, row.juror] = point
    return found


def points(
    ballots: Sequence[Rating], *, seats: int, responses: int, questions: int
) -> NDArray[np.int8]:
    """Points chosen, 1..K, -1 where not valid; shape [questions, responses, seats]."""
    found = np.full((questions, responses, seats), -1, dtype=np.int8)
    for row in ballots:
        if row.status == Status.OK and row.rating is not None:
            found[row.criterion, row.response, row.juror] = row.rating
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Camp:
    """Those on one side of an item.

    Attributes:
        side: what they are for.
        seats: ascending.
    """

    side: Side
    seats: tuple[int, ...]


def camps(
    item: Item, questions: Sequence[Question], ballots: Sequence[Rating], *, seats: int
) -> tuple[Camp, ...]:
    """The sides of an item with those who are on them, by their own ballots; largest first.

    With several responses a juror is for the one rated best overall, and on no side in a tie. With
    one response a juror is for or against it as its utility is at least 0.5 or less; on a choice
    without worths, for the option chosen.
    """
    found: dict[Side, list[int]] = {}
    for seat, side in enumerate(_sides(item, questions, ballots, seats=seats)):
        if side is not None:
            found.setdefault(side, []).append(seat)
    order = sorted(found.items(), key=lambda pair: (-len(pair[1]), pair[1]))
    return tuple(Camp(side=side, seats=tuple(members)) for side, members in order)


def opposite(found: Sequence[Camp]) -> Side:
    """What a devil's advocate argues: against the leading view; on options, for the next one."""
    leading = found[0].side
    if leading.option is not None and len(found) > 1:
        return found[1].side
    favourable = not leading.favourable
    about = response_name(leading.response)
    if leading.option is not None:
        about = leading.text.removeprefix("for ").removeprefix("against ")
    return Side(
        response=leading.response,
        favourable=favourable,
        option=leading.option,
        text=f"{'for' if favourable else 'against'} {about}",
    )


def _sides(
    item: Item, questions: Sequence[Question], ballots: Sequence[Rating], *, seats: int
) -> list[Side | None]:
    question = questions[0]
    if isinstance(question, Choice) and question.worth is None:
        chosen = points(ballots, seats=seats, responses=len(item.responses), questions=1)[0, 0]
        return [
            None
            if option < 1
            else Side(
                response=0,
                option=int(option),
                text=f"for {question.options[option - 1]!r}",
            )
            for option in chosen
        ]
    liked = utilities(ballots, questions, seats=seats, responses=len(item.responses))
    if len(liked) == 1:
        both = {
            good: Side(
                response=0,
                favourable=good,
                text=f"{'for' if good else 'against'} {response_name(0)}",
            )
            for good in (True, False)
        }
        return [None if np.isnan(u) else both[bool(u >= MIDDLE)] for u in liked[0]]
    return [_favourite(column) for column in liked.T]


def utilities(
    ballots: Sequence[Rating], questions: Sequence[Question], *, seats: int, responses: int
) -> FloatArray:
    """Overall utility of each response, shape [responses, seats]; NaN unless all was answered."""
    chosen = points(ballots, seats=seats, responses=responses, questions=len(questions))
    weights = np.array([getattr(question, "weight", 1.0) for question in questions])
    tables = [
        np.concatenate(
            [[np.nan], np.full(len(q.points), np.nan) if q.utilities is None else q.utilities]
        )
        for q in questions
    ]
    each = np.stack([table[np.maximum(row, 0)] for table, row in zip(tables, chosen, strict=True)])
    return np.einsum("q,qrs->rs", weights / weights.sum(), each)


def _favourite(liked: FloatArray) -> Side | None:
    if np.isnan(liked).any():
        return None
    best = np.flatnonzero(liked >= liked.max() - 1e-12)
    if len(best) > 1:
        return None
    return Side(response=int(best[0]), text=f"for {response_name(int(best[0]))}")
