"""The rating graph: one invocation per item, one node that asks the whole panel.

Compiled once and reused; items run concurrently outside the graph under a limit. Graph state holds
positions and counts only: answers go to the ledger as they come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NotRequired, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from graphs.assignment import Assignment
from graphs.items import Item, Question
from graphs.llm.faults import MindUnavailableError
from graphs.minds.protocol import Mind, RatingTask
from graphs.panel import Panel
from graphs.recorder import Recorder
from graphs.records import Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A mind and the jurors it answers for."""

    mind: Mind
    panel: Panel


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingContext:
    """What the graph's nodes work with; the same for every item of a run."""

    items: Sequence[Item] | Mapping[int, Item]
    benches: tuple[Bench, ...]
    questions: tuple[Question, ...]
    ledger: Recorder
    seed: int
    replicates: int = 1
    partial: Set[int] = frozenset()
    """Items of which the ledger holds some answers, so that it must be asked which."""
    assignment: Assignment | None = None
    """Who is asked about which item; None where every juror is asked about all."""
    unavailable: dict[int, MindUnavailableError] = field(
        default_factory=dict[int, MindUnavailableError]
    )
    """Benches whose mind no server answers for any more, by place; the others carry on."""

    @property
    def deserted(self) -> bool:
        """No mind is left to ask."""
        return len(self.unavailable) == len(self.benches)


class RatingState(TypedDict):
    """`item` (its position) goes in; `recorded` comes out: rows that this invocation added."""

    item: int
    recorded: NotRequired[int]


async def ask_panel(state: RatingState, runtime: Runtime[RatingContext]) -> RatingState:
    """Put the item to every bench at once; record answers as they come."""
    context = runtime.context
    position = state["item"]
    answered: frozenset[Cell] = frozenset()
    if position in context.partial:
        answered = await asyncio.to_thread(context.ledger.answered, position)

    async def ask(place: int, bench: Bench) -> int:
        panel = bench.panel
        if context.assignment is not None:
            panel = context.assignment.panel(position, panel)
            if not len(panel):
                return 0
        task = RatingTask(
            item=context.items[position],
            position=position,
            panel=panel,
            questions=context.questions,
            replicates=context.replicates,
            answered=answered,
            seed=context.seed,
        )
        recorded = 0
        try:
            async for rows in bench.mind.rate(task):
                await context.ledger.put(rows)
                recorded += len(rows)
        except MindUnavailableError as error:
            context.unavailable[place] = error
        return recorded

    return {
        "item": position,
        "recorded": sum(await asyncio.gather(*(ask(*each) for each in enumerate(context.benches)))),
    }


RatingGraph = CompiledStateGraph[RatingState, RatingContext, RatingState, RatingState]


def build_rating_graph() -> StateGraph[RatingState, RatingContext, Any, Any]:
    """The graph before compilation: START, the panel, END."""
    graph = StateGraph(RatingState, context_schema=RatingContext)
    graph.add_node("panel", ask_panel)
    graph.add_edge(START, "panel")
    graph.add_edge("panel", END)
    return graph


@cache
def rating_graph() -> RatingGraph:
    """The compiled graph, built once a process."""
    return build_rating_graph().compile(name="rating")
