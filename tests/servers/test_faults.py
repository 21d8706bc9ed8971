"""Every fault with every way of asking: the run ends, counts are right, nothing is invented."""

from __future__ import annotations

import asyncio
import math
from collections import Counter

import pytest

from graphs.items import Criterion, Likert, Rubric, questions
from graphs.minds.protocol import RatingTask
from graphs.records import Status

LIKERT = Likert(question="How good is it?", points=("awful", "bad", "fair", "good", "superb"))
RUBRIC = Rubric(
    criteria=(
        Criterion(name="fair", question="How fair?", points=("a", "b", "c", "d", "e")),
        Criterion(name="kind", question="How kind?", points=("a", "b", "c", "d", "e")),
    )
)
JURORS = 6
VICTIM = 2

WAYS = {
    "chosen tokens, in batches": {"server": "vllm"},
    "chosen tokens, singly": {"server": "vllm", "panel_batch": 0},
    "likely tokens": {"server": "other"},
    "structured, in batches": {
        "server": "vllm",
        "elicitation": "structured",
        "reason": "before",
        "temperature": 0,
    },
    "structured, singly": {"server": "other", "elicitation": "structured"},
    "sampled": {"server": "other", "elicitation": "sampled", "draws": 3},
    "with separate reasons": {"server": "vllm", "reason": "separate"},
}
BREAKS = {
    "429", "429 with retry-after", "500", "503", "400", "401", "hang", "slow drip",
    "reset mid-body", "truncated JSON", "wrong schema", "array", "empty choices", "huge body",
    "HTML", "redirect",
}  # fmt: skip
"""Faults that bring no reply at all: the question failed."""
LOGPROBS_ONLY = {"NaN", "minus infinity", "above zero", "null logprob"}
GARBLES = {"missing logprobs", "duplicates"}
SLOW = {"hang", "slow drip", "429", "429 with retry-after"}
"""Faults that only the time limits end."""
SLOW_WAYS = set(WAYS) - {"chosen tokens, singly", "structured, in batches", "with separate reasons"}
REFUSES_ALL = {"401", "redirect"}
"""Faults of the server, not of a request: a batch is not taken apart for them."""
PASSING = BREAKS - REFUSES_ALL - {"400"}
"""Faults after which the same request is worth sending again."""


def _task(item, panel, scale, **more):
    return RatingTask(
        item=item, position=7, panel=panel(JURORS), questions=questions(scale), seed=11, **more
    )


def _expected(fault: str, way: str) -> Status:
    if fault in BREAKS:
        return Status.FAILED
    if fault == "refusal":
        return Status.REFUSED
    exact = "tokens" in way or "separate" in way
    if fault in LOGPROBS_ONLY and not exact:
        return Status.OK
    if fault == "minus infinity":
        return Status.LOW_MASS
    return Status.UNPARSEABLE


def _cases(faults):
    """Each fault with each way of asking; those that take their time with one way of each kind."""
    return [
        pytest.param(fault, way, id=f"{fault}, {way}")
        for fault in sorted(faults)
        for way in WAYS
        if fault not in SLOW or way in SLOW_WAYS
    ]


@pytest.fixture
def ask_with(server, script, settings, quick, ask, item, panel):
    """Put the Likert question while a fault befalls some requests."""

    def run(fault, way, *, times=math.inf, call_s=1.8, holds="juror-"):
        async def inside():
            options = dict(WAYS[way])
            if fault in SLOW:
                options["limits"] = quick.model_copy(update={"call_s": call_s})
            server.kind = options.pop("server")
            server.vocabulary = server.kind == "vllm"
            server.scripts = [script(fault, holds=holds, times=times)]
            async with server.running():
                return await ask(settings(**options), _task(item, panel, LIKERT))

        return asyncio.run(inside())

    return run


