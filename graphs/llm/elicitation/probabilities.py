"""One token, and the probability of every label at its place.

The distribution over the points is the labels' probabilities divided by their sum, the *label
mass*; the mass itself says how much the model wanted to answer with a label at all.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphs.llm.distribution import label_mass
from graphs.llm.elicitation.rows import Answer, Plan, Result, failed, from_distribution, row, unread
from graphs.llm.faults import ReplyError
from graphs.llm.session import Fields, Outcome, Put, Session
from graphs.llm.wire import ReplyChoice
from graphs.records import Rating


def fields(session: Session, plan: Plan) -> Fields:
    """The request: one token at temperature 1, under which servers report what the model gave."""
    common: Fields = {"temperature": 1, "top_p": 1, "logprobs": True, **session.limit(1)}
    if plan.token_ids:
        return {
            **common,
            "logprob_token_ids": list(plan.token_ids),
            "return_tokens_as_token_ids": True,
        }
    return {**common, "top_logprobs": session.capabilities.top_logprobs}


async def ask(session: Session, plan: Plan, puts: Sequence[Put], *, affinity: str) -> Result:
    """Ask for distributions, one conversation for each question."""
    outcomes = await session.converse(puts, fields(session, plan), affinity=affinity)
    rows: list[Rating] = []
    calls = [outcome.call for outcome in outcomes]
    for put, outcome in zip(puts, outcomes, strict=True):
        rows += _rows(session, plan, put, outcome)
    return Result(rows=rows, calls=calls)


def _rows(session: Session, plan: Plan, put: Put, outcome: Outcome) -> list[Rating]:
    if outcome.error is not None:
        return failed(put, outcome, mind=session.position)
    answer = _read(session, plan, put, outcome.choices[0])
    return [row(put.cells[0], answer, mind=session.position, call=outcome.call.key)]


def _read(session: Session, plan: Plan, put: Put, choice: ReplyChoice) -> Answer:
    content = (choice.get("logprobs") or {}).get("content")
    if choice["message"].get("refusal") or not content:
        return unread(choice, "its reply holds no log-probabilities")
    asked, labels, order = plan.form.asked[0], plan.form.labels[0], put.orders[0]
    try:
        mass = label_mass(content[0], plan.tokens, len(labels.texts))
    except ReplyError as error:
        return unread(choice, str(error))
    if plan.token_ids and mass.missing:
        return unread(choice, f"its reply lacks {mass.missing} of the labels asked for")
    return from_distribution(
        asked,
        labels.to_points(mass.by_label, order),
        mass=mass.total,
        uniform=put.uniform,
        settings=session.settings,
        raw=choice["message"].get("content"),
    )
