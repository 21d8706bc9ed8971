"""The nodes of the deliberation graphs: plain async functions from state and context to state.

Each asks only for what the floor does not hold yet, so a node may run again at any time.
"""

from __future__ import annotations

from langgraph.runtime import Runtime

from graphs.deliberation.context import DeliberationContext, DeliberationState, TalkingBench
from graphs.deliberation.feedback import feedback
from graphs.deliberation.floor import Floor
from graphs.deliberation.plan import MEDIATOR
from graphs.deliberation.stopping import Stop, reason_to_stop
from graphs.deliberation.summaries import too_long
from graphs.minds.deliberator import Round, Side, SpeakTask
from graphs.records import Statement, Status, Turn, Utterance

Context = Runtime[DeliberationContext]


async def first_ballot(state: DeliberationState, runtime: Context) -> DeliberationState:
    """Every juror rates in private, having heard nobody."""
    floor = await runtime.context.floor(state["item"])
    added = await runtime.context.ballot(floor, 0, ())
    return {"item": state["item"], "round": 0, "stop": None, "recorded": added}


async def speak(state: DeliberationState, runtime: Context) -> DeliberationState:
    """A round of discussion: every juror makes a statement; one may have to object."""
    context, round_ = runtime.context, state.get("round", 0) + 1
    floor = await context.floor(state["item"])
    in_turn = context.plan.spec.in_turn
    added = await _condense(context, floor, round_)
    order = context.plan.order(floor.item, round_)
    given = context.sides(floor, round_)
    groups = [(seat,) for seat in order] if in_turn else [order]
    for group in groups:
        heard = context.heard(floor, round_ - 1)
        if in_turn:
            heard = (*heard, context.round(floor, round_))
        for kind, speakers in (
            (Utterance.STATEMENT, [seat for seat in group if seat not in given]),
            (Utterance.OBJECTION, [seat for seat in group if seat in given]),
        ):
            added += await say(context, floor, round_, kind, speakers, heard, sides=given)
    return _went_on(context, state, round_, added)


async def report(state: DeliberationState, runtime: Context) -> DeliberationState:
    """A round of Delphi: all are told how the ratings stand, and some reasons of both sides."""
    context, round_ = runtime.context, state.get("round", 0) + 1
    floor = await context.floor(state["item"])
    added = 0
    if not floor.said(round_, Utterance.FEEDBACK):
        added = await context.take(floor, [feedback(context, floor, round_)])
    return _went_on(context, state, round_, added)


async def argue(state: DeliberationState, runtime: Context) -> DeliberationState:
    """A round of debate: advocates of each side by the first ballot open, then rebut."""
    context, round_ = runtime.context, state.get("round", 0) + 1
    floor = await context.floor(state["item"])
    given = context.sides(floor, round_)
    if not given:
        return {**state, "stop": Stop.ONE_SIDED}
    kind = Utterance.ADVOCACY if round_ == 1 else Utterance.REBUTTAL
    heard = context.heard(floor, round_ - 1)
    order = [seat for seat in context.plan.order(floor.item, round_) if seat in given]
    added = await say(context, floor, round_, kind, order, heard, sides=given)
    return _went_on(context, state, round_, added)


async def rest(state: DeliberationState, runtime: Context) -> DeliberationState:
    """A round without talk, as in the control."""
    return _went_on(runtime.context, state, state.get("round", 0) + 1, 0)


async def vote(state: DeliberationState, runtime: Context) -> DeliberationState:
    """A running vote, private or shown in the next round; and whether talk goes on."""
    context, round_ = runtime.context, state.get("round", 0)
    floor = await context.floor(state["item"])
    added = 0
    if context.plan.spec.votes != "none":
        added = await context.ballot(floor, round_, heard_at(context, floor, round_))
    stop = reason_to_stop(
        context.plan.spec,
        floor,
        round_,
        seats=context.plan.seats,
        responses=len(context.items[floor.item].responses),
        questions=context.questions,
    )
    recorded = state.get("recorded", 0) + added
    return {"item": state["item"], "round": round_, "stop": stop, "recorded": recorded}