@pytest.mark.parametrize(("fault", "way"), _cases(BREAKS | GARBLES | LOGPROBS_ONLY | {"refusal"}))
def test_one_juror_s_calls_go_wrong_for_good(fault, way, server, ask_with):
    asked = ask_with(fault, way, holds=f"juror-{VICTIM:03d}-")
    assert server.befallen[fault] > 0
    assert Counter(row.cell for row in asked.rows) == {
        (7, response, -1, juror, 0, 0, 0): 1 for response in range(2) for juror in range(JURORS)
    }
    batched = "batches" in way or "separate" in way
    victims = set(range(JURORS)) if batched and fault in REFUSES_ALL else {VICTIM}
    for row in asked.rows:
        wanted = _expected(fault, way) if row.juror in victims else Status.OK
        assert (row.juror, row.status) == (row.juror, wanted)
        if row.status == Status.OK:
            assert row.rating in range(1, 6)
        else:
            assert row.rating is None
            assert row.reason
        if row.status in (Status.FAILED, Status.REFUSED, Status.UNPARSEABLE):
            assert row.expected is row.probabilities is row.label_mass is None
        assert row.mind == 3
        assert row.call in {call.key for call in asked.calls}
    failed = [call for call in asked.calls if call.error]
    assert {call.juror for call in failed} <= victims
    assert bool(failed) == (fault in BREAKS)


@pytest.mark.parametrize(("fault", "way"), _cases(PASSING))
def test_a_fault_that_passes_leaves_no_trace(fault, way, server, ask_with):
    asked = ask_with(fault, way, times=1, call_s=20)
    assert server.befallen[fault] == 1
    assert {row.status for row in asked.rows} == {Status.OK}
    assert len(asked.rows) == 2 * JURORS
    assert max(call.attempts for call in asked.calls) == 2
    assert not any(call.error for call in asked.calls)


@pytest.mark.parametrize("fault", sorted(BREAKS | GARBLES | {"refusal"}))
def test_a_rubric_asked_in_one_reply_fails_as_one(
    fault, server, script, settings, quick, ask, item, panel
):
    async def run():
        options = {"limits": quick} if fault in SLOW else {}
        server.scripts = [script(fault, holds=f"juror-{VICTIM:03d}-")]
        async with server.running():
            task = _task(item, panel, RUBRIC)
            return await ask(settings(elicitation="structured", **options), task)

    asked = asyncio.run(run())
    assert len(asked.rows) == len({row.cell for row in asked.rows}) == 2 * 2 * JURORS
    wanted = _expected(fault, "structured")
    assert {row.status for row in asked.rows if row.juror == VICTIM} == {wanted}
    assert {row.status for row in asked.rows if row.juror != VICTIM} == {Status.OK}


def test_answers_are_those_that_the_server_gave(server, settings, ask, item, panel):
    async def run():
        async with server.running():
            return await ask(settings(panel_batch=4), _task(item, panel, LIKERT))

    asked = asyncio.run(run())
    given = {}
    for body in server.requests:
        batch = isinstance(body["messages"][0], list)
        for messages in body["messages"] if batch else [body["messages"]]:
            text = messages[-1]["content"]
            if "juror-" not in text:
                continue
            juror = int(text.split("juror-")[1][:3])
            response = 0 if "concerns the young" in text else 1
            weights = server.weights(messages, len(body["logprob_token_ids"]))
            given[response, juror] = weights
    for row in asked.rows:
        weights = given[row.response, row.juror]
        assert row.label_mass == pytest.approx(0.9)
        expected = sum((n + 1) * weight / 0.9 for n, weight in enumerate(weights))
        assert row.expected == pytest.approx(expected)


def test_what_the_ledger_holds_is_not_asked_again(server, settings, ask, item, panel):
    async def run():
        async with server.running():
            whole = await ask(settings(), _task(item, panel, LIKERT))
            held = frozenset(row.cell for row in whole.rows[:7])
            server.requests.clear()
            rest = await ask(settings(), _task(item, panel, LIKERT, answered=held))
            return whole, held, rest

    whole, held, rest = asyncio.run(run())
    assert {row.cell for row in rest.rows} == {row.cell for row in whole.rows} - held
    again = {row.cell: row for row in whole.rows}
    assert all(again[row.cell] == row for row in rest.rows)
