"""The form that a person at a seat fills in, made from what the interrupt asks; and its reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from graphs.minds.human_forms import HumanForm, SeatAnswer, SeatForm, wrong
from personas.errors import JuriesError

Posted = Mapping[str, Sequence[str]]
"""What a browser sent: values by the name of the field."""
FieldKind = Literal["points", "text", "place", "endorse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One thing to be filled in.

    Attributes:
        name: of the value that the browser sends.
        kind: how it is filled in: one of some points, a text, a place in a ranking, a tick.
        label: what is asked.
        about: what it is asked of, such as a response or a statement.
        options: value and label of each choice.
        limit: characters that a text may have.
        required: whether it must be filled in.
    """

    name: str
    kind: FieldKind
    label: str
    about: str = ""
    options: tuple[tuple[str, str], ...] = ()
    limit: int | None = None
    required: bool = True


class AnswerError(JuriesError):
    """An answer that cannot be taken; its text says why."""


def fields(form: SeatForm) -> tuple[Field, ...]:
    """What one seat has to fill in, in order: a field for each thing that the interrupt asks."""
    made = [
        Field(
            name=f"rating.{rating.key}",
            kind="points",
            label=rating.question,
            about=_capital(rating.about),
            options=tuple((str(point), label) for point, label in enumerate(rating.points, 1)),
        )
        for rating in form.ratings
    ]
    if form.ratings:
        made.append(Field(name="reason", kind="text", label="Why? (optional)", required=False))
    if form.statement is not None:
        made.append(Field(name="statement", kind="text", label=form.statement, limit=form.limit))
    places = tuple((str(n), f"place {n}") for n in range(1, len(form.candidates) + 1))
    for number, text in form.candidates.items():
        about = f"Statement {number + 1}: {text}"
        made += [
            Field(
                name=f"place.{number}", kind="place", label="Its place, 1 is best", about=about,
                options=places,
            ),
            Field(
                name=f"endorse.{number}", kind="endorse", required=False,
                label="I would put my name to it",
            ),
        ]  # fmt: skip
    return tuple(made)


def read(form: HumanForm, seat: SeatForm, posted: Posted) -> SeatAnswer:
    """The answer of one seat.

    Raises:
        AnswerError: it answers something else than what is asked now, is not complete, or cannot be
            taken.
    """
    if (_one(posted, "round"), _one(posted, "kind")) != (str(form.round), form.kind):
        raise AnswerError("What is asked has changed meanwhile; please read it again.")
    if _one(posted, "abstain") == "yes":
        return SeatAnswer(seat=seat.seat, abstain="yes")
    ratings = {
        rating.key: _point(posted, f"rating.{rating.key}", _capital(rating.about), "a point")
        for rating in seat.ratings
    }
    reason = _one(posted, "reason").strip()
    statement = _one(posted, "statement").replace("\r\n", "\n").strip()
    if seat.statement is not None and not statement:
        raise AnswerError("The statement is empty.")
    answer = SeatAnswer(
        seat=seat.seat,
        ratings=ratings,
        reason=reason or None if seat.ratings else None,
        statement=statement or None if seat.statement is not None else None,
        ranking=_ranking(seat, posted),
        endorsed=tuple(n for n in seat.candidates if _one(posted, f"endorse.{n}") == "yes"),
    )
    problem = wrong(seat, answer)
    if problem is not None:
        raise AnswerError(_capital(problem))
    return answer


def _ranking(seat: SeatForm, posted: Posted) -> tuple[int, ...]:
    """Candidates from best to worst.

    Raises:
        AnswerError: two share a place, or one has none.
    """
    places = {
        number: _point(posted, f"place.{number}", f"Statement {number + 1}", "a place")
        for number in seat.candidates
    }
    if sorted(places.values()) != list(range(1, len(places) + 1)):
        raise AnswerError(f"Give each place from 1 to {len(places)} once.")
    return tuple(sorted(places, key=lambda number: places[number]))


def _point(posted: Posted, name: str, about: str, wanted: str) -> int:
    text = _one(posted, name).strip()
    if not text:
        raise AnswerError(f"{about}: choose {wanted}, or abstain.")
    if not (text.isascii() and text.isdigit() and len(text) < 4):
        raise AnswerError(f"{about}: {text[:40]!r} is not {wanted}.")
    return int(text)


def _one(posted: Posted, name: str) -> str:
    return (posted.get(name) or [""])[0]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
