"""One session of a run: open the minds and the ledger, ask what is missing, write down how far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from graphs.deliberation.plan import Plan
from graphs.items import criterion_names, questions
from graphs.ledger import Ledger, open_ledger
from graphs.ledger.places import in_database
from graphs.minds.human_forms import HumanAnswers
from graphs.minds.opening import MindSettings, open_mind, served
from graphs.minds.protocol import Accountable, RatingTask
from graphs.panel import Panel
from graphs.rating import Bench
from juries.baselines import ask_baselines
from juries.deliberation.asking import plan_deliberation
from juries.deliberation.people import open_threads, write_waiting
from juries.executors.contexts import Context, make_context
from juries.executors.local import LocalExecutor
from juries.executors.opening import open_executor
from juries.executors.options import RunOptions
from juries.executors.placement import Shard
from juries.executors.wire import Setup
from juries.injection import ask_injection
from juries.progress import Silent
from juries.run_directory import RunDirectory, RunRecord
from juries.running.exporting import exporting
from juries.running.preparing import Prepared, fingerprint
from juries.running.records import begin_record, end_record, write_once
from juries.spec import Study
from juries.subjects.asking import Asking, ask_subjects
from juries.subjects.record import SubjectRecord
from juries.tracing import recording, tracing
from personas.errors import InputError

if TYPE_CHECKING:
    from juries.exports.ratings_table import RatingsTable


async def run_study(
    prepared: Prepared,
    directory: RunDirectory,
    options: RunOptions | None = None,
    *,
    answers: Mapping[int, HumanAnswers] | None = None,
) -> RunRecord:
    """Put every item to the jury and record what it says; go on where an earlier run stopped.

    Args:
        prepared: the study with its jury seated.
        directory: the run's folder, held by the caller.
        options: how it is done.
        answers: what people at seats said since an earlier run, by position of the item.

    Returns:
        The record, also written to the folder; `complete` says whether every question of the
        items covered has an answer.

    Raises:
        InputError: the folder holds another study or another shard, or the executor cannot be had.
        JuriesError: a mind cannot be asked any more; what was answered is kept.
    """
    options = options or RunOptions()
    async with AsyncExitStack() as stack:
        stack.enter_context(tracing(prepared.study.name, seed=prepared.study.seed))
        session = await _open(stack, prepared, directory, options)
        plan = plan_deliberation(prepared.study, prepared.jurors, prepared.items)
        threads = await stack.enter_async_context(
            open_threads(
                prepared.study, directory, fingerprint=session.fingerprint, answers=answers
            )
        )
        context = make_context(
            prepared.study,
            plan,
            session.prepared.items,
            benches=session.benches,
            ledger=session.ledger,
            partial=session.partial,
            assignment=prepared.assignment,
        )
        await _expect(session, plan)
        setup = Setup(
            study=session.study,
            jurors=prepared.jurors,
            items=len(prepared.items),
            most_responses=max((len(item.responses) for item in prepared.items), default=0),
        )
        opening = open_executor(options.placement, setup, session.benches, threads)
        executor = await stack.enter_async_context(opening)
        elsewhere: list[dict[str, Any]] = []
        try:
            async with session.ledger.committing(), exporting(session.table, session.finished):
                await executor.ask(session.open_items, context, options)
            elsewhere = await executor.reports()
        finally:
            options.progress.finish()
            if threads is not None:
                write_waiting(directory, prepared.items, threads.waiting)
            record = await end_record(
                session.record,
                session.ledger,
                session.benches,
                covered=session.covered,
                elsewhere=elsewhere,
            )
            directory.write_record(record)
        if context.unavailable:
            raise next(iter(context.unavailable.values()))
        if record.complete:
            await _probe(session, options)
    return record


@dataclass(frozen=True, slots=True, kw_only=True)
class _Session:
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


async def _open(
    stack: AsyncExitStack, prepared: Prepared, directory: RunDirectory, options: RunOptions
) -> _Session:
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
    return _Session(
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


async def _expect(session: _Session, plan: Plan | None) -> None:
    """Let minds that ask servers estimate what these items will take."""
    study = session.prepared.study
    items = [session.prepared.items[position] for position in session.open_items]
    for bench, each in zip(session.benches, study.seated_minds, strict=True):
        if items and isinstance(bench.mind, Accountable):
            task = RatingTask(
                item=items[0],
                position=0,
                panel=bench.panel,
                questions=questions(study.scale),
                replicates=study.replicates,
                seed=study.seed,
            )
            from juries.planned import asked_share, beyond  # lead to the clients of servers

            more = beyond(study, plan, items, mind=each.mind, jurors=len(bench.panel))
            share = asked_share(session.prepared.assignment, bench.panel)
            await bench.mind.expect(items, task, beyond=more, share=share)


async def _probe(session: _Session, options: RunOptions) -> None:
    """Ask the baselines and the injection probe, of the items that the run is about.

    Both are small samples, and this process asks them whatever the executor.
    """
    prepared, directory = session.prepared, session.directory
    benches = [bench for bench in session.benches if bench.mind.kind != "human"]
    shard, size = options.placement.shard, len(prepared.items)
    quiet = RunOptions(in_flight=options.in_flight, stop=options.stop, progress=Silent())

    async def ask(due: Sequence[int], work: Context) -> None:
        # The probe's controls stand at the items' positions plus the number of items.
        held = [position for position in due if shard.holds(position % size)]
        await LocalExecutor().ask(held, work, quiet)

    await ask_baselines(
        directory.baselines,
        prepared,
        [bench.mind for bench in benches],
        fingerprint=session.fingerprint,
        items=session.record.items,
        ask=ask,
    )
    await ask_injection(
        directory.injection,
        prepared,
        benches,
        fingerprint=session.fingerprint,
        items=session.record.items,
        ask=ask,
    )
