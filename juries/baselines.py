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

from graphs.items import FloatArray, Item, Question, compares, questions, shown
from graphs.ledger import open_ledger
from graphs.minds.protocol import Accountable, Mind
from graphs.minds.random_answers import RandomMind
from graphs.panel import Juror, Panel
from graphs.rating import Bench, RatingContext
from graphs.records import Status, unpack
from juries.paired_verdicts import PairAnswers
from juries.spec_measures import BaselinesSpec
from juries.verdicts import collect, columns, read_rows
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
_COLUMNS = ("item", "response", "juror", "criterion", "rating", "probabilities", "status")
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
    chosen = sampled_items(study.baselines, items, study.seed)
    if not chosen:
        return 0
    asked, answers = questions(study.scale), study.baselines.answers
    seated = benches(minds, answers)
    names = [bench.mind.name for bench in seated]
    ledger = open_ledger(path, fingerprint=fingerprint, ids={"mind": names})
    with closing(ledger):
        for mind in minds:
            if isinstance(mind, Accountable):
                mind.record_calls(ledger.add)
        counts = ledger.answered_counts()
        each = len(asked) * answers * len(seated)
        needed = {p: len(shown(prepared.items[p], asked)) * each for p in chosen}
        due = [p for p, need in needed.items() if counts.get(p, 0) < need]
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
        pairs: what was said of pairs, over all items, answers in the place of jurors; None where
            responses are judged alone. Then `points` and `probabilities` hold nothing.
    """

    name: str
    items: tuple[int, ...]
    points: FloatArray
    probabilities: FloatArray
    pairs: PairAnswers | None = None


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
    wanted = columns(asked) if compares(asked) else _COLUMNS
    with closing(open_ledger(path, fingerprint=fingerprint, ids={})) as ledger:
        for block in ledger.blocks(wanted, items=len(items)):
            rows.extend(block)
    if not rows:
        return ()
    several = len(minds) > 1
    names = [f"{NO_PERSONA} ({mind})" if several else NO_PERSONA for mind in minds] + [RANDOM]
    arrays, seat = (_paired, wanted.index("juror")) if compares(asked) else (_arrays, 2)
    return tuple(
        arrays(name, [row for row in rows if row[seat] // SEATS == place], items, models, asked)
        for place, name in enumerate(names)
    )


def _paired(
    name: str,
    rows: Sequence[tuple[Any, ...]],
    items: Sequence[Item],
    models: Sequence[str],
    asked: Sequence[Question],
) -> BaselineAnswers:
    """Rows of `columns(asked)`, comparisons, as arrays."""
    seat = columns(asked).index("juror")
    seated = [(*row[:seat], row[seat] % SEATS, *row[seat + 1 :]) for row in rows]
    answers = max((row[seat] for row in seated), default=-1) + 1
    found = collect(
        read_rows([seated] if seated else [], items=items, models=models),
        items=items,
        models=models,
        jurors=answers,
        questions=asked,
    )
    positions = tuple(sorted({row[0] for row in rows}))
    shape = (len(models), len(positions))
    return BaselineAnswers(
        name=name,
        items=positions,
        points=np.full((len(asked), answers, *shape), np.nan),
        probabilities=np.full((*shape, len(asked[0].points)), np.nan),
        pairs=found.pairs,
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
