"""An interval around one number, and where its ends come from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri, stdtrit


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A confidence interval of a scalar.

    Attributes:
        low: lower end.
        high: upper end.
        level: nominal coverage, such as 0.95.
        basis: what varies under it, and how the ends were found.
    """

    low: float
    high: float
    level: float
    basis: str

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    @property
    def width(self) -> float:
        """Distance between the ends."""
        return self.high - self.low


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number with its interval, or the reason why there is none.

    Attributes:
        value: None where the data cannot give it; `reason` then says why.
        interval: None where it cannot be found; `reason` then says why.
        reason: empty where both are known.
    """

    value: float | None
    interval: Interval | None = None
    reason: str = ""


def normal_interval(
    centre: float, error: float, *, level: float, basis: str, degrees: float | None = None
) -> Interval:
    """Estimate plus and minus a normal quantile of standard errors, or Student's t's.

    Args:
        centre: the estimate.
        error: its standard error.
        level: nominal coverage in (0, 1).
        basis: what varies under the interval.
        degrees: degrees of freedom of the standard error; None for the normal quantile.
    """
    check_level(level)
    tail = 0.5 + level / 2
    quantile = ndtri(tail) if degrees is None else stdtrit(degrees, tail)
    half = float(quantile) * error
    return Interval(low=centre - half, high=centre + half, level=level, basis=basis)


def percentile_interval(replicates: ArrayLike, *, level: float, basis: str) -> Interval | None:
    """Percentile interval of bootstrap replicates; None where none of them is defined."""
    check_level(level)
    values = np.asarray(replicates, dtype=np.float64)
    defined = values[np.isfinite(values)]
    if not len(defined):
        return None
    low, high = np.quantile(defined, [0.5 - level / 2, 0.5 + level / 2])
    if len(defined) < len(values):
        basis = f"{basis}; undefined in {len(values) - len(defined)} of {len(values)}"
    return Interval(low=float(low), high=float(high), level=level, basis=basis)


def wilson_interval(successes: int, trials: int, *, level: float, basis: str) -> Interval:
    """Wilson's score interval of a share of trials."""
    z = float(ndtri(0.5 + level / 2))
    share = successes / trials
    centre = share + z**2 / (2 * trials)
    half = z * float(np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2)))
    scale = 1 + z**2 / trials
    return Interval(
        low=max(0.0, (centre - half) / scale),
        high=min(1.0, (centre + half) / scale),
        level=level,
        basis=basis,
    )


def check_level(level: float) -> None:
    """Refuse a level that is no coverage.

    Raises:
        ValueError: outside (0, 1).
    """
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; it must lie strictly between 0 and 1")
