"""The ledger: ratings a second into SQLite and PostgreSQL, and what a resume must read back.

Inserting through the ledger stands beside the same rows put into the same table by the driver
alone, in transactions of the same size, in turns in one run. Medians of five.

PostgreSQL is measured where `--postgres` names a database: a schema is made there and dropped
again. The driver alone is its COPY, which stops at the first question recorded twice.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import secrets
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graphs.ledger import Ledger, LedgerPlace, PostgresPlace, open_ledger
from graphs.ledger.places import connection_url, without_password
from graphs.ledger.store import COMMIT_ROWS
from graphs.records import Rating, pack

RESPONSES, JURORS = 5, 100
PER_ITEM = RESPONSES * JURORS
PACKED = [pack(row) for row in np.random.default_rng(1).dirichlet(np.ones(5), 500)]
REASON = "It answers what was asked, in few words, and leaves out nothing that matters."
COLUMNS = ("item", "response", "juror", "criterion", "status", "rating", "expected")


def rows_of(item: int) -> list[Rating]:
    """What a jury of 100 says of five responses: a distribution each, a reason in every third."""
    return [
        Rating(
            item=item,
            response=response,
            against=-1,
            juror=juror,
            round=0,
            criterion=0,
            replicate=0,
            status="ok",
            rating=1 + (item + juror) % 5,
            expected=1 + 4 * ((item * 31 + juror * 17) % 997) / 997,
            probabilities=PACKED[(item + juror * response) % len(PACKED)],
            label_mass=None,
            reason=REASON if juror % 3 == 0 else None,
            raw=None,
            mind=0,
            call=None,
        )
        for response in range(RESPONSES)
        for juror in range(JURORS)
    ]


async def put(ledger: Ledger, first: int, last: int, made: list[list[Rating]] | None) -> None:
    async with ledger.committing():
        for item in range(first, last):
            await ledger.put(rows_of(item) if made is None else made[item])


@dataclass
class Took:
    """Rows a second of wall time, and CPU microseconds of this process a row."""

    wall: list[float]
    cpu: list[float]

    def show(self, what: str) -> float:
        rate = statistics.median(self.wall)
        print(f"{what:<46}{rate:>12,.0f} rows/s{statistics.median(self.cpu):>8.2f} µs CPU a row")
        return rate


def timed(took: Took, rows: int, work: Callable[[], object]) -> None:
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    took.wall.append(rows / (time.perf_counter() - wall))
    took.cpu.append((time.process_time() - cpu) / rows * 1e6)


def through_ledger(place: LedgerPlace, made: list[list[Rating]], took: Took) -> None:
    with closing(open_ledger(place, fingerprint="bench", ids={})) as ledger:
        count = len(made) * PER_ITEM
        timed(took, count, lambda: asyncio.run(put(ledger, 0, len(made), made)))
        assert ledger.count() == count


def by_sqlite_alone(path: Path, rows: list[Rating], took: Took) -> None:
    open_ledger(path, fingerprint="bench", ids={}).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=NORMAL")
        insert = f"INSERT INTO ratings VALUES ({','.join('?' * len(Rating._fields))})"

        def work() -> None:
            for start in range(0, len(rows), COMMIT_ROWS):
                connection.execute("BEGIN")
                connection.executemany(insert, rows[start : start + COMMIT_ROWS])
                connection.execute("COMMIT")

        timed(took, len(rows), work)


def by_copy_alone(place: PostgresPlace, rows: list[Rating], took: Took) -> None:
    import psycopg

    open_ledger(place, fingerprint="bench", ids={}).close()
    url = connection_url(place.url).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False)) as connection:

        def work() -> None:
            for start in range(0, len(rows), COMMIT_ROWS):
                with connection.cursor().copy(
                    f"COPY {place.schema}.ratings FROM STDIN".encode()
                ) as copy:
                    for row in rows[start : start + COMMIT_ROWS]:
                        copy.write_row(row)
                connection.commit()

        timed(took, len(rows), work)


def drop(place: PostgresPlace) -> None:
    import psycopg

    url = connection_url(place.url).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {place.schema} CASCADE".encode())


def inserting(items: int, repeats: int, url: str | None) -> None:
    made = [rows_of(item) for item in range(items)]
    flat = [row for rows in made for row in rows]
    print(f"rows inserted each time: {len(flat):,}")
    ours, bare = Took([], []), Took([], [])
    copied, placed = Took([], []), Took([], [])
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            by_sqlite_alone(Path(folder) / "bare.sqlite", flat, bare)
            through_ledger(Path(folder) / "ledger.sqlite", made, ours)
        if url is not None:
            place = PostgresPlace(
                url=without_password(url), schema="juries_" + secrets.token_hex(8)
            )
            try:
                by_copy_alone(place, flat, copied)
                drop(place)
                through_ledger(place, made, placed)
            finally:
                drop(place)
    print(
        f"{'  ratio':<46}{ours.show('SQLite, ledger') / bare.show('SQLite, driver alone'):>12.2f}"
    )
    if url is None:
        print("PostgreSQL: left out, no --postgres")
        return
    ratio = placed.show("PostgreSQL, ledger") / copied.show("PostgreSQL, driver's COPY alone")
    print(f"{'  ratio':<46}{ratio:>12.2f}")


def resuming(items: int, repeats: int, path: Path) -> None:
    """What is read before a run goes on, and the whole of it read back, in bounded memory."""
    if not path.exists():
        with closing(open_ledger(path, fingerprint="bench", ids={})) as ledger:
            took = Took([], [])
            timed(took, items * PER_ITEM, lambda: asyncio.run(put(ledger, 0, items, None)))
            took.show("written, rows made on the way")
    opened, counted, summed = [], [], []
    for _ in range(repeats):
        begin = time.perf_counter()
        with closing(open_ledger(path, fingerprint="bench", ids={})) as ledger:
            opened.append(time.perf_counter() - begin)
            begin = time.perf_counter()
            done = ledger.answered_counts()
            counted.append(time.perf_counter() - begin)
            begin = time.perf_counter()
            rows = ledger.count()
            summed.append(time.perf_counter() - begin)
    assert sum(done.values()) == rows
    print(f"{'rows in the ledger':<46}{rows:>12,}   {path.stat().st_size / rows:.0f} bytes a row")
    print(f"{'opening it':<46}{statistics.median(opened):>12.3f} s")
    print(f"{'what is done, by item (answered_counts)':<46}{statistics.median(counted):>12.2f} s")
    print(f"{'how many rows (count)':<46}{statistics.median(summed):>12.2f} s")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    took = Took([], [])
    with closing(open_ledger(path, fingerprint="bench", ids={})) as ledger:
        timed(took, rows, lambda: sum(len(block) for block in ledger.blocks(COLUMNS)))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    took.show("read back, seven columns (blocks)")
    print(f"{'  most memory above before':<46}{grown:>12.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--items", type=int, default=400, help="inserted each time, 500 rows each")
    parser.add_argument("--large", type=int, default=2000, help="items of the ledger to resume")
    parser.add_argument("--postgres", metavar="URL", help="a database to measure, too")
    options = parser.parse_args()
    inserting(options.items, options.repeats, options.postgres)
    with tempfile.TemporaryDirectory() as folder:
        resuming(options.large, options.repeats, Path(folder) / "ledger.sqlite")


if __name__ == "__main__":
    main()
