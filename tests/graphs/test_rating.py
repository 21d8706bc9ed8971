"""The rating graph: one node asks every bench; the pictures in the docs are its own."""

from __future__ import annotations

import asyncio
import importlib
import json
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from graphs.items import Item, Likert, Response, questions
from graphs.ledger import Ledger, open_ledger
from graphs.minds.protocol import RatingTask
from graphs.minds.psychometric import PsychometricMind
from graphs.panel import Juror, Panel
from graphs.rating import Bench, RatingContext, rating_graph
from graphs.records import Cell, Rating, Status
from personas.persona import Persona

ROOT = Path(__file__).resolve().parents[2]
ITEM = Item(
    id="i", prompt="p", responses=(Response(model="a", text="yes"), Response(model="b", text="no"))
)
ASKED = questions(Likert(question="Good?", points=("no", "yes")))


class Scripted:
    """A mind that yields one row at a time and says which tasks it was given."""

    name, version, kind = "scripted", "1", "simulator"

    def __init__(self) -> None:
        self.tasks: list[RatingTask] = []

    async def rate(self, task: RatingTask) -> AsyncIterator[Sequence[Rating]]:
        self.tasks.append(task)
        for juror in task.panel.jurors:
            for response in range(len(task.item.responses)):
                cell = Cell(task.position, response, -1, juror.position, task.round, 0, 0)
                if cell not in task.answered:
                    yield [Rating(*cell, Status.OK, 2, None, None, None, None, None, 0, None)]


def panel(*seats: int) -> Panel:
    return Panel(
        tuple(
            Juror(
                position=seat,
                id=f"j{seat}",
                persona=Persona(attributes={"seat": seat}),
                weight=0.5,
                mind="m",
            )
            for seat in seats
        )
    )


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return open_ledger(tmp_path / "ledger.sqlite", fingerprint="f", ids={})


def ask(ledger: Ledger, *benches: Bench, partial: frozenset[int] = frozenset()) -> int:
    context = RatingContext(
        items=[ITEM], benches=benches, questions=ASKED, ledger=ledger, seed=1, partial=partial
    )

    async def work() -> int:
        async with ledger.committing():
            state = await rating_graph().ainvoke({"item": 0}, context=context)
        return state["recorded"]

    return asyncio.run(work())


def test_every_bench_is_asked_about_its_own_jurors(ledger: Ledger) -> None:
    first, second = Scripted(), Scripted()
    recorded = ask(ledger, Bench(mind=first, panel=panel(0, 2)), Bench(mind=second, panel=panel(1)))
    assert recorded == ledger.count() == 6
    assert [juror.position for juror in first.tasks[0].panel.jurors] == [0, 2]
    assert [juror.position for juror in second.tasks[0].panel.jurors] == [1]
    ledger.close()


def test_what_the_ledger_holds_is_not_asked_again(ledger: Ledger) -> None:
    ask(ledger, Bench(mind=Scripted(), panel=panel(0)))
    mind = Scripted()
    assert ask(ledger, Bench(mind=mind, panel=panel(0, 1)), partial=frozenset({0})) == 2
    assert mind.tasks[0].answered == {Cell(0, r, -1, 0, 0, 0, 0) for r in range(2)}
    ledger.close()


def test_the_embedded_mind_answers_through_the_graph(ledger: Ledger) -> None:
    assert ask(ledger, Bench(mind=PsychometricMind(), panel=panel(0, 1, 2))) == 6
    assert ledger.answered_counts() == {0: 6}
    ledger.close()


def test_an_error_of_a_mind_is_not_swallowed(ledger: Ledger) -> None:
    class Broken(Scripted):
        async def rate(self, task: RatingTask) -> AsyncIterator[Sequence[Rating]]:
            raise RuntimeError("broken")
            yield []

    with pytest.raises(RuntimeError, match="broken"):
        ask(ledger, Bench(mind=Broken(), panel=panel(0)))
    ledger.close()


def test_the_picture_in_the_docs_is_the_graphs_own() -> None:
    page = (ROOT / "docs" / "graphs.md").read_text()
    pictures = dict(re.findall(r"<!-- mermaid: (\w+) -->\n```mermaid\n(.*?)```", page, re.DOTALL))
    assert pictures["rating"].strip() == rating_graph().get_graph().draw_mermaid().strip()


def test_langgraph_json_names_graphs_that_run() -> None:
    for entry in json.loads((ROOT / "langgraph.json").read_text())["graphs"].values():
        path, name = entry.split(":")
        module = importlib.import_module(
            path.removeprefix("./").removesuffix(".py").replace("/", ".")
        )
        graph = getattr(module, name)
        state = asyncio.run(graph.ainvoke({"prompt": "p", "responses": {"a": "x", "b": "y"}}))
        assert {model: len(rows) for model, rows in state["ratings"].items()} == {"a": 5, "b": 5}
