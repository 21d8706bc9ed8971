"""What a study will ask of its servers, before it asks: calls, tokens, bytes, time and money.

A sample of the conversations is rendered for real and cut into tokens, by the server's own
tokenizer where one answers. What a prefix cache holds of them is simulated, in the order in which
the study asks, and both are extrapolated over items and jurors.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from graphs.items import Item, shown
from graphs.llm.accounting import Cost, Usage, gpu_cost, token_cost
from graphs.llm.planning import grouped, unchecked_plan
from graphs.llm.prefixes import BLOCK, PrefixCache
from graphs.llm.prompts import load_prompts
from graphs.llm.rendering import Message, Renderer
from graphs.llm.settings import GpuPrice, Layout, LlmSettings, Method
from graphs.llm.sitting import Sitting, groups
from graphs.minds.protocol import RatingTask
from graphs.panel import Panel

T = TypeVar("T")

Tokenize = Callable[[Sequence[Message]], Awaitable[Sequence[int]]]
"""The tokens of a conversation, its template included."""

LAYOUTS: tuple[Layout, ...] = ("item-first", "persona-first")
CHARACTERS_PER_TOKEN = 4
_SAMPLED_ITEMS = 8
_SAMPLED_JURORS = 6
_RATING_BYTES = 110
_CALL_BYTES = 110
"""Ledger bytes of a row without its texts, measured over runs."""
_LABEL_TOKENS = 3
_JSON_TOKENS = 10
_SENTENCE_TOKENS = 40
_SECOND_TURN_TOKENS = 24
"""What asking for a reason adds to a conversation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What a study asks of one mind: the task, but for all items.

    Attributes:
        share: of the task's jurors, how many are asked about an item on average.
    """

    items: Sequence[Item]
    task: RatingTask
    share: float = 1.0

    @property
    def jurors(self) -> float:
        """How many are asked about an item, on average."""
        return self.share * len(self.task.panel)


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkEstimate:
    """What deliberation adds to one ballot, at most: later ballots, turns, the control.

    Attributes:
        prompt_tokens: of all prompts, before any reuse of prefixes.
        cost: of these tokens at the price of fresh ones; None without a price.
    """

    calls: int
    prompt_tokens: int
    generated_tokens: int
    ledger_bytes: int
    cost: Cost | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a mind will be asked in one ballot.

    Attributes:
        calls: conversations put.
        prompt_tokens: of all prompts, in the study's layout.
        computed_tokens: of those, what is left to compute after prefix reuse, by layout.
        generated_tokens: of replies of usual length.
        ledger_bytes: rows and texts.
        counted_by: whose tokens these are.
        block: tokens in a block of the prefix cache.
        seconds: of computing, from the stated throughput; None without one.
        cost: None without a price.
        talk: what deliberation adds; None where the jury does not talk.
    """

    model: str
    elicitation: Method
    layout: Layout
    calls: int
    prompt_tokens: int
    computed_tokens: dict[Layout, int]
    generated_tokens: int
    ledger_bytes: int
    counted_by: str
    block: int
    seconds: float | None
    cost: Cost | None
    talk: TalkEstimate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What one layout takes: conversations, tokens of prompts, and those left to compute."""

    calls: int
    prompts: float
    computed: float


async def estimate(
    settings: LlmSettings,
    asking: Asking,
    *,
    method: Method,
    layouts: Sequence[Layout] = LAYOUTS,
    tokenize: Tokenize | None = None,
    block: int = BLOCK,
    several: bool = True,
) -> Estimate:
    """Estimate what a study asks of a mind.

    Args:
        settings: of the mind.
        asking: what is asked, and of whom.
        method: how ratings are asked for.
        layouts: for which layouts to count what is computed; the study's own is always counted.
        tokenize: the server's tokenizer; without it, four characters make a token.
        block: tokens in a block of the server's prefix cache.
        several: samples come several to a request.
    """
    own = settings.layout
    works: dict[Layout, _Work] = {
        layout: await _work(
            settings.model_copy(update={"layout": layout}),
            asking,
            method,
            tokenize or by_characters,
            block,
            several=several,
        )
        for layout in dict.fromkeys((own, *layouts))
    }
    calls, prompts = works[own].calls, round(works[own].prompts)
    computed: dict[Layout, int] = {name: round(work.computed) for name, work in works.items()}
    ratings = round(len(asking.items) * asking.jurors * _questions(asking))
    generated, said = _generated(settings, method, ratings, calls)
    seconds = _seconds(settings.gpu, computed[own], generated)
    return Estimate(
        model=settings.model,
        elicitation=method,
        layout=own,
        calls=calls,
        prompt_tokens=prompts,
        computed_tokens=computed,
        generated_tokens=generated,
        ledger_bytes=ratings * _RATING_BYTES + calls * _CALL_BYTES + said * CHARACTERS_PER_TOKEN,
        counted_by="the server's tokenizer" if tokenize else "4 characters a token",
        block=block,
        seconds=seconds,
        cost=_cost(settings, prompts, computed[own], generated, seconds),
    )


async def by_characters(messages: Sequence[Message]) -> Sequence[int]:
    """Tokens where no tokenizer answers: every four characters one, some for each message."""
    text = "".join(f"<{message['role']}>{message['content']}" for message in messages)
    size = CHARACTERS_PER_TOKEN
    return [hash(text[start : start + size]) for start in range(0, len(text), size)]


async def _work(
    settings: LlmSettings,
    asking: Asking,
    method: Method,
    tokenize: Tokenize,
    block: int,
    *,
    several: bool,
) -> _Work:
    """Render a sample of items and jurors, run it through the cache, and extrapolate."""
    task = asking.task
    items = _spread(asking.items, _SAMPLED_ITEMS, _item_length)
    jurors = _spread(task.panel.jurors, _SAMPLED_JURORS, lambda juror: len(juror.portrait))
    panel = Panel(tuple(jurors))
    renderer = Renderer(load_prompts(settings.prompts), settings)
    plans = [
        (criteria, unchecked_plan(tuple(task.questions[c] for c in criteria), settings, method))
        for criteria in grouped(task.questions, settings, method)
    ]
    shape = (len(items), len(jurors))
    prompts, computed, put = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    cache = PrefixCache(block)
    for row, item in enumerate(items):
        sitting = Sitting.of(_task_about(task, item, panel))
        for group in groups(sitting, renderer, plans, shuffle=True):
            if group.subject.refusal is not None:
                continue
            puts = group.puts(renderer, group.seats)
            tokens = await asyncio.gather(*(tokenize(each.messages) for each in puts))
            for seat, each in enumerate(tokens):
                prompts[row, seat] += len(each)
                computed[row, seat] += cache.computed(each)
                put[row, seat] += 1
    size = (len(asking.items), asking.jurors)
    again = (settings.draws - 1 if method == "sampled" and not several else 0) + (
        settings.reason == "separate"
    )
    # What is put again is held but for its last block, and a second turn is a little longer.
    tail = put * (block / 2 + _SECOND_TURN_TOKENS * (settings.reason == "separate"))
    return _Work(
        calls=round(_extrapolated(put * (1 + again), size)),
        prompts=_extrapolated(prompts * (1 + again), size),
        computed=_extrapolated(computed + again * tail, size),
    )


def _spread(values: Sequence[T], most: int, length: Callable[[T], int]) -> list[T]:
    """So many of the values, at even steps of their length, so that means are kept."""
    if len(values) <= most:
        return list(values)
    ordered = sorted(range(len(values)), key=lambda place: length(values[place]))
    chosen = (ordered[(2 * n + 1) * len(values) // (2 * most)] for n in range(most))
    return [values[place] for place in sorted(chosen)]


def _item_length(item: Item) -> int:
    return len(item.prompt) + sum(len(response.text) for response in item.responses)


def _task_about(task: RatingTask, item: Item, panel: Panel) -> RatingTask:
    return RatingTask(
        item=item,
        position=0,
        panel=panel,
        questions=task.questions,
        seed=task.seed,
        replicates=task.replicates,
    )


def _extrapolated(sample: NDArray[np.float64], size: tuple[int, float]) -> float:
    """The sum over all items and jurors, from a sample of shape [items, jurors].

    The first item and the first juror pay for what the others share, so each is counted apart.
    """
    items, jurors = size
    if not sample.size:
        return 0.0
    rest_of_items = sample[1:] if len(sample) > 1 else sample
    total = min(1.0, jurors) * (sample[0, 0] + (items - 1) * rest_of_items[:, 0].mean())
    if jurors > 1:
        first = sample[0, 1:] if sample.shape[1] > 1 else sample[0]
        rest = rest_of_items[:, 1:] if sample.shape[1] > 1 else rest_of_items
        total += (jurors - 1) * (first.mean() + (items - 1) * rest.mean())
    return float(total)


def _questions(asking: Asking) -> int:
    """Questions put to a juror about an item, on average over items."""
    task = asking.task
    subjects = sum(len(shown(item, task.questions)) for item in asking.items)
    each = len(task.questions) * task.replicates
    return round(each * subjects / max(1, len(asking.items)))


def _generated(settings: LlmSettings, method: Method, ratings: int, calls: int) -> tuple[int, int]:
    """Tokens of all replies, and of those the ones that the ledger keeps as reasons."""
    sentence = min(_SENTENCE_TOKENS, settings.reason_tokens)
    said = ratings * sentence if settings.reason != "none" else 0
    if method == "structured":
        return ratings * _JSON_TOKENS + said, said
    if method == "sampled":
        return ratings * settings.draws * _LABEL_TOKENS + said, said
    return calls + said, said


def _seconds(gpu: GpuPrice | None, computed: int, generated: int) -> float | None:
    if gpu is None or not gpu.prefill_tokens_per_s or not gpu.decode_tokens_per_s:
        return None
    work = computed / gpu.prefill_tokens_per_s + generated / gpu.decode_tokens_per_s
    return work / gpu.gpus


def _cost(
    settings: LlmSettings, prompts: int, computed: int, generated: int, seconds: float | None
) -> Cost | None:
    if settings.price is not None:
        usage = Usage(
            prompt_tokens=prompts,
            cached_tokens=prompts - computed,
            completion_tokens=generated,
        )
        return token_cost(settings.price, usage)
    if settings.gpu is not None and seconds is not None:
        return gpu_cost(settings.gpu, seconds)
    return None
