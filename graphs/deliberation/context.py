"""What the nodes of a deliberation work with, and how they ask benches."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import NotRequired, TypedDict

from graphs.deliberation.floor import Floor
from graphs.deliberation.plan import Plan
from graphs.deliberation.sides import sides
from graphs.items import Item, Question
from graphs.llm.faults import MindUnavailableError
from graphs.minds.deliberator import Deliberator, Round, Side
from graphs.minds.protocol import RatingTask
from graphs.panel import Panel
from graphs.recorder import Recorder
from graphs.records import Preference, Rating, Statement, Utterance


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkingBench:
    """A mind that can deliberate and the jurors it answers for."""

    mind: Deliberator
    panel: Panel


Ask = Callable[[TalkingBench], Awaitable[int]]
"""Puts something to a bench and records what comes; how many rows that were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliberationContext:
    """The same for every item of a run.

    Attributes:
        items: of the study.
        benches: minds with their jurors.
        questions: what is asked about each response.
        plan: who hears whom, and when.
        ledger: takes every row.
        seed: of the study.
        replicates: how often each question is put in each ballot.
        partial: items of which the ledger holds rows already.
        floors: of the items in flight; the nodes fill and empty it.
        unavailable: minds that no server answers for any more, by name.
    """

    items: Sequence[Item] | Mapping[int, Item]
    benches: tuple[TalkingBench, ...]
    questions: tuple[Question, ...]
    plan: Plan
    ledger: Recorder
    seed: int
    replicates: int = 1
    partial: Set[int] = frozenset()
    floors: dict[int, Floor] = field(default_factory=dict[int, Floor])
    unavailable: dict[str, MindUnavailableError] = field(
        default_factory=dict[str, MindUnavailableError]
    )

    @property
    def people(self) -> tuple[TalkingBench, ...]:
        """Benches of people."""
        return tuple(bench for bench in self.benches if bench.mind.kind == "human")

    @property
    def mediator(self) -> TalkingBench:
        """Whose mind mediates: the first that is not people."""
        return next(bench for bench in self.benches if bench.mind.kind != "human")

    @property
    def deserted(self) -> bool:
        """Some mind cannot be asked: a jury that talks does not go on without some of its seats."""
        return bool(self.unavailable)

    async def floor(self, item: int) -> Floor:
        """The item's rows: at hand, read back from the ledger, or none yet."""
        if item not in self.floors:
            rows: tuple[Rating | Statement | Preference, ...] = ()
            if item in self.partial:
                rows = await asyncio.to_thread(self._recorded, item)
            self.floors[item] = Floor(item, rows)
        return self.floors[item]

    def _recorded(self, item: int) -> tuple[Rating | Statement | Preference, ...]:
        return (
            *self.ledger.of_item(Rating, item),
            *self.ledger.of_item(Statement, item),
            *self.ledger.of_item(Preference, item),
        )

    async def take(self, floor: Floor, rows: Sequence[Rating | Statement | Preference]) -> int:
        """Put rows on the floor and into the ledger; how many there were."""
        floor.add(rows)
        await self.ledger.put(rows)
        return len(rows)

    async def ballot(self, floor: Floor, round_: int, heard: tuple[Round, ...]) -> int:
        """Have every juror rate in private; how many rows were added."""
        answered = floor.cells(round_)

        async def ask(bench: TalkingBench) -> int:
            task = RatingTask(
                item=self.items[floor.item],
                position=floor.item,
                panel=bench.panel,
                questions=self.questions,
                round=round_,
                replicates=self.replicates,
                answered=answered,
                seed=self.seed,
            )
            added = 0
            async for rows in bench.mind.revise(task, heard):
                added += await self.take(floor, rows)
            return added

        return await self.of_all(ask)

    async def of_all(self, ask: Ask) -> int:
        """Ask every bench at once, people last; how many rows were added in all.

        Where a person has yet to answer the graph stops, and what the others said is recorded.
        """
        if len(self.benches) == 1:
            return await self.of_one(self.benches[0], ask)
        others = [bench for bench in self.benches if bench.mind.kind != "human"]
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self.of_one(bench, ask)) for bench in others]
        except* Exception as errors:  # noqa: BLE001 (raised again)
            raise _first(errors) from None
        added = sum(task.result() for task in tasks)
        for bench in self.people:
            added += await self.of_one(bench, ask)
        return added

    async def of_one(self, bench: TalkingBench, ask: Ask) -> int:
        """Ask one bench, and remember if no server answers for its mind any more."""
        try:
            return await ask(bench)
        except MindUnavailableError as error:
            self.unavailable[bench.mind.name] = error
            raise

    def heard(self, floor: Floor, through: int) -> tuple[Round, ...]:
        """The rounds of talk up to and including one that is over, as the jury heard them."""
        for number in range(len(floor.rounds) + 1, through + 1):
            floor.rounds[number] = self.round(floor, number)
        return tuple(floor.rounds[number] for number in range(1, through + 1))

    def round(self, floor: Floor, number: int) -> Round:
        """One round of talk, with what was said in it so far."""
        spec = self.plan.spec
        said = floor.said(number, *ALOUD)
        votes: tuple[Rating, ...] = ()
        if spec.votes == "public" and number > 1:
            votes = floor.ballots(number - 1)
        return Round(
            number=number,
            statements=said,
            weights=self.plan.weights(number, said),
            everyone=spec.protocol.kind == "delphi",
            votes=votes,
            summaries=floor.said(number, Utterance.SUMMARY),
            sides=self.sides(floor, number),
            in_turn=spec.in_turn,
            limit=spec.statement_characters,
            name=self.plan.names(floor.item),
        )

    def sides(self, floor: Floor, round_: int) -> dict[int, Side]:
        """What some seats have to argue in a round."""
        return sides(self.plan, self.items[floor.item], self.questions, floor, round_)


ALOUD = (
    Utterance.STATEMENT,
    Utterance.ADVOCACY,
    Utterance.REBUTTAL,
    Utterance.OBJECTION,
    Utterance.FEEDBACK,
    Utterance.AGREED,
)
"""What jurors hear; opinions, critiques and drafts go to the mediator alone."""


def _first(errors: BaseExceptionGroup[Exception]) -> BaseException:
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


class DeliberationState(TypedDict):
    """Numbers only; what was said and voted is in the ledger.

    `item` (its position) goes in. `round` counts rounds of talk held; `stop` says why they ended;
    `recorded` counts rows that this invocation added, `counted` those of the final ballot.
    """

    item: int
    round: NotRequired[int]
    stop: NotRequired[str | None]
    recorded: NotRequired[int]
    counted: NotRequired[int]
