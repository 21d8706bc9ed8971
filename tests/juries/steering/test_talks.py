"""Live talks grow by the subject's own answers; scripted ones do not ask for any."""

from __future__ import annotations

import asyncio
from pathlib import Path

from graphs.records import Status
from graphs.subjects.answers import AnswerLog
from graphs.subjects.protocol import Ask, Reply, SubjectKind
from juries.steering.conditions import first_cases
from juries.steering.spec import SteerStudy
from juries.steering.talking import talk
from juries.study_file import load_model

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


class Teller:
    """Answers with the number of the question, and falls silent where told to."""

    name = "teller"
    kind: SubjectKind = "language model"
    version = "1"

    def __init__(self, silent: str = "") -> None:
        self.silent = silent
        self.asked: list[Ask] = []

    async def answer(self, ask: Ask) -> Reply:
        self.asked.append(ask)
        failed = bool(self.silent) and self.silent in ask.key
        return Reply(
            key=ask.key,
            sample=ask.sample,
            status=Status.FAILED if failed else Status.OK,
            text="" if failed else f"answer to {ask.key}",
        )


def study(**grid: object) -> SteerStudy:
    loaded = load_model(EXAMPLES / "steering.yaml", SteerStudy).model_dump()
    loaded["prompts"] = loaded["prompts"][:2]
    loaded["grid"] = {"budgets": [], "turns": [1, 3], "conflicts": False, **grid}
    return SteerStudy.model_validate(loaded)


def test_a_talk_holds_the_subjects_own_answers_and_no_earlier_question(tmp_path: Path) -> None:
    tested, subject = study(), Teller()
    log = AnswerLog(tmp_path / "answers.jsonl")
    cases, replies = asyncio.run(talk(tested, subject, log, in_flight=4))
    name, attribute = next(iter(tested.attributes.items()))
    prompt = tested.prompts[0]
    last = next(
        case
        for case in cases
        if (case.attribute, case.condition, case.prompt) == (name, "turns 3", prompt.id)
    )
    said = [(message.role, message.content) for message in last.ask.messages]
    small = tested.grid.small_talk
    assert said == [
        ("user", attribute.instruction),
        ("assistant", f"answer to {name}/talk 0/{prompt.id}"),
        ("user", small[0][0]),
        ("assistant", f"answer to {name}/talk 1/{prompt.id}"),
        ("user", small[1][0]),
        ("assistant", f"answer to {name}/talk 2/{prompt.id}"),
        ("user", prompt.prompt),
    ]
    talks = len(tested.attributes) * 2
    assert len(cases) == len(replies) == talks * 2
    assert len(subject.asked) == talks * (3 + 2)
    assert len({ask.key for ask in subject.asked}) == len(subject.asked)
    # Started again, everything is on record.
    again = Teller()
    assert asyncio.run(talk(tested, again, AnswerLog(log.path), in_flight=4)) == (cases, replies)
    assert not again.asked


def test_a_talk_that_breaks_off_fails_its_later_questions_only(tmp_path: Path) -> None:
    tested = study()
    name, prompt = next(iter(tested.attributes)), tested.prompts[0].id
    subject = Teller(silent=f"{name}/talk 1/{prompt}")
    cases, replies = asyncio.run(
        talk(tested, subject, AnswerLog(tmp_path / "a.jsonl"), in_flight=4)
    )
    failed = {key for key, reply in replies.items() if reply.status is Status.FAILED}
    assert failed == {f"{name}/turns 3/{prompt}"}
    assert {case.ask.key for case in cases} == set(replies)
    assert not any(ask.key == f"{name}/turns 3/{prompt}" for ask in subject.asked)


def test_scripted_talks_ask_for_no_answers(tmp_path: Path) -> None:
    tested, subject = study(talk="scripted"), Teller()
    log = AnswerLog(tmp_path / "a.jsonl")
    assert asyncio.run(talk(tested, subject, log, in_flight=4)) == ((), {})
    scripted = [case for case in first_cases(tested) if case.condition == "turns 3"]
    assert len(scripted) == len(tested.attributes) * 2
    assert scripted[0].ask.messages[1].content == "All right."
    assert not [case for case in first_cases(study()) if case.condition == "turns 3"]