async def final_ballot(state: DeliberationState, runtime: Context) -> DeliberationState:
    """Every juror rates in private, having heard everything that was said to them."""
    context, round_ = runtime.context, state.get("round", 0)
    floor = await context.floor(state["item"])
    added = 0
    if not floor.said(round_, Utterance.CLOSED):
        added = await context.take(floor, [_closed(floor, round_, state.get("stop"))])
    heard = heard_at(context, floor, round_)
    counted = await context.ballot(floor, context.plan.spec.final_round, heard)
    del context.floors[floor.item]
    recorded = state.get("recorded", 0) + added + counted
    return {**state, "recorded": recorded, "counted": counted}


async def control(state: DeliberationState, runtime: Context) -> DeliberationState:
    """The jury rates as often again as if nobody had talked; on a sampled share of items."""
    context = runtime.context
    floor = await context.floor(state["item"])
    added = 0
    for round_ in context.plan.spec.control_rounds:
        added += await context.ballot(floor, round_, ())
    return {**state, "recorded": state.get("recorded", 0) + added}


def heard_at(context: DeliberationContext, floor: Floor, round_: int) -> tuple[Round, ...]:
    """What a ballot after a round of talk has heard: nothing where nobody talks."""
    if context.plan.spec.protocol.kind == "independent":
        return ()
    return context.heard(floor, round_)


async def say(
    context: DeliberationContext,
    floor: Floor,
    round_: int,
    kind: Utterance,
    speakers: list[int] | tuple[int, ...],
    heard: tuple[Round, ...],
    *,
    sides: dict[int, Side] | None = None,
    about: tuple[Statement, ...] = (),
) -> int:
    """Have some seats say something, each bench its own; how many rows were added."""
    if not speakers:
        return 0
    place = {seat: at for at, seat in enumerate(context.plan.order(floor.item, round_))}
    ballots = floor.ballots(round_ - 1) or floor.ballots(0)

    async def ask(bench: TalkingBench) -> int:
        own = {juror.position for juror in bench.panel.jurors}
        speaking = tuple(seat for seat in speakers if seat in own)
        if not speaking:
            return 0
        task = SpeakTask(
            item=context.items[floor.item],
            position=floor.item,
            panel=bench.panel,
            speakers=speaking,
            order=tuple(place[seat] for seat in speaking),
            questions=context.questions,
            seed=context.seed,
            round=round_,
            kind=kind,
            heard=heard,
            ballots=tuple(row for row in ballots if row.juror in speaking),
            sides={seat: side for seat, side in (sides or {}).items() if seat in speaking},
            about=about,
            limit=context.plan.spec.statement_characters,
            answered=floor.turns(round_),
        )
        added = 0
        async for rows in bench.mind.speak(task):
            added += await context.take(floor, rows)
        return added

    return await context.of_all(ask)


def _closed(floor: Floor, round_: int, stop: str | None) -> Statement:
    """A row that says when talk ended, and why."""
    return Statement(
        *Turn(floor.item, round_, Utterance.CLOSED, MEDIATOR, -1),
        order=0,
        status=Status.OK.value,
        text=Stop(stop).value if stop else None,
        stance=None,
        tokens=None,
        raw=None,
        mind=-1,
        call=None,
    )


def _went_on(
    context: DeliberationContext, state: DeliberationState, round_: int, added: int
) -> DeliberationState:
    """A round was held; after the last one the final ballot follows without a running vote."""
    stop = Stop.ROUNDS if round_ >= context.plan.spec.rounds else None
    recorded = state.get("recorded", 0) + added
    return {"item": state["item"], "round": round_, "stop": stop, "recorded": recorded}


async def _condense(context: DeliberationContext, floor: Floor, round_: int) -> int:
    """Have speakers condense what they said, once somebody has heard more than the budget."""
    if round_ == 1 or not too_long(context, floor, round_):
        return 0
    speakers = sorted({row.juror for r in range(1, round_) for row in floor.said(r, *SPOKEN)})
    heard = context.heard(floor, round_ - 1)
    return await say(context, floor, round_, Utterance.SUMMARY, speakers, heard)


SPOKEN = (Utterance.STATEMENT, Utterance.OBJECTION)
