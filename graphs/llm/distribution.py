"""From the log-probabilities of one token to a distribution over the points of a scale."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphs.llm.faults import ReplyError
from graphs.llm.wire import Position

ROUNDING = 0.02
"""How far above 1 the labels' probabilities may sum, in half-precision arithmetic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelMass:
    """Probability of each label at the place of the answer, before normalising.

    Attributes:
        by_label: shape [K], in the order of the labels.
        missing: labels that the server did not report, counted as 0; their true probability is at
            most that of the least likely token it did report.
    """

    by_label: NDArray[np.float64]
    missing: int

    @property
    def total(self) -> float:
        """The label mass: how much the model wanted to answer with a label at all."""
        return min(1.0, float(self.by_label.sum()))


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
    entries = list(position.get("top_logprobs") or ())
    if not entries:
        raise ReplyError("its reply holds no log-probabilities of alternatives")
    if all(entry["token"] != position["token"] for entry in entries):
        entries.append(position)
    mass = np.zeros(size)
    seen: set[str] = set()
    for entry in entries:
        label = labels.get(entry["token"])
        if label is None:
            continue
        if entry["token"] in seen:
            raise ReplyError(f"its reply gives the label {entry['token']!r} twice")
        seen.add(entry["token"])
        mass[label] += _probability(entry["token"], entry["logprob"])
    if mass.sum() > 1 + ROUNDING:
        raise ReplyError(f"the labels' probabilities sum to {mass.sum():.3g}")
    reported = {labels[token] for token in seen}
    return LabelMass(by_label=mass, missing=size - len(reported))


def _probability(token: str, logprob: float | None) -> float:
    if logprob is None or math.isnan(logprob):
        raise ReplyError(f"the log-probability of {token!r} is not a number")
    if logprob > ROUNDING:
        raise ReplyError(f"the log-probability of {token!r} is {logprob:.3g}, above 0")
    return math.exp(min(logprob, 0.0))
