"""The ledger: durable, resumable, one row a question, and its own study's."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from graphs.ledger import Ledger, LedgerError, LedgerPlace
from graphs.ledger.places import connection_url
from graphs.records import Call, Cell, Preference, Statement, Status, SubjectReply, unpack
from personas.errors import InputError


def test_what_is_put_comes_back_in_cell_order(opened: Any, row: Any, put: Any, all_rows: Any):
    ledger = opened()
    rows = [row(1, 1), row(0, 1), row(0, 0)]
    put(ledger, *rows)
    assert all_rows(ledger) == sorted(rows, key=lambda r: r.cell)
    assert unpack(all_rows(ledger)[0].probabilities).tolist() == pytest.approx([0.1, 0.2, 0.7])
    assert ledger.answered_counts() == {0: 2, 1: 1}
    assert ledger.answered(0) == {Cell(0, 0, -1, 0, 0, 0, 0), Cell(0, 0, -1, 1, 0, 0, 0)}


def test_every_kind_of_row_comes_back_as_it_was(opened: Any, row: Any, put: Any):
    ledger = opened()
    said = [
        Statement(0, 1, kind, 2, 0, 0, "ok", "Ünï\ncode\t\\N", b"\0\xff", 3, None, 0, "k")
        for kind in ("Zeal", "advocacy", "opinion")  # by code point, whatever the locale
    ]
    ranked = Preference(0, 1, 2, "ok", "1,0", "", None, None, 0, None)
    call = Call("k", 0, 0, 2, 1, "rate", 0, "h", "3,1,2", 5, None, 7, 1, 0.1 + 0.2, 1, None, "")
    reply = SubjectReply("a", "model", "c", 0, "ok", "yes", None)
    for rows in ([row(expected=0.1 + 0.2)], said, [ranked], [call], [reply]):
        put(ledger, *rows)
    assert ledger.of_item(Statement, 0) == said
    assert list(ledger.every(Statement)) == said
    assert ledger.of_item(Preference, 0) == [ranked]
    assert ledger.of_item(Call, 0) == [call]
    assert ledger.of_item(Call, 1) == []
    assert list(ledger.every(SubjectReply)) == [reply]
    assert [one for block in ledger.blocks(("expected", "item")) for one in block] == [
        (0.1 + 0.2, 0)
    ]


def test_blocks_are_of_the_rounds_and_items_asked_for(opened: Any, row: Any, put: Any):
    ledger = opened(counted=1)
    put(ledger, *[row(item, round=round_) for item in range(3) for round_ in range(2)])

    def read(**wanted: Any) -> list[tuple[int, ...]]:
        return [one for block in ledger.blocks(("item", "round"), **wanted) for one in block]

    assert read() == [(0, 1), (1, 1), (2, 1)]
    assert read(items=1, rounds=0) == [(0, 0)]
    assert read(items=2, rounds="all") == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert ledger.answered_counts() == ledger.answered_counts(0) == {0: 1, 1: 1, 2: 1}
    assert ledger.answered_counts(2) == {}
    assert opened().counted == 1  # whatever a later caller says


def test_an_answer_is_never_replaced_but_a_failure_is(
    opened: Any, row: Any, put: Any, all_rows: Any
):
    ledger = opened()
    put(ledger, row(status=Status.FAILED, rating=None, reason="timeout"))
    assert ledger.answered_counts() == {}
    put(ledger, row(rating=2))
    put(ledger, row(rating=5))
    assert [r.rating for r in all_rows(ledger)] == [2]
    assert ledger.count() == 1


@pytest.mark.parametrize("others", [0, 44, 47, 120])
def test_within_one_group_the_first_answer_stays(
    opened: Any, row: Any, put: Any, all_rows: Any, others: int
):
    """Whether the rows share a statement or not: 50 are one, what is left over is put singly."""
    ledger = opened()
    failed = row(status=Status.FAILED, rating=None)
    more = [row(2, juror, rating=3) for juror in range(others)]
    put(ledger, *more, failed, row(rating=2), row(rating=5), failed, row(juror=1, rating=1))
    assert [r.rating for r in all_rows(ledger)] == [2, 1] + [3] * others
    call = Call("k", 0, 0, 2, 1, "rate", 0, "h", "", 5, None, 7, 1, 0.5, 1, None, None)
    put(ledger, call, call._replace(attempts=2))
    assert [one.attempts for one in ledger.every(Call)] == [2]


def test_text_that_no_database_holds_is_kept_legible(
    opened: Any, row: Any, put: Any, all_rows: Any
):
    ledger = opened()
    put(ledger, row(reason="half \ud800 of a pair"), row(juror=1, raw="nul \0 byte"), row(juror=2))
    reasons = [(r.reason, r.raw) for r in all_rows(ledger)]
    assert len(reasons) == 3
    assert reasons[0][0].startswith("half ")
    assert reasons[0][0].endswith(" of a pair")
    assert reasons[1][1] == "nul \ufffd byte"
    assert reasons[2] == ("because", None)


def test_an_export_can_tell_that_something_was_added(opened: Any, row: Any, put: Any):
    ledger = opened()
    before = ledger.revision()
    put(ledger, row(status=Status.FAILED, rating=None))
    middle = ledger.revision()
    put(ledger, row())
    assert before < middle < ledger.revision()


def test_rows_are_committed_while_the_block_goes_on(opened: Any, row: Any):
    ledger: Ledger = opened()

    async def work() -> int:
        async with ledger.committing():
            await ledger.put([row()])
            for _ in range(200):
                await asyncio.sleep(0.02)
                if ledger.count():
                    return ledger.count()
        return 0

    assert asyncio.run(work()) == 1


def test_a_reader_and_a_writer_do_not_wait_for_each_other(opened: Any, row: Any, put: Any):
    writer, reader = opened(), opened()
    put(writer, *[row(item) for item in range(20)])
    blocks = reader.blocks()
    assert len(next(iter(blocks))) == 20
    put(writer, row(20))
    assert reader.count() == 21


KILLED = """
import asyncio, sys
sys.path[:0] = {paths!r}
from pathlib import Path, PosixPath
from graphs.ledger import PostgresPlace, open_ledger
from graphs.records import Rating

