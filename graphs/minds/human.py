"""People at seats of the jury: the graph stops where one has to answer, and goes on when they have.

A stopped thread is kept by a LangGraph checkpointer; the answer may come days later, in another
process. Answers are rows in the ledger like all others, so the node that stopped runs again from
its start and asks nobody else twice. An answer that cannot be taken is asked for again, with the
reason.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import TypeVar

from langgraph.types import interrupt
from pydantic import ValidationError

from graphs.items import Item
from graphs.minds.deliberator import MediateTask, RankTask, Round, SpeakTask
from graphs.minds.human_forms import (
    HumanAnswers,
    HumanForm,
    SeatAnswer,
    SeatForm,
    heard_lines,
    rating_form,
    schema,
    wrong,
)
from graphs.minds.human_settings import HumanSettings
from graphs.minds.protocol import MindKind, RatingTask
from graphs.records import Cell, Poll, Preference, Rating, Statement, Status, Turn

_Row = TypeVar("_Row", Rating, Statement, Preference)


class HumanMind:
    """Asks people, by stopping the graph until they have answered."""

    name = "human"
    version = "1"
    kind: MindKind = "human"

    def __init__(self, settings: HumanSettings, *, position: int) -> None:
        self.settings = settings
        self._position = position

    def rate(self, task: RatingTask) -> AsyncIterator[Sequence[Rating]]:
        """Ratings without a deliberation do not wait for people.

        Raises:
            NotImplementedError: always; studies with people are refused without one.
        """
        raise NotImplementedError("people answer in deliberations, which can wait for them")

    def mediate(self, task: MediateTask) -> AsyncIterator[Sequence[Statement]]:
        """People do not mediate.

        Raises:
            NotImplementedError: always; another mind of the study mediates.
        """
        raise NotImplementedError("a mind other than people mediates")

    async def revise(
        self, task: RatingTask, heard: tuple[Round, ...]
    ) -> AsyncIterator[Sequence[Rating]]:
        """Stop until every person on the panel has rated everything."""
        cells = [
            Cell(task.position, response, -1, juror.position, task.round, criterion, replicate)
            for juror in task.panel.jurors
            for response in range(len(task.item.responses))
            for criterion in range(len(task.questions))
            for replicate in range(task.replicates)
        ]
        missing = {cell for cell in cells if cell not in task.answered}

        def form(seat: int) -> SeatForm:
            asked = sorted(cell for cell in missing if cell.juror == seat)
            return SeatForm(
                seat=seat,
                juror=ids[seat],
                heard=heard_lines(heard, seat),
                ratings=tuple(
                    rating_form(task.questions[c.criterion], c.response, c.criterion, c.replicate)
                    for c in asked
                ),
            )

        def read(answer: SeatAnswer) -> list[Rating]:
            return [
                self._rating(cell, answer)
                for cell in sorted(missing)
                if cell.juror == answer.seat
                and (answer.abstain != "no" or _key(cell) in answer.ratings)
            ]

        ids = {juror.position: juror.id for juror in task.panel.jurors}
        while missing:
            waiting = sorted({cell.juror for cell in missing})
            rows = self._ask(task.item, task.position, task.round, "rating", waiting, form, read)
            missing -= {row.cell for row in rows}
            yield rows

    async def speak(self, task: SpeakTask) -> AsyncIterator[Sequence[Statement]]:
        """Stop until every speaker on the panel has said something."""
        turns = {
            seat: (Turn(task.position, task.round, task.kind, seat, -1), order)
            for seat, order in zip(task.speakers, task.order, strict=True)
        }
        missing = {seat for seat, (turn, _) in turns.items() if turn not in task.answered}
        ids = {juror.position: juror.id for juror in task.panel.jurors}

        def form(seat: int) -> SeatForm:
            side = task.sides.get(seat)
            about = "; ".join(row.text or "" for row in task.about)
            wanted = f"Your {task.kind}" + (f", {side.text}" if side else "")
            return SeatForm(
                seat=seat,
                juror=ids[seat],
                heard=heard_lines(task.heard, seat),
                statement=f"{wanted} on: {about}" if about else wanted,
                limit=task.limit,
            )

        def read(answer: SeatAnswer) -> list[Statement]:
            if answer.abstain == "no" and answer.statement is None:
                return []
            turn, order = turns[answer.seat]
            said = answer.abstain == "no"
            text = " ".join((answer.statement or "").split()) if said else None
            return [
                Statement(
                    *turn,
                    order=order,
                    status=(Status.OK if said else Status.ABSTAINED).value,
                    text=text,
                    stance=None,
                    tokens=None,
                    raw=None if said else _why(answer),
                    mind=self._position,
                    call=None,
                )
            ]

        while missing:
            rows = self._ask(
                task.item, task.position, task.round, task.kind, sorted(missing), form, read
            )
            missing -= {row.juror for row in rows}
            yield rows

    async def rank(self, task: RankTask) -> AsyncIterator[Sequence[Preference]]:
        """Stop until every person on the panel has ranked the candidates."""
        ids = {juror.position: juror.id for juror in task.panel.jurors}
        polls = {seat: Poll(task.position, task.round, seat) for seat in ids}
        missing = {seat for seat, poll in polls.items() if poll not in task.answered}
        shown = {row.about: row.text or "" for row in task.candidates}

        def form(seat: int) -> SeatForm:
            heard = heard_lines(task.heard, seat)
            return SeatForm(seat=seat, juror=ids[seat], heard=heard, candidates=shown)

        def read(answer: SeatAnswer) -> list[Preference]:
            if answer.abstain == "no" and not answer.ranking:
                return []
            ranked = answer.abstain == "no"
            return [
                Preference(
                    *polls[answer.seat],
                    status=(Status.OK if ranked else Status.ABSTAINED).value,
                    ranking=",".join(map(str, answer.ranking)) if ranked else None,
                    endorsed=",".join(map(str, answer.endorsed)) if ranked else None,
                    tokens=None,
                    raw=None if ranked else _why(answer),
                    mind=self._position,
                    call=None,
                )
            ]

        while missing:
            rows = self._ask(
                task.item, task.position, task.round, "ranking", sorted(missing), form, read
            )
            missing -= {row.juror for row in rows}
            yield rows

    def _ask(
        self,
        item: Item,
        position: int,
        round_: int,
        kind: str,
        waiting: Sequence[int],
        form: Callable[[int], SeatForm],
        read: Callable[[SeatAnswer], list[_Row]],
    ) -> list[_Row]:
        """Stop the graph until something was answered that can be taken.

        After a node runs again, LangGraph first hands back what it was resumed with before; that
        was recorded then, so it answers nothing that is still missing.
        """
        errors: dict[int, str] = {}
        while True:
            forms = {
                seat: form(seat).model_copy(update={"error": errors.get(seat)}) for seat in waiting
            }
            asked = HumanForm(
                item=position,
                round=round_,
                kind=kind,
                prompt=item.prompt,
                responses=tuple(response.text for response in item.responses),
                seats=tuple(forms.values()),
            )
            resumed = interrupt(asked.model_dump(mode="json"), response_schema=schema())
            given = _answers(resumed, asked)
            errors = {
                answer.seat: problem
                for answer in given
                if answer.seat in forms
                and (problem := wrong(forms[answer.seat], answer)) is not None
            }
            rows = [
                row
                for answer in given
                if answer.seat in forms and answer.seat not in errors
                for row in read(answer)
            ]
            if rows:
                return rows

    def _rating(self, cell: Cell, answer: SeatAnswer) -> Rating:
        given = answer.abstain == "no"
        return Rating(
            *cell,
            status=(Status.OK if given else Status.ABSTAINED).value,
            rating=answer.ratings[_key(cell)] if given else None,
            expected=None,
            probabilities=None,
            label_mass=None,
            reason=answer.reason if given else _why(answer),
            raw=None,
            mind=self._position,
            call=None,
        )


def _key(cell: Cell) -> str:
    return f"{cell.response}.{cell.criterion}.{cell.replicate}"


def _answers(resumed: object, asked: HumanForm) -> tuple[SeatAnswer, ...]:
    """What the graph was resumed with, where it answers what is asked now."""
    try:
        given = HumanAnswers.model_validate(resumed)
    except ValidationError:
        return ()
    return given.answers if (given.round, given.kind) == (asked.round, asked.kind) else ()


def _why(answer: SeatAnswer) -> str:
    return "no answer in time" if answer.abstain == "expired" else "the juror abstained"
