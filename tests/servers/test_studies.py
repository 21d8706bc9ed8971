"""Whole studies at servers: pairs in both orders, minds and servers that share, deaths, a kill."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sqlite3
import sys
from collections import Counter

import pytest

from graphs.items import Item, Pairwise, Response
from graphs.llm.faults import MindUnavailableError
from graphs.llm.settings import EndpointSettings
from graphs.minds.llm import open_llm_mind
from graphs.minds.protocol import RatingTask
from graphs.records import Status
from juries.cli.use import use_lines
from juries.runs import load_study, run
from juries.served import Servers, point

JURORS, ITEMS = 12, 10
MOST_IN_FLIGHT = 8
DELAY = 0.05


def _mind(*servers, weights=None, **changes):
    weights = weights or [1.0] * len(servers)
    endpoints = [
        {"base_url": each.url, "weight": weight, "max_connections": MOST_IN_FLIGHT}
        for each, weight in zip(servers, weights, strict=True)
    ]
    return {"kind": "llm", "model": "stub", "endpoints": endpoints, **changes}


def test_pairs_are_asked_in_both_orders_and_answers_keep_their_place(server, settings, panel):
    """The server answers by position, A; so the first response wins whichever it is."""
    texts = ("red", "green", "blue")
    responses = tuple(Response(model=text, text=f"All {text}.") for text in texts)
    item = Item(id="colours", prompt="Which colour?", responses=responses)
    asked = (Pairwise(ties=True),)
    task = RatingTask(item=item, position=4, panel=panel(5), questions=asked, seed=1, replicates=2)
    server.weights = lambda messages, size: [0.6] + [0.3 / size] * (size - 1)

    async def ask():
        async with server.running(), open_llm_mind(settings(), position=0, seed=1) as mind:
            first = [row async for rows in mind.rate(task) for row in rows]
            some = frozenset(row.cell for row in first if row.juror < 3)
            held = RatingTask(
                item=item, position=4, panel=task.panel, questions=asked, seed=1,
                replicates=2, answered=some,
            )  # fmt: skip
            return first, [row async for rows in mind.rate(held) for row in rows]

    rows, rest = asyncio.run(ask())
    pairs = {(one, other) for one in range(3) for other in range(3) if one != other}
    asked = Counter((row.response, row.against) for row in rows)
    assert asked == dict.fromkeys(pairs, 5 * 2)
    assert len({row.cell for row in rows}) == len(rows)
    assert {row.status for row in rows} == {Status.OK}
    assert all(row.expected is None and row.rating in {1, 2, 3} for row in rows)
    shares = [memoryview(row.probabilities).cast("f").tolist() for row in rows]
    assert all(max(each) == each[0] for each in shares)
    quoted = [
        [text for text in texts if f"All {text}." in messages[-1]["content"]]
        for body in server.requests
        for messages in (body["messages"] if isinstance(body["messages"][0], list) else [])
    ]
    held = Counter(map(len, quoted))
    assert held[2] >= 6 * 5 * 2
    assert set(held) <= {0, 2}  # no pair in what finds out what the server can do
    assert {row.juror for row in rest} == {3, 4}
    assert len(rest) == 6 * 2 * 2


def test_minds_share_the_seats_and_servers_the_items(make_server, write_study, tmp_path):
    """Two models and the embedded one by seat; the first has three servers, one of them dead."""
    much, little, dead, other = (make_server() for _ in range(4))

    async def whole():
        async with contextlib.AsyncExitStack() as stack:
            for each in (much, little, other):
                await stack.enter_async_context(each.running())
            async with dead.running():
                pass  # so that it has an address, at which nobody answers any more
            minds = [
                {"mind": _mind(much, little, dead, weights=[4, 3, 1]), "share": 2, "name": "large"},
                {"mind": _mind(other, elicitation="sampled"), "share": 1, "name": "small"},
                {"mind": {"kind": "embedded"}, "share": 1},
            ]
            path = write_study(minds)
            return await asyncio.to_thread(run, path, out=tmp_path / "run", in_flight=4)

    result = asyncio.run(whole())
    record = result.record
    assert record.complete
    assert set(result.ratings["status"]) == {"ok"}
    assert [mind.jurors for mind in record.minds] == [6, 3, 3]
    assert len(result.ratings) == ITEMS * 2 * JURORS
    assert len(much.requests) > len(little.requests)
    assert little.requests
    large, small = record.asking
    assert large["usage"]["calls"] == ITEMS * 2 * 6
    assert large["estimate"]["calls"] == ITEMS * 2 * 6
    assert small["usage"]["calls"] == ITEMS * 2 * 3
    said = use_lines("large", [large, {**large, "session": 2}])
    assert f"{2 * ITEMS * 2 * 6:,} conversations" in said[1]
    assert f"estimated: {ITEMS * 2 * 6:,} conversations" in said[2]


def test_one_mind_s_server_dies_and_the_others_carry_on(make_server, write_study, tmp_path):
    dying, other = make_server(), make_server()
    out = tmp_path / "run"

    async def whole():
        async with other.running():
            limits = {"patience_s": 0.5, "attempts": 2}
            first = contextlib.AsyncExitStack()
            await first.enter_async_context(dying.running())
            port = int(dying.url.split(":")[2].split("/")[0])
            minds = [
                {"mind": _mind(dying, limits=limits), "share": 1, "name": "dying"},
                {"mind": _mind(other), "share": 1, "name": "other"},
            ]
            path = write_study(minds)

            async def die():
                await _answered(dying, 20)
                await first.aclose()

            dying.delay = 0.05
            death = asyncio.create_task(die())
            with pytest.raises(MindUnavailableError, match="run the same command again"):
                await asyncio.to_thread(run, path, out=out, in_flight=1)
            await death
            partly = _statuses(out)
            async with dying.running(port):
                resumed = await asyncio.to_thread(run, path, out=out)
            return partly, resumed

    partly, resumed = asyncio.run(whole())
    assert partly[1, "ok"] == ITEMS * 2 * 6
    assert set(partly) <= {(0, "ok"), (0, "failed"), (1, "ok")}
    assert 0 < partly[0, "ok"] < ITEMS * 2 * 6
    assert resumed.record.complete
    assert set(resumed.ratings["status"]) == {"ok"}
    assert other.answered <= ITEMS * 2 * 6 + 50  # only what the second opening probes


async def _answered(server, count):
    async with asyncio.timeout(60):
        while server.answered < count:  # noqa: ASYNC110 (the server counts, and tells nobody)
            await asyncio.sleep(0.01)


def _statuses(out):
    with sqlite3.connect(out / "ledger.sqlite") as ledger:
        query = "SELECT mind, status, count(*) FROM ratings GROUP BY mind, status"
        return {(mind, status): n for mind, status, n in ledger.execute(query)}


def test_a_killed_run_asks_again_only_what_was_under_way(server, write_study, tmp_path):
    """SIGKILL: at most what was in flight, and what came in the 50 ms before, is asked again."""
    out = tmp_path / "run"
    server.delay = DELAY

    async def whole():
        async with server.running():
            path = write_study([{"mind": _mind(server, panel_batch=0), "share": 1}])
            begin = [sys.executable, "-m", "juries", "run", str(path), "--out", str(out)]
            process = await asyncio.create_subprocess_exec(
                *begin, "--display", "none", stderr=asyncio.subprocess.DEVNULL
            )
            await _answered(server, 100)
            process.send_signal(signal.SIGKILL)
            await process.wait()
            await asyncio.sleep(4 * DELAY)
            with sqlite3.connect(out / "ledger.sqlite") as ledger:
                (kept,) = ledger.execute("SELECT count(*) FROM ratings").fetchone()
            before = _asked(server)
            result = await asyncio.to_thread(run, path, out=out)
            return kept, before, _asked(server), result

    kept, before, asked, result = asyncio.run(whole())
    assert result.record.complete
    assert result.record.sessions == 2
    assert len(result.ratings) == ITEMS * 2 * JURORS
    assert kept > 0
    again = {text: n for text, n in asked.items() if n > 1}
    assert max(asked.values()) <= 2
    # In flight when it was killed, and what may have come in the two commits' time before.
    assert len(again) <= MOST_IN_FLIGHT * 3
    assert sum(before.values()) - kept <= MOST_IN_FLIGHT * 3


def _asked(server):
    """How often each conversation was put, but for those that find out what the server can do."""
    return Counter(
        json.dumps(body["messages"])
        for body in server.requests
        if "Question " in json.dumps(body["messages"])
    )


def test_shares_of_items_follow_the_servers_weights():
    from graphs.llm.client import rank
    from graphs.llm.endpoint import Endpoint
    from graphs.llm.settings import Limits

    endpoints = [
        Endpoint(n, EndpointSettings(base_url=f"http://127.0.0.1:{n + 1}/v1", weight=w), Limits())
        for n, w in enumerate((6.0, 3.0, 1.0))
    ]
    first = Counter(rank(endpoints, f"item {n}")[0].number for n in range(3000))
    shares = [first[n] / 3000 for n in range(3)]
    assert shares == pytest.approx([0.6, 0.3, 0.1], abs=0.03)


@pytest.mark.parametrize("where", [{"base_urls": ("http://127.0.0.1:1/v1",)}, {}])
def test_the_caller_may_choose_the_layout(where, server, write_study):
    server.url = "http://127.0.0.1:2/v1"
    path = write_study([{"mind": _mind(server), "share": 1}, {"mind": {"kind": "embedded"}}])
    study = point(load_study(path)[0], Servers(layout="persona-first", **where))
    language, embedded = study.seated_minds
    assert language.mind.layout == "persona-first"
    assert embedded.mind.kind == "embedded"


@pytest.mark.parametrize(
    "talk",
    [
        {"protocol": "discussion", "rounds": 2, "control": 1},
        {"protocol": {"kind": "discussion", "turns": "round_robin"}, "rounds": 1, "votes": "none"},
        {"protocol": "independent", "rounds": 2},
    ],
    ids=["discussion", "in turn", "independent"],
)
def test_talk_is_estimated_at_its_most_and_its_calls_to_the_last(
    talk, server, write_study, tmp_path
):
    """No rule ends the talk early, so the calls foreseen are those that are made."""

    async def whole():
        async with server.running():
            minds = [
                {"mind": _mind(server), "share": 1, "name": "model"},
                {"mind": {"kind": "embedded"}, "share": 2},
            ]
            path = write_study(minds, deliberation=talk)
            return await asyncio.to_thread(run, path, out=tmp_path / "run", limit=3)

    (asking,) = asyncio.run(whole()).record.asking
    first, more, used = asking["estimate"], asking["estimate"]["talk"], asking["usage"]
    assert first["calls"] + more["calls"] == used["calls"]
    assert used["prompt_tokens"] > first["prompt_tokens"]
    assert "talk at its most" in use_lines("model", [asking])[2]
