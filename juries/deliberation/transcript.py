"""One item's deliberation, to read from start to end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing

from graphs.deliberation.context import ALOUD
from graphs.deliberation.floor import Floor
from graphs.deliberation.mediation import named
from graphs.deliberation.plan import Plan
from graphs.deliberation.spec import Mediator
from graphs.items import Item, Question, questions
from graphs.ledger import open_ledger
from graphs.minds.deliberator import response_name
from graphs.records import Preference, Rating, Statement, Status, Utterance
from juries.deliberation.asking import plan_deliberation
from juries.prompts import place_of
from juries.run_directory import RunDirectory
from personas.errors import InputError

_TO_ALL = {Utterance.ADVOCACY, Utterance.REBUTTAL, Utterance.FEEDBACK, Utterance.AGREED}
_TO_MEDIATOR = {Utterance.OPINION, Utterance.CRITIQUE}
_PHASES = {Utterance.SUMMARY: 0, Utterance.CANDIDATE: 2, Utterance.AGREED: 3}
"""Where in a round the mediator and those who condense speak; all others are between."""


def transcript(directory: RunDirectory, item: str, *, hearer: str | None = None) -> Iterator[str]:
    """The lines of one item's deliberation.

    Args:
        directory: of a run whose jury talked.
        item: its id.
        hearer: a juror's id: only what that juror heard, said and voted, under the names by which
            they knew the others.

    Raises:
        InputError: the study has no deliberation, or there is no such item or juror.
    """
    study, jurors = directory.read_study(), directory.read_jury()
    record = directory.read_record()
    items = directory.read_items()[: record.items]
    plan = plan_deliberation(study, jurors, items)
    if plan is None:
        raise InputError("this study has no deliberation", where=directory.study)
    position = place_of(item, [one.id for one in items], "item", directory)
    seat = None
    if hearer is not None:
        seat = place_of(hearer, [juror.id for juror in jurors], "juror", directory)
    opened = open_ledger(directory.ledger_place, fingerprint=record.fingerprint, ids={})
    with closing(opened) as ledger:
        floor = Floor(position, [
            *ledger.of_item(Rating, position),
            *ledger.of_item(Statement, position),
            *ledger.of_item(Preference, position),
        ])  # fmt: skip
    return _Reader(plan, items[position], questions(study.scale), floor, seat).lines()


class _Reader:
    """Reads one floor out."""

    def __init__(
        self, plan: Plan, item: Item, asked: Sequence[Question], floor: Floor, seat: int | None
    ) -> None:
        self._plan = plan
        self._item = item
        self._asked = asked
        self._floor = floor
        self._seat = seat

    def lines(self) -> Iterator[str]:
        """All of it."""
        spec, floor = self._plan.spec, self._floor
        yield f"# {self._item.id}"
        yield ""
        yield self._item.prompt
        for number, response in enumerate(self._item.responses):
            yield ""
            yield f"## {response_name(number)} ({response.model})"
            yield response.text
        yield from self._ballot("First ballot, in private", 0)
        for round_ in range(spec.rounds + 1):
            yield from self._round(round_)
        yield from self._ballot("Final ballot, in private", spec.final_round)
        for number, round_ in enumerate(spec.control_rounds, 1):
            if floor.ballots(round_):
                yield from self._ballot(f"Control: rated again without talk, {number}", round_)

    def _round(self, round_: int) -> Iterator[str]:
        """A round of talk; round 0 only says why there was none."""
        floor = self._floor
        said = floor.said(round_, *Utterance)
        closed = [row for row in said if row.kind == Utterance.CLOSED]
        spoken = [row for row in said if row.kind != Utterance.CLOSED and self._hears(row)]
        spoken.sort(key=lambda row: _PHASES.get(Utterance(row.kind), 1))
        if spoken:
            yield ""
            yield f"## Round {round_}"
        for row in spoken:
            yield f"{self._name(row.juror)}{self._to(row)}: {self._text(row)}"
        if not round_:
            for row in closed:
                yield ""
                yield f"There was no talk: {row.text}"
            return
        yield from self._rankings(round_)
        shown = (
            "shown to those who hear the voter" if self._plan.spec.votes == "public" else "secret"
        )
        yield from self._ballot(f"Vote after round {round_}, {shown}", round_)
        for row in closed:
            yield ""
            yield f"Talk ended after round {round_}: {row.text}"

    def _hears(self, row: Statement) -> bool:
        """Whether it belongs into what is read: everything, or what one juror heard and said."""
        if self._seat is None or row.juror == self._seat:
            return True
        if row.kind not in ALOUD:
            return False
        weights = self._plan.weights(row.round, self._floor.said(row.round, *ALOUD))
        return bool(weights[self._seat, row.juror] > 0)

    def _to(self, row: Statement) -> str:
        kind = Utterance(row.kind)
        if row.juror < 0:
            number = f" {row.about}" if kind is Utterance.CANDIDATE else ""
            return f" ({kind.value}{number})"
        if self._seat is not None:
            return f" ({kind.value})"
        if kind in _TO_MEDIATOR:
            return f" ({kind.value}, to the mediator)"
        if kind in _TO_ALL:
            return f" ({kind.value}, to all)"
        if kind is Utterance.SUMMARY:
            return f" ({kind.value})"
        weights = self._plan.weights(row.round, ())
        heard = [seat for seat in range(self._plan.seats) if weights[seat, row.juror] > 0]
        others = [str(seat + 1) for seat in heard if seat != row.juror]
        whom = "all" if len(others) == self._plan.seats - 1 else ", ".join(others) or "nobody"
        return f" ({kind.value}, heard by {whom})"

    def _text(self, row: Statement) -> str:
        if row.status == Status.OK:
            return row.text or ""
        return f"[{row.status}: {row.raw or 'nothing was said'}]"

    def _name(self, juror: int) -> str:
        if juror < 0:
            return "Mediator"
        if self._seat is not None:
            return (
                "You"
                if juror == self._seat
                else self._plan.names(self._floor.item)(self._seat, juror)
            )
        return f"Juror {juror + 1} ({self._plan.jurors[juror].id})"

    def _rankings(self, round_: int) -> Iterator[str]:
        rows = [
            row
            for row in self._floor.preferences(round_)
            if self._seat is None or row.juror == self._seat
        ]
        if not (rows and isinstance(self._plan.spec.protocol, Mediator)):
            return
        yield ""
        yield f"### Rankings in round {round_}, in private ({self._plan.spec.protocol.rule})"
        for row in rows:
            order = " > ".join(map(str, named(row.ranking))) or f"[{row.status}]"
            endorsed = ", ".join(map(str, named(row.endorsed))) or "none"
            yield f"{self._name(row.juror)}: {order}; endorses {endorsed}"

    def _ballot(self, heading: str, round_: int) -> Iterator[str]:
        rows = [
            row
            for row in self._floor.ballots(round_)
            if self._seat is None or row.juror == self._seat
        ]
        if not rows:
            return
        yield ""
        yield f"### {heading}"
        by_juror: dict[int, list[Rating]] = {}
        for row in rows:
            by_juror.setdefault(row.juror, []).append(row)
        for juror, own in sorted(by_juror.items()):
            yield f"{self._name(juror)}: " + "; ".join(self._vote(row) for row in own)

    def _vote(self, row: Rating) -> str:
        question = self._asked[row.criterion]
        about = response_name(row.response)
        if len(self._asked) > 1:
            about += f", {getattr(question, 'name', 'choice')}"
        if row.status != Status.OK or row.rating is None:
            return f"{about} [{row.status}]"
        why = f" ({row.reason})" if row.reason else ""
        return f"{about} {question.points[row.rating - 1]!r}{why}"
