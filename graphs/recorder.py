"""Where the nodes of a graph put rows, and ask what was said before.

- `Recorder`: as much of the ledger as a node needs; `graphs.ledger.Ledger` is one.
- `Collector`: keeps rows in memory, for a worker that sends them to whoever owns the ledger.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar, cast

from graphs.ledger.tables import Record
from graphs.records import Call, Cell, Rating, Status, SubjectReply

Row = TypeVar("Row", bound=Record)


class Recorder(Protocol):
    """Takes rows, and knows those of items that were begun before."""

    async def put(self, rows: Sequence[Record]) -> None:
        """Take rows, all of one type; may wait while too many are waiting."""
        ...

    def answered(self, item: int, round_: int = 0) -> frozenset[Cell]:
        """The cells of one item that need not be asked again."""
        ...

    def of_item(self, row: type[Row], item: int) -> list[Row]:
        """Every row of one type about one item, in key order."""
        ...


class Collector:
    """Rows of the items under way, by item, away from any ledger."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Record, ...]] = {}
        self._taken: dict[int, list[Record]] = defaultdict(list)

    def begin(self, item: int, known: Iterable[Record]) -> None:
        """Remember what the ledger holds of an item."""
        self._known[item] = tuple(known)

    def add(self, rows: Sequence[Call]) -> None:
        """Take accounts of calls, as a mind gives them."""
        for row in rows:
            self._taken[row.item].append(row)

    async def put(self, rows: Sequence[Record]) -> None:
        """Take rows, all about one item."""
        if rows:
            first = rows[0]
            assert not isinstance(first, SubjectReply)  # noqa: S101 (these are asked before a graph)
            self._taken[first.item].extend(rows)

    def answered(self, item: int, round_: int = 0) -> frozenset[Cell]:
        """The cells of one item that need not be asked again."""
        return frozenset(
            row.cell
            for row in self.of_item(Rating, item)
            if row.round == round_ and row.status != Status.FAILED
        )

    def of_item(self, row: type[Row], item: int) -> list[Row]:
        """Every row of one type that the ledger held of an item, in key order."""
        return [cast("Row", one) for one in self._known.get(item, ()) if type(one) is row]

    def finish(self, item: int) -> list[Record]:
        """What was recorded of an item since `begin`; it is forgotten here."""
        self._known.pop(item, None)
        return self._taken.pop(item, [])
