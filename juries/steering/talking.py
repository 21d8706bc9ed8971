"""Live talks: an instruction, then turns of small talk that the subject answers itself.

Every attribute and prompt has a talk of its own. All talks take their next turn together, and the
question is put beside a talk, not in it, so that later turns do not know of it.
"""

from __future__ import annotations

from graphs.records import Status
from graphs.subjects.answers import ReplyStore, ask_all
from graphs.subjects.protocol import Ask, Message, Reply, Subject
from juries.steering.conditions import Case, after_talk, talk_ask, talk_turn
from juries.steering.spec import SteerStudy


async def talk(
    study: SteerStudy, subject: Subject, store: ReplyStore, *, in_flight: int
) -> tuple[tuple[Case, ...], dict[str, Reply]]:
    """Hold every talk, and put the question after each number of turns that the grid names.

    A talk in which the subject failed to answer a turn cannot go on: its later questions have
    failed too, and are counted.

    Args:
        study: with its grid.
        subject: the model under test.
        store: where replies are kept.
        in_flight: conversations at once.

    Returns:
        The questions and the replies to them, by key.
    """
    if study.grid.talk != "live" or not study.grid.turns:
        return (), {}
    talks: dict[tuple[str, str], tuple[Message, ...]] = {
        (name, prompt.id): () for name in study.attributes for prompt in study.prompts
    }
    broken: set[tuple[str, str]] = set()
    cases: list[Case] = []
    replies: dict[str, Reply] = {}
    for turn in range(max(study.grid.turns)):
        await _take_turn(study, subject, store, turn, talks, broken, in_flight=in_flight)
        if turn + 1 not in study.grid.turns:
            continue
        asked = [
            after_talk(name, turn + 1, prompt, talks[name, prompt.id])
            for name in study.attributes
            for prompt in study.prompts
        ]
        cases += asked
        whole = [case for case in asked if (case.attribute, case.prompt) not in broken]
        found = await ask_all(subject, [case.ask for case in whole], store, in_flight=in_flight)
        replies |= {reply.key: reply for reply in found}
        for case in asked:
            replies.setdefault(case.ask.key, _broken_off(case))
    return tuple(cases), replies


async def _take_turn(
    study: SteerStudy,
    subject: Subject,
    store: ReplyStore,
    turn: int,
    talks: dict[tuple[str, str], tuple[Message, ...]],
    broken: set[tuple[str, str]],
    *,
    in_flight: int,
) -> None:
    """Let every talk that still runs grow by what the user says and what the subject answers."""
    places: list[tuple[str, str]] = []
    asks: list[Ask] = []
    for name, attribute in study.attributes.items():
        for prompt in study.prompts:
            place = (name, prompt.id)
            if place in broken:
                continue
            talks[place] = (*talks[place], talk_turn(attribute, study.grid, turn))
            places.append(place)
            asks.append(talk_ask(name, turn, prompt, talks[place]))
    for place, reply in zip(
        places, await ask_all(subject, asks, store, in_flight=in_flight), strict=True
    ):
        if reply.status is Status.FAILED or not reply.text.strip():
            broken.add(place)
        else:
            said = Message(role="assistant", content=reply.text)
            talks[place] = (*talks[place], said)


def _broken_off(case: Case) -> Reply:
    return Reply(
        key=case.ask.key,
        sample=case.ask.sample,
        status=Status.FAILED,
        text="",
        error="an earlier turn of the talk was not answered",
    )
