"""Running a study: seat the jury, put every item to it, leave a run folder behind.

A run started again with the same folder goes on where it stopped: what the ledger holds is not
asked again.
"""

from __future__ import annotations

import asyncio
import gc
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphs.deliberation.build import deliberation_graph
from graphs.deliberation.context import DeliberationContext
from graphs.deliberation.threads import Threads
from graphs.items import Item, criterion_names, questions
from graphs.ledger import Ledger, open_ledger
from graphs.minds.human_forms import HumanAnswers
from graphs.minds.opening import check_mind, open_mind
from graphs.minds.protocol import Accountable, RatingTask
from graphs.panel import Juror, Panel
from graphs.rating import Bench, RatingContext, rating_graph
from graphs.sources import load_items
from juries.baselines import ask_baselines
from juries.deliberation.asking import deliberation_context, plan_deliberation
from juries.deliberation.people import check_people, open_threads, write_waiting
from juries.injection import ask_injection
from juries.jury import describe_seats, read_population, seat_jury
from juries.progress import Progress, Silent
from juries.run_directory import MindRecord, RunDirectory, RunRecord, now, versions
from juries.spec import Study
from personas.errors import JuriesError
from personas.identity import content_hash

ITEMS_IN_FLIGHT = 16
"""Items put to the jury at once, unless the caller says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A study whose files were read and whose jury sits; nothing has been asked yet.

    Attributes:
        study: as it runs, paths absolute.
        items: all of the study, in order.
        models: names, in first-seen order.
        jurors: in seat order.
        jury: how the seats were filled and weighted, for the record.
        hashes: of the items and of the jury.
    """

    study: Study
    items: tuple[Item, ...]
    models: tuple[str, ...]
    jurors: tuple[Juror, ...]
    jury: dict[str, object]
    hashes: dict[str, str]

    def questions_about(self, item: Item) -> int:
        """How many questions the item puts to the whole jury."""
        per_response = len(questions(self.study.scale)) * self.study.replicates
        return len(item.responses) * len(self.jurors) * per_response


def prepare(study: Study, base: Path) -> Prepared:
    """Read the study's files and seat the jury.

    Args:
        study: as written.
        base: the folder that its paths are relative to.

    Raises:
        InputError: whatever is wrong in the study or its files.
    """
    items = load_items(study.items, base)
    population, raking = read_population(study.population, base)
    population.require(study.scores.groups)
    minds = [(each.shown, each.share) for each in study.seated_minds]
    jurors, sample = seat_jury(population, study.jury, minds, seed=study.seed)
    asked = questions(study.scale)
    for each in study.seated_minds:
        seated = [juror for juror in jurors if juror.mind == each.shown]
        check_mind(each.mind, jurors=seated, questions=asked, models=items.models)
    check_people(study)
    plan_deliberation(study.located(base), jurors, items.items)
    return Prepared(
        study=study.located(base),
        items=items.items,
        models=items.models,
        jurors=jurors,
        jury=describe_seats(population, raking, sample),
        hashes={
            "items": items.hash,
            "jury": content_hash([[j.id, j.weight, j.mind, j.portrait] for j in jurors]),
        },
    )


