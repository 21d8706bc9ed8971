"""Rankings of the mediator's drafts, each juror in private, from an order drawn for each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any, cast

from graphs.deliberation.names import letter
from graphs.llm.parsing import final_text
from graphs.llm.rendering import Renderer
from graphs.llm.session import Fields, Outcome, Put, Session
from graphs.llm.talk.conversation import Conversations
from graphs.llm.talk.speaking import counted
from graphs.minds.deliberator import RankTask
from graphs.panel import Juror
from graphs.records import Call, Cell, Poll, Preference, Statement, Status
from personas.identity import generator

MOST_LISTED = 5
"""Drafts up to which a server's decoder is given every possible ranking, so that each is valid."""
_TOKENS_PER_DRAFT = 40
_SPARE_TOKENS = 96
RANKING, ENDORSE = "ranking", "endorse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """What came of a panel's rankings, with a row of account for each call."""

    rows: list[Preference]
    calls: list[Call]


async def rank(
    session: Session, renderer: Renderer, conversations: Conversations, task: RankTask
) -> Ranked:
    """Have every juror rank the drafts, all at once."""
    waiting = [
        juror
        for juror in task.panel.jurors
        if Poll(task.position, task.round, juror.position) not in task.answered
    ]
    shown = {juror.position: _shown(task, juror) for juror in waiting}
    puts: list[Put] = []
    for juror in waiting:
        begun = conversations.begin(juror, task.heard)
        asked = _asked(renderer, shown[juror.position])
        cell = Cell(task.position, -1, -1, juror.position, task.round, -1, 0)
        puts.append(
            Put(
                juror=juror,
                cells=(cell,),
                orders=(tuple(row.about for row in shown[juror.position]),),
                messages=begun.asking(asked),
                uniform=0.0,
                notes=begun.notes,
                purpose="rank",
            )
        )
    if not puts:
        return Ranked(rows=[], calls=[])
    temperature = session.settings.temperature
    outcomes = await session.converse(
        puts, _fields(session, len(task.candidates)), affinity=task.item.id,
        seeded=temperature > 0,
    )  # fmt: skip
    rows = [
        _row(task, juror, shown[juror.position], outcome, session.position)
        for juror, outcome in zip(waiting, outcomes, strict=True)
    ]
    return Ranked(rows=rows, calls=[outcome.call for outcome in outcomes])


def _shown(task: RankTask, juror: Juror) -> tuple[Statement, ...]:
    """The drafts in the order in which a juror sees them."""
    stream = generator(task.seed, "llm rank", task.item.id, task.round, juror.id)
    order: list[int] = stream.permutation(len(task.candidates)).tolist()
    return tuple(task.candidates[at] for at in order)


def _asked(renderer: Renderer, shown: Sequence[Statement]) -> str:
    lines = [f"{letter(at)}: {renderer.said(row.text or '')}" for at, row in enumerate(shown)]
    letters = [letter(at) for at in range(len(shown))]
    form = {RANKING: ">".join(letters[::-1]), ENDORSE: dict.fromkeys(letters, "true or false")}
    return renderer.fill("talk_rank", statements="\n".join(lines), form=json.dumps(form))


def _fields(session: Session, drafts: int) -> Fields:
    fields: Fields = {
        "temperature": session.settings.temperature,
        **session.limit(_SPARE_TOKENS + _TOKENS_PER_DRAFT * drafts),
    }
    if session.capabilities.json_schema:
        fields["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "ranking", "schema": _schema(drafts), "strict": True},
        }
    return fields


def _schema(drafts: int) -> dict[str, Any]:
    letters = [letter(at) for at in range(drafts)]
    ranking: dict[str, Any] = {"type": "string"}
    if drafts <= MOST_LISTED:
        ranking["enum"] = [">".join(order) for order in permutations(letters)]
    endorse = {
        "type": "object",
        "properties": {name: {"type": "boolean"} for name in letters},
        "required": letters,
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {RANKING: ranking, ENDORSE: endorse},
        "required": [RANKING, ENDORSE],
        "additionalProperties": False,
    }


def _row(
    task: RankTask, juror: Juror, shown: Sequence[Statement], outcome: Outcome, mind: int
) -> Preference:
    status, ranking, endorsed, raw = _read(shown, outcome)
    return Preference(
        *Poll(task.position, task.round, juror.position),
        status=status.value,
        ranking=ranking,
        endorsed=endorsed,
        tokens=counted(outcome.call),
        raw=raw,
        mind=mind,
        call=outcome.call.key,
    )


def _read(
    shown: Sequence[Statement], outcome: Outcome
) -> tuple[Status, str | None, str | None, str | None]:
    """Status, ranking and endorsed by number of the draft; the reply where it cannot be read."""
    if not outcome.choices:
        return Status.FAILED, None, None, outcome.error
    message = outcome.choices[0]["message"]
    content, refusal = message.get("content"), message.get("refusal")
    if refusal:
        return Status.REFUSED, None, None, refusal
    about = {letter(at): row.about for at, row in enumerate(shown)}
    read = _json(final_text(content), about)
    if read is None:
        return Status.UNPARSEABLE, None, None, content
    order, endorsed = read
    return (
        Status.OK,
        ",".join(str(about[name]) for name in order),
        ",".join(str(about[name]) for name in order if endorsed[name]),
        None,
    )


def _json(text: str | None, about: Mapping[str, int]) -> tuple[list[str], dict[str, bool]] | None:
    """The letters in order and whom the juror endorses; None unless both name every draft once."""
    try:
        value = json.loads(text or "")
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    found = cast("dict[str, Any]", value)
    ranking, endorse = found.get(RANKING), found.get(ENDORSE)
    if not (isinstance(ranking, str) and isinstance(endorse, dict)):
        return None
    order = [part.strip() for part in ranking.split(">")]
    said = cast("dict[str, object]", endorse)
    if sorted(order) != sorted(about) or set(said) != set(about):
        return None
    if not all(isinstance(each, bool) for each in said.values()):
        return None
    return order, {name: bool(each) for name, each in said.items()}
