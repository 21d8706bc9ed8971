"""Shards of a study, run apart, put together into one run."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from graphs.ledger import open_ledger
from graphs.ledger.merging import merge_files
from juries.executors.placement import Shard
from juries.progress import Progress, Silent
from juries.run_directory import RunDirectory, RunRecord, now
from juries.runs import Run
from personas.errors import InputError
from personas.files import replacing

_LISTED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    directory: RunDirectory
    record: RunRecord
    shard: Shard


def merge(runs: Sequence[Path | str], *, out: Path | str, progress: Progress | None = None) -> Run:
    """Put the shards of one study together and score them, as if it had been run whole.

    Args:
        runs: folders of the shards, in any order; every shard once.
        out: folder of the run that they make; an earlier merge of the same study is replaced.
        progress: told what is being done.

    Returns:
        The run, whose ratings and scores equal those of the study run in one piece.

    Raises:
        InputError: a folder that is no shard or is not complete, shards of different studies, one
            that is missing or there twice, or `out` holds something else.
    """
    progress = progress or Silent()
    parts = check_shards([Path(run) for run in runs])
    first = parts[0]
    directory = RunDirectory(Path(out))
    with directory.held():
        _check_out(directory, parts)
        progress.say(f"putting {len(parts)} shards together")
        for name in ("study", "items", "jury", "database"):
            if getattr(first.directory, name).exists():
                _copy(getattr(first.directory, name), getattr(directory, name))
        for name in ("ledger", "baselines", "injection"):
            there = [p for part in parts if (p := getattr(part.directory, name)).exists()]
            if there:
                merge_files(getattr(directory, name), there)
        directory.write_record(_together([part.record for part in parts], _count(directory, first)))
        run = Run(directory.path)
        run.score(progress=progress)
    return run


def check_shards(runs: Sequence[Path]) -> tuple[_Part, ...]:
    """The shards in order of number, held to be all of one study, complete, each there once.

    Raises:
        InputError: they are not; every folder or number at fault is named.
    """
    parts = [_part(path) for path in runs]
    if not parts:
        raise InputError("no shard is named", where="juries merge")
    for part in parts[1:]:
        _check_same(parts[0], part)
    by_number: dict[int, list[_Part]] = defaultdict(list)
    for part in parts:
        by_number[part.shard.number].append(part)
    twice = [same for same in by_number.values() if len(same) > 1]
    if twice:
        same = twice[0]
        raise InputError(
            f"shard {same[0].shard} is there {len(same)} times",
            where=", ".join(str(part.directory.path) for part in same),
            expected="every shard once",
        )
    of = parts[0].shard.of
    missing = [f"{number}/{of}" for number in range(1, of + 1) if number not in by_number]
    if missing:
        more = f" and {len(missing) - _LISTED} more" if len(missing) > _LISTED else ""
        raise InputError(
            f"{len(missing)} of {of} shards are missing: {', '.join(missing[:_LISTED])}{more}",
            where="juries merge",
            hint="Run them with --shard, and name their folders too.",
        )
    for part in parts:
        if not part.record.complete:
            raise InputError(
                f"shard {part.shard} is not complete",
                where=part.directory.path,
                found=f"{part.record.recorded:,} answers",
                expected=f"{part.record.questions:,} questions answered",
                hint="Run it again with the same --shard and --out: it goes on where it stopped.",
            )
    return tuple(sorted(parts, key=lambda part: part.shard.number))


def _part(path: Path) -> _Part:
    directory = RunDirectory(path)
    record = directory.read_record()
    if record.shard is None:
        raise InputError(
            "this run is no shard, but a whole study",
            where=path,
            hint="Only runs made with --shard can be merged.",
        )
    if directory.database.exists():
        raise InputError(
            "this shard's answers are in a database, together with those of all shards",
            where=path,
            found=str(directory.ledger_place),
            hint="Run the study with the same --ledger and no --shard: it asks nothing twice.",
        )
    number, of = record.shard.split("/")
    return _Part(directory=directory, record=record, shard=Shard(number=int(number), of=int(of)))


def _check_same(first: _Part, other: _Part) -> None:
    """Both shards are of one study, cut the same way."""
    a, b = first.record, other.record
    cut, expected_cut = f"i/{other.shard.of}", f"i/{first.shard.of}"
    for what, found, expected in (
        ("another study", b.fingerprint, a.fingerprint),
        ("another number of items (--limit)", str(b.items), str(a.items)),
        ("a study cut into another number of shards", cut, expected_cut),
    ):
        if found != expected:
            raise InputError(
                f"this is a shard of {what}",
                where=other.directory.path,
                found=found,
                expected=f"{expected}, as in {first.directory.path}",
            )


def _check_out(directory: RunDirectory, parts: Sequence[_Part]) -> None:
    if directory.path.resolve() in {part.directory.path.resolve() for part in parts}:
        raise InputError("a shard cannot be merged into itself", where=directory.path)
    if not directory.record.exists():
        return
    record = directory.read_record()
    if record.shard is not None or record.fingerprint != parts[0].record.fingerprint:
        raise InputError(
            "this folder holds another run",
            where=directory.path,
            hint="Choose another --out.",
        )


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as before, replacing(target, binary=True) as after:
        shutil.copyfileobj(before, after)


def _count(directory: RunDirectory, first: _Part) -> int:
    """Rows of all shards together, which may have shared a database."""
    fingerprint = first.record.fingerprint
    ledger = open_ledger(directory.ledger_place, fingerprint=fingerprint, ids={})
    with closing(ledger):
        return ledger.count()


def _together(records: Sequence[RunRecord], recorded: int) -> RunRecord:
    """The record of a run that was made of these."""
    return records[0].model_copy(
        update={
            "shard": None,
            "questions": sum(record.questions for record in records),
            "recorded": recorded,
            "started": min(record.started for record in records),
            "updated": now(),
            "sessions": sum(record.sessions for record in records),
            "command": shlex.join(["juries", *sys.argv[1:]]),
            "asking": tuple(
                {**report, "shard": record.shard} for record in records for report in record.asking
            ),
            "notes": (*records[0].notes, f"merged from {len(records)} shards"),
        }
    )
