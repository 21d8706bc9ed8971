"""The nodes of mediation: opinions, drafts, rankings, critiques, and what the jury agrees on.

The shape is the Habermas machine's (Tessler et al. 2024): opinions go to the mediator alone, every
juror ranks the drafts in private, the winner is criticised and revised, and the last winner is told
to all before the final ballot.
"""

from __future__ import annotations

import numpy as np
from langgraph.runtime import Runtime

from graphs.deliberation.context import DeliberationContext, DeliberationState, TalkingBench
from graphs.deliberation.floor import Floor
from graphs.deliberation.nodes import say
from graphs.deliberation.plan import MEDIATOR
from graphs.deliberation.spec import Mediator
from graphs.deliberation.stopping import Stop, budget_spent
from graphs.minds.deliberator import MediateTask, RankTask
from graphs.ranking import (
    Outcome,
    approval,
    borda,
    break_tie,
    instant_runoff,
    ranks_from_orders,
    schulze,
)
from graphs.records import Preference, Statement, Status, Turn, Utterance

Context = Runtime[DeliberationContext]
_RULES = {"schulze": schulze, "borda": borda, "instant_runoff": instant_runoff}


async def opinions(state: DeliberationState, runtime: Context) -> DeliberationState:
    """Every juror tells the mediator their opinion, unheard by the others."""
    context = runtime.context
    floor = await context.floor(state["item"])
    order = context.plan.order(floor.item, 1)
    added = await say(context, floor, 1, Utterance.OPINION, order, ())
    return _counted(state, added, round=1)


async def critique(state: DeliberationState, runtime: Context) -> DeliberationState:
    """Every juror tells the mediator what they miss in the leading statement."""
    context, round_ = runtime.context, state.get("round", 0) + 1
    floor = await context.floor(state["item"])
    leading = winner(context, floor, round_ - 1)
    about = () if leading is None else (leading,)
    order = context.plan.order(floor.item, round_)
    added = await say(context, floor, round_, Utterance.CRITIQUE, order, (), about=about)
    return _counted(state, added, round=round_)


async def draft(state: DeliberationState, runtime: Context) -> DeliberationState:
    """The mediator drafts group statements; a leading one stands again beside its revisions."""
    context, round_ = runtime.context, state.get("round", 0)
    floor = await context.floor(state["item"])
    protocol = context.plan.spec.protocol
    count = protocol.candidates if isinstance(protocol, Mediator) else 0
    leading = winner(context, floor, round_ - 1) if round_ > 1 else None
    task = MediateTask(
        item=context.items[floor.item],
        position=floor.item,
        questions=context.questions,
        seed=context.seed,
        round=round_,
        candidates=count,
        opinions=floor.said(1, Utterance.OPINION),
        leading=leading,
        critiques=floor.said(round_, Utterance.CRITIQUE),
        limit=context.plan.spec.statement_characters,
        answered=floor.turns(round_),
    )

    async def ask(bench: TalkingBench) -> int:
        drafted = 0
        async for rows in bench.mind.mediate(task):
            drafted += await context.take(floor, rows)
        return drafted

    added = await context.of_one(context.mediator, ask)
    if leading is not None:
        turn = Turn(floor.item, round_, Utterance.CANDIDATE, MEDIATOR, count)
        if turn not in floor.turns(round_):
            added += await context.take(floor, [_said_again(leading, turn)])
    stop = None if candidates(floor, round_) else Stop.NO_CANDIDATE
    return _counted(state, added, stop=stop)


async def rank(state: DeliberationState, runtime: Context) -> DeliberationState:
    """Every juror ranks the drafts in private, and says which they would put their name to."""
    context, round_ = runtime.context, state.get("round", 0)
    floor = await context.floor(state["item"])
    standing = candidates(floor, round_)

    async def ask(bench: TalkingBench) -> int:
        task = RankTask(
            item=context.items[floor.item],
            position=floor.item,
            panel=bench.panel,
            questions=context.questions,
            seed=context.seed,
            round=round_,
            candidates=standing,
            answered=floor.polls(round_),
        )
        added = 0
        async for rows in bench.mind.rank(task):
            added += await context.take(floor, rows)
        return added

    added = await context.of_all(ask)
    stop = budget_spent(context.plan.spec.stop, floor, round_)
    if stop is None and round_ >= context.plan.spec.rounds:
        stop = Stop.ROUNDS
    return _counted(state, added, stop=stop)


async def agree(state: DeliberationState, runtime: Context) -> DeliberationState:
    """The winning statement is told to all."""
    context, round_ = runtime.context, state.get("round", 0)
    floor = await context.floor(state["item"])
    leading = winner(context, floor, round_)
    if leading is None or floor.said(round_, Utterance.AGREED):
        return _counted(state, 0)
    turn = Turn(floor.item, round_, Utterance.AGREED, MEDIATOR, leading.about)
    return _counted(state, await context.take(floor, [_said_again(leading, turn)]))


def candidates(floor: Floor, round_: int) -> tuple[Statement, ...]:
    """Drafts of a round that can be ranked."""
    drafts = floor.said(round_, Utterance.CANDIDATE)
    return tuple(row for row in drafts if row.status == Status.OK)


def winner(context: DeliberationContext, floor: Floor, round_: int) -> Statement | None:
    """The statement that a round's rankings put first; None where there was none to rank."""
    standing = {row.about: row for row in candidates(floor, round_)}
    if not standing:
        return None
    outcome = count_rankings(context, floor.preferences(round_), tuple(standing))
    names = ("item", floor.item, "round", round_)
    return standing[tuple(standing)[break_tie(outcome, seed=context.seed, names=names)]]


def count_rankings(
    context: DeliberationContext, ballots: tuple[Preference, ...], standing: tuple[int, ...]
) -> Outcome:
    """Apply the study's ranking rule; candidates are numbered by their place in `standing`."""
    protocol = context.plan.spec.protocol
    rule = protocol.rule if isinstance(protocol, Mediator) else "schulze"
    place = {about: at for at, about in enumerate(standing)}
    valid = [row for row in ballots if row.status == Status.OK]
    if rule == "approval":
        approved = np.zeros((len(valid), len(standing)), dtype=np.bool_)
        for at, row in enumerate(valid):
            approved[at, [place[about] for about in named(row.endorsed)]] = True
        return approval(approved)
    orders = [[place[about] for about in named(row.ranking)] for row in valid]
    return _RULES[rule](ranks_from_orders(orders, len(standing)))


def named(listed: str | None) -> tuple[int, ...]:
    """The candidates in a stored list such as `2,0,1`."""
    return tuple(int(about) for about in listed.split(",")) if listed else ()


def _said_again(row: Statement, turn: Turn) -> Statement:
    return Statement(*turn, *row[5:])._replace(order=max(turn.about, 0), tokens=None, call=None)


def _counted(
    state: DeliberationState, added: int, **changed: int | str | None
) -> DeliberationState:
    merged = {**state, **changed, "recorded": state.get("recorded", 0) + added}
    return DeliberationState(**merged)  # pyright: ignore[reportArgumentType] (its own keys)
