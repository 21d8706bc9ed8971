"""Asking: put every item that misses answers to the jury, and write down how far it came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

from graphs.deliberation.plan import Plan
from graphs.items import questions
from graphs.minds.human_forms import HumanAnswers
from graphs.minds.protocol import Accountable, RatingTask
from juries.baselines import ask_baselines
from juries.deliberation.asking import plan_deliberation
from juries.deliberation.people import open_threads, write_waiting
from juries.executors.contexts import Context, make_context
from juries.executors.local import LocalExecutor
from juries.executors.opening import open_executor
from juries.executors.options import RunOptions
from juries.executors.wire import Setup
from juries.injection import ask_injection
from juries.progress import Silent
from juries.run_directory import RunDirectory, RunRecord
from juries.running.exporting import exporting
from juries.running.preparing import Prepared
from juries.running.records import end_record
from juries.running.session import Session, open_session
from juries.tracing import tracing


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
        session = await open_session(stack, prepared, directory, options)
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


async def _expect(session: Session, plan: Plan | None) -> None:
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


async def _probe(session: Session, options: RunOptions) -> None:
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
