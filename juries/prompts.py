"""What language models were sent about one item of a run, word for word.

The ledger keeps the hash of every prompt. `item_prompts` goes through the item again with what was
recorded, renders each prompt from the study, and hands out those whose hash the ledger holds.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphs.items import Item, Question, questions
from graphs.ledger import Ledger, open_ledger
from graphs.minds.deliberator import response_name
from graphs.panel import Juror, Panel
from graphs.recorder import Collector
from graphs.records import Call, Preference, Rating, Statement, Status, unpack
from juries.run_directory import RunDirectory
from personas.errors import InputError, nearest

if TYPE_CHECKING:
    from graphs.minds.rereading import Reciter, Recorded, Rendered
    from juries.spec import Study

_ANSWERS = (Rating, Statement, Preference)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptMessage:
    """One message of a conversation."""

    role: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SentPrompt:
    """A conversation that was put to a server, word for word.

    Attributes:
        juror: id; None for the mediator.
        seat: of the juror, -1 for the mediator.
        mind: name of the model.
        round: of talk; 0 is the first ballot, negative rounds are the control's.
        purpose: `rate`, `reason`, `rank`, or the kind of statement asked for.
        about: what was to be judged, empty in talk.
        messages: in order.
        hash: of the messages, as the ledger holds it.
        calls: how often it was sent.
        replies: what came back: the reply as it came where the ledger keeps it, else what was
            read from it.
    """

    juror: str | None
    seat: int
    mind: str
    round: int
    purpose: str
    about: str
    messages: tuple[PromptMessage, ...]
    hash: str
    calls: int
    replies: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemPrompts:
    """All prompts about one item.

    Attributes:
        sent: in the order of rounds, then of seats.
        without: a sentence for each mind that reads no prompt.
        missing: calls in the ledger whose prompt came out otherwise than it was sent, as when the
            wording of prompts has changed since.
    """

    sent: tuple[SentPrompt, ...]
    without: tuple[str, ...]
    missing: int


def item_prompts(directory: RunDirectory, item: str, *, juror: str | None = None) -> ItemPrompts:
    """Every prompt about an item that was sent to a language model.

    Args:
        directory: of a run, with talk or without.
        item: its id.
        juror: only what this juror was sent.

    Raises:
        InputError: there is no such item or juror, or the files of the study's prompts are gone.
    """
    study, jurors = directory.read_study(), directory.read_jury()
    record = directory.read_record()
    items = directory.read_items()[: record.items]
    position = place_of(item, [one.id for one in items], "item", directory)
    seat = None
    if juror is not None:
        seat = place_of(juror, [one.id for one in jurors], "juror", directory)
    opened = open_ledger(directory.ledger_place, fingerprint=record.fingerprint, ids={})
    with closing(opened) as ledger:
        matched = _Matched.of(ledger, position)
    rendered = asyncio.run(_render(study, jurors, items, position, matched.recorded))
    calls = [call for call in matched.calls if seat in {None, call.juror}]
    sent = tuple(_sent(calls, rendered, matched, study, jurors))
    without = (_without(each.mind.kind, each.shown) for each in study.seated_minds)
    return ItemPrompts(
        sent=sent,
        without=tuple(sentence for sentence in without if sentence),
        missing=len(calls) - sum(one.calls for one in sent),
    )


def prompt_lines(found: ItemPrompts) -> Iterator[str]:
    """Prompts to be read from start to end."""
    for one in found.sent:
        who = "the mediator" if one.juror is None else f"juror {one.seat + 1} ({one.juror})"
        about = f", {one.about}" if one.about else ""
        times = f", sent {one.calls} times" if one.calls > 1 else ""
        yield ""
        yield f"## To {one.mind} for {who}: {one.purpose} in round {one.round}{about}{times}"
        for message in one.messages:
            yield f"[{message.role}]"
            yield message.content
        for reply in one.replies:
            yield "[reply]"
            yield reply
    for sentence in found.without:
        yield ""
        yield sentence
    if found.missing:
        yield ""
        yield (
            f"{found.missing} calls were sent prompts that the study does not render any more: "
            "their wording has changed since."
        )


def place_of(wanted: str, known: Sequence[str], what: str, directory: RunDirectory) -> int:
    """The place of an item or juror by id.

    Raises:
        InputError: the run has none of this id.
    """
    if wanted not in known:
        some = ", ".join(known[:5])
        raise InputError(
            f"there is no {what} {wanted!r} in this run",
            where=directory.path,
            expected=f"one of {len(known)}, such as {some}",
            hint=nearest(wanted, known),
        )
    return list(known).index(wanted)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Matched:
    """What the ledger holds of an item."""

    recorded: Recorded
    calls: tuple[Call, ...]
    answers: Mapping[str, Sequence[Rating | Statement | Preference]]
    """By the key of the call that brought them."""

    @classmethod
    def of(cls, ledger: Ledger, position: int) -> _Matched:
        from graphs.minds.rereading import Recorded

        rows = [row for kind in _ANSWERS for row in ledger.of_item(kind, position)]
        answers: dict[str, list[Rating | Statement | Preference]] = defaultdict(list)
        for row in rows:
            if row.call is not None:
                answers[row.call].append(row)
        calls = tuple(ledger.of_item(Call, position))
        return cls(recorded=Recorded.of(rows), calls=calls, answers=answers)


async def _render(
    study: Study,
    jurors: Sequence[Juror],
    items: Sequence[Item],
    position: int,
    recorded: Recorded,
) -> list[Rendered]:
    """Go through the item again, taking down what is rendered on the way."""
    from graphs.minds.rereading import Rereader
    from graphs.rating import Bench, RatingContext, rating_graph
    from juries.deliberation.asking import deliberation_context, plan_deliberation

    minds = _minds(study, recorded)
    seated = [tuple(j for j in jurors if j.mind == each.shown) for each in study.seated_minds]
    benches = [Bench(mind=m, panel=Panel(s)) for m, s in zip(minds, seated, strict=True)]
    nowhere = Collector()
    plan = plan_deliberation(study, jurors, items)
    if plan is not None:
        from graphs.deliberation.build import deliberation_graph

        talk = deliberation_context(
            study, plan, items, benches=benches, ledger=nowhere, partial=frozenset()
        )
        await deliberation_graph(plan.spec.protocol.kind).ainvoke({"item": position}, context=talk)
    else:
        context = RatingContext(
            items=items,
            benches=tuple(benches),
            questions=questions(study.scale),
            ledger=nowhere,
            seed=study.seed,
            replicates=study.replicates,
        )
        await rating_graph().ainvoke({"item": position}, context=context)
    return [one for mind in minds if isinstance(mind, Rereader) for one in mind.rendered]


def _minds(study: Study, recorded: Recorded) -> list[Reciter]:
    from graphs.llm.settings import LlmSettings
    from graphs.minds.rereading import Reciter, Rereader

    minds: list[Reciter] = []
    for position, each in enumerate(study.seated_minds):
        if isinstance(each.mind, LlmSettings):
            minds.append(Rereader(each.mind, position=position, seed=study.seed, recorded=recorded))
        else:
            kind = "human" if each.mind.kind == "human" else "simulator"
            minds.append(Reciter(each.shown, kind, recorded))
    return minds


def _sent(
    calls: Sequence[Call],
    rendered: Sequence[Rendered],
    matched: _Matched,
    study: Study,
    jurors: Sequence[Juror],
) -> Iterator[SentPrompt]:
    """Rendered prompts that were sent, each once, in the order of rounds and seats."""
    by_prompt: dict[tuple[str, int, int], list[Call]] = defaultdict(list)
    for call in calls:
        by_prompt[call.prompt, call.juror, call.round].append(call)
    asked = questions(study.scale)
    minds = [each.shown for each in study.seated_minds]
    for one in sorted(rendered, key=lambda each: (each.round, each.juror.position)):
        made = by_prompt.pop((one.hash, one.juror.position, one.round), None)
        if made is None:
            continue
        seat = one.juror.position
        yield SentPrompt(
            juror=None if seat < 0 else jurors[seat].id,
            seat=seat,
            mind=minds[made[0].mind],
            round=one.round,
            purpose=one.purpose,
            about=_about(one, asked),
            messages=tuple(PromptMessage(**message) for message in one.messages),
            hash=one.hash,
            calls=len(made),
            replies=tuple(
                _reply(row, asked) for call in made for row in matched.answers.get(call.key, ())
            ),
        )


def _about(one: Rendered, asked: Sequence[Question]) -> str:
    first = one.cells[0]
    if first.response < 0:
        return ""
    if first.against >= 0:
        return f"{response_name(first.response)} before {response_name(first.against)}"
    names = [getattr(asked[cell.criterion], "name", "") for cell in one.cells]
    listed = ", ".join(name for name in dict.fromkeys(names) if name and len(asked) > 1)
    return response_name(first.response) + (f": {listed}" if listed else "")


def _reply(row: Rating | Statement | Preference, asked: Sequence[Question]) -> str:
    """The reply as it came where the ledger keeps it, else what was read from it."""
    if row.raw is not None:
        return f"{row.raw} [{row.status}]"
    if row.status != Status.OK:
        why = row.reason if isinstance(row, Rating) and row.reason else "nothing was said"
        return f"{why} [{row.status}]"
    if isinstance(row, Statement):
        return row.text or ""
    if isinstance(row, Preference):
        return f"ranking {row.ranking}, endorsed {row.endorsed or 'none'} [as read]"
    label = asked[row.criterion].points[(row.rating or 1) - 1]
    shares = (
        ""
        if row.probabilities is None
        else "; probabilities of the points: "
        + ", ".join(f"{share:.3f}" for share in unpack(row.probabilities))
    )
    why = f"; {row.reason}" if row.reason else ""
    return f"{label!r}{shares}{why} [as read]"


def _without(kind: str, name: str) -> str | None:
    """Why a mind was sent no prompt; None where it was."""
    if kind == "embedded":
        return f"{name} is a simulator: it reads features of the responses, and no prompt."
    if kind == "human":
        return f"{name} is a person: what they were shown is in the transcript, `--as` their id."
    return None
