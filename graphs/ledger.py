"""The ledger: every answer a juror gave, durable, so that a run resumes from it.

- One row a question (`Rating`), keyed by its `Cell`: nothing is recorded twice.
- Rows are committed in groups, at most `COMMIT_EVERY` seconds apart; what was yielded and not yet
  committed when the process died is asked again, nothing else.
- A row with status `failed` is kept and counted, and gives way when the question is answered later.
- The ledger belongs to one study: its fingerprint is checked whenever it is opened.

SQLite in WAL mode with `synchronous=NORMAL`: a killed process loses nothing committed; a power cut
may lose the last commits, never the file.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from graphs.records import Cell, Rating, Status
from personas.errors import InputError, JuriesError

SCHEMA_VERSION = 1
COMMIT_EVERY = 0.05
"""Seconds between commits while a run is answering."""
COMMIT_ROWS = 10_000
"""Rows waiting at which a commit starts at once, so that memory stays bounded."""
READ_ROWS = 50_000

_metadata = sa.MetaData()

_about = sa.Table(
    "about",
    _metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

ratings = sa.Table(
    "ratings",
    _metadata,
    *(sa.Column(name, sa.Integer, primary_key=True, autoincrement=False) for name in Cell._fields),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("rating", sa.Integer),
    sa.Column("expected", sa.Double),
    sa.Column("probabilities", sa.LargeBinary),
    sa.Column("label_mass", sa.Double),
    sa.Column("reason", sa.Text),
    sa.Column("raw", sa.Text),
    sa.Column("mind", sa.Integer, nullable=False),
    sa.Column("call", sa.Text),
    sqlite_with_rowid=False,
)

names = sa.Table(
    "names",
    _metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("id", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)
"""What the positions in `ratings` stand for; kinds are `item`, `juror`, `mind`, `criterion`."""


class LedgerError(JuriesError):
    """The ledger could not be written or read; what was committed before is safe."""


class Ledger:
    """One study's answers in a SQLite file. Create it with `open_ledger`."""

    def __init__(self, engine: sa.Engine, path: Path) -> None:
        self.path = path
        self.recorded = 0
        self._engine = engine
        self._waiting: list[Rating] = []
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._connection: sa.Connection | None = None
        self._upsert = _upsert_statement(engine.dialect)
        self._committing = asyncio.Lock()
        self._failure: JuriesError | None = None

    # writing

    async def put(self, rows: Sequence[Rating]) -> None:
        """Take rows to be committed with the next group; waits while too many are waiting.

        Raises:
            LedgerError: an earlier commit failed, so that nothing more should be asked.
        """
        if self._failure is not None:
            raise self._failure
        self._waiting.extend(rows)
        if len(self._waiting) >= COMMIT_ROWS:
            await self.commit()

    async def commit(self) -> None:
        """Commit every row taken so far. Returns when they are durable."""
        async with self._committing:
            rows, self._waiting = self._waiting, []
            if rows:
                loop = asyncio.get_running_loop()
                try:
                    await loop.run_in_executor(self._writer, self._write, rows)
                except JuriesError as error:
                    self._failure = error
                    raise
                self.recorded += len(rows)

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

    async def _tick(self, stop: asyncio.Event) -> None:
        with contextlib.suppress(JuriesError):  # kept in `_failure`
            while not stop.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), COMMIT_EVERY)
                await self.commit()

    def _write(self, rows: list[Rating]) -> None:
        with _translated(self.path):
            if self._connection is None:
                self._connection = self._engine.connect()
            with self._connection.begin():
                self._connection.exec_driver_sql(self._upsert, rows)

    # reading

    def answered_counts(self, round_: int = 0) -> dict[int, int]:
        """Questions answered (not `failed`) per item position in one round."""
        query = (
            sa.select(ratings.c.item, sa.func.count())
            .where(ratings.c.round == round_, ratings.c.status != Status.FAILED)
            .group_by(ratings.c.item)
        )
        with _translated(self.path), self._engine.connect() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def answered(self, item: int, round_: int = 0) -> frozenset[Cell]:
        """The cells of one item that need not be asked again."""
        query = sa.select(*(ratings.c[name] for name in Cell._fields)).where(
            ratings.c.item == item, ratings.c.round == round_, ratings.c.status != Status.FAILED
        )
        with _translated(self.path), self._engine.connect() as connection:
            return frozenset(Cell(*row) for row in connection.execute(query))

    def blocks(
        self, columns: Sequence[str] = Rating._fields, *, items: int | None = None
    ) -> Iterator[Sequence[tuple[Any, ...]]]:
        """Rows in cell order, `READ_ROWS` at a time, as tuples of the named columns.

        Args:
            columns: names of `Rating` fields, in the order wanted.
            items: leave out item positions from here on, for a run with `--limit`.
        """
        query = sa.select(*(ratings.c[name] for name in columns)).order_by(
            *ratings.primary_key.columns
        )
        if items is not None:
            query = query.where(ratings.c.item < items)
        compiled = str(query.compile(self._engine.dialect, compile_kwargs={"literal_binds": True}))
        with _translated(self.path), self._engine.connect() as connection:
            # The driver's own cursor: a million rows need no Row objects.
            cursor = connection.connection.cursor()
            cursor.execute(compiled)
            while rows := cursor.fetchmany(READ_ROWS):
                yield rows
            cursor.close()

    def count(self) -> int:
        """Rows recorded, whatever their status."""
        query = sa.select(sa.func.count()).select_from(ratings)
        with _translated(self.path), self._engine.connect() as connection:
            return connection.execute(query).scalar_one()

    def close(self) -> None:
        """Release the file. Rows not committed are lost; `committing` commits at its end."""
        self._writer.shutdown(wait=True)
        if self._connection is not None:
            self._connection.close()
        self._engine.dispose()


