"""Servers that die, come back, are slow or say no: who is asked, how often, and what is said."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, defaultdict

import pytest

from graphs.items import Item, Likert, Response, questions
from graphs.llm.faults import MindUnavailableError
from graphs.llm.settings import EndpointSettings
from graphs.minds.llm import open_llm_mind
from graphs.minds.protocol import RatingTask
from graphs.records import Status
from personas.errors import InputError

LIKERT = Likert(question="How good is it?", points=("awful", "bad", "fair", "good", "superb"))


def _task(item, panel, position=0, **more):
    asked = questions(LIKERT)
    return RatingTask(item=item, position=position, panel=panel, questions=asked, seed=1, **more)


def _items(count):
    return [
        Item(id=f"item-{n}", prompt="?", responses=(Response(model="m", text=f"text {n}"),))
        for n in range(count)
    ]


async def _all(mind, task):
    return [row async for rows in mind.rate(task) for row in rows]


def _endpoints(*servers, **more):
    return tuple(EndpointSettings(base_url=server.url, **more) for server in servers)


def test_items_keep_to_one_server_and_move_when_it_dies(make_server, settings, panel):
    one, two = make_server(), make_server()
    jurors = panel(3)

    async def run():
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(two.running())
            alone = contextlib.AsyncExitStack()
            await alone.enter_async_context(one.running())
            mind = await stack.enter_async_context(
                open_llm_mind(
                    settings(endpoints=_endpoints(one, two), panel_batch=0), position=0, seed=1
                )
            )
            for n, item in enumerate(_items(30)):
                await _all(mind, _task(item, jurors, n))
            seen = [_texts(one), _texts(two)]
            await alone.aclose()
            late = [
                row
                for n, item in enumerate(_items(30))
                for row in await _all(mind, _task(item, jurors, n))
            ]
            return seen, late

    (first, second), late = asyncio.run(run())
    assert not set(first) & set(second)
    assert set(first) | set(second) == {f"text {n}" for n in range(30)}
    assert all(count == 3 for count in (first + second).values())
    assert min(len(first), len(second)) >= 8  # of 30 halves, 2.5 standard deviations
    assert {row.reason for row in late if row.status != Status.OK} == set()
    assert len(late) == 90


def _texts(server):
    """How often each item's text was asked about."""
    found = Counter()
    for body in server.requests:
        batch = isinstance(body["messages"][0], list)
        for messages in body["messages"] if batch else [body["messages"]]:
            _, holds, rest = messages[-1]["content"].partition("text ")
            found[holds + rest.split("\n")[0]] += bool(holds)
    del found[""]
    return found


def test_a_dead_server_fails_what_is_under_way_and_then_nothing_is_asked(
    server, settings, patient, item, panel
):
    limits = patient.model_copy(update={"patience_s": 0.2})

    async def run():
        async with contextlib.AsyncExitStack() as stack:
            alone = contextlib.AsyncExitStack()
            await alone.enter_async_context(server.running())
            mind = await stack.enter_async_context(
                open_llm_mind(settings(limits=limits, panel_batch=0), position=0, seed=1)
            )
            before = await _all(mind, _task(item, panel(10)))
            await alone.aclose()
            during = await _all(mind, _task(item, panel(10), 1))
            with pytest.raises(MindUnavailableError) as caught:
                await _all(mind, _task(item, panel(10), 2))
            return before, during, str(caught.value)

    before, during, said = asyncio.run(run())
    assert {row.status for row in before} == {Status.OK}
    assert {row.status for row in during} == {Status.FAILED}
    assert len(during) == len({row.cell for row in during}) == 20
    assert all(server.url in row.reason for row in during)
    assert server.url in said
    assert "run the same command again" in said
    assert len(said.splitlines()) == 1


def test_a_server_that_comes_back_in_time_is_waited_for(server, settings, patient, item, panel):
    limits = patient.model_copy(update={"attempts": 20, "patience_s": 30})

    async def run():
        async with contextlib.AsyncExitStack() as stack:
            alone = contextlib.AsyncExitStack()
            await alone.enter_async_context(server.running())
            port = int(server.url.split(":")[2].split("/")[0])
            mind = await stack.enter_async_context(
                open_llm_mind(settings(limits=limits, panel_batch=0), position=0, seed=1)
            )
            await alone.aclose()
            asked = asyncio.create_task(_all(mind, _task(item, panel(10))))
            await asyncio.sleep(0.5)
            assert not asked.done()
            async with server.running(port):
                return await asked

    rows = asyncio.run(run())
    assert {row.status for row in rows} == {Status.OK}
    assert len(rows) == 20


