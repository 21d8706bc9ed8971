"""The store: takes rows, commits them in groups, reads them back."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any, Literal, TypeVar

import sqlalchemy as sa

from graphs.ledger.backend import Backend
from graphs.ledger.migrations import SCHEMA_VERSION, upgrade
from graphs.ledger.places import LedgerPlace, PostgresPlace
from graphs.ledger.statements import (
    answered_by_item,
    answered_cells,
    rating_rows,
    rows_of,
    statuses_by_item,
    tally,
)
from graphs.ledger.tables import TABLES, Record, about, flat, metadata, names, ratings
from graphs.records import Cell, Rating
from personas.errors import InputError, JuriesError

COMMIT_EVERY = 0.05
"""Seconds between commits while a run is answering."""
COMMIT_ROWS = 10_000
"""Rows waiting at which a commit starts at once, so that memory stays bounded."""
Row = TypeVar("Row", bound=Record)


class Ledger:
    """One study's answers, in a SQLite file or a PostgreSQL database; `open_ledger` opens it.

    Attributes:
        place: where it lies.
        recorded: ratings committed since it was opened.
        counted: the round whose ballot counts: 0, or the final one after deliberation.
    """

    def __init__(self, backend: Backend, *, counted: int) -> None:
        self.place = backend.place
        self.recorded = 0
        self.counted = counted
        self._backend = backend
        self._waiting: dict[type[Record], list[Any]] = defaultdict(list)
        self._pending = 0
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._committing = asyncio.Lock()
        self._failure: JuriesError | None = None

    # writing

    def add(self, rows: Sequence[Record]) -> None:
        """Take rows, all of one type, to be committed with the next group.

        Raises:
            LedgerError: an earlier commit failed, so that nothing more should be asked.
        """
        if rows:
            self._add(type(rows[0]), flat(rows), len(rows))

    async def put(self, rows: Sequence[Record]) -> None:
        """Take rows as `add` does, and wait while too many are waiting."""
        self.add(rows)
        await self._room()

    async def put_values(self, kind: type[Record], values: Sequence[Any]) -> None:
        """Take rows as `put` does, as their values row after row: what workers send."""
        self._add(kind, values, len(values) // len(kind._fields))
        await self._room()

    def _add(self, kind: type[Record], values: Iterable[Any], rows: int) -> None:
        if self._failure is not None:
            raise self._failure
        self._waiting[kind].extend(values)
        self._pending += rows

    async def _room(self) -> None:
        if self._pending >= COMMIT_ROWS:
            await self.commit()

    async def commit(self) -> None:
        """Commit every row taken so far. Returns when they are durable."""
        async with self._committing:
            values, self._waiting = self._waiting, defaultdict(list)
            self._pending = 0
            if values:
                loop = asyncio.get_running_loop()
                try:
                    await loop.run_in_executor(self._writer, self._backend.write, values)
                except JuriesError as error:
                    self._failure = error
                    raise
                self.recorded += len(values.get(Rating, ())) // len(Rating._fields)

    @contextlib.asynccontextmanager
    async def committing(self) -> AsyncGenerator[None]:
        """Commit at least every `COMMIT_EVERY` seconds inside the block, and at its end."""
        stop = asyncio.Event()
        ticker = asyncio.create_task(self._tick(stop))
        try:
            yield
        finally:
            stop.set()
            await ticker
            if self._failure is not None:
                raise self._failure
            await self.commit()

    async def _tick(self, stop: asyncio.Event) -> None:
        with contextlib.suppress(JuriesError):  # kept in `_failure`
            while not stop.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), COMMIT_EVERY)
                await self.commit()

    # reading

    def answered_counts(
        self, round_: int | None = None, *, items: range | None = None
    ) -> dict[int, int]:
        """Questions answered (not `failed`) per item position in one round, or the one counted.

        The database counts, in one pass over the ratings in key order: ten million take seconds.
        """
        query = answered_by_item(self.counted if round_ is None else round_, items)
        return self._backend.read(lambda c: {row[0]: row[1] for row in c.execute(query)})

    def statuses(self, round_: int = 0) -> dict[tuple[int, str], int]:
        """Rows of one round by item position and status."""
        query = statuses_by_item(round_)
        return self._backend.read(lambda c: {(r[0], r[1]): r[2] for r in c.execute(query)})

    def answered(self, item: int, round_: int = 0) -> frozenset[Cell]:
        """The cells of one item that need not be asked again."""
        query = answered_cells(item, round_)
        return self._backend.read(lambda c: frozenset(Cell(*row) for row in c.execute(query)))

    def of_item(self, row: type[Row], item: int) -> list[Row]:
        """Every row of one type about one item, in key order."""
        query = rows_of(TABLES[row], item=item)
        return self._backend.read(lambda c: [row(*values) for values in c.execute(query)])

    def every(self, row: type[Row]) -> Iterator[Row]:
        """Every row of one type, in key order."""
        for block in self._backend.stream(rows_of(TABLES[row])):
            for values in block:
                yield row(*values)

    def blocks(
        self,
        columns: Sequence[str] = Rating._fields,
        *,
        items: int | range | None = None,
        rounds: int | Literal["counted", "all"] = "counted",
    ) -> Iterator[Sequence[tuple[Any, ...]]]:
        """Rows in cell order, as tuples of the named columns, at most 50,000 at a time.

        Memory does not grow with the run.

        Args:
            columns: names of `Rating` fields, in the order wanted.
            items: positions of items; a number leaves out those from there on, as `--limit` does.
            rounds: of one ballot, the one that counts, or all.
        """
        within = range(items) if isinstance(items, int) else items
        if rounds == "counted":
            rounds = self.counted
        wanted = None if rounds == "all" else rounds
        return self._backend.stream(rating_rows(columns, items=within, round_=wanted))

    def mark(self, items: range) -> str:
        """What changes whenever rows of some items do, to tell whether an export is still true.

        Only a failure ever gives way, so that counts tell; between failures the revision does.
        """
        rows, failed = self._backend.read(lambda c: c.execute(tally(items)).one())
        since = f", revision {self.revision()}" if failed else ""
        return f"items {items.start} to {items.stop}, rows {rows}, failed {failed}{since}"

    def revision(self) -> int:
        """A number that grows with every commit."""
        query = sa.select(about.c.value).where(about.c.key == "revision")
        return int(self._backend.read(lambda c: c.execute(query).scalar_one()))

    def count(self) -> int:
        """Rows recorded, whatever their status."""
        query = sa.select(sa.func.count()).select_from(ratings)
        return self._backend.read(lambda c: c.execute(query).scalar_one())

    def close(self) -> None:
        """Release it. Rows not committed are lost; `committing` commits at its end."""
        self._writer.shutdown(wait=True)
        self._backend.close()


def open_ledger(
    place: LedgerPlace, *, fingerprint: str, ids: Mapping[str, Sequence[str]], counted: int = 0
) -> Ledger:
    """Open or create the ledger of the study with this fingerprint; an old one is brought up.

    Args:
        place: the SQLite file, whose folder exists, or the schema of a PostgreSQL database.
        fingerprint: hash of everything that answers depend on.
        ids: what positions stand for, by kind (`item`, `juror`, `mind`, `criterion`).
        counted: the round whose ballot counts; a ledger that exists knows its own.

    Raises:
        InputError: the ledger is another study's, of a newer version, or not a ledger; the
            database refuses the login or does not exist.
        LedgerError: the file cannot be written, or the database not reached.
    """
    backend = _backend(place)

    def work(connection: sa.Connection) -> int:
        if not sa.inspect(connection).has_table("about"):
            _create(connection, fingerprint, ids, counted)
            return counted
        said = {row.key: row.value for row in connection.execute(sa.select(about))}
        upgrade(connection, said, place)
        if said.get("fingerprint") != fingerprint:
            raise InputError(
                "this ledger belongs to another study",
                where=str(place),
                found=said.get("fingerprint"),
                expected=f"fingerprint {fingerprint}",
                hint="Items, jury, scale, design, mind or seed have changed; use another --out.",
            )
        return int(said.get("counted", "0"))

    try:
        return Ledger(backend, counted=backend.set_up(work))
    except BaseException:
        backend.close()
        raise


def _create(
    connection: sa.Connection, fingerprint: str, ids: Mapping[str, Sequence[str]], counted: int
) -> None:
    metadata.create_all(connection)
    identity = {
        "schema": str(SCHEMA_VERSION),
        "fingerprint": fingerprint,
        "revision": "0",
        "counted": str(counted),
    }
    connection.execute(sa.insert(about), [{"key": k, "value": v} for k, v in identity.items()])
    rows = [
        {"kind": kind, "position": position, "id": id_}
        for kind, values in ids.items()
        for position, id_ in enumerate(values)
    ]
    if rows:
        connection.execute(sa.insert(names), rows)


def _backend(place: LedgerPlace) -> Backend:
    if not isinstance(place, PostgresPlace):
        from graphs.ledger.sqlite import SqliteBackend

        return SqliteBackend(place)
    if find_spec("psycopg") is None:
        raise JuriesError(
            "A ledger in PostgreSQL needs its driver: pip install 'juries[postgres]'."
        )
    from graphs.ledger.postgres import PostgresBackend

    return PostgresBackend(place)
