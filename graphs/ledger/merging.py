"""Putting together ledgers of shares of one study, inside SQLite: no row passes through Python."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from graphs.ledger.tables import TABLES, replies
from personas.errors import InputError


def merge_files(target: Path, sources: Sequence[Path]) -> None:
    """Write a ledger that holds every row of the sources; it appears whole or not at all.

    Args:
        target: the SQLite file to write; one that is there is replaced.
        sources: ledgers of the same study, each of other items.

    Raises:
        InputError: two sources answer the same question, one cannot be read, or the folder cannot
            be written.
    """
    partial = target.with_name(f".{target.name}.part")
    partial.unlink(missing_ok=True)
    try:
        _copy(sources[0], partial)
        with contextlib.closing(sqlite3.connect(partial, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode=OFF")  # thrown away unless it succeeds
            for source in sources[1:]:
                _absorb(connection, source)
            connection.execute("PRAGMA journal_mode=WAL")
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        for rest in ("-wal", "-shm"):
            target.with_name(target.name + rest).unlink(missing_ok=True)
        partial.replace(target)
    except (sqlite3.Error, OSError) as error:
        raise InputError(
            "the ledgers cannot be put together",
            where=target,
            found=str(error),
            hint="See that every run folder can be read, that none is in use, and that there is "
            "room for all of them together.",
        ) from error
    finally:
        for rest in ("", "-wal", "-shm", "-journal"):
            partial.with_name(partial.name + rest).unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> None:
    """The file as of its last commit, whatever of it is still in the write-ahead log."""
    with (
        contextlib.closing(_read_only(source)) as before,
        contextlib.closing(sqlite3.connect(target)) as after,
    ):
        before.backup(after)


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)


def _absorb(connection: sqlite3.Connection, source: Path) -> None:
    """Add the rows of a ledger; a reply of a subject is everybody's, all else is one shard's."""
    connection.execute("ATTACH DATABASE ? AS source", (str(source.resolve()),))
    try:
        there = {row[0] for row in connection.execute("SELECT name FROM source.sqlite_master")}
        for table in TABLES.values():
            if table.name not in there:
                continue
            columns = ", ".join(f'"{column.name}"' for column in table.columns)
            verb = "INSERT OR IGNORE" if table is replies else "INSERT"
            try:
                connection.execute(
                    f"{verb} INTO main.{table.name} ({columns}) "  # noqa: S608 (our own names)
                    f"SELECT {columns} FROM source.{table.name}"
                )
            except sqlite3.IntegrityError:
                raise InputError(
                    "this ledger answers questions that another one answers too",
                    where=source,
                    hint="Name each shard's folder once.",
                ) from None
        connection.execute(
            "UPDATE about SET value = CAST(value AS INTEGER) + 1 WHERE key = ?", ("revision",)
        )
    finally:
        connection.execute("DETACH DATABASE source")
