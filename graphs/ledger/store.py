"""The store: takes rows, commits them in groups, reads them back."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.pool import NullPool

from graphs.ledger.faults import translated
from graphs.ledger.tables import (
    SCHEMA_VERSION,
    TABLES,
    Record,
    about,
    insert_statement,
    metadata,
    ratings,
)
from graphs.records import Cell, Rating, Status
from personas.errors import InputError, JuriesError

COMMIT_EVERY = 0.05
"""Seconds between commits while a run is answering."""
COMMIT_ROWS = 10_000
"""Rows waiting at which a commit starts at once, so that memory stays bounded."""
READ_ROWS = 50_000
Row = TypeVar("Row", bound=Record)
_NEXT_REVISION = (
    sa.update(about)
    .where(about.c.key == "revision")
    .values(value=sa.cast(sa.cast(about.c.value, sa.Integer) + 1, sa.Text))
)


class Ledger:
    """One study's answers in a SQLite file. Create it with `open_ledger`.

    Attributes:
        path: of the file.
        recorded: ratings committed since it was opened.
        counted: the round whose ballot counts: 0, or the final one after deliberation.
    """

    def __init__(self, engine: sa.Engine, path: Path) -> None:
        self.path = path
        self.recorded = 0
        self.counted = 0
        self._engine = engine
        self._waiting: dict[type, list[Record]] = defaultdict(list)
        self._pending = 0
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._connection: sa.Connection | None = None
        self._inserts = {
            row: insert_statement(table, engine.dialect) for row, table in TABLES.items()
        }
        self._committing = asyncio.Lock()
        self._failure: JuriesError | None = None

    # writing

    def add(self, rows: Sequence[Record]) -> None:
        """Take rows, all of one type, to be committed with the next group.

        Raises:
            LedgerError: an earlier commit failed, so that nothing more should be asked.
        """
        if self._failure is not None:
            raise self._failure
        if rows:
            self._waiting[type(rows[0])].extend(rows)
            self._pending += len(rows)

    async def put(self, rows: Sequence[Record]) -> None:
        """Take rows as `add` does, and wait while too many are waiting."""
        self.add(rows)
        if self._pending >= COMMIT_ROWS:
            await self.commit()

    async def commit(self) -> None:
        """Commit every row taken so far. Returns when they are durable."""
        async with self._committing:
            rows, self._waiting = self._waiting, defaultdict(list)
            self._pending = 0
            if rows:
                loop = asyncio.get_running_loop()
                try:
                    await loop.run_in_executor(self._writer, self._write, rows)
                except JuriesError as error:
                    self._failure = error
                    raise
                self.recorded += len(rows.get(Rating, ()))

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

    def _write(self, rows: dict[type, list[Record]]) -> None:
        with translated(self.path):
            if self._connection is None:
                self._connection = self._engine.connect()
            with self._connection.begin():
                for kind, group in rows.items():
                    self._connection.exec_driver_sql(self._inserts[kind], list(group))
                self._connection.execute(_NEXT_REVISION)

    # reading

    def answered_counts(self, round_: int | None = None) -> dict[int, int]:
        """Questions answered (not `failed`) per item position in one round, or the one counted."""
        wanted = self.counted if round_ is None else round_
        query = (
            sa.select(ratings.c.item, sa.func.count())
            .where(ratings.c.round == wanted, ratings.c.status != Status.FAILED)
            .group_by(ratings.c.item)
        )
        with translated(self.path), self._engine.connect() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def answered(self, item: int, round_: int = 0) -> frozenset[Cell]:
        """The cells of one item that need not be asked again."""
        query = sa.select(*(ratings.c[name] for name in Cell._fields)).where(
            ratings.c.item == item, ratings.c.round == round_, ratings.c.status != Status.FAILED
        )
        with translated(self.path), self._engine.connect() as connection:
            return frozenset(Cell(*row) for row in connection.execute(query))

    def of_item(self, row: type[Row], item: int) -> list[Row]:
        """Every row of one type about one item, in key order."""
        table = TABLES[row]
        query = sa.select(table).where(table.c.item == item).order_by(*table.primary_key)
        with translated(self.path), self._engine.connect() as connection:
            return [row(*values) for values in connection.execute(query)]

    def every(self, row: type[Row]) -> Iterator[Row]:
        """Every row of one type, in key order."""
        table = TABLES[row]
        query = sa.select(table).order_by(*table.primary_key)
        with translated(self.path), self._engine.connect() as connection:
            found = connection.execution_options(yield_per=READ_ROWS).execute(query)
            for values in found:
                yield row(*values)

    def blocks(
        self,
        columns: Sequence[str] = Rating._fields,
        *,
        items: int | None = None,
        rounds: int | Literal["counted", "all"] = "counted",
    ) -> Iterator[Sequence[tuple[Any, ...]]]:
        """Rows in cell order, `READ_ROWS` at a time, as tuples of the named columns.

        Args:
            columns: names of `Rating` fields, in the order wanted.
            items: leave out item positions from here on, for a run with `--limit`.
            rounds: of one ballot, the one that counts, or all.
        """
        query = sa.select(*(ratings.c[name] for name in columns)).order_by(
            *ratings.primary_key.columns
        )
        if items is not None:
            query = query.where(ratings.c.item < items)
        if rounds != "all":
            wanted = self.counted if rounds == "counted" else rounds
            query = query.where(ratings.c.round == wanted)
        compiled = str(
            query.compile(dialect=self._engine.dialect, compile_kwargs={"literal_binds": True})
        )
        with translated(self.path), self._engine.connect() as connection:
            # The driver's own cursor: a million rows need no Row objects.
            cursor = connection.connection.cursor()
            cursor.execute(compiled)
            while rows := cursor.fetchmany(READ_ROWS):
                yield rows
            cursor.close()

    def revision(self) -> int:
        """A number that grows with every commit, to tell whether an export is still true."""
        query = sa.select(about.c.value).where(about.c.key == "revision")
        with translated(self.path), self._engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def count(self) -> int:
        """Rows recorded, whatever their status."""
        query = sa.select(sa.func.count()).select_from(ratings)
        with translated(self.path), self._engine.connect() as connection:
            return connection.execute(query).scalar_one()

    def close(self) -> None:
        """Release the file. Rows not committed are lost; `committing` commits at its end."""
        self._writer.shutdown(wait=True)
        if self._connection is not None:
            self._connection.close()
        self._engine.dispose()


def open_ledger(
    path: Path, *, fingerprint: str, ids: dict[str, Sequence[str]], counted: int = 0
) -> Ledger:
    """Open or create the ledger at `path` for the study with this fingerprint.

    Args:
        path: the SQLite file; its folder exists.
        fingerprint: hash of everything that answers depend on.
        ids: what positions stand for, by kind (`item`, `juror`, `mind`, `criterion`).
        counted: the round whose ballot counts; a ledger that exists knows its own.

    Raises:
        InputError: the ledger is another study's, of a newer version, or not a ledger.
        LedgerError: the file cannot be written.
    """
    with translated(path):
        ledger = Ledger(_engine(path), path)
        with ledger._engine.begin() as connection:  # pyright: ignore[reportPrivateUsage] (same module)
            if sa.inspect(connection).has_table("about"):
                ledger.counted = _check(connection, path, fingerprint)
            else:
                ledger.counted = counted
                metadata.create_all(connection)
                identity = {
                    "schema": str(SCHEMA_VERSION),
                    "fingerprint": fingerprint,
                    "revision": "0",
                    "counted": str(counted),
                }
                connection.execute(
                    sa.insert(about), [{"key": k, "value": str(v)} for k, v in identity.items()]
                )
                for kind, values in ids.items():
                    rows = [(kind, position, id_) for position, id_ in enumerate(values)]
                    connection.exec_driver_sql("INSERT INTO names VALUES (?, ?, ?)", rows)
    return ledger


def _check(connection: sa.Connection, path: Path, fingerprint: str) -> int:
    """Refuse another study's ledger; the round whose ballot counts in this one."""
    said = {row.key: row.value for row in connection.execute(sa.select(about))}
    version = said.get("schema", "")
    if not version.isdigit() or int(version) > SCHEMA_VERSION:
        raise InputError(
            "this ledger was written by a newer version of juries",
            where=path,
            found=f"schema {version}",
            expected=f"schema {SCHEMA_VERSION} or older",
            hint="Upgrade juries, or start again with another --out.",
        )
    if said.get("fingerprint") != fingerprint:
        raise InputError(
            "this ledger belongs to another study",
            where=path,
            found=said.get("fingerprint"),
            expected=f"fingerprint {fingerprint}",
            hint="Items, jury, scale, mind or seed have changed since; use another --out.",
        )
    return int(said.get("counted", "0"))


def _engine(path: Path) -> sa.Engine:
    engine = sa.create_engine(
        f"sqlite:///{path}", poolclass=NullPool, connect_args={"check_same_thread": False}
    )

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: object) -> None:  # pyright: ignore[reportUnusedFunction] (a listener)
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=30000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine
