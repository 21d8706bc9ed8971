"""The ledger as a SQLite file, written by one process and read by any.

WAL mode with `synchronous=NORMAL`: a killed process loses nothing committed; a power cut may lose
the last commits, never the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import sqlite
from sqlalchemy.pool import NullPool

from graphs.ledger.backend import READ_ROWS, Result
from graphs.ledger.faults import translated
from graphs.ledger.statements import NEXT_REVISION, insert_rows
from graphs.ledger.tables import TABLES, Record, storable, tuples

_PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=30000")
_ALONE = "juries_alone"
ROWS = 50
"""Rows in one statement: half the cost of one each, within the 999 parameters of any SQLite."""


class SqliteBackend:
    """A file. The folder that it lies in exists."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._engine = _engine(place)
        self._writer: sa.Connection | None = None

    def set_up(self, work: Callable[[sa.Connection], Result]) -> Result:
        """Do work in one transaction that no other process can interleave."""
        with translated(self.place), self._alone() as connection, connection.begin():
            return work(connection)

    def write(self, values: Mapping[type[Record], Sequence[Any]]) -> None:
        """Commit rows in one transaction."""
        with translated(self.place):
            if self._writer is None:
                self._writer = self._alone()
            try:
                self._write(self._writer, values)
            except UnicodeEncodeError:
                self._write(self._writer, {k: storable(v) for k, v in values.items()})

    def _write(self, writer: sa.Connection, values: Mapping[type[Record], Sequence[Any]]) -> None:
        with writer.begin():
            cursor = writer.connection.cursor()
            for kind, some in values.items():
                step = ROWS * len(kind._fields)
                whole = len(some) // step * step
                for start in range(0, whole, step):
                    cursor.execute(_insert(kind, ROWS), some[start : start + step])
                for row in tuples(kind, some[whole:]):
                    cursor.execute(_insert(kind, 1), row)
            writer.execute(NEXT_REVISION)

    def read(self, work: Callable[[sa.Connection], Result]) -> Result:
        """Do work that only reads, on one state of the ledger."""
        with translated(self.place), self._engine.connect() as connection:
            return work(connection)

    def stream(self, query: sa.Select[Any]) -> Iterator[Sequence[tuple[Any, ...]]]:
        """Plain tuples, at most `READ_ROWS` at a time."""
        text = str(
            query.compile(dialect=self._engine.dialect, compile_kwargs={"literal_binds": True})
        )
        with translated(self.place), self._engine.connect() as connection:
            # The driver's own cursor: a million rows need no Row objects.
            cursor = connection.connection.cursor()
            cursor.execute(text)
            while rows := cursor.fetchmany(READ_ROWS):
                yield rows
            cursor.close()

    def close(self) -> None:
        """Release the file."""
        if self._writer is not None:
            self._writer.close()
        self._engine.dispose()

    def _alone(self) -> sa.Connection:
        return self._engine.connect().execution_options(**{_ALONE: True})


@cache
def _insert(kind: type[Record], rows: int) -> str:
    return insert_rows(TABLES[kind], sqlite.dialect(), rows=rows)


def _engine(path: Path) -> sa.Engine:
    engine = sa.create_engine(
        f"sqlite:///{path}", poolclass=NullPool, connect_args={"check_same_thread": False}
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:  # pyright: ignore[reportUnusedFunction] (a listener)
        connection.isolation_level = None  # the driver would begin too late, or not at all
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:  # pyright: ignore[reportUnusedFunction] (a listener)
        alone = connection.get_execution_options().get(_ALONE)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if alone else "BEGIN")

    return engine
