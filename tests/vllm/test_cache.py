"""What jurors share is computed once: the server's own count against the least possible."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from graphs.items import Criterion, Item, Response
from graphs.llm.metrics import block_size, counters
from graphs.llm.prefixes import PrefixCache
from graphs.llm.probing import token_ids
from graphs.minds.llm import open_llm_mind
from graphs.minds.protocol import RatingTask
from graphs.panel import Juror, Panel
from personas.persona import Persona

SCALE = Criterion(name="overall", question="How helpful is it?", points=("bad", "fair", "good"))
JURORS = 16
runs = itertools.count()


def _task(fresh):
    """Texts that the server has not seen, so that its cache holds nothing of them."""
    panel = Panel(
        tuple(
            Juror(
                position=n,
                id=f"j{n}",
                persona=Persona(attributes={"age": 20 + n}),
                weight=1 / JURORS,
                mind="m",
                portrait=f"{fresh} You are {20 + n} years old and live in the South. " * 4,
            )
            for n in range(JURORS)
        )
    )
    item = Item(
        id=fresh,
        prompt=f"{fresh}: how should a town decide what to build? " * 4,
        responses=(
            Response(model="a", text=f"By asking everybody there, {fresh}. " * 20),
            Response(model="b", text=f"By drawing lots among them, {fresh}. " * 20),
        ),
    )
    return RatingTask(item=item, position=0, panel=panel, questions=(SCALE,), seed=1)


async def _computed(settings, task):
    """Tokens that the server computed for a task, and the least that blocks allow."""
    conversations = []
    async with open_llm_mind(settings, position=0, seed=1) as mind:
        converse = mind.session.converse

        async def overhear(puts, fields, **more):
            conversations.extend(put.messages for put in puts)
            return await converse(puts, fields, **more)

        mind.session.converse = overhear
        server = mind.session.client.endpoints[0]
        before = await counters(server)
        _ = [row async for rows in mind.rate(task) for row in rows]
        after = await counters(server)
        cache = PrefixCache(await block_size(server))
        least = 0
        for messages in conversations:
            tokens = await token_ids(
                mind.session.client, mind.name, messages=messages, add_generation_prompt=True
            )
            least += cache.computed(tokens)
    counted = after.since(before)
    return counted["prompt_tokens"] - counted["cached_tokens"], least, counted


@pytest.mark.parametrize("layout", ["item-first", "persona-first"])
@pytest.mark.parametrize("batch", [0, 8])
def test_little_more_is_computed_than_the_layout_must(layout, batch, served):
    settings = served.settings(layout=layout, panel_batch=batch)
    computed, least, counted = asyncio.run(_computed(settings, _task(f"run {next(runs)} {batch}")))
    assert counted["generated_tokens"] == 2 * JURORS
    # The bound is one; only what all prompts begin with may be held from tests before.
    assert least <= computed + 512
    assert computed <= 1.15 * least


def test_item_first_computes_less_than_persona_first(served):
    computed = {
        layout: asyncio.run(
            _computed(served.settings(layout=layout), _task(f"run {next(runs)} {layout[:1]}"))
        )[0]
        for layout in ("item-first", "persona-first")
    }
    assert computed["item-first"] < 0.8 * computed["persona-first"]


def test_single_calls_tell_how_much_was_cached(served):
    async def run():
        settings = served.settings(panel_batch=0)
        async with open_llm_mind(settings, position=0, seed=1) as mind:
            task = _task(f"run {next(runs)} cached")
            _ = [row async for rows in mind.rate(task) for row in rows]
            return mind.account.total

    total = asyncio.run(run())
    assert total.cache_unknown == 0
    assert 0 < total.cached_tokens < total.prompt_tokens
