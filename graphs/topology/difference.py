"""How different jurors are, and neighbours chosen for difference."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from graphs.panel import Juror
from personas.errors import InputError, nearest

FloatArray = NDArray[np.float64]
WHERE = "deliberation.topology"


def furthest_neighbours(
    jurors: Sequence[Juror], attributes: Sequence[str], neighbours: int, random: np.random.Generator
) -> FloatArray:
    """A graph in which each juror hears `neighbours` others and is heard by as many.

    Each of the `neighbours` layers is the one-to-one assignment of speakers to hearers with the
    greatest total difference among the pairs not used yet; ties are broken at random.

    Returns:
        0 or 1, shape [hearer, speaker], the diagonal 0.
    """
    from scipy.optimize import linear_sum_assignment  # slow to import; few studies need it

    check_stated(jurors, attributes)
    seats = len(jurors)
    gain = gower(jurors, attributes) + random.uniform(0, 1e-6, (seats, seats))
    used = -float(seats + 1)  # worse than any assignment without a used pair
    np.fill_diagonal(gain, used)
    weights = np.zeros((seats, seats))
    for _ in range(neighbours):
        hearer, speaker = linear_sum_assignment(gain, maximize=True)
        weights[hearer, speaker] = 1.0
        gain[hearer, speaker] = used
    return weights


def gower(jurors: Sequence[Juror], attributes: Sequence[str]) -> FloatArray:
    """Gower's difference between jurors in 0..1, shape [jurors, jurors] (Gower 1971).

    Words differ by 0 or 1, numbers by their distance over the jury's range; the mean is over the
    attributes that both jurors state. Pairs that share none count as half different.
    """
    seats = len(jurors)
    total, counted = np.zeros((seats, seats)), np.zeros((seats, seats))
    for name in attributes:
        values = [juror.persona.attributes.get(name) for juror in jurors]
        known = np.array([value is not None for value in values])
        both = known[:, None] & known[None, :]
        total += np.where(both, _distance(values, known), 0.0)
        counted += both
    return np.divide(total, counted, out=np.full((seats, seats), 0.5), where=counted > 0)


def _distance(values: Sequence[object], known: NDArray[np.bool_]) -> FloatArray:
    numbers = [
        float(v) if isinstance(v, int | float) and not isinstance(v, bool) else np.nan
        for v in values
    ]
    column = np.array(numbers)
    if np.isnan(column[known]).any():
        words = np.array([str(value) for value in values])
        return (words[:, None] != words[None, :]).astype(np.float64)
    spread = float(np.ptp(column[known])) or 1.0
    return np.abs(column[:, None] - column[None, :]) / spread


def check_stated(jurors: Sequence[Juror], attributes: Sequence[str]) -> None:
    """Refuse an attribute that no juror states, which would make a topology of nothing."""
    known = {name for juror in jurors for name in juror.persona.attributes}
    for name in attributes:
        if name not in known:
            raise InputError(
                "no juror states the attribute that the topology goes by",
                where=WHERE,
                found=name,
                expected=f"one of {', '.join(sorted(known))}" if known else "jurors who state it",
                hint=nearest(name, known),
            )
