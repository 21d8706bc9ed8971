"""From the log-probabilities of one token to a distribution over the points of a scale."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from graphs.llm.faults import ReplyError
from graphs.llm.wire import Position

ROUNDING = 0.02
"""How far above 1 the labels' probabilities may sum, in half-precision arithmetic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelMass:
    """Probability of each label at the place of the answer, before normalising.

    Attributes:
        by_label: K of them, in the order of the labels.
        missing: labels that the server did not report, counted as 0; their true probability is at
            most that of the least likely token it did report.
    """

    by_label: list[float]
    missing: int

    @property
    def total(self) -> float:
        """The label mass: how much the model wanted to answer with a label at all."""
        return min(1.0, sum(self.by_label))


def label_mass(position: Position, labels: Mapping[str, int], size: int) -> LabelMass:
    """Read the labels' probabilities from a generated token and its alternatives.

    Args:
        position: the token where the answer stands.
        labels: number 0..K-1 of the label that a token spells; several tokens may spell one, and
            their probabilities add up.
        size: K.

    Raises:
        ReplyError: log-probabilities are missing, not numbers, positive, given twice for one
            token, or sum to more than one.
    """
    entries = position.get("top_logprobs")
    if not entries:
        raise ReplyError("its reply holds no log-probabilities of alternatives")
    seen: dict[str, float] = {}
    drawn = position["token"]
    for entry in entries:
        token = entry["token"]
        if token not in labels:
            continue
        if token in seen:
            raise ReplyError(f"its reply gives the label {token!r} twice")
        logprob = entry["logprob"]
        if logprob is not None and logprob <= 0:  # the usual case; nan is not
            seen[token] = math.exp(logprob)
        else:
            seen[token] = _probability(token, logprob)
    if drawn in labels and drawn not in seen:
        seen[drawn] = _probability(drawn, position["logprob"])
    # Plain lists: for a handful of numbers they take a tenth of an array's time.
    mass = [0.0] * size
    for token, probability in seen.items():
        mass[labels[token]] += probability
    total = sum(mass)
    if total > 1 + ROUNDING:
        raise ReplyError(f"the labels' probabilities sum to {total:.3g}")
    return LabelMass(by_label=mass, missing=size - len({labels[token] for token in seen}))


def _probability(token: str, logprob: float | None) -> float:
    if logprob is None or math.isnan(logprob):
        raise ReplyError(f"the log-probability of {token!r} is not a number")
    if logprob > ROUNDING:
        raise ReplyError(f"the log-probability of {token!r} is {logprob:.3g}, above 0")
    return math.exp(min(logprob, 0.0))
