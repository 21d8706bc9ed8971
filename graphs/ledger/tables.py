"""The ledger's tables, made from the row types: their fields are the columns, in order.

SQLite and PostgreSQL have the same tables. Text is ordered by code point in both, so that rows come
in one order whatever the database's locale.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from types import NoneType
from typing import Any, get_args, get_type_hints

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from graphs.records import (
    Call,
    Cell,
    Poll,
    Preference,
    Rating,
    Statement,
    SubjectReply,
    Turn,
)

Text = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")

metadata = sa.MetaData()

about = sa.Table(
    "about",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)


def _table(name: str, row: type[tuple[Any, ...]], key: Sequence[str]) -> sa.Table:
    types: dict[type, sa.types.TypeEngine[Any]] = {
        int: sa.Integer(),
        float: sa.Double(),
        str: Text,
        bytes: sa.LargeBinary(),
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
replies = _table("replies", SubjectReply, ("asked",))
calls_by_item = sa.Index("calls_by_item", calls.c.item)

names = sa.Table(
    "names",
    metadata,
    sa.Column("kind", Text, primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("id", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)
"""What the positions in `ratings` stand for; kinds are `item`, `juror`, `mind`, `criterion`."""


Record = Rating | Statement | Preference | Call | SubjectReply
"""Any row that the ledger takes."""
TABLES: dict[type, sa.Table] = {
    Rating: ratings,
    Statement: statements,
    Preference: preferences,
    Call: calls,
    SubjectReply: replies,
}


def flat(rows: Iterable[Record]) -> Iterator[Any]:
    """The values of rows, row after row: how they travel and wait, with no object for a row."""
    return chain.from_iterable(rows)


def tuples(kind: type[Record], values: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    """Rows behind `flat`, as plain tuples."""
    return zip(*[iter(values)] * len(kind._fields), strict=True)


def storable(values: Iterable[Any]) -> list[Any]:
    """Values with what no UTF-8 text in a database can hold (lone surrogates, NUL) as U+FFFD."""
    return [_storable(value) if isinstance(value, str) else value for value in values]


def _storable(text: str) -> str:
    known = text.encode(errors="replace").decode() if not text.isascii() else text
    return known.replace("\0", "\ufffd")