def test_a_replica_that_is_away_at_the_start_joins_later(make_server, settings, patient, panel):
    here, later = make_server(), make_server()
    limits = patient.model_copy(update={"attempts": 20})

    async def run():
        async with later.running():
            port = int(later.url.split(":")[2].split("/")[0])
        async with here.running():
            where = settings(endpoints=_endpoints(here, later), limits=limits)
            async with open_llm_mind(where, position=0, seed=1) as mind:
                rows = await _all(mind, _task(_items(1)[0], panel(3)))
                async with later.running(port):
                    await asyncio.sleep(1.2)  # longer than the first pause of an open circuit
                    for n, item in enumerate(_items(20)):
                        rows += await _all(mind, _task(item, panel(3), n))
                    return rows, sum(_texts(later).values())

    rows, joined = asyncio.run(run())
    assert {row.status for row in rows} == {Status.OK}
    assert joined > 0


@pytest.mark.parametrize("batch", [0, 4])
def test_never_more_conversations_in_flight_than_allowed(batch, server, settings, item, panel):
    async def run():
        server.delay = 0.01
        async with server.running():
            where = settings(endpoints=_endpoints(server, max_connections=8), panel_batch=batch)
            async with open_llm_mind(where, position=0, seed=1) as mind:
                server.most_in_flight = 0
                tasks = [_all(mind, _task(item, panel(12), n)) for n in range(4)]
                rows = [row for rows in await asyncio.gather(*tasks) for row in rows]
                return rows, mind.session.client.endpoints[0].gate

    rows, gate = asyncio.run(run())
    assert len(rows) == 4 * 2 * 12
    assert server.most_in_flight * max(batch, 1) <= 8
    assert gate.in_flight == gate.waiting == 0


def test_being_told_to_slow_down_lowers_the_limit(server, script, settings, item, panel):
    async def run():
        async with server.running():
            where = settings(endpoints=_endpoints(server, max_connections=64), panel_batch=0)
            async with open_llm_mind(where, position=0, seed=1) as mind:
                gate = mind.session.client.endpoints[0].gate
                before = gate.limit
                server.scripts = [script("429 with retry-after", holds="juror-", times=6)]
                rows = await _all(mind, _task(item, panel(12)))
                return before, gate.limit, rows

    before, after, rows = asyncio.run(run())
    assert after < before
    assert {row.status for row in rows} == {Status.OK}


def test_retry_after_is_kept_to(server, script, settings, item, panel):
    async def run():
        async with server.running():
            where = settings(panel_batch=0)
            async with open_llm_mind(where, position=0, seed=1) as mind:
                server.scripts = [script("429 with retry-after", holds="juror-", times=1)]
                rows = await _all(mind, _task(item, panel(1)))
                return rows, mind.account.total

    rows, total = asyncio.run(run())
    assert {row.status for row in rows} == {Status.OK}
    assert total.attempts == 3
    assert total.seconds >= 0.05


@pytest.mark.parametrize(
    ("fault", "attempts"), [("500", 3), ("400", 1), ("401", 1), ("redirect", 1)]
)
def test_faults_are_tried_again_at_most_so_often(
    fault, attempts, server, script, settings, patient, panel
):
    limits = patient.model_copy(update={"attempts": 3})

    async def run():
        async with server.running():
            where = settings(limits=limits, panel_batch=0)
            async with open_llm_mind(where, position=0, seed=1) as mind:
                server.scripts = [script(fault, holds="juror-")]
                return await _all(mind, _task(_items(1)[0], panel(1)))

    (row,) = asyncio.run(run())
    assert row.status == Status.FAILED
    assert server.befallen[fault] == attempts


