"""What is estimated, against counting everything; and the cache that is simulated."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphs.items import Criterion, Item, Response
from graphs.llm.accounting import Account, Usage, gpu_cost, token_cost
from graphs.llm.estimate import Asking, by_characters, estimate
from graphs.llm.planning import grouped, unchecked_plan
from graphs.llm.prefixes import PrefixCache
from graphs.llm.prompts import load_prompts
from graphs.llm.rendering import Renderer
from graphs.llm.session import apportion
from graphs.llm.settings import GpuPrice, LlmSettings, TokenPrice
from graphs.llm.sitting import Sitting, groups
from graphs.minds.protocol import RatingTask
from graphs.panel import Juror, Panel
from graphs.records import Call
from personas.identity import generator
from personas.persona import Persona

SCALE = Criterion(name="g", question="How good?", points=("a", "b", "c"))


def _asking(items, jurors, *, questions=(SCALE,), replicates=1):
    stream = generator(0, "lengths")
    panel = Panel(
        tuple(
            Juror(
                position=n,
                id=f"j{n}",
                persona=Persona(attributes={"age": n}),
                weight=1.0,
                mind="m",
                portrait=f"You are {n}. " + "You live here. " * int(stream.integers(5, 30)),
            )
            for n in range(jurors)
        )
    )
    made = [
        Item(
            id=str(n),
            prompt=f"Question {n}? " * int(stream.integers(1, 20)),
            responses=tuple(
                Response(model=m, text=f"Answer {n} of {m}. " * int(stream.integers(5, 80)))
                for m in "ab"
            ),
        )
        for n in range(items)
    ]
    task = RatingTask(
        item=made[0], position=0, panel=panel, questions=questions, seed=1, replicates=replicates
    )
    return Asking(items=made, task=task)


def _counted(settings, asking, method):
    """The same by rendering everything."""
    renderer = Renderer(load_prompts(), settings)
    questions = asking.task.questions
    plans = [
        (criteria, unchecked_plan(tuple(questions[c] for c in criteria), settings, method))
        for criteria in grouped(questions, settings, method)
    ]
    cache, prompts, computed, calls = PrefixCache(16), 0, 0, 0
    for item in asking.items:
        task = RatingTask(
            item=item, position=0, panel=asking.task.panel, questions=questions, seed=1,
            replicates=asking.task.replicates,
        )  # fmt: skip
        for group in groups(Sitting.of(task), renderer, plans, shuffle=True):
            for put in group.puts(renderer, group.seats):
                tokens = asyncio.run(by_characters(put.messages))
                prompts += len(tokens)
                computed += cache.computed(tokens)
                calls += 1
    return calls, prompts, computed


@pytest.mark.parametrize("layout", ["item-first", "persona-first"])
@pytest.mark.parametrize("size", [(30, 20), (5, 3), (1, 12), (12, 1)])
def test_a_sample_tells_what_counting_everything_does(layout, size):
    settings = LlmSettings(model="m", layout=layout)
    asking = _asking(*size, replicates=2)
    made = asyncio.run(estimate(settings, asking, method="probabilities"))
    calls, prompts, computed = _counted(settings, asking, "probabilities")
    assert made.calls == calls == size[0] * size[1] * 2 * 2
    assert made.prompt_tokens == pytest.approx(prompts, rel=0.05)
    assert made.computed_tokens[layout] == pytest.approx(computed, rel=0.08)


@pytest.mark.parametrize("share", [0.5, 0.25, 0.02])
def test_of_a_sparse_design_just_the_share_is_counted(share):
    """Of 20 jurors 10, 5 or fewer than one are asked about an item, on average."""
    asking = _asking(12, 20)
    whole = asyncio.run(estimate(LlmSettings(model="m"), asking, method="probabilities"))
    sparse = replace(asking, share=share)
    made = asyncio.run(estimate(LlmSettings(model="m"), sparse, method="probabilities"))
    assert made.calls == pytest.approx(share * whole.calls, abs=1)
    assert made.prompt_tokens == pytest.approx(share * whole.prompt_tokens, rel=0.15)
    # Fewer jurors share an item's prefix, so what is computed shrinks less.
    each = made.computed_tokens["item-first"] / whole.computed_tokens["item-first"]
    assert share < each < 1


def test_item_first_computes_far_less_for_a_large_panel():
    made = asyncio.run(estimate(LlmSettings(model="m"), _asking(20, 60), method="probabilities"))
    assert made.computed_tokens["item-first"] < 0.6 * made.computed_tokens["persona-first"]
    assert made.computed_tokens["persona-first"] < made.prompt_tokens


def test_rubrics_in_one_reply_are_one_call_and_reasons_apart_are_two():
    other = SCALE.model_copy(update={"name": "h"})
    asking = _asking(4, 5, questions=(SCALE, other))

    def calls(method, **settings):
        made = estimate(LlmSettings(model="m", **settings), asking, method=method)
        return asyncio.run(made).calls

    each = 4 * 5 * 2
    assert calls("structured") == each
    assert calls("structured", joint_criteria=False) == 2 * each
    assert calls("probabilities") == 2 * each
    assert calls("probabilities", reason="separate") == 4 * each
    assert calls("sampled", draws=7) == 2 * each


def test_samples_one_to_a_request_repeat_the_prompt():
    settings, asking = LlmSettings(model="m", draws=3), _asking(4, 5)
    once = asyncio.run(estimate(settings, asking, method="sampled"))
    each = asyncio.run(estimate(settings, asking, method="sampled", several=False))
    assert each.calls == 3 * once.calls
    assert each.prompt_tokens == pytest.approx(3 * once.prompt_tokens, rel=1e-6)
    more = each.computed_tokens["item-first"] - once.computed_tokens["item-first"]
    assert 0 < more < once.calls * 2 * 16


def test_time_and_cost_follow_from_what_is_stated():
    asking = _asking(4, 5)
    plain = asyncio.run(estimate(LlmSettings(model="m"), asking, method="probabilities"))
    assert plain.cost is plain.seconds is None
    gpu = GpuPrice(per_gpu_hour=3.6, gpus=2, prefill_tokens_per_s=1000, decode_tokens_per_s=100)
    on_gpu = asyncio.run(estimate(LlmSettings(model="m", gpu=gpu), asking, method="probabilities"))
    computed = on_gpu.computed_tokens["item-first"]
    assert on_gpu.seconds == pytest.approx((computed / 1000 + 40 / 100) / 2)
    assert on_gpu.cost.amount == pytest.approx(on_gpu.seconds / 3600 * 2 * 3.6)


@given(
    st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=24), max_size=12), st.integers(1, 5)
)
def test_the_cache_finds_exactly_the_whole_blocks_seen_before(prompts, block):
    cache, seen = PrefixCache(block), []
    for prompt in prompts:
        best = 0
        for earlier in seen:
            same = 0
            while same < min(len(prompt), len(earlier)) and prompt[same] == earlier[same]:
                same += 1
            best = max(best, same // block * block)
        while best >= len(prompt):  # the last token is always computed
            best -= block
        assert cache.computed(prompt) == len(prompt) - best
        seen.append(prompt)


@given(st.one_of(st.none(), st.integers(0, 10**6)), st.lists(st.integers(0, 99), min_size=1))
def test_shares_of_a_request_add_up(total, weights):
    shares = apportion(total, weights)
    assert len(shares) == len(weights)
    if total is None:
        assert set(shares) == {None}
    elif sum(weights):
        assert sum(shares) == total
        exact = [total * weight / sum(weights) for weight in weights]
        assert all(abs(share - one) < 1 for share, one in zip(shares, exact, strict=True))


def _call(**changes):
    plain = Call(
        key="k", mind=0, item=0, juror=1, round=0, purpose="rate", endpoint=0, prompt="p",
        order="1", prompt_tokens=100, cached_tokens=60, completion_tokens=5, shared=1,
        seconds=1.0, attempts=1, notes=None, error=None,
    )  # fmt: skip
    return plain._replace(**changes)


def test_an_account_counts_what_is_known_and_says_what_is_not():
    account = Account()
    for call in (
        _call(),
        _call(juror=2, cached_tokens=None),
        _call(prompt_tokens=None, cached_tokens=None, completion_tokens=None),
        _call(error="no", prompt_tokens=None, cached_tokens=None, completion_tokens=None),
    ):
        account.add(call)
    total = account.total
    assert (total.calls, total.failed, total.uncounted) == (4, 1, 1)
    assert (total.prompt_tokens, total.cached_tokens, total.cache_unknown) == (200, 60, 100)
    assert account.by_juror[1].prompt_tokens == account.by_juror[2].prompt_tokens == 100


def test_prices_are_applied_to_fresh_and_cached_tokens():
    usage = Usage(prompt_tokens=2_000_000, cached_tokens=500_000, completion_tokens=100_000)
    price = TokenPrice(input_per_million=2, output_per_million=10, cached_input_per_million=0.5)
    assert token_cost(price, usage).amount == pytest.approx(1.5 * 2 + 0.5 * 0.5 + 0.1 * 10)
    plain = TokenPrice(input_per_million=2, output_per_million=10)
    assert token_cost(plain, usage).amount == pytest.approx(2 * 2 + 1)
    assert gpu_cost(GpuPrice(per_gpu_hour=3, gpus=4), 1800).amount == pytest.approx(6)
