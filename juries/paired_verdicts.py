"""Comparisons as arrays: what the jury said of each pair, and what that says of each response.

A juror's utility of a response is its mean over the opponents of the item, and over both orders,
of the juror's probability of preferring it; a tie counts half. It lies in [0, 1] and is 1/2 on
average over an item's responses. A pair counts only with a valid answer in both orders, so that a
taste for a place cancels out; and a response has a utility only where every one of its pairs does,
so that nobody is flattered by an opponent left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphs.items import Choice, Likert, Pairwise, Rubric
from juries.measures.resampling import FloatArray
from personas.errors import InputError
from personas.identity import generator

Float32 = NDArray[np.float32]
TIE = 3
"""The point of a tie; 1 is the response shown first, 2 the one shown second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairAnswers:
    """What a jury said of pairs; M models, I items, J jurors.

    The first axis is the model shown first, the second the one shown second.

    Attributes:
        preferred: float32 [M, M, I, J], probability that the first is preferred, a tie counted
            half, mean over replicates; NaN where there is no valid answer.
        points: int8 [M, M, I, J], the answer 1..3 of the first replicate; -1 where none.
    """

    preferred: Float32
    points: NDArray[np.int8]

    def balanced(self, first: int, second: int) -> Float32:
        """Probability that one model is preferred to another over both orders, [I, J].

        NaN unless both orders were validly answered.
        """
        return (self.preferred[first, second] + 1 - self.preferred[second, first]) / 2

    def utilities(self, present: NDArray[np.bool_]) -> Float32:
        """Utility of each response to each juror, [M, I, J].

        Args:
            present: [M, I], whether the model has a response to the item.
        """
        models, _, items, jurors = self.preferred.shape
        total = np.zeros((models, items, jurors), dtype=np.float32)
        opponents = np.zeros((models, items, 1), dtype=np.float32)
        for one in range(models):
            for other in range(models):
                if one != other:
                    meet = (present[one] & present[other])[:, None]
                    total[one] += np.where(meet, self.balanced(one, other), 0.0)
                    opponents[one] += meet
        blank = np.full_like(total, np.nan)
        return np.divide(total, opponents, out=blank, where=opponents > 0)

    def preferences(self) -> Float32:
        """`balanced` for every pair, [pairs, I, J]; pairs as in `winners`."""
        each = [self.balanced(one, other) for one, other in self._pairs()]
        return np.array(each, dtype=np.float32).reshape(-1, *self.preferred.shape[2:])

    def drawn(self) -> FloatArray:
        """`balanced` by the answers given, not by the probabilities behind them, [pairs, I, J].

        0, 1/4, 1/2, 3/4 or 1; NaN unless both orders were validly answered. Pairs as in `winners`.
        """
        worth = np.array([np.nan, 1.0, 0.0, 0.5])
        each = [
            (worth[np.maximum(one, 0)] + 1 - worth[np.maximum(other, 0)]) / 2
            for one, other in self._both_orders()
        ]
        return np.array(each, dtype=np.float64).reshape(-1, *self.points.shape[2:])

    def first_shown(self) -> FloatArray:
        """Preference for the response shown first in each pair, [pairs, I, J].

        The mean over both orders, 1/2 without a taste for a place whatever the responses; NaN
        unless both were validly answered. Pairs as in `winners`.
        """
        each = [
            (self.preferred[one, other] + self.preferred[other, one]) / 2
            for one, other in self._pairs()
        ]
        return np.array(each, dtype=np.float64).reshape(-1, *self.preferred.shape[2:])

    def agree(self) -> FloatArray:
        """1 where a juror gave the same verdict on a pair in both orders, else 0, [pairs, I, J].

        NaN unless both were validly answered. Pairs as in `winners`.
        """
        each = [
            _where_both(one, other, one == _turned(other)) for one, other in self._both_orders()
        ]
        return np.array(each, dtype=np.float64).reshape(-1, *self.points.shape[2:])

    def winners(self, seed: int) -> NDArray[np.int8]:
        """Who won each pair with each juror, int8 [pairs, I, J].

        1 and 2 for a response that was preferred in both orders, 3 for neither (a tie, or orders
        that disagree), -1 unless both were validly answered. Which response is called 1 is drawn
        from the seed for every pair and item, so that one model's lead is not taken for chance
        agreement.
        """
        shape = self.points.shape[2:]
        found: list[NDArray[np.int8]] = []
        for (a, b), (one, other) in zip(self._pairs(), self._both_orders(), strict=True):
            back = _turned(other)
            swap = generator(seed, "pair winners", a, b).integers(2, size=(shape[0], 1)) == 1
            same = np.where(one == back, np.where(swap, _turned(one), one), TIE)
            found.append(np.where((one > 0) & (other > 0), same, -1).astype(np.int8))
        return np.array(found, dtype=np.int8).reshape(-1, *shape)

    def _pairs(self) -> list[tuple[int, int]]:
        models = len(self.points)
        return [(a, b) for a in range(models) for b in range(a + 1, models)]

    def _both_orders(self) -> list[tuple[NDArray[np.int8], NDArray[np.int8]]]:
        return [(self.points[a, b], self.points[b, a]) for a, b in self._pairs()]


def _turned(points: NDArray[np.int8]) -> NDArray[np.int8]:
    """Answers as they would read with the responses the other way round."""
    return np.where((points == 1) | (points == 2), 3 - points, points)


def _where_both(
    one: NDArray[np.int8], other: NDArray[np.int8], said: NDArray[np.bool_]
) -> FloatArray:
    return np.where((one > 0) & (other > 0), said.astype(np.float64), np.nan)


def rated_scale(
    scale: Likert | Choice | Rubric | Pairwise, purpose: str
) -> Likert | Choice | Rubric:
    """The scale, where each response is judged alone.

    Args:
        scale: of a study.
        purpose: what needs it, to begin a sentence.

    Raises:
        InputError: the study compares responses.
    """
    if isinstance(scale, Pairwise):
        raise InputError(
            f"{purpose} needs a rating of each response, and this study compares them in pairs",
            where="scale.kind",
            found="pairwise",
            expected="likert, choice or rubric",
        )
    return scale
