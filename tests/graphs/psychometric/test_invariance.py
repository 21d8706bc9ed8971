"""What leaves the answers of the embedded mind unchanged."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from graphs.items import Choice, Item, Likert, questions
from graphs.minds.protocol import RatingTask
from graphs.minds.psychometric import PsychometricMind, PsychometricSettings
from graphs.panel import Panel
from graphs.records import Rating

CHOICE = Choice(question="Acceptable?", options=("yes", "unsure", "no"), worth=(1, 0.5, 0))
LIKERT = Likert(question="How good?", points=("1", "2", "3", "4", "5"))


@given(order=st.permutations(range(12)), scale=st.sampled_from([LIKERT, CHOICE]))
@settings(max_examples=20, deadline=None)
def test_permuting_the_seats_permutes_the_answers(
    order: list[int], scale: Likert | Choice, ask: Any, jurors: Any
) -> None:
    panel = jurors(12)
    shuffled = [panel[seat] for seat in order]
    before = {row.cell: row for row in ask(PsychometricMind(), panel, scale=scale, replicates=2)}
    after = {row.cell: row for row in ask(PsychometricMind(), shuffled, scale=scale, replicates=2)}
    assert after == before


def test_concurrency_and_order_of_items_change_nothing(
    jurors: Any, an_item: Any, good: Likert
) -> None:
    seated = Panel(jurors(8))
    tasks = [
        RatingTask(
            item=an_item(f"tax {n}"), position=n, panel=seated, questions=questions(good), seed=2
        )
        for n in range(6)
    ]

    async def collect(mind: PsychometricMind, task: RatingTask) -> list[Rating]:
        rows: list[Rating] = []
        async for block in mind.rate(task):
            await asyncio.sleep(0)
            rows.extend(block)
        return rows

    async def together() -> list[list[Rating]]:
        mind = PsychometricMind()
        found = await asyncio.gather(*(collect(mind, task) for task in reversed(tasks)))
        return list(reversed(found))

    alone = [[row for b in PsychometricMind().answers(task) for row in b] for task in tasks]
    assert asyncio.run(together()) == alone


@given(done=st.sets(st.integers(0, 35)))
@settings(max_examples=20, deadline=None)
def test_answered_cells_are_left_out_and_the_rest_is_the_same(
    done: set[int], jurors: Any, an_item: Any, good: Likert
) -> None:
    panel = Panel(jurors(6))
    task = RatingTask(
        item=an_item(), position=0, panel=panel, questions=questions(good), seed=2, replicates=2
    )
    rows = [row for block in PsychometricMind().answers(task) for row in block]
    answered = frozenset(rows[n].cell for n in done)
    resumed = RatingTask(
        item=task.item,
        position=0,
        panel=panel,
        questions=task.questions,
        seed=2,
        replicates=2,
        answered=answered,
    )
    left = [row for block in PsychometricMind().answers(resumed) for row in block]
    assert left == [row for n, row in enumerate(rows) if n not in done]


def test_another_model_or_replicate_leaves_the_answers_to_the_rest_alone(
    jurors: Any, an_item: Any, good: Likert
) -> None:
    whole = an_item()
    fewer = Item(id=whole.id, prompt=whole.prompt, responses=whole.responses[:1])

    def rows(item: Item, replicates: int) -> list[Rating]:
        task = RatingTask(
            item=item,
            position=0,
            panel=Panel(jurors(5)),
            questions=questions(good),
            seed=1,
            replicates=replicates,
        )
        return [row for block in PsychometricMind().answers(task) for row in block]

    assert rows(fewer, 1) == [r for r in rows(whole, 3) if r.response == 0 and r.replicate == 0]


def test_a_round_is_a_new_occasion_and_nothing_else(ask: Any, jurors: Any) -> None:
    first, second = (ask(PsychometricMind(), jurors(20), round=n) for n in (0, 1))
    assert {row.round for row in second} == {1}
    assert [row.rating for row in first] != [row.rating for row in second]
    still = PsychometricMind(PsychometricSettings(replicate_sd=0.0))
    before, after = ([row.expected for row in ask(still, jurors(20), round=n)] for n in (0, 1))
    assert before == after


def test_the_seed_changes_answers_and_the_version_names_the_settings(ask: Any, jurors: Any) -> None:
    assert ask(PsychometricMind(), jurors(5), seed=1) != ask(PsychometricMind(), jurors(5), seed=2)
    plain = PsychometricMind().version
    assert PsychometricMind(PsychometricSettings()).version == plain
    assert PsychometricMind(PsychometricSettings(severity_sd=0.6)).version != plain
