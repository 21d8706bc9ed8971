"""The ratings table in parts: the same table, in step with the ledger, and only what is new."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest

import juries
from graphs.ledger import open_ledger
from juries.exports import ratings_table
from juries.exports.forms import export
from juries.progress import Silent
from juries.running import exporting

Study = Callable[..., Path]
ITEMS, PER_ITEM = 12, 3 * 10
PER_PART = 4


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four items a part, looked after all the time."""
    monkeypatch.setattr(ratings_table, "PART_ROWS", PER_PART * PER_ITEM + 1)
    monkeypatch.setattr(exporting, "LOOK_EVERY", 0.01)


def state(run: juries.Run) -> dict[str, tuple[int, str]]:
    """Time and mark of each part."""
    return {
        path.name: (path.stat().st_mtime_ns, pl.read_parquet_metadata(path)["state"])
        for path in ratings_table.rating_files(run.directory.ratings)
    }


def change(run: juries.Run, statement: str) -> None:
    with closing(sqlite3.connect(run.directory.ledger)) as ledger, ledger:
        ledger.execute(statement)


@pytest.mark.parametrize("replicates", [1, 2])
def test_the_parts_together_are_the_table(
    small_study: Study, tmp_path: Path, in_parts: None, monkeypatch, replicates: int
) -> None:
    run = juries.run(small_study(replicates=replicates), out=tmp_path / "parts")
    folder = run.directory.ratings
    assert len(list(folder.iterdir())) == replicates * ITEMS // PER_PART
    monkeypatch.undo()
    whole = juries.run(small_study(replicates=replicates), out=tmp_path / "whole")
    assert whole.directory.ratings.is_file()
    assert run.ratings.equals(whole.ratings)
    assert pl.scan_parquet(folder).collect().equals(whole.ratings)
    assert run.scores() == whole.scores()
    export(run, "hf", tmp_path / "hf")
    assert pl.read_parquet(tmp_path / "hf/data/ratings.parquet").equals(whole.ratings)
    # The same folder, now with room in one file, and back.
    run.gather()
    assert folder.read_bytes() == whole.directory.ratings.read_bytes()


def test_only_parts_that_changed_are_written_again(
    small_study: Study, tmp_path: Path, in_parts: None
) -> None:
    few = juries.run(small_study(), out=tmp_path / "out", limit=2 * PER_PART + 1)
    before = state(few)
    run = juries.run(small_study(), out=tmp_path / "out")
    grown = state(run)
    assert [grown[name] == before[name] for name in sorted(before)] == [True, True, False]
    assert len(run.ratings) == ITEMS * PER_ITEM
    change(run, "UPDATE ratings SET status = 'failed' WHERE item = 5 AND juror = 1")
    (run.directory.ratings / "left-behind.parquet").write_bytes(b"no table")
    run.gather()
    after = state(run)
    assert [after[name] == grown[name] for name in sorted(grown)] == [True, False, True]
    assert (run.ratings["status"] == "failed").sum() == 3
    # Failures that other failures replaced leave the counts as they were.
    change(run, "UPDATE ratings SET reason = 'again' WHERE status = 'failed'")
    change(run, "UPDATE about SET value = value + 1 WHERE key = 'revision'")
    run.gather()
    assert set(run.ratings.filter(pl.col("status") == "failed")["reason"]) == {"again"}
    last = state(run)
    assert [last[name] == after[name] for name in sorted(after)] == [True, False, True]


def test_parts_are_there_while_the_run_goes_on(
    small_study: Study, tmp_path: Path, in_parts: None
) -> None:
    seen: list[int] = []

    class Watching(Silent):
        def finish(self) -> None:
            """The asking is over, and nothing was concluded yet."""
            seen.append(len(list((tmp_path / "out/ratings.parquet").glob("*"))))

    study = small_study(items=400)
    run = juries.run(study, out=tmp_path / "out", progress=Watching())
    assert 0 < seen[0] <= 100
    assert len(run.ratings) == 400 * PER_ITEM
    assert not list(run.path.glob(".ratings*"))


def test_a_part_that_is_left_is_not_there(
    small_study: Study, tmp_path: Path, in_parts: None
) -> None:
    run = juries.run(small_study(), out=tmp_path / "out")
    before = state(run)
    with closing(
        open_ledger(run.directory.ledger_place, fingerprint=run.record.fingerprint, ids={})
    ) as ledger:
        items, jurors = run.directory.read_items(), run.directory.read_jury()
        table = ratings_table.table_of(
            run.directory, run.record, ledger, items=items, jurors=jurors
        )
        change(run, "UPDATE ratings SET status = 'failed' WHERE item = 0 AND juror = 1")
        table.write(table.parts[0], halted=lambda: True)
        assert state(run) == before
        assert [table.holds(part) for part in table.parts] == [False, True, True]
        table.update(Silent())
        assert all(table.holds(part) for part in table.parts)
