"""Everything said and voted on one item so far."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from graphs.minds.deliberator import Round
from graphs.records import (
    Cell,
    Poll,
    Preference,
    Rating,
    Statement,
    Status,
    Turn,
    Utterance,
)

Key = tuple[Any, ...]


class Floor:
    """The rows of one item, by what they answer.

    A run that resumes fills it from the ledger; nodes then ask only for what is missing.

    Args:
        item: position of the item.
        rows: recorded earlier, in any order.
    """

    def __init__(self, item: int, rows: Iterable[Rating | Statement | Preference] = ()) -> None:
        self.item = item
        self.rounds: dict[int, Round] = {}
        """Rounds of talk that are over, as the jury heard them."""
        self._ratings: dict[int, dict[Key, Rating]] = defaultdict(dict)
        self._statements: dict[int, dict[Key, Statement]] = defaultdict(dict)
        self._preferences: dict[int, dict[Key, Preference]] = defaultdict(dict)
        self.add(rows)

    def add(self, rows: Iterable[Rating | Statement | Preference]) -> None:
        """Take rows in. Their keys are plain tuples, which equal the named ones and cost less."""
        for row in rows:
            if isinstance(row, Rating):
                self._ratings[row.round][row[:7]] = row
            elif isinstance(row, Statement):
                self._statements[row.round][row[:5]] = row
            else:
                self._preferences[row.round][row[:3]] = row

    # what need not be asked again

    def cells(self, round_: int) -> frozenset[Cell]:
        """Ratings of a round that were answered."""
        return frozenset(
            row.cell for row in self._ratings[round_].values() if row.status != Status.FAILED
        )

    def turns(self, round_: int) -> frozenset[Turn]:
        """Turns of a round that were taken."""
        return frozenset(
            row.turn for row in self._statements[round_].values() if row.status != Status.FAILED
        )

    def polls(self, round_: int) -> frozenset[Poll]:
        """Rankings of a round that were given."""
        return frozenset(
            row.poll for row in self._preferences[round_].values() if row.status != Status.FAILED
        )

    # what was said and voted

    def ballots(self, round_: int) -> tuple[Rating, ...]:
        """A round's ratings, first replicates only, in cell order."""
        rows = self._ratings[round_]
        return tuple(rows[key] for key in sorted(rows) if rows[key].replicate == 0)

    def said(self, round_: int, *kinds: Utterance) -> tuple[Statement, ...]:
        """A round's statements of some kinds, in the order of speaking."""
        rows = [row for row in self._statements[round_].values() if row.kind in kinds]
        return tuple(sorted(rows, key=lambda row: (row.order, row[:5])))

    def preferences(self, round_: int) -> tuple[Preference, ...]:
        """A round's rankings, in seat order."""
        rows = self._preferences[round_]
        return tuple(rows[poll] for poll in sorted(rows))

    def tokens(self, through: int) -> int:
        """That servers counted for statements and rankings, up to and including a round."""
        spoken, ranked = self._through(through)
        return sum(row.tokens or 0 for row in (*spoken, *ranked))

    def calls(self, through: int) -> int:
        """Turns asked for (statements, drafts and rankings), up to and including a round."""
        spoken, ranked = self._through(through)
        asked = sum(row.kind not in _UNASKED for row in spoken)
        drafted = {row.round for row in spoken if row.kind == Utterance.CANDIDATE}
        # After its first drafts a leading one stands again beside the new ones, unasked.
        return asked - max(0, len(drafted) - 1) + len(ranked)

    def _through(self, round_: int) -> tuple[list[Statement], list[Preference]]:
        """Statements and rankings of rounds so far; a run that resumes holds later ones already."""
        spoken = [
            row for r, rows in self._statements.items() if r <= round_ for row in rows.values()
        ]
        ranked = [
            row for r, rows in self._preferences.items() if r <= round_ for row in rows.values()
        ]
        return spoken, ranked


_UNASKED = (Utterance.FEEDBACK, Utterance.AGREED, Utterance.CLOSED)
