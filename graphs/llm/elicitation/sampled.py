"""Plain replies drawn several times at a temperature: for servers with nothing better.

The distribution is the relative frequency of the draws that can be read, and the label mass their
share of all draws. One draw at temperature 0 is the plain text reply.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from graphs.llm.elicitation.rows import (
    Answer,
    Plan,
    Result,
    by_point,
    failed,
    from_distribution,
    row,
    unread,
)
from graphs.llm.parsing import final_text, read_text
from graphs.llm.session import Fields, Outcome, Put, Session
from graphs.llm.wire import ReplyChoice
from graphs.records import Call, Rating, Status

_TOKENS = 24
"""Of a reply that should be one label, and may say `Answer:` before it."""


def fields(session: Session, *, several: int) -> Fields:
    """The request: short replies at the temperature of the settings."""
    request: Fields = {"temperature": session.settings.temperature, **session.limit(_TOKENS)}
    return {**request, "n": several} if several > 1 else request


async def ask(session: Session, plan: Plan, puts: Sequence[Put], *, affinity: str) -> Result:
    """Ask every question as many times as the settings have draws."""
    draws = session.settings.draws
    at_once = draws if session.capabilities.several else 1
    repeats = [
        replace(put, purpose="draw" if draws > 1 else "rate", repeat=repeat)
        for put in puts
        for repeat in range(draws // at_once)
    ]
    outcomes = await session.converse(
        repeats,
        fields(session, several=at_once),
        affinity=affinity,
        seeded=session.settings.temperature > 0,
    )
    each = draws // at_once
    rows: list[Rating] = []
    calls: list[Call] = []
    for n, put in enumerate(puts):
        own = outcomes[n * each : (n + 1) * each]
        calls += [outcome.call for outcome in own]
        rows += _rows(session, plan, put, own)
    return Result(rows=rows, calls=calls)


def _rows(session: Session, plan: Plan, put: Put, outcomes: Sequence[Outcome]) -> list[Rating]:
    choices = [choice for outcome in outcomes for choice in outcome.choices]
    choices = choices[: session.settings.draws]
    if not choices:
        return failed(put, outcomes[0], mind=session.position)
    answered = next(outcome for outcome in outcomes if outcome.choices)
    answer = _read(session, plan, put, choices)
    return [row(put.cells[0], answer, mind=session.position, call=answered.call.key)]


def _read(session: Session, plan: Plan, put: Put, choices: Sequence[ReplyChoice]) -> Answer:
    asked = plan.form.asked[0]
    labels = tuple(by_point(plan, 0, put.orders[0]))
    points = [_point(choice, labels, asked.points) for choice in choices]
    read = [point for point in points if point is not None]
    draws = session.settings.draws
    if not read:
        said = [unread(choice, "no reply names one label") for choice in choices]
        commonest = Counter(answer.status for answer in said).most_common(1)[0][0]
        return next(answer for answer in said if answer.status is commonest)
    counts = [read.count(point) / draws for point in range(len(labels))]
    if draws == 1:
        return Answer(status=Status.OK, rating=read[0] + 1)
    unreadable = next((c for c, point in zip(choices, points, strict=True) if point is None), None)
    answer = from_distribution(
        asked,
        counts,
        mass=len(read) / draws,
        uniform=put.uniform,
        settings=session.settings,
        raw=None if unreadable is None else unreadable["message"].get("content"),
    )
    first_draw = session.settings.point == "draw" and answer.status is Status.OK
    return replace(answer, rating=read[0] + 1) if first_draw else answer


def _point(choice: ReplyChoice, labels: Sequence[str], points: Sequence[str]) -> int | None:
    text = final_text(choice["message"].get("content"))
    if text is None or choice["message"].get("refusal"):
        return None
    return read_text(text, labels, points)