def open_ledger(path: Path, *, fingerprint: str, ids: dict[str, Sequence[str]]) -> Ledger:
    """Open or create the ledger at `path` for the study with this fingerprint.

    Args:
        path: the SQLite file; its folder exists.
        fingerprint: hash of everything that answers depend on.
        ids: what positions stand for, by kind (`item`, `juror`, `mind`, `criterion`).

    Raises:
        InputError: the ledger is another study's, of a newer version, or not a ledger.
        LedgerError: the file cannot be written.
    """
    with _translated(path):
        ledger = Ledger(_engine(path), path)
        with ledger._engine.begin() as connection:  # pyright: ignore[reportPrivateUsage] (same module)
            if sa.inspect(connection).has_table("about"):
                _check(connection, path, fingerprint)
            else:
                _metadata.create_all(connection)
                about = {"schema": str(SCHEMA_VERSION), "fingerprint": fingerprint}
                connection.execute(
                    sa.insert(_about), [{"key": k, "value": v} for k, v in about.items()]
                )
                for kind, values in ids.items():
                    rows = [(kind, position, id_) for position, id_ in enumerate(values)]
                    connection.exec_driver_sql("INSERT INTO names VALUES (?, ?, ?)", rows)
    return ledger


def _check(connection: sa.Connection, path: Path, fingerprint: str) -> None:
    about = {row.key: row.value for row in connection.execute(sa.select(_about))}
    version = about.get("schema", "")
    if not version.isdigit() or int(version) > SCHEMA_VERSION:
        raise InputError(
            "this ledger was written by a newer version of juries",
            where=path,
            found=f"schema {version}",
            expected=f"schema {SCHEMA_VERSION} or older",
            hint="Upgrade juries, or start again with another --out.",
        )
    if about.get("fingerprint") != fingerprint:
        raise InputError(
            "this ledger belongs to another study",
            where=path,
            found=about.get("fingerprint"),
            expected=f"fingerprint {fingerprint}",
            hint="Items, jury, scale, mind or seed have changed since; use another --out.",
        )


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


def _upsert_statement(dialect: sa.Dialect) -> str:
    insert = sqlite.insert(ratings)
    answer = [column for column in ratings.columns if not column.primary_key]
    statement = insert.on_conflict_do_update(
        index_elements=list(ratings.primary_key.columns),
        set_={column.name: insert.excluded[column.name] for column in answer},
        where=ratings.c.status == sa.literal_column(f"'{Status.FAILED.value}'"),
    )
    return str(statement.compile(dialect=dialect))


@contextlib.contextmanager
def _translated(path: Path) -> Generator[None]:
    """Say what the database said in words that a user can act on."""
    try:
        yield
    except DBAPIError as error:
        raise _ledger_error(path, str(error.orig)) from error
    except SQLAlchemyError as error:
        raise _ledger_error(path, str(error)) from error


def _ledger_error(path: Path, said: str) -> JuriesError:
    if "not a database" in said or "malformed" in said:
        return InputError(
            "this file is not a ledger, or it is damaged",
            where=path,
            hint="Use another --out, or restore the file from a copy.",
        )
    causes = {
        "disk is full": "The disk is full. Free some space",
        "readonly": "The folder or file cannot be written. Change its permissions",
        "unable to open": "The folder cannot be written. Use another --out",
        "locked": "Another process holds the ledger. Wait for it to end",
        "disk I/O": "The disk refused to write. Check it for space and errors",
    }
    advice = next((text for sign, text in causes.items() if sign in said), f"SQLite said: {said}")
    return LedgerError(
        f"{path}: the ledger cannot be used. {advice}; then run again with the same --out: "
        "everything committed so far is kept."
    )
