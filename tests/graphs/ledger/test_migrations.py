"""Old ledgers are brought up to date where they lie; newer ones are refused."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from graphs.ledger import SCHEMA_VERSION, open_ledger
from graphs.ledger.migrations import STEPS
from graphs.records import Call, Preference, Rating, Statement, SubjectReply
from personas.errors import InputError

FINGERPRINT = "0123456789abcdef"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A ledger as version 0.1.0 wrote it: dumped then, and kept as SQL."""
    path = tmp_path / "ledger.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((Path(__file__).parent / "schema_1.sql").read_text())
        connection.execute("PRAGMA journal_mode=WAL")
    return path


def shape(path: Path) -> dict[str, Any]:
    """Tables with their columns, keys and indices, as SQLite knows them."""
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT type, name, tbl_name FROM sqlite_master").fetchall()
        return {
            name: (kind, table, connection.execute(f"PRAGMA table_xinfo({name})").fetchall())
            for kind, name, table in found
        }


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [line for line in connection.iterdump() if line.startswith("INSERT")]


def test_an_old_ledger_is_upgraded_in_place_and_keeps_every_row(old: Path, tmp_path: Path):
    before = [line for line in dump(old) if "'schema'" not in line]
    ledger = open_ledger(old, fingerprint=FINGERPRINT, ids={})
    assert ledger.counted == 1
    assert ledger.count() == 8
    assert ledger.answered_counts() == {0: 2, 1: 1}  # one of the second item's failed
    assert [s.text for s in ledger.every(Statement)] == ["I say so."]
    assert [p.ranking for p in ledger.every(Preference)] == ["1,0"]
    assert [c.key for c in ledger.of_item(Call, 0)] == ["c000"]
    assert list(ledger.every(SubjectReply)) == []
    ledger.close()
    assert [line for line in dump(old) if "'schema'" not in line] == before
    new = tmp_path / "new.sqlite"
    open_ledger(new, fingerprint=FINGERPRINT, ids={}).close()
    assert shape(old) == shape(new)
    assert f"INSERT INTO \"about\" VALUES('schema','{SCHEMA_VERSION}');" in dump(old)


def test_an_upgraded_ledger_takes_what_was_missing(old: Path, put: Any):
    ledger = open_ledger(old, fingerprint=FINGERPRINT, ids={})
    failed = next(r for r in ledger.of_item(Rating, 1) if r.status == "failed")
    put(ledger, failed._replace(status="ok", rating=3, expected=3.0, reason=None))
    reply = SubjectReply("a", "model", "c", 0, "ok", "yes", None)
    put(ledger, reply)
    assert ledger.answered_counts() == {0: 2, 1: 2}
    assert list(ledger.every(SubjectReply)) == [reply]
    ledger.close()


def test_a_crash_on_the_way_leaves_the_old_ledger(old: Path, monkeypatch: pytest.MonkeyPatch):
    before = shape(old), dump(old)

    def half(connection: sa.Connection) -> None:
        STEPS[2](connection)
        raise RuntimeError("killed")

    monkeypatch.setattr("graphs.ledger.migrations.STEPS", {2: half})
    with pytest.raises(RuntimeError):
        open_ledger(old, fingerprint=FINGERPRINT, ids={})
    assert (shape(old), dump(old)) == before


def test_an_old_ledger_of_another_study_is_left_as_it_is(old: Path):
    before = shape(old), dump(old)
    with pytest.raises(InputError, match="another study"):
        open_ledger(old, fingerprint="other", ids={})
    assert (shape(old), dump(old)) == before


@pytest.fixture
def taken_back(sql: Any, opened: Any) -> None:
    """Takes a new ledger back to what schema 1 had."""
    opened().close()
    sql("DROP TABLE replies")
    sql("DROP INDEX calls_by_item")
    sql("UPDATE about SET value = '1' WHERE key = 'schema'")


@pytest.mark.usefixtures("taken_back")
def test_both_databases_take_the_steps(opened: Any, sql: Any, put: Any):
    ledger = opened()
    put(ledger, SubjectReply("a", "model", "c", 0, "ok", "yes", None))
    assert sql("SELECT value FROM about WHERE key = 'schema'") == [(str(SCHEMA_VERSION),)]
    opened()  # and is not upgraded twice
    sql("DROP INDEX calls_by_item")  # fails where there is none
