"""How a jury's ballots become a verdict: majority, unanimity, mean, median, approval and others.

A seat without a valid vote (failed, refused, unparseable …) stays a seat: the quorum is counted
over all of them, and so is a majority unless the study says `of: valid`. Where no option has
enough, the jury is hung; nothing is filled in.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from personas.settings import Settings

FloatArray = NDArray[np.float64]
Share = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]


class VerdictStatus(StrEnum):
    """What became of a question put to the jury."""

    DECIDED = "decided"
    HUNG = "hung"
    NO_QUORUM = "no_quorum"


class _Rule(Settings):
    """What every rule has.

    Attributes:
        quorum: share of all seats that must have voted validly.
        weighted: whether votes count by the seats' weights or one each; the quorum always counts
            seats.
    """

    quorum: Share = 0.5
    weighted: bool = False


class _Counted(_Rule):
    """A rule that asks whether one option has enough votes.

    Attributes:
        of: what the share is taken of: all `seats`, or the `valid` votes only.
        yes_from: on an ordinal scale, the lowest point that counts as a yes; points above and
            below it are then two sides, and the verdict is 1 (yes) or 0 (no). Without it every
            point is an option of its own, and the verdict is the point.
    """

    of: Literal["seats", "valid"] = "seats"
    yes_from: int | None = Field(default=None, ge=2)


class Majority(_Counted):
    """More than half."""

    kind: Literal["majority"] = "majority"


class Supermajority(_Counted):
    """At least `share`, which is more than half."""

    kind: Literal["supermajority"] = "supermajority"
    share: float = Field(default=2 / 3, gt=0.5, le=1)


class Unanimity(_Counted):
    """All; otherwise the jury is hung."""

    kind: Literal["unanimity"] = "unanimity"


class Mean(_Rule):
    """The mean point of the valid votes."""

    kind: Literal["mean"] = "mean"


class Median(_Rule):
    """The median point of the valid votes, midway between two where it falls between them."""

    kind: Literal["median"] = "median"


class Approval(_Rule):
    """The share of all seats that approve, from the point `approve_from` up.

    Responses to one item are compared by it: the response approved by most seats wins.
    """

    kind: Literal["approval"] = "approval"
    approve_from: int = Field(ge=1)


VerdictRule: TypeAlias = Annotated[
    Majority | Supermajority | Unanimity | Mean | Median | Approval, Field(discriminator="kind")
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decisions:
    """A rule's verdict on every question.

    Attributes:
        rule: as the study states it.
        value: shape [questions]; the point, side, mean, median or share; NaN where not decided.
        status: `VerdictStatus` per question.
        support: share of seats (or of valid votes, by the rule) behind the leading option, shape
            [questions]; for mean and median the share of seats with a valid vote.
        valid: seats with a valid vote, shape [questions].
        seats: how many there are.
    """

    rule: Majority | Supermajority | Unanimity | Mean | Median | Approval
    value: FloatArray
    status: tuple[VerdictStatus, ...]
    support: FloatArray
    valid: NDArray[np.int64]
    seats: int

    def count(self, status: VerdictStatus) -> int:
        """Questions with this status."""
        return self.status.count(status)


def decide(
    rule: VerdictRule,
    points: NDArray[np.integer],
    *,
    scale: int,
    weights: FloatArray | None = None,
) -> Decisions:
    """Apply a rule to the ballots.

    Args:
        rule: of the study.
        points: shape [questions, seats], 1..scale; anything below 1 is no valid vote.
        scale: number of points K.
        weights: of the seats, shape [seats]; used by rules that say `weighted`.

    Raises:
        ValueError: a point above the scale, a threshold outside it, or weights that do not fit.
    """
    ballots = np.asarray(points)
    _check(rule, ballots, scale, weights)
    seats = ballots.shape[1]
    weight = np.ones(seats) if weights is None or not rule.weighted else weights
    weight = weight / weight.sum()
    valid = (ballots >= 1).sum(axis=1)
    quorate = valid >= np.ceil(rule.quorum * seats - 1e-9)
    tally = np.stack([(ballots == point) @ weight for point in range(1, scale + 1)], axis=1)
    if isinstance(rule, Mean | Median):
        value = _mean(tally) if isinstance(rule, Mean) else _median(tally)
        support, decided = valid / seats, valid > 0
    elif isinstance(rule, Approval):
        value = support = tally[:, rule.approve_from - 1 :].sum(axis=1)
        decided = np.ones(len(tally), dtype=np.bool_)
    else:
        value, support, decided = _leading(rule, tally)
    kinds = (VerdictStatus.DECIDED, VerdictStatus.HUNG, VerdictStatus.NO_QUORUM)
    status: NDArray[np.int64] = np.where(quorate, np.where(decided, 0, 1), 2)
    return Decisions(
        rule=rule,
        value=np.where(status == 0, value, np.nan),
        status=tuple(kinds[int(code)] for code in status),
        support=support,
        valid=valid,
        seats=seats,
    )


def _check(
    rule: VerdictRule, ballots: NDArray[np.integer], scale: int, weights: FloatArray | None
) -> None:
    if ballots.ndim != 2 or not ballots.shape[1]:
        raise ValueError(f"ballots have shape {ballots.shape}; expected [questions, seats]")
    if ballots.size and ballots.max() > scale:
        raise ValueError(f"a ballot says {ballots.max()} on a scale of {scale} points")
    threshold = getattr(rule, "yes_from", None) or getattr(rule, "approve_from", None)
    if threshold is not None and threshold > scale:
        raise ValueError(f"the threshold {threshold} lies above the scale of {scale} points")
    if weights is not None and (weights.shape != ballots.shape[1:] or weights.min() < 0):
        raise ValueError(f"weights of shape {weights.shape} for {ballots.shape[1]} seats")


def _leading(
    rule: Majority | Supermajority | Unanimity, tally: FloatArray
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Leading option, its share, and whether that share is enough, per question."""
    first = 1
    if rule.yes_from is not None:
        split = rule.yes_from - 1
        tally = np.stack([tally[:, :split].sum(axis=1), tally[:, split:].sum(axis=1)], axis=1)
        first = 0
    if rule.of == "valid":
        voted = tally.sum(axis=1, keepdims=True)
        tally = np.divide(tally, voted, out=np.zeros_like(tally), where=voted > 0)
    share = tally.max(axis=1)
    rounding = 1e-9
    if isinstance(rule, Majority):
        enough = share > 0.5 + rounding
    else:
        needed = 1.0 if isinstance(rule, Unanimity) else rule.share
        enough = share >= needed - rounding
    return tally.argmax(axis=1) + float(first), share, enough


def _mean(tally: FloatArray) -> FloatArray:
    voted = tally.sum(axis=1)
    total = tally @ np.arange(1.0, tally.shape[1] + 1)
    return np.divide(total, voted, out=np.full(len(tally), np.nan), where=voted > 0)


def _median(tally: FloatArray) -> FloatArray:
    voted = tally.sum(axis=1, keepdims=True)
    below = np.cumsum(tally, axis=1)
    lower = (below >= voted / 2 - 1e-12).argmax(axis=1)
    upper = (below > voted / 2 + 1e-12).argmax(axis=1)
    return np.where(voted[:, 0] > 0, (lower + upper) / 2 + 1.0, np.nan)