async def run_study(
    prepared: Prepared,
    directory: RunDirectory,
    *,
    limit: int | None = None,
    in_flight: int = ITEMS_IN_FLIGHT,
    progress: Progress | None = None,
    stop: asyncio.Event | None = None,
    answers: Mapping[int, HumanAnswers] | None = None,
) -> RunRecord:
    """Put every item to the jury and record what it says; go on where an earlier run stopped.

    Args:
        prepared: the study with its jury seated.
        directory: the run's folder, held by the caller.
        limit: only the first items; a later run without it goes on with the rest.
        in_flight: items put to the jury at once.
        progress: told how far the run is.
        stop: once set, items in flight are finished and no other is begun.
        answers: what people at seats said since an earlier run, by position of the item.

    Returns:
        The record, also written to the folder; `complete` says whether every question of the
        items covered has an answer.
    """
    progress = progress or Silent()
    study = prepared.study
    items = prepared.items[:limit]
    asked = questions(study.scale)
    async with AsyncExitStack() as stack:
        benches: list[Bench] = []
        for position, each in enumerate(study.seated_minds):
            opening = open_mind(
                each.mind,
                position=position,
                seed=study.seed,
                logs=directory.path / "logs",
                say=progress.say,
            )
            mind = await stack.enter_async_context(opening)
            seated = tuple(juror for juror in prepared.jurors if juror.mind == each.shown)
            benches.append(Bench(mind=mind, panel=Panel(seated)))
        fingerprint = _fingerprint(prepared, benches)
        ledger = open_ledger(
            directory.ledger,
            fingerprint=fingerprint,
            ids={
                "item": [item.id for item in prepared.items],
                "juror": [juror.id for juror in prepared.jurors],
                "mind": [f"{bench.mind.name} {bench.mind.version}" for bench in benches],
                "criterion": criterion_names(study.scale),
            },
            counted=0 if study.deliberation is None else study.deliberation.final_round,
        )
        stack.callback(ledger.close)
        for bench in benches:
            if isinstance(bench.mind, Accountable):
                bench.mind.record_calls(ledger.add)
        _write_once(prepared, directory)
        counts = ledger.answered_counts()
        due = [prepared.questions_about(item) for item in items]
        open_items = [i for i, need in enumerate(due) if counts.get(i, 0) < need]
        done = sum(min(counts.get(i, 0), need) for i, need in enumerate(due))
        record = _record(prepared, directory, benches, fingerprint, items=len(items), due=sum(due))
        progress.start(total=sum(due), done=done)
        begun = ledger.answered_counts(0)
        partial = frozenset(i for i in open_items if begun.get(i, 0))
        context = deliberation_context(
            study, prepared.jurors, items, benches=benches, ledger=ledger, partial=partial
        ) or RatingContext(
            items=items,
            benches=tuple(benches),
            questions=asked,
            ledger=ledger,
            seed=study.seed,
            replicates=study.replicates,
            partial=partial,
        )
        await _expect(benches, prepared, [items[position] for position in open_items])
        threads = await stack.enter_async_context(
            open_threads(study, directory, fingerprint=fingerprint, answers=answers)
        )
        try:
            async with ledger.committing():
                await _ask_all(open_items, context, in_flight, progress, stop, threads)
        finally:
            progress.finish()
            if threads is not None:
                write_waiting(directory, items, threads.waiting)
            record = _finished(record, ledger, items=len(items), due=sum(due))
            record = record.model_copy(update={"asking": await _reports(benches, record)})
            directory.write_record(record)
        if context.unavailable:
            raise next(iter(context.unavailable.values()))
        if record.complete:
            minds = [bench.mind for bench in benches if bench.mind.kind != "human"]
            await ask_baselines(
                directory.baselines,
                prepared,
                minds,
                fingerprint=fingerprint,
                items=len(items),
                ask=lambda due, work: _ask_all(due, work, in_flight, Silent(), stop),
            )
            await ask_injection(
                directory.injection,
                prepared,
                [bench for bench in benches if bench.mind.kind != "human"],
                fingerprint=fingerprint,
                items=len(items),
                ask=lambda due, work: _ask_all(due, work, in_flight, Silent(), stop),
            )
    return record


async def _ask_all(
    positions: list[int],
    context: RatingContext | DeliberationContext,
    in_flight: int,
    progress: Progress,
    stop: asyncio.Event | None,
    threads: Threads | None = None,
) -> None:
    """Invoke the graph for every position, so many at a time."""
    waiting = iter(positions)
    gc.freeze()  # what was set up lives to the end: no use in tracing it at every collection

    async def work(waiting: Iterator[int]) -> None:
        for position in waiting:
            if context.deserted or (stop is not None and stop.is_set()):
                return
            progress.advance(await _ask_about(position, context, threads))

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(in_flight, len(positions))):
                group.create_task(work(waiting))
    except* JuriesError as errors:
        raise errors.exceptions[0] from None
    finally:
        gc.unfreeze()


