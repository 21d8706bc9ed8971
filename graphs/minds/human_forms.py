"""What a person at a seat is asked, and how the answer must look: the payload of an interrupt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from graphs.items import Criterion, Question
from graphs.minds.deliberator import Round, response_name
from graphs.records import Status


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RatingForm(_Form):
    """One response to be rated.

    Attributes:
        response: its place among the item's responses, and `criterion` that of the question.
        about: what the response is called.
        question: what is asked.
        points: labels of the points 1..K, in order.
    """

    response: int
    criterion: int
    replicate: int = 0
    about: str
    question: str
    points: tuple[str, ...]

    @property
    def key(self) -> str:
        """Under which the answer is given."""
        return f"{self.response}.{self.criterion}.{self.replicate}"


class SeatForm(_Form):
    """What is asked of one seat.

    Attributes:
        seat: from 0.
        juror: its id.
        heard: what the juror has heard so far, a line each.
        ratings: responses to be rated.
        statement: what the juror is to say, or None.
        limit: characters that it may have.
        candidates: statements to be ranked, by number.
        error: what was wrong with the last answer.
    """

    seat: int
    juror: str
    heard: tuple[str, ...] = ()
    ratings: tuple[RatingForm, ...] = ()
    statement: str | None = None
    limit: int | None = None
    candidates: dict[int, str] = Field(default_factory=dict[int, str])
    error: str | None = None


class HumanForm(_Form):
    """What is asked of all seats that wait at one point.

    Attributes:
        item: its place in the study.
        round: of talk, or of the ballot.
        kind: `rating`, `ranking` or a kind of utterance.
        prompt: what the systems were asked.
        responses: what they wrote.
        seats: who is asked.
    """

    item: int
    round: int
    kind: str
    prompt: str
    responses: tuple[str, ...]
    seats: tuple[SeatForm, ...]


class SeatAnswer(_Form):
    """The answer of one seat. What is left out stays to be asked; `abstain` leaves it out for good.

    Attributes:
        seat: from 0.
        ratings: points 1..K by `RatingForm.key`.
        reason: of the ratings.
        statement: what the juror says.
        ranking: all candidates, best first.
        endorsed: those that the juror would put their name to.
        abstain: the juror does not answer; `expired` says that the time for it is over.
    """

    seat: int
    ratings: dict[str, int] = Field(default_factory=dict[str, int])
    reason: str | None = None
    statement: str | None = None
    ranking: tuple[int, ...] = ()
    endorsed: tuple[int, ...] = ()
    abstain: Literal["no", "yes", "expired"] = "no"


class HumanAnswers(_Form):
    """The response schema of the interrupt.

    Attributes:
        round: as in the `HumanForm` that is answered, as is `kind`; answers to another are left.
        answers: of some or all of its seats.
    """

    round: int
    kind: str
    answers: tuple[SeatAnswer, ...]


def heard_lines(heard: Sequence[Round], seat: int) -> tuple[str, ...]:
    """What one juror heard, a line for each thing said."""
    lines: list[str] = []
    for talk in heard:
        rows = [
            row
            for row in talk.statements
            if row.status == Status.OK
            and row.text
            and (row.juror == seat or talk.weights[seat, row.juror] > 0)
        ]
        votes = [
            row
            for row in talk.votes
            if row.juror != seat and talk.weights[seat, row.juror] > 0 and row.rating is not None
        ]
        if rows or votes:
            lines.append(f"Round {talk.number}")
        for row in votes:
            name = talk.name(seat, row.juror)
            lines.append(f"{name} voted before: {response_name(row.response)} {row.rating}")
        for row in rows:
            name = "You" if row.juror == seat else talk.name(seat, row.juror)
            lines.append(f"{name}: {row.text}")
    return tuple(lines)


def rating_form(question: Question, response: int, criterion: int, replicate: int) -> RatingForm:
    """The form of one question about one response."""
    name = question.name if isinstance(question, Criterion) else ""
    name = "" if name == "overall" else name
    about = response_name(response)
    return RatingForm(
        response=response,
        criterion=criterion,
        replicate=replicate,
        about=f"{about}, {name}" if name else about,
        question=question.question,
        points=tuple(question.points),
    )


def wrong(form: SeatForm, answer: SeatAnswer) -> str | None:
    """Why an answer cannot be taken, as a sentence; None where it can, in full or in part."""
    return next(_problems(form, answer), None)


def _problems(form: SeatForm, answer: SeatAnswer) -> Iterator[str]:
    known = {rating.key: rating for rating in form.ratings}
    for key, point in answer.ratings.items():
        if key not in known:
            yield f"Nothing is asked under {key}; expected {', '.join(known) or 'no rating'}."
        elif not 1 <= point <= len(known[key].points):
            most = len(known[key].points)
            yield f"{known[key].about}: {point} is out of range; expected 1 to {most}."
    if answer.statement is not None:
        size = len(answer.statement)
        if form.limit is None:
            yield "No statement is asked for."
        elif not answer.statement.strip():
            yield "The statement is empty."
        elif size > form.limit:
            yield f"The statement has {size} characters; at most {form.limit}."
    candidates = ", ".join(map(str, sorted(form.candidates))) or "nothing"
    if answer.ranking and sorted(answer.ranking) != sorted(form.candidates):
        yield f"A ranking names each of {candidates} once; found {list(answer.ranking)}."
    if not set(answer.endorsed) <= set(form.candidates):
        yield f"Only {candidates} can be endorsed; found {list(answer.endorsed)}."


def schema() -> dict[str, Any]:
    """JSON Schema of the answer."""
    return HumanAnswers.model_json_schema()
