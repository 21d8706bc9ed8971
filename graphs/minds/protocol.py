"""What a mind must do: answer for a panel of jurors, and say what kind of mind it is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from graphs.items import Item, Question
from graphs.panel import Panel
from graphs.records import Call, Cell, Rating

MindKind = Literal["simulator", "language model", "human"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingTask:
    """One item put to one panel in one round.

    Attributes:
        item: the prompt with its responses; `position` is its place in the study.
        panel: the jurors that this mind answers for.
        questions: what is asked about each response, or about each pair of responses in both orders
            (`graphs.items.shown`); `Rating.criterion` counts these.
        replicates: how often each question is put to each juror, for repeatability.
        answered: cells that the ledger holds already; a mind neither asks nor yields them.
        seed: of the study; a mind's randomness is `personas.identity.generator(seed, …)`.
    """

    item: Item
    position: int
    panel: Panel
    questions: tuple[Question, ...]
    seed: int
    round: int = 0
    replicates: int = 1
    answered: frozenset[Cell] = field(default_factory=frozenset[Cell])


class Mind(Protocol):
    """Answers for jurors. Every question put is yielded once as a row, whatever became of it."""

    @property
    def name(self) -> str:
        """Shown beside every figure, such as `embedded rater simulator` or a model's name."""
        ...

    @property
    def version(self) -> str:
        """Changes whenever the same question could be answered differently."""
        ...

    @property
    def kind(self) -> MindKind:
        """What kind of mind this is; no result may hide it."""
        ...

    def rate(self, task: RatingTask) -> AsyncIterator[Sequence[Rating]]:
        """Yield rows as they are answered; the ledger commits what was yielded."""
        ...


@runtime_checkable
class Accountable(Protocol):
    """A mind that asks servers, and accounts for its calls."""

    def record_calls(self, record: Callable[[Sequence[Call]], None]) -> None:
        """Give each call's row of account to `record`, before the ratings that came of it."""
        ...

    async def expect(
        self,
        items: Sequence[Item],
        task: RatingTask,
        *,
        beyond: Callable[[Any], Any] | None = None,
        share: float = 1.0,
    ) -> None:
        """Estimate what asking these items like the task will take, for `report`.

        Args:
            items: those that are open.
            task: one ballot on one of them.
            beyond: adds to the mind's estimate what is asked beyond one ballot.
            share: of the task's jurors, how many are asked about an item on average.
        """
        ...

    async def report(self) -> dict[str, Any]:
        """How it asked and what that cost since it was opened, for the run's record."""
        ...
