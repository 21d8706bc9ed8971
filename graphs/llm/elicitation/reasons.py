"""A second, short call that asks why, once the answer is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from graphs.llm.elicitation.rows import Plan, Result
from graphs.llm.parsing import final_text, one_line
from graphs.llm.rendering import Renderer
from graphs.llm.session import Put, Session
from graphs.records import Cell, Rating, Status


async def add_reasons(
    session: Session,
    renderer: Renderer,
    plan: Plan,
    puts: Sequence[Put],
    result: Result,
    *,
    affinity: str,
) -> Result:
    """Ask every put that was validly answered for its reason, and put it in its rows.

    A reason that fails leaves its row without one; the answer stands.
    """
    rows = {row.cell: row for row in result.rows}
    again = [
        replace(put, purpose="reason", messages=renderer.why(put.messages, _said(plan, put, rows)))
        for put in puts
        if all(rows[cell].status == Status.OK for cell in put.cells)
    ]
    if not again:
        return result
    fields = {"temperature": 0, **session.limit(session.settings.reason_tokens)}
    outcomes = await session.converse(again, fields, affinity=affinity)
    reasons: dict[Cell, str | None] = {}
    for put, outcome in zip(again, outcomes, strict=True):
        if outcome.choices:
            text = final_text(outcome.choices[0]["message"].get("content"))
            reasons |= dict.fromkeys(put.cells, None if text is None else one_line(text))
    return Result(
        rows=[row._replace(reason=reasons.get(row.cell, row.reason)) for row in result.rows],
        calls=[*result.calls, *(outcome.call for outcome in outcomes)],
    )


def _said(plan: Plan, put: Put, rows: Mapping[Cell, Rating]) -> str:
    """The answer as the juror gave it, in labels."""
    parts: list[str] = []
    for n, cell in enumerate(put.cells):
        rating = rows[cell].rating or 0
        label = plan.form.labels[n].of(put.orders[n])[rating - 1]
        parts.append(label if len(put.cells) == 1 else f"{plan.form.names[n]}: {label}")
    return "\n".join(parts)
