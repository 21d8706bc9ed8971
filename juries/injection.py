"""The injection probe: the same items again, with a take-over sentence added to every response.

A seeded sample of the items is put to the same jurors twice, with that sentence and with a control
of its length, options in the same order. Answers lie in a ledger of their own (`injection.sqlite`),
so that no score can contain them; there, the controls follow at the items' positions plus the
number of the study's items.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from graphs.assignment import Assignment
from graphs.items import Item, Question, questions
from graphs.ledger import open_ledger
from graphs.minds.protocol import Accountable
from graphs.rating import Bench, RatingContext
from juries.figures import ValidityRow, bounds
from juries.measures.injection import InjectionShift, injection_shift
from juries.spec_measures import InjectionSpec
from juries.verdicts import Float32, collect, columns, read_rows
from personas.identity import content_hash, generator

if TYPE_CHECKING:
    from juries.running import Prepared

Ask = Callable[[list[int], RatingContext], Awaitable[None]]


def sampled_items(spec: InjectionSpec, items: int, seed: int) -> list[int]:
    """Positions of the items that are put again."""
    wanted = min(round(spec.share * items), spec.most, items)
    if spec.share > 0:
        wanted = max(wanted, min(2, items))
    return sorted(generator(seed, "injection", "items").permutation(items)[:wanted].tolist())


def injected(item: Item, sentence: str) -> Item:
    """The item with the sentence at the end of every response; its id, and so its draws, stay."""
    responses = tuple(
        replace(response, text=f"{response.text}\n\n{sentence}") for response in item.responses
    )
    return replace(item, responses=responses)


async def ask_injection(
    path: Path,
    prepared: Prepared,
    benches: Sequence[Bench],
    *,
    fingerprint: str,
    items: int,
    ask: Ask,
) -> int:
    """Put the sampled items to the jury again, whatever of it was not answered yet.

    Args:
        path: of the probe's ledger.
        prepared: the study.
        benches: the jury, without people.
        fingerprint: of the run.
        items: how many items the run covers.
        ask: puts items to the benches of a context.

    Returns:
        Rows added.
    """
    study = prepared.study
    spec = study.injection
    chosen = sampled_items(spec, items, study.seed)
    if not chosen or not benches:
        return 0
    asked = questions(study.scale)
    marked = _fingerprint(fingerprint, spec)
    names = [f"{bench.mind.name} {bench.mind.version}" for bench in benches]
    ledger = open_ledger(path, fingerprint=marked, ids={"mind": names})
    with closing(ledger):
        for bench in benches:
            if isinstance(bench.mind, Accountable):
                bench.mind.record_calls(ledger.add)
        counts = ledger.answered_counts()
        size = len(prepared.items)
        twins = _twins(prepared.items, spec)
        assignment = None if prepared.assignment is None else prepared.assignment.repeated(2)
        put = [*chosen, *(size + position for position in chosen)]
        each = {p: len(asked) * study.replicates * _seats(benches, assignment, p) for p in put}
        due = [p for p in put if counts.get(p, 0) < len(twins[p].responses) * each[p]]
        context = RatingContext(
            items=twins,
            benches=tuple(benches),
            questions=asked,
            ledger=ledger,
            seed=study.seed,
            replicates=study.replicates,
            partial=frozenset(p for p in due if counts.get(p, 0)),
            assignment=assignment,
        )
        async with ledger.committing():
            await ask(due, context)
        return ledger.recorded


def _seats(benches: Sequence[Bench], assignment: Assignment | None, position: int) -> int:
    """How many jurors are asked about an item."""
    if assignment is None:
        return sum(len(bench.panel) for bench in benches)
    return sum(len(assignment.panel(position, bench.panel)) for bench in benches)


def _twins(items: Sequence[Item], spec: InjectionSpec) -> list[Item]:
    """Every item with the sentence, and then every item with the control."""
    return [injected(item, text) for text in (spec.sentence, spec.control) for item in items]


def read_injection(
    path: Path,
    *,
    fingerprint: str,
    spec: InjectionSpec,
    items: Sequence[Item],
    models: Sequence[str],
    jurors: int,
    asked: Sequence[Question],
    replicates: int,
) -> Float32 | None:
    """Utilities with sentence and with control, [2, models, items, jurors]; None where unasked.

    Args:
        path: of the probe's ledger.
        fingerprint: of the run.
        spec: the probe's settings.
        items: all of the study, whatever a run covers.
        models: names, in the order of the result.
        jurors: how many sit.
        asked: the questions.
        replicates: how often each was asked.
    """
    if not path.exists() or spec.share == 0:
        return None
    marked = _fingerprint(fingerprint, spec)
    with closing(open_ledger(path, fingerprint=marked, ids={})) as ledger:
        verdicts = collect(
            read_rows(ledger.blocks(columns(asked)), items=[*items, *items], models=models),
            items=[*items, *items],
            models=models,
            jurors=jurors,
            questions=asked,
            replicates=replicates,
        )
    both = verdicts.overall()
    return np.stack([both[:, : len(items)], both[:, len(items) :]])


def injection_row(
    found: Float32, *, seed: int, resamples: int
) -> tuple[InjectionShift, ValidityRow]:
    """What the probe found, and its line in the validity table."""
    there = ~np.isnan(found).all(axis=(0, 1, 3))
    shift = injection_shift(
        found[1][:, there],
        found[0][:, there],
        rng=generator(seed, "injection", "scores"),
        resamples=resamples,
    )
    estimate = shift.shift
    shown = "n/a" if estimate.value is None else f"{estimate.value:+.3f}"
    if estimate.low is not None and estimate.high is not None:
        shown += f" [{estimate.low:+.3f}, {estimate.high:+.3f}]"
    row = ValidityRow(
        check="take-over sentence",
        value=estimate.value,
        interval=bounds(estimate),
        shown=shown,
        reading=f"{shift.reading} {shift.n_pairs:,} pairs of ratings on {shift.n_items} items.",
    )
    return shift, row


def _fingerprint(fingerprint: str, spec: InjectionSpec) -> str:
    return content_hash([fingerprint, spec.sentence, spec.control])
