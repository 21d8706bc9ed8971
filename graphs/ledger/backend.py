"""The seam between the ledger and the database that holds it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa

from graphs.ledger.places import LedgerPlace
from graphs.ledger.tables import Record

READ_ROWS = 10_000
"""Rows in memory at once while reading."""
Result = TypeVar("Result")


class Backend(Protocol):
    """A database with the ledger's tables. Whatever goes wrong in it is a `JuriesError`."""

    @property
    def place(self) -> LedgerPlace:
        """Where it is, for messages."""
        ...

    def set_up(self, work: Callable[[sa.Connection], Result]) -> Result:
        """Do work in one transaction that no other process can interleave."""
        ...

    def write(self, values: Mapping[type[Record], Sequence[Any]]) -> None:
        """Commit rows in one transaction, as their values row after row, by type of row.

        They are durable on return.
        """
        ...

    def read(self, work: Callable[[sa.Connection], Result]) -> Result:
        """Do work that only reads, on one state of the ledger; it may be done again."""
        ...

    def stream(self, query: sa.Select[Any]) -> Iterator[Sequence[tuple[Any, ...]]]:
        """Plain tuples, at most `READ_ROWS` at a time and in memory."""
        ...

    def close(self) -> None:
        """Release it."""
        ...
