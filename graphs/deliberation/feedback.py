"""Delphi's report: how a jury's ratings are distributed, with reasons of both sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from graphs.deliberation.context import DeliberationContext
from graphs.deliberation.floor import Floor
from graphs.deliberation.plan import MEDIATOR
from graphs.deliberation.spec import Delphi
from graphs.items import Question
from graphs.minds.deliberator import response_name
from graphs.records import Rating, Statement, Status, Turn, Utterance
from personas.identity import generator


def feedback(context: DeliberationContext, floor: Floor, round_: int) -> Statement:
    """The report that opens a round, made of the ballots of the round before."""
    protocol = context.plan.spec.protocol
    reasons = protocol.reasons if isinstance(protocol, Delphi) else 0
    ballots = floor.ballots(round_ - 1)
    random = generator(context.seed, "deliberation", "delphi", floor.item, round_)
    lines: list[str] = []
    for response in range(len(context.items[floor.item].responses)):
        for criterion, question in enumerate(context.questions):
            rows = [r for r in ballots if r.response == response and r.criterion == criterion]
            random.shuffle(rows)  # pyright: ignore[reportArgumentType] (shuffles any list)
            lines.append(_question_report(question, response, rows, reasons))
    return Statement(
        *Turn(floor.item, round_, Utterance.FEEDBACK, MEDIATOR, -1),
        order=0,
        status=Status.OK.value,
        text=" ".join(lines),
        stance=None,
        tokens=None,
        raw=None,
        mind=-1,
        call=None,
    )


def _question_report(
    question: Question, response: int, rows: Sequence[Rating], reasons: int
) -> str:
    valid = [row for row in rows if row.status == Status.OK and row.rating is not None]
    counts = Counter(row.rating for row in valid)
    shown = ", ".join(
        f"{label!r} {counts[point]}" for point, label in enumerate(question.points, 1)
    )
    text = f"On {response_name(response)}, {len(valid)} of {len(rows)} answered: {shown}."
    if len(valid) < len(rows):
        text += f" {len(rows) - len(valid)} gave no valid answer."
    if not (valid and reasons):
        return text
    ordered = sorted(row.rating for row in valid if row.rating is not None)
    middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    for name, side in (
        ("higher", [row for row in valid if row.rating is not None and row.rating > middle]),
        ("lower", [row for row in valid if row.rating is not None and row.rating < middle]),
    ):
        given = [row.reason for row in side if row.reason][:reasons]
        if given:
            text += f" Reasons given for {name} ratings: {'; '.join(given)}."
    return text
