"""What talk will ask of one language model, beyond its first ballot: at most, by rough lengths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from graphs.deliberation.plan import Plan
from graphs.items import Item, Question
from graphs.llm.accounting import Usage, token_cost
from graphs.llm.estimate import CHARACTERS_PER_TOKEN, Estimate, TalkEstimate
from graphs.llm.settings import LlmSettings
from juries.deliberation.asking import workload

_ROW_BYTES = 220
"""Ledger bytes of an answer with its call, as in `graphs.llm.estimate`."""


def with_talk(
    first: Estimate,
    *,
    settings: LlmSettings,
    plan: Plan,
    items: Sequence[Item],
    asked: Sequence[Question],
    replicates: int,
    jurors: int,
) -> Estimate:
    """An estimate of one ballot with what the talk adds: later ballots, turns and the control.

    Nobody is taken to stop early, every statement to be of full length, and every juror to hear
    all speakers, up to `transcript_characters`; so it is more than will be asked.

    Args:
        first: one ballot of this mind's jurors over the items.
        settings: of the mind.
        plan: of the deliberation.
        items: those that the run covers.
        asked: questions about each response.
        replicates: how often each is put in a ballot.
        jurors: how many the mind answers for.
    """
    spec, share = plan.spec, jurors / plan.seats
    work = workload(plan, items, asked, replicates)
    ballots = 1 + spec.running_votes  # beside the first
    control = work.control_ratings / max(1, work.ratings / (1 + ballots))
    turns = work.turns * share
    opening = _opening(first, items)
    votes = [*range(1, spec.running_votes + 1), spec.rounds]
    speakers = turns / max(1, spec.rounds * len(items)) / share
    heard = [_heard(plan, speakers, after) for after in range(spec.rounds + 1)]
    prompts = (
        first.calls * sum(opening + heard[after] for after in votes)
        + first.prompt_tokens * control
        + turns / spec.rounds * sum(opening + heard[after] for after in range(spec.rounds))
    )
    generated = (
        first.generated_tokens * (ballots + control)
        + turns * spec.statement_characters / CHARACTERS_PER_TOKEN
    )
    calls = first.calls * (ballots + control) + turns
    cost = None
    if settings.price is not None:
        usage = Usage(prompt_tokens=round(prompts), completion_tokens=round(generated))
        cost = token_cost(settings.price, usage)
    talk = TalkEstimate(
        calls=round(calls),
        prompt_tokens=round(prompts),
        generated_tokens=round(generated),
        ledger_bytes=round(calls * _ROW_BYTES + turns * spec.statement_characters),
        cost=cost,
    )
    return replace(first, talk=talk)


def _opening(first: Estimate, items: Sequence[Item]) -> float:
    """Tokens of a conversation in talk before anybody spoke: all responses, not one of them."""
    texts = [[len(response.text) for response in item.responses] for item in items]
    several = sum(map(sum, texts)) / len(items)
    one = several / max(1.0, sum(map(len, texts)) / len(items))
    return first.prompt_tokens / max(1, first.calls) + (several - one) / CHARACTERS_PER_TOKEN


def _heard(plan: Plan, speakers: float, rounds: int) -> float:
    """Tokens of talk in front of a juror after so many rounds."""
    characters = rounds * speakers * plan.spec.statement_characters
    return min(characters, plan.spec.transcript_characters) / CHARACTERS_PER_TOKEN
