"""The adaptive limit: growth, cuts, order, and no place lost when waiters give up."""

from __future__ import annotations

import asyncio
import contextlib
import math

from hypothesis import given
from hypothesis import strategies as st

from graphs.llm.gate import DECREASE, Gate


def test_never_more_in_flight_than_the_limit_but_for_a_group_alone():
    async def run(weights, most):
        gate, seen = Gate(most), []

        async def work(weight):
            async with gate.hold(weight):
                seen.append((gate.in_flight, gate.limit, weight))
                await asyncio.sleep(0)
            gate.succeeded(weight)

        await asyncio.gather(*(work(weight) for weight in weights))
        return gate, seen

    @given(
        st.lists(st.integers(1, 40), min_size=1, max_size=60),
        st.integers(1, 100),
    )
    def holds(weights, most):
        gate, seen = asyncio.run(run(weights, most))
        assert len(seen) == len(weights)
        assert gate.in_flight == gate.waiting == 0
        assert all(now <= limit or now == weight for now, limit, weight in seen)
        assert gate.limit <= most

    holds()


def test_waiters_are_served_in_order():
    async def run():
        gate, order = Gate(4), []

        async def work(number):
            async with gate.hold(1):
                order.append(number)
                await asyncio.sleep(0)

        await asyncio.gather(*(work(number) for number in range(20)))
        return order

    assert asyncio.run(run()) == list(range(20))


def test_starts_at_a_quarter_doubles_under_load_and_then_grows_by_one():
    async def fill(gate):
        """One window of successes, with the gate full."""
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(int(gate.limit)):
                await stack.enter_async_context(gate.hold(1))
            for _ in range(math.ceil(gate.limit)):
                gate.succeeded()

    async def run():
        gate = Gate(64)
        limits = [gate.limit]
        for _ in range(2):
            await fill(gate)
            limits.append(gate.limit)
        async with gate.hold() as cuts:
            gate.congested(cuts)
        limits.append(gate.limit)
        await fill(gate)
        limits.append(gate.limit)
        return limits

    after = 64 * DECREASE
    assert asyncio.run(run()) == [16, 32, 64, after, after + 1]


def test_failures_of_one_moment_cut_once_and_later_ones_again():
    async def run():
        gate = Gate(400)
        async with gate.hold() as first, gate.hold() as second:
            gate.congested(first)
            once = gate.limit
            gate.congested(second)
            assert gate.limit == once
        async with gate.hold() as third:
            gate.congested(third)
        return once, gate.limit

    once, twice = asyncio.run(run())
    assert once == 100 * DECREASE
    assert twice == once * DECREASE


def test_without_load_the_limit_does_not_grow():
    async def run():
        gate = Gate(64)
        for _ in range(100):
            async with gate.hold():
                pass
            gate.succeeded()
        return gate.limit

    assert asyncio.run(run()) == 16


def test_a_pause_holds_everybody_back_and_ends():
    async def run():
        gate, loop = Gate(8), asyncio.get_running_loop()
        async with gate.hold() as cuts:
            gate.congested(cuts, pause=0.05)
        began = loop.time()
        async with gate.hold():
            return loop.time() - began

    assert asyncio.run(run()) >= 0.045


def test_who_gives_up_waiting_takes_no_place():
    async def run():
        gate = Gate(4)  # limit 1
        async with gate.hold():
            waiting = [asyncio.create_task(_hold(gate)) for _ in range(5)]
            await asyncio.sleep(0)
            for task in waiting[:3]:
                task.cancel()
            await asyncio.gather(*waiting[:3], return_exceptions=True)
            assert gate.waiting == 2
        await asyncio.gather(*waiting[3:])
        assert gate.in_flight == gate.waiting == 0

    async def _hold(gate):
        async with gate.hold():
            await asyncio.sleep(0)

    asyncio.run(run())


def test_a_place_given_to_someone_cancelled_goes_to_the_next():
    async def hold(gate, got):
        async with gate.hold():
            got.append(1)

    async def run():
        gate, got = Gate(1), []
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(gate.hold())
            first = asyncio.create_task(hold(gate, got))
            second = asyncio.create_task(hold(gate, got))
            await asyncio.sleep(0)
        # `first` has its place but has not run yet.
        first.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
        assert len(got) == 1
        assert gate.in_flight == 0

    asyncio.run(run())