async def _ask_about(
    position: int, context: RatingContext | DeliberationContext, threads: Threads | None
) -> int:
    """Put one item to the jury; how many questions of the ballot that counts were answered."""
    if isinstance(context, RatingContext):
        rated = await rating_graph().ainvoke({"item": position}, context=context)
        return rated.get("recorded", 0)
    if threads is not None:
        return await threads.visit(position, context)
    graph = deliberation_graph(context.plan.spec.protocol.kind)
    talked = await graph.ainvoke({"item": position}, context=context)
    return talked.get("counted", 0)


def _fingerprint(prepared: Prepared, benches: list[Bench]) -> str:
    """Hash of everything that answers depend on; what is concluded from them is not in it."""
    study = prepared.study
    plan = plan_deliberation(study, prepared.jurors, prepared.items)
    return content_hash(
        {
            "items": prepared.hashes["items"],
            "jury": prepared.hashes["jury"],
            "minds": [[bench.mind.name, bench.mind.version] for bench in benches],
            "replicates": study.replicates,
            "scale": study.scale.model_dump(mode="json"),
            "seed": study.seed,
            **({} if plan is None else {"deliberation": plan.identity}),
        }
    )


async def _expect(benches: list[Bench], prepared: Prepared, items: list[Item]) -> None:
    """Let minds that ask servers estimate what one ballot on these items will take."""
    study = prepared.study
    for bench in benches:
        if items and isinstance(bench.mind, Accountable):
            task = RatingTask(
                item=items[0],
                position=0,
                panel=bench.panel,
                questions=questions(study.scale),
                replicates=study.replicates,
                seed=study.seed,
            )
            await bench.mind.expect(items, task)


async def _reports(benches: list[Bench], record: RunRecord) -> tuple[dict[str, Any], ...]:
    """How minds that ask servers did so in this session, after those of earlier sessions."""
    reports = [
        {"mind": bench.mind.name, "session": record.sessions, **await bench.mind.report()}
        for bench in benches
        if isinstance(bench.mind, Accountable)
    ]
    return (*record.asking, *reports)


def _write_once(prepared: Prepared, directory: RunDirectory) -> None:
    """Copy what was judged and who judged into the folder, so that it stands alone."""
    if not directory.items.exists():
        directory.write_items(prepared.items)
    if not directory.jury.exists():
        directory.write_jury(prepared.jurors)
    directory.write_study(prepared.study)


def _record(
    prepared: Prepared,
    directory: RunDirectory,
    benches: list[Bench],
    fingerprint: str,
    *,
    items: int,
    due: int,
) -> RunRecord:
    earlier = directory.read_record() if directory.record.exists() else None
    record = RunRecord(
        study=prepared.study.name,
        fingerprint=fingerprint,
        seed=prepared.study.seed,
        items=items,
        models=prepared.models,
        minds=tuple(
            MindRecord(
                name=bench.mind.name,
                version=bench.mind.version,
                kind=bench.mind.kind,
                jurors=len(bench.panel),
            )
            for bench in benches
        ),
        questions=due,
        recorded=0,
        complete=False,
        started=now() if earlier is None else earlier.started,
        updated=now(),
        sessions=1 if earlier is None else earlier.sessions + 1,
        command=shlex.join(["juries", *sys.argv[1:]]),
        versions=versions(),
        hashes=prepared.hashes,
        jury=prepared.jury,
        asking=() if earlier is None else earlier.asking,
    )
    directory.write_record(record)
    return record


def _finished(record: RunRecord, ledger: Ledger, *, items: int, due: int) -> RunRecord:
    answered = sum(n for item, n in ledger.answered_counts().items() if item < items)
    return record.model_copy(
        update={"recorded": ledger.count(), "complete": answered >= due, "updated": now()}
    )
