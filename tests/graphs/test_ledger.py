"""The ledger: durable, resumable, one row a question, and its own study's."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from graphs.ledger import Ledger, LedgerError, open_ledger
from graphs.records import Cell, Rating, Status, pack, unpack
from personas.errors import InputError

IDS = {"item": ["i0", "i1"], "juror": ["j0"], "mind": ["m"], "criterion": ["overall"]}


def row(item: int = 0, juror: int = 0, **changes: object) -> Rating:
    answer = Rating(
        item=item,
        response=0,
        against=-1,
        juror=juror,
        round=0,
        criterion=0,
        replicate=0,
        status=Status.OK,
        rating=4,
        expected=3.5,
        probabilities=pack(np.array([0.1, 0.2, 0.7])),
        label_mass=None,
        reason="because",
        raw=None,
        mind=0,
        call=None,
    )
    return answer._replace(**changes)


def opened(path: Path, fingerprint: str = "f") -> Ledger:
    return open_ledger(path / "ledger.sqlite", fingerprint=fingerprint, ids=IDS)


def put(ledger: Ledger, *rows: Rating) -> None:
    async def work() -> None:
        async with ledger.committing():
            await ledger.put(rows)

    asyncio.run(work())


def all_rows(ledger: Ledger) -> list[Rating]:
    return [Rating(*one) for block in ledger.blocks() for one in block]


def test_what_is_put_comes_back_in_cell_order(tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    rows = [row(1, 1), row(0, 1), row(0, 0)]
    put(ledger, *rows)
    assert all_rows(ledger) == sorted(rows, key=lambda r: r.cell)
    assert unpack(all_rows(ledger)[0].probabilities or b"").tolist() == pytest.approx(
        [0.1, 0.2, 0.7]
    )
    assert ledger.answered_counts() == {0: 2, 1: 1}
    assert ledger.answered(0) == {Cell(0, 0, -1, 0, 0, 0, 0), Cell(0, 0, -1, 1, 0, 0, 0)}
    ledger.close()


def test_an_answer_is_never_replaced_but_a_failure_is(tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    put(ledger, row(status=Status.FAILED, rating=None, reason="timeout"))
    assert ledger.answered_counts() == {}
    put(ledger, row(rating=2))
    put(ledger, row(rating=5))
    assert [r.rating for r in all_rows(ledger)] == [2]
    assert ledger.count() == 1
    ledger.close()


def test_an_export_can_tell_that_something_was_added(tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    before = ledger.revision()
    put(ledger, row(status=Status.FAILED, rating=None))
    middle = ledger.revision()
    put(ledger, row())
    assert before < middle < ledger.revision()
    ledger.close()


def test_rows_are_committed_while_the_block_goes_on(tmp_path: Path) -> None:
    ledger = opened(tmp_path)

    async def work() -> int:
        async with ledger.committing():
            await ledger.put([row()])
            for _ in range(200):
                await asyncio.sleep(0.02)
                if ledger.count():
                    return ledger.count()
        return 0

    assert asyncio.run(work()) == 1
    ledger.close()


KILLED = """
import asyncio, sys
sys.path[:0] = {paths!r}
from pathlib import Path
from graphs.ledger import open_ledger
from graphs.records import Rating

async def work():
    ledger = open_ledger(Path({path!r}), fingerprint="f", ids={{}})
    async with ledger.committing():
        for item in range(10**9):
            await ledger.put([Rating(item, 0, -1, 0, 0, 0, 0, "ok", 1, *[None] * 5, 0, None)])
            if item % 100 == 0:
                await asyncio.sleep(0)

asyncio.run(work())
"""


def test_a_killed_writer_loses_at_most_the_last_group(tmp_path: Path) -> None:
    root = str(Path(__file__).resolve().parents[2])
    script = KILLED.format(path=str(tmp_path / "ledger.sqlite"), paths=[root])
    writer = subprocess.Popen([sys.executable, "-c", script])
    deadline = time.monotonic() + 60
    while not (tmp_path / "ledger.sqlite").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1.0)
    writer.kill()
    writer.wait()
    ledger = opened(tmp_path)
    items = [r.item for r in all_rows(ledger)]
    assert len(items) > 100
    assert items == list(range(len(items)))  # a prefix: nothing lost inside, nothing twice
    ledger.close()


def test_a_ledger_of_another_study_is_refused(tmp_path: Path) -> None:
    opened(tmp_path).close()
    with pytest.raises(InputError, match="belongs to another study"):
        opened(tmp_path, fingerprint="g")


def test_a_newer_ledger_is_refused(tmp_path: Path) -> None:
    opened(tmp_path).close()
    with sqlite3.connect(tmp_path / "ledger.sqlite") as connection:
        connection.execute("UPDATE about SET value = '99' WHERE key = 'schema'")
    connection.close()
    with pytest.raises(InputError, match="newer version"):
        opened(tmp_path)


def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_text("not a database " * 100)
    with pytest.raises(InputError, match="not a ledger"):
        opened(tmp_path)


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="cannot be written"):
        opened(tmp_path / "nowhere")


def test_a_failed_commit_stops_the_run_and_keeps_what_was_there(tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    put(ledger, row(0))
    with sqlite3.connect(ledger.path) as connection:  # every later write is refused
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON ratings "
            "BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END"
        )
    connection.close()
    with pytest.raises(LedgerError, match=r"Free some space.*everything committed so far is kept"):
        put(ledger, row(1))
    with pytest.raises(LedgerError):
        ledger.add([row(1)])
    assert ledger.count() == 1
    ledger.close()
