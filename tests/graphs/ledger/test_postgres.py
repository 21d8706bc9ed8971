"""Several writers at once, and a server that goes away while a run is asking."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from graphs.ledger import Ledger, LedgerError, PostgresPlace, open_ledger
from graphs.ledger.places import connection_url, without_password
from graphs.records import Rating, Status


@pytest.fixture
def place(postgres_database: str) -> PostgresPlace:
    """In a database of its own, so that nobody else's connections are cut."""
    return PostgresPlace(url=without_password(postgres_database), schema="juries_test")


@pytest.fixture
def cut(postgres_database: str, postgres_server: Any) -> Callable[[], int]:
    """Ends every connection to the database from the server's side; how many there were."""

    def terminate() -> int:
        with psycopg.connect(postgres_server.url().replace("+psycopg", "")) as session:
            ended = session.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                [connection_url(postgres_database).database],
            )
            return len(ended.fetchall())

    return terminate


def test_writers_of_the_same_questions_keep_each_once(place: PostgresPlace, row: Any):
    """Four writers put the same cells in orders of their own, with answers of their own."""
    writers = 4
    wanted = [row(item, juror) for item in range(40) for juror in range(50)]
    together = threading.Barrier(writers)

    def write(number: int, ledger: Ledger) -> None:
        shift = number * 500
        mine = [r._replace(rating=number + 1) for r in [*wanted[shift:], *wanted[:shift]]]
        mine = mine[::-1] if number % 2 else mine

        async def work() -> None:
            async with ledger.committing():
                for start in range(0, len(mine), 250):
                    await asyncio.to_thread(together.wait)
                    await ledger.put(mine[start : start + 250])
                    await ledger.commit()

        asyncio.run(work())

    ledgers = [open_ledger(place, fingerprint="f", ids={}) for _ in range(writers)]
    threads = [threading.Thread(target=write, args=each) for each in enumerate(ledgers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [Rating(*one) for block in ledgers[0].blocks() for one in block]
    assert [r.cell for r in found] == [r.cell for r in wanted]
    assert len({r.rating for r in found}) > 1  # they did write side by side
    assert ledgers[0].revision() >= writers * len(wanted) // 250
    for ledger in ledgers:
        ledger.close()


def test_of_two_writers_the_answer_wins_over_the_failure(
    place: PostgresPlace, row: Any, put: Any, all_rows: Any
):
    first, second = (open_ledger(place, fingerprint="f", ids={}) for _ in range(2))
    failed = row(status=Status.FAILED, rating=None)
    put(first, failed)
    put(second, row(rating=2))
    put(first, failed)
    put(first, row(rating=5))
    assert [r.rating for r in all_rows(first)] == [2]
    first.close()
    second.close()


def test_processes_that_open_a_new_ledger_at_once_agree(place: PostgresPlace):
    opened: list[Ledger] = []
    threads = [
        threading.Thread(
            target=lambda: opened.append(
                open_ledger(place, fingerprint="f", ids={"item": ["a", "b"]})
            )
        )
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 6
    for ledger in opened:
        assert ledger.count() == 0
        ledger.close()


def rows_of(row: Any, items: int) -> list[Rating]:
    return [row(item, juror) for item in range(items) for juror in range(20)]


async def put_slowly(ledger: Ledger, rows: list[Rating], done: threading.Event) -> None:
    async with ledger.committing():
        for start in range(0, len(rows), 20):
            await ledger.put(rows[start : start + 20])
            await asyncio.sleep(0.01)
            if start % 400 == 0:
                await asyncio.to_thread(ledger.answered, start // 20)  # as a run that resumes
    done.set()


def disturb(
    ledger: Ledger, rows: list[Rating], disturbance: Callable[[], object], most: int
) -> int:
    """Put rows while something happens, at most so many times; how often it did."""
    done = threading.Event()
    times = 0

    def again() -> None:
        nonlocal times
        while times < most and not done.wait(0.3):
            disturbance()
            times += 1

    other = threading.Thread(target=again)
    other.start()
    try:
        asyncio.run(put_slowly(ledger, rows, done))
    finally:
        done.set()
        other.join()
    return times


def test_connections_that_are_cut_lose_nothing(
    place: PostgresPlace, row: Any, cut: Any, all_rows: Any
):
    ledger = open_ledger(place, fingerprint="f", ids={})
    rows = rows_of(row, 150)
    assert disturb(ledger, rows, cut, 5) >= 2
    assert all_rows(ledger) == rows
    ledger.close()


def test_a_server_that_crashes_and_comes_back_loses_nothing(
    place: PostgresPlace, row: Any, postgres_server: Any, all_rows: Any
):
    ledger = open_ledger(place, fingerprint="f", ids={})
    rows = rows_of(row, 150)

    def crash() -> None:
        postgres_server.stop("immediate")
        time.sleep(0.3)
        postgres_server.start()

    assert disturb(ledger, rows, crash, 2) >= 1
    assert all_rows(ledger) == rows
    ledger.close()


def test_a_server_that_stays_away_stops_the_run_and_keeps_what_was_there(
    place: PostgresPlace, row: Any, put: Any, postgres_server: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("graphs.ledger.postgres.RETRY_SECONDS", 0.5)
    ledger = open_ledger(place, fingerprint="f", ids={})
    put(ledger, row(0))
    postgres_server.stop("immediate")
    try:
        with pytest.raises(LedgerError, match="everything committed so far is kept") as error:
            put(ledger, row(1))
        assert connection_url(place.url).password not in str(error.value)
        ledger.close()
    finally:
        postgres_server.start()
    again = open_ledger(place, fingerprint="f", ids={})
    assert again.answered_counts() == {0: 1}
    again.close()


def test_a_user_who_may_not_make_a_schema_is_told(place: PostgresPlace, postgres_database: str):
    owner = connection_url(place.url).set(drivername="postgresql")
    with psycopg.connect(owner.render_as_string(hide_password=False)) as session:
        session.execute("CREATE ROLE guest LOGIN PASSWORD 'let-me-in'")
    guest = connection_url(place.url).set(username="guest", password="let-me-in")
    url = without_password(guest.render_as_string(hide_password=False))
    with pytest.raises(Exception, match="GRANT CREATE ON DATABASE") as error:
        open_ledger(PostgresPlace(url=url, schema="juries_guest"), fingerprint="f", ids={})
    assert "let-me-in" not in str(error.value)


@pytest.fixture
def small_database(postgres_server: Any) -> Iterator[tuple[str, Path]]:
    """A database on a disk of 16 MB at the server, and where that disk is."""
    disk = postgres_server.folder / "small"
    disk.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", disk]
    if subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("file systems cannot be mounted here")
    if postgres_server.user is not None:
        shutil.chown(disk, postgres_server.user)
    server = postgres_server.url().replace("+psycopg", "")
    with psycopg.connect(server, autocommit=True) as session:
        session.execute(f"CREATE TABLESPACE small LOCATION '{disk}'".encode())
        session.execute("CREATE DATABASE juries_small TABLESPACE small")
    yield postgres_server.url("juries_small"), disk
    with psycopg.connect(server, autocommit=True) as session:
        session.execute("DROP DATABASE juries_small WITH (FORCE)")
        session.execute("DROP TABLESPACE small")
    subprocess.run(["umount", disk], check=True)


def test_a_full_disk_at_the_server_stops_the_run_and_keeps_what_was_there(
    small_database: tuple[str, Path], row: Any, put: Any, all_rows: Any
):
    url, disk = small_database
    place = PostgresPlace(url=without_password(url), schema="juries_test")

    def fill() -> None:
        ledger = open_ledger(place, fingerprint="f", ids={})
        try:
            for item in range(400):
                put(ledger, *[row(item, juror, reason="x" * 500) for juror in range(100)])
        finally:
            ledger.close()

    with pytest.raises(LedgerError, match="The server's disk is full"):
        fill()
    subprocess.run(["mount", "-o", "remount,size=128m", disk], check=True)
    ledger = open_ledger(place, fingerprint="f", ids={})
    kept = ledger.answered_counts()
    assert len(kept) > 10
    assert set(kept.values()) == {100}
    put(ledger, *[row(len(kept), juror) for juror in range(100)])
    assert [(r.item, r.juror) for r in all_rows(ledger)] == [
        (item, juror) for item in range(len(kept) + 1) for juror in range(100)
    ]
    ledger.close()
