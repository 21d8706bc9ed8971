"""A session of a run: minds and ledger open, and what is left to ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from graphs.items import criterion_names
from graphs.ledger import Ledger, open_ledger
from graphs.ledger.places import in_database
from graphs.minds.opening import MindSettings, open_mind, served
from graphs.minds.protocol import Accountable
from graphs.panel import Panel
from graphs.rating import Bench
from juries.executors.options import RunOptions
from juries.executors.placement import Shard
from juries.run_directory import RunDirectory, RunRecord
from juries.running.preparing import Prepared, fingerprint
from juries.running.records import begin_record, write_once
from juries.spec import Study
from juries.subjects.asking import Asking, ask_subjects
from juries.subjects.record import SubjectRecord
from juries.tracing import recording
from personas.errors import InputError

if TYPE_CHECKING:
    from juries.exports.ratings_table import RatingsTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What is open while a run asks.

    Attributes:
        prepared: the study with its jury.
        directory: the run's folder.
        study: as it runs, with the addresses of servers that were started for it.
        benches: the minds with their jurors.
        fingerprint: of the study.
        ledger: of the run.
        due: questions that each item puts, by its position.
        covered: positions of the items that the run is about.
        open_items: of them, those that miss answers.
        partial: of these, those with some rows.
        record: as it was written at the start.
    """

    prepared: Prepared
    directory: RunDirectory
    study: Study
    benches: tuple[Bench, ...]
    fingerprint: str
    ledger: Ledger
    due: Mapping[int, int]
    covered: tuple[int, ...]
    open_items: tuple[int, ...]
    partial: frozenset[int]
    record: RunRecord

    @property
    def table(self) -> RatingsTable:
        """The run's ratings, as they are exported."""
        from juries.exports.ratings_table import table_of  # leads to polars

        prepared = self.prepared
        items, jurors = prepared.items, prepared.jurors
        return table_of(self.directory, self.record, self.ledger, items=items, jurors=jurors)

    def finished(self, items: range) -> bool:
        """Whether every question of these items is answered."""
        counts = self.ledger.answered_counts(items=items)
        return all(counts.get(item, 0) >= self.due.get(item, 0) for item in items)


async def open_session(
    stack: AsyncExitStack, prepared: Prepared, directory: RunDirectory, options: RunOptions
) -> Session:
    """Open minds and ledger, and see what is left to ask."""
    shard = options.placement.shard
    _check_shard(prepared.study, directory, shard)
    study, benches = await _open_minds(stack, prepared, directory, options)
    mark = fingerprint(prepared, benches)
    ledger = _open_ledger(prepared, directory, benches, mark)
    stack.callback(ledger.close)
    for bench in benches:
        if isinstance(bench.mind, Accountable):
            bench.mind.record_calls(recording(ledger.add, bench.mind))
    expected = prepared.items[: options.limit]
    covered = tuple(position for position in range(len(expected)) if shard.holds(position))
    counts = ledger.answered_counts()
    begun = ledger.answered_counts(0) if ledger.counted else counts
    prepared, subjects = await _ask_subjects(
        prepared, ledger, directory, options, covered, frozenset(begun)
    )
    write_once(prepared, directory)
    # Stopped before every subject answered, the run still owes what the jury was to be asked.
    items = expected if options.stopped else prepared.items[: options.limit]
    due = {position: prepared.questions_about(position, items[position]) for position in covered}
    open_items = tuple(p for p, need in due.items() if counts.get(p, 0) < need)
    record = begin_record(
        prepared,
        directory,
        benches,
        fingerprint=mark,
        items=len(items),
        due=sum(due.values()),
        shard=None if shard.is_all else str(shard),
        subjects=subjects,
    )
    done = sum(min(counts.get(p, 0), need) for p, need in due.items())
    options.progress.start(total=sum(due.values()), done=done)
    return Session(
        prepared=prepared,
        directory=directory,
        study=study,
        benches=benches,
        fingerprint=mark,
        ledger=ledger,
        due=due,
        covered=covered,
        open_items=open_items,
        partial=frozenset(p for p in open_items if begun.get(p, 0)),
        record=record,
    )


async def _ask_subjects(
    prepared: Prepared,
    ledger: Ledger,
    directory: RunDirectory,
    options: RunOptions,
    covered: tuple[int, ...],
    begun: frozenset[int],
) -> tuple[Prepared, tuple[SubjectRecord, ...]]:
    """Let the study's subjects answer what is not on record; the items come back with it."""
    if not prepared.study.subjects:
        return prepared, ()
    asked = await ask_subjects(
        prepared.study,
        prepared.items,
        ledger,
        Asking(
            positions=covered,
            begun=begun,
            folder=directory.path,
            progress=options.progress,
            stop=options.stop,
        ),
    )
    return replace(prepared, items=asked.items), asked.subjects


def _check_shard(study: Study, directory: RunDirectory, shard: Shard) -> None:
    """Refuse a folder of another shard: a task submitted again alone must not take all items.

    Models that a study asks itself answer once; shards apart would hear different answers.
    """
    if study.subjects and not shard.is_all:
        raise InputError(
            "a study that asks its subjects itself cannot be run in shards",
            where="--shard",
            found=str(shard),
            hint="Use --executor processes or ray, or put the responses into the items' file.",
        )
    if not directory.record.exists():
        return
    found = directory.read_record().shard
    if found != (None if shard.is_all else str(shard)):
        raise InputError(
            "this folder is about another share of the items",
            where=directory.path,
            found="the whole study" if found is None else f"shard {found}",
            expected="the whole study" if shard.is_all else f"shard {shard}",
            hint="Give --shard as before, or choose another --out.",
        )


async def _open_minds(
    stack: AsyncExitStack, prepared: Prepared, directory: RunDirectory, options: RunOptions
) -> tuple[Study, tuple[Bench, ...]]:
    """Open the study's minds; the study comes back with the addresses of servers started."""
    benches: list[Bench] = []
    asked: list[MindSettings] = []
    logs, say = directory.path / "logs", options.progress.say
    for position, each in enumerate(prepared.study.seated_minds):
        settings = stack.enter_context(served(each.mind, logs=logs, say=say))
        asked.append(settings)
        opening = open_mind(settings, position=position, seed=prepared.study.seed)
        mind = await stack.enter_async_context(opening)
        seated = tuple(juror for juror in prepared.jurors if juror.mind == each.shown)
        benches.append(Bench(mind=mind, panel=Panel(seated)))
    changed = iter(asked)
    return prepared.study.with_minds(lambda _: next(changed)), tuple(benches)


def _open_ledger(
    prepared: Prepared, directory: RunDirectory, benches: Sequence[Bench], mark: str
) -> Ledger:
    study = prepared.study
    ledger = open_ledger(
        directory.settle_ledger(in_database(study.ledger, mark)),
        fingerprint=mark,
        ids={
            "item": [item.id for item in prepared.items],
            "juror": [juror.id for juror in prepared.jurors],
            "mind": [f"{bench.mind.name} {bench.mind.version}" for bench in benches],
            "criterion": criterion_names(study.scale),
        },
        counted=0 if study.deliberation is None else study.deliberation.final_round,
    )
    directory.keep_ledger_at(ledger.place)
    return ledger
