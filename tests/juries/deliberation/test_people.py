"""A seat can be a person: the jury waits, and nothing is lost or asked twice meanwhile."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from graphs.minds.human_forms import HumanAnswers, HumanForm, SeatAnswer
from juries.cli.app import app
from juries.deliberation.answering import answer
from juries.deliberation.people import read_waiting
from juries.runs import Run
from personas.errors import InputError

MINDS = [
    {"mind": {"kind": "embedded"}, "share": 3},
    {"mind": {"kind": "human"}, "share": 1},
]


def start(talking: Callable[..., Run], protocol: Any = "discussion", **options: Any) -> Run:
    human = MINDS[1]["mind"] | options.pop("human", {})
    section = {"protocol": protocol, "rounds": 2, "control": 0.0} | options.pop("section", {})
    minds = [MINDS[0], MINDS[1] | {"mind": human}]
    return talking(section, seats=4, limit=1, minds=minds, without=("mind",), **options)


def form_of(run: Run) -> HumanForm:
    [one] = read_waiting(run.directory).items
    return one.form


def good(form: HumanForm) -> HumanAnswers:
    """A valid answer to whatever is asked."""
    answers = []
    for seat in form.seats:
        ranking = tuple(sorted(seat.candidates, reverse=True))
        answers.append(
            SeatAnswer(
                seat=seat.seat,
                ratings={rating.key: 4 for rating in seat.ratings},
                reason="as I see it" if seat.ratings else None,
                statement="I find it clear." if seat.limit else None,
                ranking=ranking,
                endorsed=ranking[:1],
            )
        )
    return HumanAnswers(round=form.round, kind=form.kind, answers=tuple(answers))


def rows(run: Run, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(run.directory.ledger) as connection:
        return connection.execute(query).fetchall()


def to_the_end(run: Run) -> tuple[Run, list[tuple[str, int]]]:
    """Answer until nobody waits; what was asked on the way."""
    asked = []
    while read_waiting(run.directory).items:
        [one] = read_waiting(run.directory).items
        asked.append((one.form.kind, one.form.round))
        run = answer(run.path, {one.item: good(one.form)})
    return run, asked


@pytest.mark.parametrize(
    ("protocol", "asked"),
    [
        (
            "discussion",
            [("rating", 0), ("statement", 1), ("rating", 1), ("statement", 2), ("rating", 3)],
        ),
        ("delphi", [("rating", 0), ("rating", 1), ("rating", 3)]),
        ("independent", [("rating", 0), ("rating", 1), ("rating", 3)]),
        (
            "mediator",
            [
                ("rating", 0), ("opinion", 1), ("ranking", 1),
                ("critique", 2), ("ranking", 2), ("rating", 3),
            ],
        ),
    ],
)  # fmt: skip
def test_the_jury_waits_at_every_point_where_a_person_is_asked(talking, protocol, asked) -> None:
    run = start(talking, protocol)
    assert not run.record.complete
    run, points = to_the_end(run)
    assert points == asked
    assert run.record.complete
    human = rows(run, "select juror from ratings where mind = 1 group by juror")
    assert len(human) == 1
    assert rows(
        run, "select count(*) from ratings where mind = 1 and (status, rating) != ('ok', 4)"
    ) == [(0,)]
    [kinds] = rows(run, "select count(*) from ratings where mind = 0 and round = 3")
    assert kinds == (3 * 3,)


def test_what_others_said_is_not_asked_again_when_the_thread_goes_on(talking) -> None:
    run = start(talking)
    before = rows(run, "select * from ratings where mind = 0 order by 1, 2, 4, 5")
    assert before
    run = answer(run.path, {read_waiting(run.directory).items[0].item: good(form_of(run))})
    after = rows(run, "select * from ratings where mind = 0 and round = 0 order by 1, 2, 4, 5")
    assert after == before
    form = form_of(run)
    assert form.kind == "statement"
    assert form.seats[0].limit == 600


def test_a_person_hears_the_others_by_letter(talking) -> None:
    run = start(talking)
    item = read_waiting(run.directory).items[0].item
    for _ in range(2):
        run = answer(run.path, {item: good(form_of(run))})
    heard = form_of(run).seats[0].heard
    assert heard[0] == "Round 1"
    names = sorted(line.split(":")[0] for line in heard[1:])
    assert len(names) == 4
    assert "You" in names
    assert {name for name in names if name != "You"} < {f"Juror {c}" for c in "ABCD"}
    assert "You: I find it clear." in heard


def bad(change: dict[str, Any]) -> Callable[[HumanForm], HumanAnswers]:
    def make(form: HumanForm) -> HumanAnswers:
        whole = good(form)
        changed = whole.answers[0].model_copy(update=change)
        return whole.model_copy(update={"answers": (changed,)})

    return make


def test_an_answer_that_cannot_be_taken_stays_to_be_asked(talking) -> None:
    run = start(talking)
    [one] = read_waiting(run.directory).items
    for make, message in (
        (bad({"ratings": {"0.0.0": 6}}), "6 is out of range; expected 1 to 5"),
        (bad({"ratings": {"9.0.0": 1}}), "Nothing is asked under 9.0.0"),
        (bad({"seat": 77}), "seat 77 is not asked"),
        (bad({"statement": "hello"}), "No statement is asked for"),
        (lambda form: good(form).model_copy(update={"kind": "ranking"}), "something else than"),
    ):
        with pytest.raises(InputError, match=message):
            answer(run.path, {one.item: make(one.form)})
        assert read_waiting(run.directory).items[0].form == one.form
    with pytest.raises(InputError, match="nobody waits to be asked about 'other'"):
        answer(run.path, {"other": good(one.form)})
    run, _ = to_the_end(run)
    assert run.record.complete


def test_a_wrong_answer_that_reaches_the_graph_is_asked_again_with_the_reason(talking) -> None:
    """As when another program resumes the thread without looking at the form."""
    from juries.deliberation import answering

    run = start(talking)
    [one] = read_waiting(run.directory).items
    wrong = bad({"ratings": {"0.0.0": 99}})(one.form)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answering, "_check", lambda directory, given: None)
        run = answer(run.path, {one.item: wrong})
    [again] = read_waiting(run.directory).items
    assert again.form.seats[0].error == "response A: 99 is out of range; expected 1 to 5."
    run, _ = to_the_end(run)
    assert run.record.complete


def test_part_of_an_answer_is_kept_and_the_rest_asked(talking) -> None:
    run = start(talking)
    [one] = read_waiting(run.directory).items
    part = bad({"ratings": {"0.0.0": 2}})(one.form)
    run = answer(run.path, {one.item: part})
    left = form_of(run).seats[0].ratings
    assert [rating.key for rating in left] == ["1.0.0", "2.0.0"]
    assert rows(run, "select rating from ratings where mind = 1") == [(2,)]


def test_who_abstains_counts_and_the_jury_goes_on(talking) -> None:
    run = start(talking, "independent")
    [one] = read_waiting(run.directory).items
    nothing = SeatAnswer(seat=one.form.seats[0].seat, abstain="yes")
    given = HumanAnswers(round=one.form.round, kind=one.form.kind, answers=(nothing,))
    run = answer(run.path, {one.item: given})
    assert rows(run, "select distinct status from ratings where mind = 1") == [("abstained",)]
    assert form_of(run).round == 1


def test_a_late_answer_is_refused_and_the_jury_goes_on_without(talking, monkeypatch) -> None:
    run = start(talking, "independent", human={"answer_within_hours": 1.0})
    [one] = read_waiting(run.directory).items
    assert one.until is not None
    assert one.until - one.since == timedelta(hours=1)

    from graphs.deliberation import threads

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(UTC) + timedelta(hours=2)

    monkeypatch.setattr(threads, "datetime", Later)
    run = answer(run.path, {one.item: good(one.form)})
    assert run.record.complete
    human = rows(run, "select distinct status, reason from ratings where mind = 1")
    assert human == [("abstained", "no answer in time")]


def test_the_command_says_who_waits_and_asks_in_the_terminal(talking) -> None:
    run = start(talking, "independent", section={"rounds": 1})
    cli = CliRunner()
    listed = cli.invoke(app, ["answer", str(run.path), "--list"])
    juror = form_of(run).seats[0].juror
    assert juror in listed.output
    assert "rating in round 0" in listed.output
    # a point out of range is asked again; the reason is left out
    typed = "7\n3\n4\n5\n\n"
    first = cli.invoke(app, ["answer", str(run.path)], input=typed)
    assert first.exit_code == 0, first.output
    assert "'7' is out of range; expected 1 to 5." in first.output
    assert "items wait for" in first.output
    second = cli.invoke(app, ["answer", str(run.path)], input="3\n4\n5\nit is clear\n")
    assert "The jury has finished" in second.output
    final = rows(run, "select rating from ratings where mind = 1 and round = 2 order by response")
    assert final == [(3,), (4,), (5,)]
    assert "Nobody is waited for." in cli.invoke(app, ["answer", str(run.path)]).output


def test_running_the_study_again_keeps_waiting(talking) -> None:
    run = start(talking)
    form = form_of(run)
    again = start(talking)
    assert form_of(again) == form
    assert not again.record.complete


def test_people_need_a_deliberation_and_somebody_to_mediate(talking) -> None:
    with pytest.raises(InputError, match="Add `deliberation: "):
        talking(None, seats=4, limit=1, minds=MINDS, without=("mind",))
    with pytest.raises(InputError, match="nobody on this jury can mediate"):
        talking({"protocol": "mediator"}, seats=4, limit=1, minds=[MINDS[1]], without=("mind",))


def test_the_transcript_can_be_read_as_one_juror_heard_it(talking) -> None:
    run, _ = to_the_end(start(talking))
    item = json.loads(run.directory.items.read_text().splitlines()[0])["id"]
    juror = rows(run, "select juror from ratings where mind = 1 limit 1")[0][0]
    seated = run.directory.read_jury()[juror].id
    cli = CliRunner()
    whole = cli.invoke(app, ["transcript", str(run.path), item]).output
    assert f"Juror {juror + 1} ({seated}) (statement, heard by all): I find it clear." in whole
    assert "Talk ended after round 2: rounds" in whole
    own = cli.invoke(app, ["transcript", str(run.path), item, "--as", seated]).output
    assert "You (statement): I find it clear." in own
    assert seated not in own
    wrong = cli.invoke(app, ["transcript", str(run.path), "assisted-dyin"])
    assert "Did you mean" in str(wrong.exception)
