"""A small jury of simulated raters that deliberates on a few items."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from graphs.deliberation.build import deliberation_graph
from graphs.deliberation.context import DeliberationContext, TalkingBench
from graphs.deliberation.plan import Plan, check_deliberation
from graphs.deliberation.spec import Deliberation
from graphs.items import Item, Likert, Response, questions
from graphs.ledger import open_ledger
from graphs.minds.psychometric import PsychometricMind, PsychometricSettings
from graphs.panel import Juror, Panel
from graphs.records import Preference, Rating, Statement
from personas.persona import Persona

SCALE = Likert(question="How good?", points=("very bad", "bad", "fair", "good", "very good"))
TEXTS = {
    "plural": "Some people find it fair. Others fear for jobs. Both care about decent schools.",
    "blunt": "It must be raised. Every objection is nonsense.",
}


def make_jurors(count: int) -> tuple[Juror, ...]:
    return tuple(
        Juror(
            position=seat,
            id=f"juror-{seat}",
            persona=Persona(attributes={"seat": seat, "side": "left" if seat % 2 else "right"}),
            weight=1 / count,
            mind="embedded",
            portrait=f"You sit on chair {seat}.",
        )
        for seat in range(count)
    )


def make_items(count: int, responses: int = 2) -> tuple[Item, ...]:
    chosen = list(TEXTS.items())[:responses]
    return tuple(
        Item(
            id=f"item-{n}",
            prompt=f"Should tax {n} be raised?",
            responses=tuple(Response(model=model, text=text) for model, text in chosen),
        )
        for n in range(count)
    )


@dataclass(frozen=True, kw_only=True)
class Held:
    """What a deliberation left in its ledger, and the last state of each item's graph."""

    spec: Deliberation
    plan: Plan
    ratings: list[Rating]
    statements: list[Statement]
    closed: list[Statement]
    preferences: list[Preference]
    states: list[dict[str, Any]]

    def said(self, *kinds: str, item: int = 0, round_: int | None = None) -> list[Statement]:
        rows = [s for s in self.statements if s.item == item and (s.kind in kinds or not kinds)]
        rows = [s for s in rows if round_ is None or s.round == round_]
        return sorted(rows, key=lambda s: (s.round, s.order))

    def rounds(self, item: int = 0) -> list[int]:
        return sorted({row.round for row in self.ratings if row.item == item})


Hold = Callable[..., Held]


@pytest.fixture
def jurors() -> Callable[[int], tuple[Juror, ...]]:
    return make_jurors


@pytest.fixture
def items() -> Callable[..., tuple[Item, ...]]:
    return make_items


@pytest.fixture
def scale() -> Likert:
    return SCALE


@pytest.fixture
def hold(tmp_path: Path) -> Hold:
    """Deliberate and read back what was recorded; the same `name` goes on with the same ledger."""

    def run(
        spec: Deliberation,
        *,
        seats: Sequence[Juror] | int = 6,
        matters: Sequence[Item] | int = 1,
        settings: PsychometricSettings | None = None,
        benches: Sequence[TalkingBench] | None = None,
        asked: Any = None,
        name: str = "ledger",
        seed: int = 7,
        at_once: bool = False,
        replicates: int = 1,
    ) -> Held:
        seated = make_jurors(seats) if isinstance(seats, int) else tuple(seats)
        judged = make_items(matters) if isinstance(matters, int) else tuple(matters)
        asked = questions(SCALE) if asked is None else asked
        plan = check_deliberation(
            spec,
            jurors=seated,
            questions=asked,
            most_responses=max(len(item.responses) for item in judged),
            seed=seed,
        )
        path = tmp_path / f"{name}.sqlite"
        going_on = path.exists()
        ledger = open_ledger(path, fingerprint="x", ids={"item": [item.id for item in judged]})
        context = DeliberationContext(
            items=judged,
            benches=tuple(benches)
            if benches is not None
            else (TalkingBench(mind=PsychometricMind(settings), panel=Panel(seated)),),
            questions=asked,
            plan=plan,
            ledger=ledger,
            seed=seed,
            replicates=replicates,
            partial=frozenset(range(len(judged))) if going_on else frozenset(),
        )
        graph = deliberation_graph(spec.protocol.kind)

        async def deliberate() -> list[dict[str, Any]]:
            async with ledger.committing():
                calls = [graph.ainvoke({"item": n}, context=context) for n in range(len(judged))]
                if at_once:
                    return list(await asyncio.gather(*calls))
                return [await call for call in calls]

        try:
            states = asyncio.run(deliberate())
            rows = {
                kind: [row for n in range(len(judged)) for row in ledger.of_item(kind, n)]
                for kind in (Rating, Statement, Preference)
            }
        finally:
            ledger.close()
        return Held(
            spec=spec,
            plan=plan,
            ratings=rows[Rating],
            statements=[row for row in rows[Statement] if row.kind != "closed"],
            closed=[row for row in rows[Statement] if row.kind == "closed"],
            preferences=rows[Preference],
            states=states,
        )

    return run
