"""People answer for their seats in the live view, and the run goes on."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path

import pytest

import juries
from graphs.minds.human_forms import HumanForm, RatingForm, SeatAnswer, SeatForm
from juries.deliberation.people import read_waiting
from juries.runs import Run
from juries.view.forms import AnswerError, fields, read
from juries.view.handing_over import HandingOver

HOSTILE = "<script>window.harmed=1</script>"
MINDS = [
    {"mind": {"kind": "embedded"}, "share": 3},
    {"mind": {"kind": "human"}, "share": 1},
]


@pytest.fixture
def waiting(small_study, tmp_path: Path) -> Run:
    """A run of one item that waits for the one person among four jurors."""
    talk = {"protocol": "discussion", "rounds": 1, "control": 0.0}
    study = small_study(
        items=1, people=12, jury={"seats": 4}, minds=MINDS, deliberation=talk,
        baselines={"share": 0.0},
        scores={"resamples": 100},
    )  # fmt: skip
    text = (study.parent / "items.jsonl").read_text()
    (study.parent / "items.jsonl").write_text(text.replace('"prompt": "', f'"prompt": "{HOSTILE}'))
    return juries.run(study, out=tmp_path / "runs" / "live")


def form_of(run: Run) -> tuple[HumanForm, SeatForm, str]:
    """What is asked, of which seat, and the path of its form."""
    [one] = read_waiting(run.directory).items
    [seat] = one.form.seats
    return one.form, seat, f"run/live/answer/{one.form.item}/{seat.seat}/"


def filled(form: HumanForm, seat: SeatForm) -> dict[str, str]:
    answers = {f"rating.{rating.key}": "2" for rating in seat.ratings}
    said = {"statement": "It is clear."} if seat.limit else {"reason": "As I see it"}
    return {"round": str(form.round), "kind": form.kind, **answers, **said}


def human_rows(run: Run) -> list[tuple[object, ...]]:
    with sqlite3.connect(run.directory.ledger) as connection:
        return connection.execute(
            "select round, response, status, rating, reason from ratings where mind = 1 "
            "order by 1, 2"
        ).fetchall()


def until(condition, *, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass in time"
        time.sleep(0.1)


def test_answers_sent_to_the_form_take_the_run_to_its_end(serve, waiting: Run) -> None:
    server = serve(waiting.path.parent)
    assert "waits for 1 seat" in server.get()[1]
    asked = []
    while read_waiting(waiting.directory).items:
        form, seat, path = form_of(waiting)
        asked.append((form.kind, form.round))
        status, page, _ = server.post(path, filled(form, seat))
        assert status == 200, page
        until(
            lambda before=form: (
                [one.form for one in read_waiting(waiting.directory).items] != [before]
            )
        )
    assert asked == [("rating", 0), ("statement", 1), ("rating", 2)]
    until((waiting.path / "report.html").exists)
    assert Run(waiting.path).record.complete
    assert human_rows(waiting) == [
        (round_, response, "ok", 2, "As I see it") for round_ in (0, 2) for response in range(3)
    ]
    with sqlite3.connect(waiting.directory.ledger) as connection:
        said = connection.execute("select text from statements where mind = 1").fetchall()
    assert said == [("It is clear.",)]
    assert "Nobody is waited for" in server.get("run/live/answer/")[1]


def test_an_answer_that_cannot_be_taken_stays_with_its_reason(serve, waiting: Run) -> None:
    server = serve(waiting.path.parent)
    form, seat, path = form_of(waiting)
    good = filled(form, seat)
    first = seat.ratings[0].key
    for change, said in (
        ({f"rating.{first}": "9"}, "Response A: 9 is out of range; expected 1 to 3."),
        ({f"rating.{first}": ""}, "Response A: choose a point, or abstain."),
        ({f"rating.{first}": "two"}, "Response A: &#39;two&#39; is not a point."),
        ({"round": "7"}, "What is asked has changed meanwhile"),
    ):
        status, page, _ = server.post(path, good | change)
        assert status == 422
        assert f"This answer cannot be taken: {said}" in page
        assert "As I see it</textarea>" in page, "what was typed is lost"
    assert form_of(waiting)[0] == form
    assert human_rows(waiting) == []
    assert server.post(path, {"reason": "x" * 300_000})[0] == 413


def test_who_abstains_is_recorded_as_such(serve, waiting: Run) -> None:
    server = serve(waiting.path.parent)
    form, _, path = form_of(waiting)
    server.post(path, {"round": str(form.round), "kind": form.kind, "abstain": "yes"})
    until(lambda: form_of(waiting)[0].kind == "statement")
    assert {row[2] for row in human_rows(waiting)} == {"abstained"}


def test_only_a_page_of_this_server_can_send_an_answer(serve, ask, waiting: Run) -> None:
    server = serve(waiting.path.parent)
    form, seat, path = form_of(waiting)
    good = filled(form, seat)
    own = server.address.rsplit("/", 2)[0]
    assert server.post(path, good, Origin="http://evil.example")[0] == 403
    assert server.post(path, good, Origin="null")[0] == 403
    assert server.post(path, good, Origin="http://127.0.0.1:9")[0] == 403
    assert server.post(path, good, Host="evil.example")[0] == 421
    assert server.post(path, good, **{"Sec-Fetch-Site": "cross-site"})[0] == 403
    assert ask(server.address + path, data=b"abstain=yes", method="POST")[0] == 403
    wrong = f"{own}/{'x' * 32}/{path}"
    assert ask(wrong, data=b"abstain=yes", headers={"Origin": own}, method="POST")[0] == 404
    for other in ("", "run/live/", "run/live/answer/", "run/live/report"):
        assert server.post(other, good)[0] == 405, other
    assert server.post("run/live/answer/0/99/", good)[0] in (200, 404)
    assert human_rows(waiting) == []
    assert form_of(waiting)[0] == form


def test_a_person_answers_in_a_browser_and_the_run_comes_to_its_end(
    serve, page, waiting: Run
) -> None:
    server = serve(waiting.path.parent)
    page.goto(f"{server.address}run/live/")
    page.wait_for_selector("html[data-ended=true]", state="attached", timeout=60_000)
    assert page.locator("#state").inner_text().startswith("Waiting for people")
    page.get_by_role("link", name="People at seats are waited for").click()
    page.get_by_role("link", name="Answer for").click()
    assert HOSTILE in page.locator("pre").first.inner_text()
    assert page.evaluate("window.harmed") is None
    for group in page.get_by_role("group").all():
        group.get_by_role("radio").nth(2).check()
    # the browser itself would not send a field that is out of range, so take it out of the way
    page.evaluate("document.querySelector('input[type=radio]:checked').value = '8'")
    page.get_by_label("Why? (optional)").fill("Because.")
    page.get_by_role("button", name="Send the answer").click()
    assert "8 is out of range; expected 1 to 3" in page.get_by_role("alert").inner_text()
    assert page.get_by_label("Why? (optional)").input_value() == "Because."
    page.get_by_role("group").first.get_by_role("radio").nth(2).check()
    page.get_by_role("button", name="Send the answer").click()
    page.get_by_text("statement, round 1").wait_for(timeout=60_000)
    page.get_by_role("link", name="Answer for").click()
    page.get_by_role("textbox").fill("I find the first one clear.")
    page.get_by_role("button", name="Send the answer").click()
    page.get_by_text("rating, round 2").wait_for(timeout=60_000)
    page.get_by_role("link", name="Answer for").click()
    assert "You: I find the first one clear." in page.locator(".ask").inner_text()
    for group in page.get_by_role("group").all():
        group.get_by_role("radio").nth(1).check()
    page.get_by_role("button", name="Send the answer").click()
    page.get_by_text("Nobody is waited for.").wait_for(timeout=60_000)
    page.goto(f"{server.address}run/live/")
    page.wait_for_selector("html[data-ended=true]", state="attached", timeout=60_000)
    assert page.locator("#state").inner_text().startswith("Complete")
    assert [row[3] for row in human_rows(waiting)] == [3, 3, 3, 2, 2, 2]


def test_every_part_of_an_interrupt_has_its_field() -> None:
    point = RatingForm(response=0, criterion=0, about="response A", question="Good?", points=("a",))
    seat = SeatForm(
        seat=0, juror="j", ratings=(point,), statement="Your opinion", limit=9,
        candidates={0: "peace", 1: "bread"},
    )  # fmt: skip
    assert [field.name for field in fields(seat)] == [
        "rating.0.0.0", "reason", "statement", "place.0", "endorse.0", "place.1", "endorse.1",
    ]  # fmt: skip
    form = HumanForm(item=0, round=1, kind="opinion", prompt="", responses=("",), seats=(seat,))
    posted = {
        "round": ["1"], "kind": ["opinion"], "rating.0.0.0": ["1"], "statement": ["so"],
        "place.0": ["2"], "place.1": ["1"], "endorse.1": ["yes"],
    }  # fmt: skip
    answer = read(form, seat, posted)
    assert answer.ratings == {"0.0.0": 1}
    assert (answer.statement, answer.ranking, answer.endorsed) == ("so", (1, 0), (1,))
    with pytest.raises(AnswerError, match="each place from 1 to 2 once"):
        read(form, seat, posted | {"place.0": ["1"]})
    with pytest.raises(AnswerError, match="at most 9"):
        read(form, seat, posted | {"statement": ["far too long"]})
    with pytest.raises(AnswerError, match="The statement is empty"):
        read(form, seat, posted | {"statement": ["  "]})


def test_the_next_question_of_a_seat_is_not_taken_for_the_one_on_its_way(tmp_path: Path) -> None:
    """As when the next form is sent before the process has done with the answer before."""

    async def inside() -> None:
        handing_over = HandingOver()
        seat = SeatForm(seat=0, juror="j")
        first, second = (
            HumanForm(item=0, round=n, kind="rating", prompt="", responses=(), seats=(seat,))
            for n in (0, 1)
        )
        handing_over.take("run", tmp_path, "i0", first, SeatAnswer(seat=0, abstain="yes"))
        assert handing_over.has("run", "i0", first, 0)
        assert not handing_over.has("run", "i0", second, 0)
        assert not handing_over.has("run", "i0", first, 1)
        await handing_over.close()

    asyncio.run(inside())
