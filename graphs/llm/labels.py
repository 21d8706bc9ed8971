"""The labels by which a juror names its answer, and the order in which options are shown.

Likert points are numbered, and a number stays with its point whichever end is shown first: a
reversed number line would be another question. Options of a choice are lettered by the place at
which they are shown, so that shuffling separates an option from the model's taste for a letter.
Where a tokenizer needs two tokens for a number, points are lettered too, and mapped back.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from graphs.items import Choice, Criterion, Pairwise, Question
from graphs.panel import Panel
from personas.identity import generator

Scheme = Literal["numbers", "letters"]
Order = tuple[int, ...]
"""Point numbers 1..K in the order shown."""

MOST_LETTERS = len(string.ascii_uppercase)
MOST_LISTED = 30
"""Points up to which a numeric scale is listed and not described by its ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """The labels of one question.

    Attributes:
        scheme: numbers or letters.
        texts: the labels; numbers by point, letters by place.
    """

    scheme: Scheme
    texts: tuple[str, ...]

    def of(self, order: Order) -> tuple[str, ...]:
        """The label of each point 1..K under an order, by point."""
        if self.scheme == "numbers":
            return self.texts
        by_point = [""] * len(order)
        for place, point in enumerate(order):
            by_point[point - 1] = self.texts[place]
        return tuple(by_point)

    def to_points(self, by_label: list[float], order: Order) -> list[float]:
        """Numbers that stand by label put in the order of the points."""
        if self.scheme == "numbers":
            return by_label
        by_point = [0.0] * len(order)
        for place, point in enumerate(order):
            by_point[point - 1] = by_label[place]
        return by_point

    @property
    def described(self) -> str:
        """What to answer with, in words."""
        kind = "number" if self.scheme == "numbers" else "letter"
        ends = f"{self.texts[0]} to {self.texts[-1]}"
        if len(self.texts) == 2:
            ends = f"{self.texts[0]} or {self.texts[-1]}"
        return f"one {kind} from {ends}" if len(self.texts) > 2 else f"one {kind}, {ends}"


def numbers_of(points: Sequence[str]) -> tuple[str, ...]:
    """Labels for numbered points: the points themselves where they are whole numbers."""
    own = all(_is_whole(point) for point in points) and len(set(points)) == len(points)
    return tuple(points) if own else tuple(str(number + 1) for number in range(len(points)))


def candidates(question: Question) -> tuple[Labels, ...]:
    """The labels that a question can have, the best first."""
    size = len(question.points)
    letters = Labels(scheme="letters", texts=tuple(string.ascii_uppercase[:size]))
    if not isinstance(question, Criterion):
        return (letters,)
    numbers = Labels(scheme="numbers", texts=numbers_of(question.points))
    return (numbers, letters) if size <= MOST_LETTERS else (numbers,)


def shown(question: Question, labels: Labels, order: Order) -> str:
    """The options as the juror reads them, a line each, in this order."""
    by_point = labels.of(order)
    if labels.scheme == "numbers" and by_point == tuple(question.points):
        if len(order) > MOST_LISTED:
            first, last = by_point[order[0] - 1], by_point[order[-1] - 1]
            low, high = ("lowest", "highest") if order[0] == 1 else ("highest", "lowest")
            return f"a whole number from {first} ({low}) to {last} ({high})"
        return "\n".join(by_point[point - 1] for point in order)
    return "\n".join(f"{by_point[point - 1]}: {question.points[point - 1]}" for point in order)


def orders(
    panel: Panel, question: Question, *, seed: int, item: str, criterion: int, replicate: int
) -> tuple[Order, ...]:
    """The order in which each juror of a panel sees the options of a question about an item.

    Ordinal scales run up for one half of the panel and down for the other; choices are rotated, so
    that each option stands at each place equally often, up to one. Which juror sees which is drawn
    from the seed, afresh for every item and replicate, and is the same for all responses to an
    item. Of a pair the responses change places, not the options.
    """
    size = len(question.points)
    if isinstance(question, Pairwise):
        return (as_written(size),) * len(panel)
    stream = generator(seed, "option order", item, criterion, replicate)
    if isinstance(question, Choice):
        base = stream.permutation(size) + 1
        ways = [tuple(np.roll(base, -turn).tolist()) for turn in range(size)]
    else:
        up = tuple(range(1, size + 1))
        ways = [up, up[::-1]]
        if stream.integers(2):
            ways.reverse()
    places = stream.permutation(len(panel))
    return tuple(ways[int(place) % len(ways)] for place in places)


@lru_cache(maxsize=256)
def as_written(size: int) -> Order:
    """Points in the order of the scale."""
    return tuple(range(1, size + 1))


@lru_cache(maxsize=4096)
def order_text(order: Order) -> str:
    """An order as `Call.order` holds it."""
    return ",".join(map(str, order))


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 6
