"""What a run writes about itself: what was judged, who judged, and how far it came."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from typing import Any

from graphs.ledger import Ledger
from graphs.ledger.places import redacted
from graphs.minds.protocol import Accountable
from graphs.rating import Bench
from juries.run_directory import MindRecord, RunDirectory, RunRecord, now, versions
from juries.running.preparing import Prepared
from juries.subjects.record import SubjectRecord


def write_once(prepared: Prepared, directory: RunDirectory) -> None:
    """Copy what was judged and who judged into the folder, so that it stands alone."""
    if prepared.study.live_models or not directory.items.exists():  # a reply may have come since
        directory.write_items(prepared.items)
    if not directory.jury.exists():
        directory.write_jury(prepared.jurors)
    directory.write_study(prepared.study)


def begin_record(
    prepared: Prepared,
    directory: RunDirectory,
    benches: Sequence[Bench],
    *,
    fingerprint: str,
    items: int,
    due: int,
    shard: str | None = None,
    subjects: Sequence[SubjectRecord] = (),
) -> RunRecord:
    """Write `run.json` at the start of a session, after that of earlier sessions.

    Args:
        prepared: the study.
        directory: of the run.
        benches: the minds with their jurors.
        fingerprint: of the study.
        items: how many of the study the run covers.
        due: questions that it puts.
        shard: which share of the items, such as `2/8`; None for all.
        subjects: what became of the models that the study asks.
    """
    earlier = directory.read_record() if directory.record.exists() else None
    record = RunRecord(
        study=prepared.study.name,
        fingerprint=fingerprint,
        seed=prepared.study.seed,
        items=items,
        shard=shard,
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
        command=redacted(shlex.join(["juries", *sys.argv[1:]])),
        versions=versions(),
        hashes=prepared.hashes,
        jury=prepared.jury,
        asking=() if earlier is None else earlier.asking,
        subjects=tuple(subjects),
    )
    directory.write_record(record)
    return record


async def end_record(
    record: RunRecord,
    ledger: Ledger,
    benches: Sequence[Bench],
    *,
    covered: Sequence[int],
    elsewhere: Sequence[dict[str, Any]] = (),
) -> RunRecord:
    """The record at the end of a session: what was recorded, whether all is, and what it took.

    Args:
        record: of its start.
        ledger: of the run.
        benches: the minds, which report how they asked servers.
        covered: positions of the items that the run covers.
        elsewhere: reports of minds that workers opened.
    """
    counts = ledger.answered_counts()
    answered = sum(counts.get(item, 0) for item in covered)
    here = [
        {"mind": bench.mind.name, "session": record.sessions, **await bench.mind.report()}
        for bench in benches
        if isinstance(bench.mind, Accountable)
    ]
    there = [{"session": record.sessions, **report} for report in elsewhere]
    return record.model_copy(
        update={
            "recorded": ledger.count(),
            "complete": answered >= record.questions,
            "updated": now(),
            "asking": (*record.asking, *here, *there),
        }
    )
