"""The minority report: who still dissents after the final ballot, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A dissenter's own words.

    Attributes:
        juror: their seat.
        text: as they gave it.
        distance: from the majority's mean position.
        moved: how far they moved since the first ballot; None where that was not valid.
    """

    juror: int
    text: str
    distance: float
    moved: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MinorityReport:
    """The dissenting cluster on one question.

    Attributes:
        jurors: the dissenters' seats, those furthest from the majority first.
        share: of all seats' weight, those without a valid vote included.
        position: the dissenters' weighted mean.
        majority: the majority's.
        even: both clusters weigh the same, so that neither is a minority; `jurors` is then the
            lower one.
        reasons: the strongest: held furthest from the majority and, among equals, by those who
            moved least.
    """

    jurors: tuple[int, ...]
    share: float
    position: float
    majority: float
    even: bool
    reasons: tuple[Reason, ...]

    @property
    def size(self) -> int:
        """How many dissent."""
        return len(self.jurors)


def minority_report(
    final: FloatArray,
    *,
    start: FloatArray,
    apart: float,
    weights: FloatArray | None = None,
    reasons: Mapping[int, str] | None = None,
    most_reasons: int = 3,
) -> MinorityReport | None:
    """Find the dissenting cluster on an ordinal scale.

    The jury is split in two where that leaves least variance within (Fisher's natural breaks). The
    lighter side dissents if the sides' means are at least `apart`; else there is no minority.

    Args:
        final: positions at the final ballot, shape [jurors]; NaN is no valid vote.
        start: at the first ballot.
        apart: smallest distance between the two sides' means that counts as dissent.
        weights: of the jurors; equal when None.
        reasons: what jurors gave as their reason, by seat.
        most_reasons: how many to keep.

    Returns:
        The report, or None where no cluster dissents.
    """
    weight = np.ones(len(final)) if weights is None else weights
    voted = np.flatnonzero(np.isfinite(final))
    order = voted[np.argsort(final[voted], kind="stable")]
    cut = _natural_break(final[order], weight[order])
    if cut is None:
        return None
    lower, upper = order[:cut], order[cut:]
    means = [float(np.average(final[side], weights=weight[side])) for side in (lower, upper)]
    if means[1] - means[0] < apart - 1e-9:
        return None
    masses = [float(weight[side].sum()) for side in (lower, upper)]
    even = bool(np.isclose(masses[0], masses[1]))
    side = 0 if even or masses[0] < masses[1] else 1
    majority = means[1 - side]
    distance, moved = np.abs(final - majority), np.abs(final - start)
    members = sorted(
        (lower, upper)[side].tolist(),
        key=lambda juror: (-distance[juror], np.nan_to_num(moved[juror], nan=np.inf), juror),
    )
    return MinorityReport(
        jurors=tuple(members),
        share=masses[side] / float(weight.sum()),
        position=means[side],
        majority=majority,
        even=even,
        reasons=_strongest(members, reasons or {}, distance, moved, most_reasons),
    )


def _natural_break(ordered: FloatArray, weights: FloatArray) -> int | None:
    """Where to cut ascending positions in two with least variance within; None if all alike."""
    if len(ordered) < 2 or ordered[0] == ordered[-1]:
        return None
    mass = weights.cumsum()
    total = (weights * ordered).cumsum()
    below, above = mass[:-1], mass[-1] - mass[:-1]
    possible = (np.diff(ordered) > 0) & (below > 0) & (above > 0)
    if not possible.any():
        return None
    below, above = np.where(possible, below, 1.0), np.where(possible, above, 1.0)
    between = total[:-1] ** 2 / below + (total[-1] - total[:-1]) ** 2 / above
    return int(np.where(possible, between, -np.inf).argmax()) + 1


def _strongest(
    members: list[int],
    texts: Mapping[int, str],
    distance: FloatArray,
    moved: FloatArray,
    most: int,
) -> tuple[Reason, ...]:
    given = [juror for juror in members if texts.get(juror)][:most]
    return tuple(
        Reason(
            juror=juror,
            text=texts[juror],
            distance=float(distance[juror]),
            moved=float(moved[juror]) if np.isfinite(moved[juror]) else None,
        )
        for juror in given
    )