async def work():
    ledger = open_ledger({place!r}, fingerprint="f", ids={{}})
    async with ledger.committing():
        for item in range(10**9):
            await ledger.put([Rating(item, 0, -1, 0, 0, 0, 0, "ok", 1, *[None] * 5, 0, None)])
            if item % 100 == 0:
                await asyncio.sleep(0)

asyncio.run(work())
"""


def test_a_killed_writer_loses_at_most_the_last_group(
    place: LedgerPlace, opened: Any, all_rows: Any
):
    root = str(Path(__file__).resolve().parents[3])
    ledger = opened()
    password = None if isinstance(place, Path) else connection_url(place.url).password
    writer = subprocess.Popen(
        [sys.executable, "-c", KILLED.format(place=place, paths=[root])],
        env={**os.environ, "PGPASSWORD": password or ""},
    )
    deadline = time.monotonic() + 60
    while ledger.count() < 1000 and time.monotonic() < deadline:
        time.sleep(0.05)
    writer.kill()
    writer.wait()
    items = [r.item for r in all_rows(ledger)]
    assert len(items) >= 1000
    assert items == list(range(len(items)))  # a prefix: nothing lost inside, nothing twice


def test_a_ledger_of_another_study_is_refused(opened: Any):
    opened()
    with pytest.raises(InputError, match="belongs to another study"):
        opened(fingerprint="g")


def test_a_newer_ledger_is_refused_and_left_as_it_is(opened: Any, sql: Any):
    opened()
    sql("UPDATE about SET value = '99' WHERE key = 'schema'")
    with pytest.raises(InputError, match="newer version"):
        opened()
    assert sql("SELECT value FROM about WHERE key = 'schema'") == [("99",)]


FULL = {
    "sqlite": (
        "CREATE TRIGGER no_space BEFORE INSERT ON ratings "
        "BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END",
    ),
    "postgres": (
        "CREATE FUNCTION no_space() RETURNS trigger AS "
        "$$ BEGIN RAISE 'could not extend file' USING ERRCODE = '53100'; END $$ LANGUAGE plpgsql",
        "CREATE TRIGGER no_space BEFORE INSERT ON ratings EXECUTE FUNCTION no_space()",
    ),
}


def test_a_failed_commit_stops_the_run_and_keeps_what_was_there(
    place: LedgerPlace, opened: Any, row: Any, put: Any, sql: Any
):
    ledger = opened()
    put(ledger, row(0))
    for statement in FULL["sqlite" if isinstance(place, Path) else "postgres"]:
        sql(statement)  # every later write is refused
    with pytest.raises(LedgerError, match=r"Free some space.*everything committed so far is kept"):
        put(ledger, row(1))
    with pytest.raises(LedgerError):
        ledger.add([row(1)])
    assert ledger.count() == 1
