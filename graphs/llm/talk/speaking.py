"""Statements of jurors, and a mediator's drafts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graphs.llm.parsing import final_text, one_line
from graphs.llm.rendering import Message, Renderer
from graphs.llm.session import Fields, Outcome, Put, Session
from graphs.llm.talk.conversation import Conversations
from graphs.minds.deliberator import MediateTask, SpeakTask
from graphs.panel import Juror
from graphs.records import Call, Cell, Statement, Status, Turn, Utterance
from personas.identity import generator
from personas.persona import Persona

CHARACTERS_PER_TOKEN = 3
"""Few, so that a statement is cut by its length in characters and seldom by its tokens."""
_SPARE_TOKENS = 16
_MEDIATOR = Juror(
    position=-1, id="mediator", persona=Persona(narrative="mediator"), weight=0.0, mind=""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """What came of some turns: a row for each, and a row of account for each call."""

    rows: list[Statement]
    calls: list[Call]


async def speak(session: Session, conversations: Conversations, task: SpeakTask) -> Spoken:
    """Have jurors say something, all at once."""
    jurors = {juror.position: juror for juror in task.panel.jurors}
    turns = [
        (Turn(task.position, task.round, task.kind, seat, -1), order)
        for seat, order in zip(task.speakers, task.order, strict=True)
    ]
    waiting = [(turn, order) for turn, order in turns if turn not in task.answered]
    begun = {turn.juror: conversations.begin(jurors[turn.juror], task.heard) for turn, _ in waiting}
    refusal = next((one.refusal for one in begun.values() if one.refusal), None)
    if refusal is not None:
        rows = [unsaid(turn, order, session.position, refusal) for turn, order in waiting]
        return Spoken(rows=rows, calls=[])
    puts = [
        _put(turn, jurors[turn.juror], begun[turn.juror].asking(_asked(conversations, task, turn)),
             notes=begun[turn.juror].notes)
        for turn, _ in waiting
    ]  # fmt: skip
    return await _converse(session, puts, waiting, task.limit, affinity=task.item.id)


async def mediate(session: Session, renderer: Renderer, task: MediateTask) -> Spoken:
    """Draft statements for the jury, each from the opinions in an order of its own."""
    subject = renderer.everything(task.item, task.seed)
    turns = [
        (Turn(task.position, task.round, Utterance.CANDIDATE, -1, number), number)
        for number in range(task.candidates)
    ]
    waiting = [(turn, order) for turn, order in turns if turn not in task.answered]
    if subject.refusal is not None:
        rows = [unsaid(turn, order, session.position, subject.refusal) for turn, order in waiting]
        return Spoken(rows=rows, calls=[])
    opening = [
        Message(role="system", content=renderer.fill("mediator_frame")),
        Message(role="user", content=subject.text),
    ]
    puts = [
        _put(turn, _MEDIATOR, _drafting(opening, renderer, task, turn.about), notes=subject.notes)
        for turn, _ in waiting
    ]
    return await _converse(session, puts, waiting, task.limit, affinity=task.item.id)


def unsaid(turn: Turn, order: int, mind: int, why: str) -> Statement:
    """The row of a turn that could not be put to anybody."""
    return Statement(
        *turn, order=order, status=Status.FAILED.value, text=None, stance=None, tokens=None,
        raw=why, mind=mind, call=None,
    )  # fmt: skip


def counted(call: Call) -> int | None:
    """Tokens that the server counted for a call, prompt and completion."""
    if call.prompt_tokens is None:
        return None
    return call.prompt_tokens + (call.completion_tokens or 0)


def _asked(conversations: Conversations, task: SpeakTask, turn: Turn) -> str:
    if task.kind == Utterance.CRITIQUE:
        return conversations.critique(task.about, task.limit)
    return conversations.instruction(task.kind, task.round, task.limit, task.sides.get(turn.juror))


def _put(turn: Turn, juror: Juror, messages: list[Message], *, notes: str | None) -> Put:
    cell = Cell(turn.item, -1, -1, turn.juror, turn.round, -1, turn.about)
    return Put(
        juror=juror,
        cells=(cell,),
        orders=(),
        messages=messages,
        uniform=0.0,
        notes=notes,
        purpose=str(turn.kind),
    )


async def _converse(
    session: Session,
    puts: Sequence[Put],
    turns: Sequence[tuple[Turn, int]],
    limit: int,
    *,
    affinity: str,
) -> Spoken:
    if not puts:
        return Spoken(rows=[], calls=[])
    temperature = session.settings.temperature
    fields: Fields = {
        "temperature": temperature,
        **session.limit(limit // CHARACTERS_PER_TOKEN + _SPARE_TOKENS),
    }
    outcomes = await session.converse(puts, fields, affinity=affinity, seeded=temperature > 0)
    rows = [
        _row(turn, order, outcome, limit, session.position)
        for (turn, order), outcome in zip(turns, outcomes, strict=True)
    ]
    return Spoken(rows=rows, calls=[outcome.call for outcome in outcomes])


def _row(turn: Turn, order: int, outcome: Outcome, limit: int, mind: int) -> Statement:
    status, text, raw = _read(outcome, limit)
    return Statement(
        *turn, order=order, status=status.value, text=text, stance=None,
        tokens=counted(outcome.call), raw=raw, mind=mind, call=outcome.call.key,
    )  # fmt: skip


def _read(outcome: Outcome, limit: int) -> tuple[Status, str | None, str | None]:
    """Status, statement and, where none could be read, the reply as it came."""
    if not outcome.choices:
        return Status.FAILED, None, outcome.error
    choice = outcome.choices[0]
    content, refusal = choice["message"].get("content"), choice["message"].get("refusal")
    if refusal or choice.get("finish_reason") == "content_filter":
        return Status.REFUSED, None, refusal or content
    text = final_text(content)
    line = "" if text is None else one_line(text).strip('"“”')
    if not line:
        return Status.UNPARSEABLE, None, content
    cut = len(line) > limit or choice.get("finish_reason") == "length"
    return Status.OK, f"{line[: limit - 1].rstrip()}…" if cut else line, None


def _drafting(
    opening: list[Message], renderer: Renderer, task: MediateTask, number: int
) -> list[Message]:
    random = generator(task.seed, "llm mediator", task.item.id, task.round, number)

    def told(rows: Sequence[Statement]) -> str:
        lines = [renderer.said(row.text) for row in rows if row.status == Status.OK and row.text]
        return "\n".join(f"- {lines[place]}" for place in random.permutation(len(lines)))

    fields = {"opinions": told(task.opinions), "limit": str(task.limit)}
    name = "mediator_draft"
    if task.leading is not None:
        name = "mediator_revise"
        fields["leading"] = renderer.said(task.leading.text or "")
        fields["critiques"] = told(task.critiques)
    system, user = opening
    content = f"{user['content']}\n\n{renderer.fill(name, **fields)}"
    return [system, Message(role="user", content=content)]
