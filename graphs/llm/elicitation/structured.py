"""A JSON reply with the rating, and a reason before or after it; several criteria in one reply.

Where the server enforces a schema it does so in decoding; elsewhere the form is asked for in words
and checked the same way.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphs.llm.elicitation.rows import Answer, Plan, Result, by_point, failed, row, unread
from graphs.llm.parsing import final_text, read_json
from graphs.llm.session import Fields, Outcome, Put, Session
from graphs.llm.wire import ReplyChoice
from graphs.records import Rating, Status

_CHARACTERS_PER_TOKEN = 4
_SYNTAX_TOKENS = 48
"""Braces, names and white space of one criterion's answer, at most."""


def fields(session: Session, plan: Plan) -> Fields:
    """The request: the schema where it is enforced, and room for the longest valid reply."""
    settings, form = session.settings, plan.form
    characters = settings.reason_tokens * _CHARACTERS_PER_TOKEN
    room = _SYNTAX_TOKENS if form.reason == "none" else _SYNTAX_TOKENS + characters
    request: Fields = {
        "temperature": settings.temperature,
        **session.limit(room * len(form.asked)),
    }
    if session.capabilities.json_schema:
        # Length bounds are vLLM's; other servers reject schemas that hold them.
        most = characters if session.capabilities.server == "vllm" else None
        schema = form.schema(most_reason=most)
        request["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "verdict", "schema": schema, "strict": True},
        }
    return request


async def ask(session: Session, plan: Plan, puts: Sequence[Put], *, affinity: str) -> Result:
    """Ask for JSON replies, one conversation for all questions of a put."""
    outcomes = await session.converse(
        puts, fields(session, plan), affinity=affinity, seeded=session.settings.temperature > 0
    )
    rows: list[Rating] = []
    for put, outcome in zip(puts, outcomes, strict=True):
        rows += _rows(session, plan, put, outcome)
    return Result(rows=rows, calls=[outcome.call for outcome in outcomes])


def _rows(session: Session, plan: Plan, put: Put, outcome: Outcome) -> list[Rating]:
    if outcome.error is not None:
        return failed(put, outcome, mind=session.position)
    answers = _read(plan, put, outcome.choices[0])
    return [
        row(cell, answer, mind=session.position, call=outcome.call.key)
        for cell, answer in zip(put.cells, answers, strict=True)
    ]


def _read(plan: Plan, put: Put, choice: ReplyChoice) -> list[Answer]:
    form = plan.form
    names = ("",) if len(form.names) == 1 else form.names
    schema = {name: by_point(plan, n, put.orders[n]) for n, name in enumerate(names)}
    text = final_text(choice["message"].get("content"))
    if choice["message"].get("refusal") or text is None:
        return [unread(choice, "its reply is empty")] * len(names)
    read = read_json(text, schema)
    if read is None:
        cut = choice.get("finish_reason") == "length"
        why = "the reply was cut at its longest" if cut else "the reply is not the JSON asked for"
        return [unread(choice, why)] * len(names)
    return [
        Answer(status=Status.OK, rating=read[name].label + 1, reason=read[name].reason)
        for name in names
    ]
