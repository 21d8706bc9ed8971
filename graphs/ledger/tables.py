"""The ledger's tables, made from the row types: their fields are the columns, in order."""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType
from typing import Any, get_args, get_type_hints

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from graphs.records import Call, Cell, Poll, Preference, Rating, Statement, Status, Turn

SCHEMA_VERSION = 1

metadata = sa.MetaData()

about = sa.Table(
    "about",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)


def _table(name: str, row: type[tuple[Any, ...]], key: Sequence[str]) -> sa.Table:
    types: dict[type, type[sa.types.TypeEngine[Any]]] = {
        int: sa.Integer,
        float: sa.Double,
        str: sa.Text,
        bytes: sa.LargeBinary,
    }

    def column(field: str, hint: Any) -> sa.Column[Any]:
        held = [kind for kind in get_args(hint) or (hint,) if kind is not NoneType]
        return sa.Column(
            field,
            types[held[0]],
            primary_key=field in key,
            autoincrement=False,
            nullable=NoneType in get_args(hint),
        )

    columns = [column(field, hint) for field, hint in get_type_hints(row).items()]
    return sa.Table(name, metadata, *columns, sqlite_with_rowid=False)


ratings = _table("ratings", Rating, Cell._fields)
statements = _table("statements", Statement, Turn._fields)
preferences = _table("preferences", Preference, Poll._fields)
calls = _table("calls", Call, ("key",))

names = sa.Table(
    "names",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("id", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)
"""What the positions in `ratings` stand for; kinds are `item`, `juror`, `mind`, `criterion`."""


Record = Rating | Statement | Preference | Call
"""Any row that the ledger takes."""
TABLES: dict[type, sa.Table] = {
    Rating: ratings,
    Statement: statements,
    Preference: preferences,
    Call: calls,
}


def insert_statement(table: sa.Table, dialect: sa.Dialect) -> str:
    """Insert a row; where its question was recorded before, only a failed answer gives way."""
    insert = sqlite.insert(table)
    answer = [column for column in table.columns if not column.primary_key]
    statement = insert.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={column.name: insert.excluded[column.name] for column in answer},
        where=None
        if "status" not in table.columns
        else table.c.status == sa.literal_column(f"'{Status.FAILED.value}'"),
    )
    return str(statement.compile(dialect=dialect))