def test_a_batch_without_some_answers_has_those_asked_singly(server, settings, ask, item, panel):
    completion = type(server).completion

    def lossy(self, body):
        reply = completion(self, body)
        if isinstance(body["messages"][0], list) and len(reply["choices"]) > 3:
            reply["choices"][1]["index"] = 0  # two for the first, none for the second
            del reply["choices"][3]
        return reply

    async def run():
        async with server.running():
            server.completion = lossy.__get__(server)
            return await ask(settings(), _task(item, panel(6)))

    asked = asyncio.run(run())
    assert {row.status for row in asked.rows} == {Status.OK}
    assert len({row.cell for row in asked.rows}) == 12
    shared = Counter(call.shared for call in asked.calls)
    assert shared == {6: 6, 1: 6}  # per response: members 0, 1 and 3 again


def test_stopping_midway_leaves_nothing_running(server, settings, item, panel):
    async def run():
        server.delay = 0.05
        async with server.running():
            where = settings(panel_batch=2)
            async with open_llm_mind(where, position=0, seed=1) as mind:
                rows = mind.rate(_task(item, panel(40)))
                got = await anext(rows)
                await rows.aclose()
                gate = mind.session.client.endpoints[0].gate
                left = [task for task in asyncio.all_tasks() if "LlmMind._work" in repr(task)]
                return got, gate.in_flight, gate.waiting, left

    got, in_flight, waiting, left = asyncio.run(run())
    assert len(got) == 2
    assert in_flight == waiting == 0
    assert left == []


def test_orders_shown_are_recorded_and_balanced(server, settings, ask, item, panel):
    async def run():
        async with server.running():
            return await ask(settings(), _task(item, panel(10)))

    asked = asyncio.run(run())
    by_response = defaultdict(Counter)
    orders = {call.key: call.order for call in asked.calls}
    for row in asked.rows:
        by_response[row.response][orders[row.call]] += 1
    assert by_response[0] == by_response[1] == {"1,2,3,4,5": 5, "5,4,3,2,1": 5}


def test_an_item_that_is_too_long_is_not_sent(server, settings, ask, panel):
    item = Item(
        id="long",
        prompt="?",
        responses=(Response(model="a", text="short"), Response(model="b", text="x" * 5000)),
    )

    async def run():
        async with server.running():
            return await ask(settings(max_item_chars=1000), _task(item, panel(3)))

    asked = asyncio.run(run())
    assert Counter((row.response, row.status) for row in asked.rows) == {
        (0, Status.OK): 3,
        (1, Status.FAILED): 3,
    }
    assert {row.reason for row in asked.rows if row.response == 1} == {
        "4000 characters over the limit of 1000 (max_item_chars)"
    }
    assert len(asked.calls) == 3


def test_tokens_are_counted_per_juror_and_add_up(server, settings, ask, item, panel):
    async def run():
        async with server.running():
            batched = await ask(settings(), _task(item, panel(5)))
            singly = await ask(settings(panel_batch=0), _task(item, panel(5)))
            return batched, singly

    batched, singly = asyncio.run(run())
    for asked in (batched, singly):
        account = asked.mind.account
        assert (
            sum(u.prompt_tokens for u in account.by_juror.values()) == account.total.prompt_tokens
        )
        assert set(account.by_juror) == set(range(5))
    assert batched.mind.account.total.prompt_tokens == singly.mind.account.total.prompt_tokens
    assert singly.mind.account.total.cached_tokens > 0
    assert batched.mind.account.total.cache_unknown == batched.mind.account.total.prompt_tokens


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model": "other"}, "does not serve this model"),
        ({"endpoints": ()}, "no server is named"),
        ({"elicitation": "probabilities"}, "no log-probabilities"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_asked(change, said, server, settings):
    async def run():
        server.kind = "other"
        server._choice = lambda body, messages: {"message": {"content": "4"}}
        async with server.running():
            where = settings().model_copy(update=change)
            async with open_llm_mind(where, position=0, seed=1):
                pass

    with pytest.raises(InputError, match=said):
        asyncio.run(run())


def test_nobody_at_the_address(settings, server):
    async def run():
        async with server.running():
            pass
        async with open_llm_mind(settings(), position=0, seed=1):
            pass

    with pytest.raises(MindUnavailableError, match="Is the server running"):
        asyncio.run(run())
