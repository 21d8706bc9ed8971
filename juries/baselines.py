"""What a jury is compared with: the same minds without a persona, and random answers.

Both are asked about a seeded sample of the items and recorded in a ledger of their own
(`baselines.sqlite`), with the durability of the jury's: an interrupted run asks only what is
missing. They are never among the jury's ratings, so no score can contain them.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graphs.items import FloatArray, Item, Question, compares, questions
from graphs.ledger import open_ledger
from graphs.minds.protocol import Accountable, Mind
from graphs.minds.random_answers import RandomMind
from graphs.panel import Juror, Panel
from graphs.rating import Bench, RatingContext
from graphs.records import Status, unpack
from juries.spec_measures import BaselinesSpec
from personas.identity import generator
from personas.persona import Persona

if TYPE_CHECKING:
    from juries.running import Prepared

Ask = Callable[[list[int], RatingContext], Awaitable[None]]
NO_PERSONA = "no persona"
RANDOM = "random answers"
SEATS = 1000
"""Seats set aside for each mind, so that asking for more answers adds to those there are."""
_FEWEST_ITEMS = 10
_NOBODY = Persona(attributes={"persona": "none"})


def sampled_items(spec: BaselinesSpec, items: int, seed: int) -> list[int]:
    """Positions of the items that baselines are asked about: ten at least, where there are ten."""
    if spec.share == 0:
        return []
    wanted = min(max(_FEWEST_ITEMS, math.ceil(spec.share * items)), spec.most, items)
    drawn = generator(seed, "baselines", "items").permutation(items)[:wanted]
    return sorted(drawn.tolist())


def benches(minds: Sequence[Mind], answers: int) -> tuple[Bench, ...]:
    """Each mind with seats at which nobody sits, and a mind that answers at random."""
    everyone: tuple[Mind, ...] = (*minds, RandomMind(position=len(minds)))
    found: list[Bench] = []
    for position, mind in enumerate(everyone):
        name = NO_PERSONA if position < len(minds) else RANDOM
        seats = tuple(
            Juror(
                position=position * SEATS + number,
                id=f"{name} {position} {number}",
                persona=_NOBODY,
                weight=1 / answers,
                mind=mind.name,
            )
            for number in range(answers)
        )
        found.append(Bench(mind=mind, panel=Panel(seats)))
    return tuple(found)


async def ask_baselines(
    path: Path,
    prepared: Prepared,
    minds: Sequence[Mind],
    *,
    fingerprint: str,
    items: int,
    ask: Ask,
) -> int:
    """Ask the baselines whatever they have not answered yet.

    Args:
        path: of their ledger.
        prepared: the study.
        minds: the jury's, in the order of `Rating.mind`.
        fingerprint: of the run.
        items: how many items the run covers.
        ask: puts items to the benches of a context.

    Returns:
        Rows added.
    """
    study = prepared.study
    asked, answers = questions(study.scale), study.baselines.answers
    chosen = sampled_items(study.baselines, items, study.seed)
    if not chosen or compares(asked):  # baselines are compared by ratings of single responses
        return 0
    seated = benches(minds, answers)
    names = [bench.mind.name for bench in seated]
    ledger = open_ledger(path, fingerprint=fingerprint, ids={"mind": names})
    with closing(ledger):
        for mind in minds:
            if isinstance(mind, Accountable):
                mind.record_calls(ledger.add)
        counts = ledger.answered_counts()
        each = len(asked) * answers * len(seated)
        due = [p for p in chosen if counts.get(p, 0) < len(prepared.items[p].responses) * each]
        context = RatingContext(
            items=prepared.items,
            benches=seated,
            questions=asked,
            ledger=ledger,
            seed=study.seed,
            partial=frozenset(p for p in due if counts.get(p, 0)),
        )
        async with ledger.committing():
            await ask(due, context)
        return ledger.recorded


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BaselineAnswers:
    """One baseline as arrays.

    Attributes:
        name: `no persona`, with the mind's name where there are several, or `random answers`.
        items: positions of the items asked about, ascending.
        points: [criteria, answers, models, items], the point chosen; NaN for no valid answer.
        probabilities: [models, items, points] of the first criterion, mean over answers: exact
            where the mind knows its distribution, else shares of the points drawn; NaN rows
            where nothing was answered.
    """

    name: str
    items: tuple[int, ...]
    points: FloatArray
    probabilities: FloatArray


def count_baselines(path: Path, fingerprint: str) -> int:
    """Baseline answers on file."""
    if not path.exists():
        return 0
    with closing(open_ledger(path, fingerprint=fingerprint, ids={})) as ledger:
        return ledger.count()


def read_baselines(
    path: Path,
    *,
    fingerprint: str,
    items: Sequence[Item],
    models: Sequence[str],
    asked: Sequence[Question],
    minds: Sequence[str],
) -> tuple[BaselineAnswers, ...]:
    """Every baseline of a run; none where none was asked.

    Args:
        path: of the ledger.
        fingerprint: of the run.
        items: those the run covers.
        models: names, in the order of the result.
        asked: the questions.
        minds: names of the jury's minds.
    """
    if not path.exists():
        return ()
    rows: list[tuple[Any, ...]] = []
    columns = ("item", "response", "juror", "criterion", "rating", "probabilities", "status")
    with closing(open_ledger(path, fingerprint=fingerprint, ids={})) as ledger:
        for block in ledger.blocks(columns, items=len(items)):
            rows.extend(block)
    if not rows:
        return ()
    several = len(minds) > 1
    names = [f"{NO_PERSONA} ({mind})" if several else NO_PERSONA for mind in minds] + [RANDOM]
    return tuple(
        _arrays(name, [row for row in rows if row[2] // SEATS == place], items, models, asked)
        for place, name in enumerate(names)
    )


def _arrays(
    name: str,
    rows: Sequence[tuple[Any, ...]],
    items: Sequence[Item],
    models: Sequence[str],
    asked: Sequence[Question],
) -> BaselineAnswers:
    positions = sorted({row[0] for row in rows})
    place = {position: at for at, position in enumerate(positions)}
    number = {model: at for at, model in enumerate(models)}
    answers = max((row[2] % SEATS for row in rows), default=-1) + 1
    points = np.full((len(asked), answers, len(models), len(positions)), np.nan)
    size = len(asked[0].points)
    total = np.zeros((len(models), len(positions), size))
    for item, response, juror, criterion, rating, known, status in rows:
        if status != Status.OK:
            continue
        model = number[items[item].responses[response].model]
        points[criterion, juror % SEATS, model, place[item]] = rating
        if criterion == 0:
            total[model, place[item]] += _distribution(known, rating, size)
    mass = total.sum(axis=-1, keepdims=True)
    return BaselineAnswers(
        name=name,
        items=tuple(positions),
        points=points,
        probabilities=np.divide(total, mass, out=np.full_like(total, np.nan), where=mass > 0),
    )


def _distribution(known: bytes | None, rating: int, size: int) -> NDArray[np.floating]:
    return np.eye(size)[rating - 1] if known is None else unpack(known)
