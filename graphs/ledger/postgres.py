"""The ledger as a schema of a PostgreSQL database, written by several processes at once.

Rows go by COPY straight into the ledger and, where that meets a question answered before, by way of
a temporary table, so that each is kept once. A connection that is lost is made again and the group
of rows sent again, which changes nothing where it had arrived. A committed row survives the
server's crash as far as the server's own `synchronous_commit` says.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from graphs.ledger.backend import READ_ROWS, Result
from graphs.ledger.faults import LedgerError, ledger_error, translated
from graphs.ledger.places import PostgresPlace, connection_url
from graphs.ledger.statements import NEXT_REVISION, insert_rows
from graphs.ledger.tables import TABLES, Record, storable, tuples
from personas.errors import JuriesError

RETRY_SECONDS = 300.0
"""How long a server that went away is waited for before the run stops."""
_OPTIONS = {
    "application_name": "juries",
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""Of libpq, where the URL says nothing else: a peer that fell silent is noticed in a minute."""
_PAUSES = (0.1, 5.0)
_WARY_GROUPS = 50
"""Groups that go the careful way after one held a question that was answered before."""
_PASSING = {"40001", "40P01", "53300", "57P01", "57P02", "57P03", "57P05", "25006"}
"""SQLSTATEs of what passes: conflicts, too many connections, a server that restarts or moves."""


class PostgresBackend:
    """A schema of a database; `set_up` makes it."""

    def __init__(self, place: PostgresPlace) -> None:
        self.place = place
        self.retry_seconds = RETRY_SECONDS
        self._engine = _engine(place)
        self._writer: psycopg.Connection[Any] | None = None
        self._closing = threading.Event()
        self._wary = 0
        dialect = self._engine.dialect
        self._inserts = {
            row: insert_rows(table, dialect, staged=_staged(table)).encode()
            for row, table in TABLES.items()
        }
        revise = NEXT_REVISION.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
        self._revise = str(revise).encode()

    def set_up(self, work: Callable[[sa.Connection], Result]) -> Result:
        """Do work in one transaction that no other process can interleave; never done again."""
        with translated(self.place), self._engine.begin() as connection:
            lock = sa.func.hashtextextended(self.place.schema, 0)
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lock)))
            if not sa.inspect(connection).has_schema(self.place.schema):
                connection.execute(sa.schema.CreateSchema(self.place.schema))
            return work(connection)

    def write(self, values: Mapping[type[Record], Sequence[Any]]) -> None:
        """Commit rows in one transaction; waits for a server that went away."""
        try:
            self._persistently(lambda: self._write(values))
        except (psycopg.DataError, UnicodeEncodeError):
            clean = {kind: storable(some) for kind, some in values.items()}
            self._persistently(lambda: self._write(clean))

    def read(self, work: Callable[[sa.Connection], Result]) -> Result:
        """Do work that only reads; done again where the connection was lost."""

        def attempt() -> Result:
            with self._engine.connect() as connection:
                return work(connection)

        return self._persistently(attempt)

    def stream(self, query: sa.Select[Any]) -> Iterator[Sequence[tuple[Any, ...]]]:
        """Plain tuples, at most `READ_ROWS` at a time, by a cursor on the server."""
        text = str(
            query.compile(dialect=self._engine.dialect, compile_kwargs={"literal_binds": True})
        )
        connection = self._persistently(self._connect)
        try:
            with connection.transaction(), connection.cursor("juries", binary=True) as cursor:
                cursor.execute(text.encode())
                while rows := cursor.fetchmany(READ_ROWS):
                    yield rows
        except psycopg.Error as error:
            raise ledger_error(self.place, error) from None
        finally:
            connection.close()

    def close(self) -> None:
        """Close the connections; a write that waits for the server gives up."""
        self._closing.set()
        if self._writer is not None:
            self._writer.close()
        self._engine.dispose()

    def _write(self, values: Mapping[type[Record], Sequence[Any]]) -> None:
        if self._writer is None:
            self._writer = self._connect()
        try:
            with self._writer.transaction():
                for kind, some in values.items():
                    self._insert(self._writer, kind, some)
                self._writer.execute(self._revise)
        except psycopg.Error as error:
            if isinstance(error, psycopg.errors.DeadlockDetected):
                self._wary = _WARY_GROUPS
            self._writer.close()
            self._writer = None
            raise

    def _insert(
        self, writer: psycopg.Connection[Any], kind: type[Record], values: Sequence[Any]
    ) -> None:
        """Copy rows straight in; where one is there already, by way of a table that tells which."""
        table = TABLES[kind]
        if not self._wary:
            try:
                with writer.transaction():
                    _copy(writer, table.name, tuples(kind, values))
            except psycopg.errors.UniqueViolation:
                self._wary = _WARY_GROUPS
            else:
                return
        self._wary -= 1
        staged = _staged(table)
        writer.execute(
            f"CREATE TEMP TABLE IF NOT EXISTS {staged} (LIKE {table.name})"
            " ON COMMIT DELETE ROWS".encode()
        )
        _copy(writer, staged, tuples(kind, values))
        writer.execute(self._inserts[kind])

    def _connect(self) -> psycopg.Connection[Any]:
        arguments, options = self._engine.dialect.create_connect_args(self._engine.url)
        connection = psycopg.connect(*arguments, **{**_OPTIONS, **options}, autocommit=True)
        _enter(connection, self.place)
        return connection

    def _persistently(self, attempt: Callable[[], Result]) -> Result:
        """Try until it works, what is wrong will not pass, or `retry_seconds` are over."""
        deadline = time.monotonic() + self.retry_seconds
        pause, longest = _PAUSES
        while True:
            try:
                return attempt()
            except (DBAPIError, psycopg.Error) as error:
                cause = error.orig if isinstance(error, DBAPIError) else error
                if isinstance(cause, psycopg.DataError):
                    raise cause from None
                failure = ledger_error(self.place, cause)
                hopeless = not _passes(cause, failure) or time.monotonic() > deadline
                if hopeless or self._closing.wait(pause):
                    raise failure from None
                pause = min(2 * pause, longest)


def _passes(error: BaseException | None, failure: JuriesError) -> bool:
    """Whether trying again can help."""
    if not isinstance(failure, LedgerError):
        return False  # a wrong password or database
    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return getattr(error, "sqlstate", None) in _PASSING
    state = error.sqlstate
    return state is None or state in _PASSING or state.startswith("08")


def _copy(writer: psycopg.Connection[Any], table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    with writer.cursor().copy(f"COPY {table} FROM STDIN".encode()) as copy:
        for row in rows:
            copy.write_row(row)


def _staged(table: sa.Table) -> str:
    return f"staged_{table.name}"


def _enter(connection: psycopg.Connection[Any], place: PostgresPlace) -> None:
    """Let names mean the ledger's tables."""
    connection.execute(f"SET search_path TO {place.schema}".encode())


def _engine(place: PostgresPlace) -> sa.Engine:
    url = connection_url(place.url)
    options = {name: value for name, value in _OPTIONS.items() if name not in url.query}
    engine = sa.create_engine(url, pool_size=2, connect_args=options)

    @event.listens_for(engine, "connect")
    def _configure(connection: psycopg.Connection[Any], _record: object) -> None:  # pyright: ignore[reportUnusedFunction] (a listener)
        _enter(connection, place)
        connection.commit()

    return engine
