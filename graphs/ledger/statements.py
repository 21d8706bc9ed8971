"""The SQL that both stores share, built once from the tables.

Of several answers to one question the first valid one stays, whoever wrote it and in whichever
order: only a `failed` row gives way, and of calls the last account stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from graphs.ledger.tables import about, ratings
from graphs.records import Cell, Status

_FAILED: sa.ColumnElement[str] = sa.literal_column(f"'{Status.FAILED.value}'", sa.Text)
_INSERTS = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}

NEXT_REVISION = (
    sa.update(about)
    .where(about.c.key == "revision")
    .values(value=sa.cast(sa.cast(about.c.value, sa.Integer) + 1, sa.Text))
)


def insert_rows(
    table: sa.Table, dialect: sa.Dialect, *, rows: int = 1, staged: str | None = None
) -> str:
    """SQL that inserts rows, where their questions were not answered before.

    Args:
        table: one of the ledger's.
        dialect: of the database.
        rows: how many, where they are parameters: their values, one row after another.
        staged: a table with the same columns to take the rows from, ordered by key so that two
            writers lock rows in one order; without it they are parameters.
    """
    has_status = "status" in table.columns
    insert = _INSERTS[dialect.name](table)
    if staged is None:
        insert = insert.values([dict.fromkeys(table.columns.keys())] * rows)
    statement = insert.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={c.name: insert.excluded[c.name] for c in table.columns if not c.primary_key},
        where=table.c.status == _FAILED if has_status else None,
    )
    if staged is not None:
        source = table.to_metadata(sa.MetaData(), name=staged)
        key = [source.c[column.name] for column in table.primary_key.columns]
        arrived: sa.ColumnElement[Any] = sa.literal_column("ctid", sa.Text)
        first: list[sa.ColumnElement[Any]] = [arrived.desc()]
        if has_status:
            first = [source.c.status == _FAILED, arrived]
        arriving = sa.select(source).ext(postgresql.distinct_on(*key)).order_by(*key, *first)
        statement = statement.from_select([column.name for column in table.columns], arriving)
    return str(statement.compile(dialect=dialect))


def answered_by_item(round_: int, items: range | None = None) -> sa.Select[Any, int]:
    """How many questions of each item were answered, failures left out; read in key order."""
    return (
        sa.select(ratings.c.item, sa.func.count())
        .where(ratings.c.round == round_, ratings.c.status != Status.FAILED, *_within(items))
        .group_by(ratings.c.item)
    )


def tally(items: range) -> sa.Select[int, int]:
    """How many rows some items have, and how many of these are failures."""
    failed = sa.func.count().filter(ratings.c.status == Status.FAILED)
    return sa.select(sa.func.count(), failed).where(*_within(items))


def rating_rows(
    columns: Sequence[str], *, items: range | None, round_: int | None
) -> sa.Select[Any]:
    """Ratings in key order: of some items, or all; of one round, or all."""
    query = rows_of(ratings, columns).where(*_within(items))
    return query if round_ is None else query.where(ratings.c.round == round_)


def _within(items: range | None) -> Sequence[sa.ColumnElement[bool]]:
    if items is None:
        return ()
    return (ratings.c.item >= items.start, ratings.c.item < items.stop)


def statuses_by_item(round_: int) -> sa.Select[Any, str, int]:
    """How many questions of each item came to which status."""
    return (
        sa.select(ratings.c.item, ratings.c.status, sa.func.count())
        .where(ratings.c.round == round_)
        .group_by(ratings.c.item, ratings.c.status)
    )


def answered_cells(item: int, round_: int) -> sa.Select[Any]:
    """The cells of one item that have an answer."""
    return sa.select(*(ratings.c[name] for name in Cell._fields)).where(
        ratings.c.item == item, ratings.c.round == round_, ratings.c.status != Status.FAILED
    )


def rows_of(
    table: sa.Table, columns: Sequence[str] | None = None, *, item: int | None = None
) -> sa.Select[Any]:
    """Rows in key order: of one item, or all."""
    chosen = table.columns if columns is None else [table.c[name] for name in columns]
    query = sa.select(*chosen).order_by(*table.primary_key.columns)
    return query if item is None else query.where(table.c.item == item)
