"""How many items and how many people, by formula: intervals, power, and what they cost.

The figure planned for is a mean over items of answers by raters: one model's mean, or the paired
difference of two models. An answer departs from that mean by an item's own departure, a rater's
own, and the rest; over I items with r of J raters each,

    var(mean) = item / I + rater / J + residual / (I r).

With predictions of correlation rho on N further items, PPI multiplies the item part and the rest
by 1 - rho^2 N / (n + N) (arXiv 2311.01453). Intervals and power are of the normal or noncentral
t distribution; `juries.calibration.power` finds the same by simulation, `costs` prices it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import nctdtr, ndtri, stdtrit

from juries.calibration.interval import check_level
from personas.errors import InputError

_MOST = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """Variances of an answer's departures from the mean, in squared points.

    Attributes:
        item: of the items' own departures.
        rater: of the raters' own, the same on every item.
        residual: of what is left in a single answer.
    """

    item: float
    rater: float
    residual: float

    def __post_init__(self) -> None:
        if min(self.item, self.rater, self.residual) < 0 or self.item + self.residual <= 0:
            raise ValueError("variances must not be negative, nor all items alike without noise")


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """I items, each rated by `raters_per_item` of J raters; without J, by others each time."""

    items: int
    raters_per_item: int
    raters: int | None = None

    def __post_init__(self) -> None:
        if self.items < 2 or self.raters_per_item < 1:
            raise InputError(
                "a design needs at least 2 items and 1 rater for each",
                found=f"{self.items} items, {self.raters_per_item} raters an item",
            )
        if self.raters is not None and self.raters < self.raters_per_item:
            raise InputError(
                f"{self.raters} raters cannot give {self.raters_per_item} answers to an item"
            )

    @property
    def answers(self) -> int:
        """Answers collected."""
        return self.items * self.raters_per_item

    @property
    def people(self) -> int:
        """Raters who take part."""
        return self.answers if self.raters is None else self.raters


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """One design of a curve: half the width of its interval; its power where an effect is set."""

    items: int
    raters_per_item: int
    answers: int
    half_width: float
    power: float | None


def design_error(design: Design, components: Components) -> float:
    """Standard error of the mean under a design."""
    return float(
        np.sqrt(
            components.item / design.items
            + components.rater / design.people
            + components.residual / design.answers
        )
    )


def power_of(effect: float, error: float, degrees: float, *, level: float = 0.95) -> float:
    """Power of the two-sided t-test of a mean against zero, by the noncentral t distribution.

    Args:
        effect: the true mean.
        error: its standard error.
        degrees: degrees of freedom of the test.
        level: 1 minus the size of the test.
    """
    check_level(level)
    critical = float(stdtrit(degrees, 0.5 + level / 2))
    away = abs(effect) / error
    return float(1 - nctdtr(degrees, away, critical) + nctdtr(degrees, away, -critical))


def labels_for_half_width(
    half_width: float,
    sd: float,
    *,
    correlation: float = 0.0,
    unlabelled: float = np.inf,
    level: float = 0.95,
) -> int:
    """Fewest labelled items for an interval no wider than plus and minus `half_width`.

    Args:
        half_width: wanted.
        sd: standard deviation of people's value over items.
        correlation: of predictions with it; 0 plans for people alone.
        unlabelled: further items with predictions, N.
        level: of the interval.

    Raises:
        InputError: no number of labels up to 10^9 is enough.
    """
    check_level(level)
    quantile = float(ndtri(0.5 + level / 2))

    def enough(n: int) -> bool:
        return quantile * sd * np.sqrt(ppi_factor(n, correlation, unlabelled) / n) <= half_width

    return _smallest(enough, f"a half width of {half_width:g}")


def labels_for_power(
    effect: float,
    sd: float,
    *,
    power: float = 0.8,
    correlation: float = 0.0,
    unlabelled: float = np.inf,
    level: float = 0.95,
) -> int:
    """Fewest labelled items to detect a mean that differs from zero by `effect`.

    Args:
        effect: smallest mean worth finding, such as the paired difference of two models.
        sd: standard deviation of people's value over items.
        power: wanted probability of finding it.
        correlation: of predictions with people's value; 0 plans for people alone.
        unlabelled: further items with predictions, N.
        level: 1 minus the size of the two-sided t-test.

    Raises:
        InputError: no number of labels up to 10^9 is enough.
    """
    if effect == 0 or not 0 < power < 1:
        raise InputError("needs an effect other than zero and a power between 0 and 1")

    def enough(n: int) -> bool:
        error = sd * np.sqrt(ppi_factor(n, correlation, unlabelled) / n)
        return power_of(effect, float(error), n - 1, level=level) >= power

    return _smallest(enough, f"a power of {power:g} for an effect of {effect:g}")


def ppi_factor(n: int, correlation: float, unlabelled: float) -> float:
    """Variance with predictions as a share of the variance without, at the best lam."""
    share = 1.0 if np.isinf(unlabelled) else unlabelled / (n + unlabelled)
    return 1 - correlation**2 * share


def best_raters_per_item(components: Components, *, item_cost: float, answer_cost: float) -> int:
    """Raters per item of smallest variance for a given total cost (Cochran 1977, 10.6).

    Raters are new for every item; `item_cost` is what a further item costs before anyone answers.

    Raises:
        InputError: a negative cost, answers that cost nothing, or items that do not differ, of
            which one would do.
    """
    if item_cost < 0 or answer_cost <= 0 or components.item == 0:
        raise InputError(
            "the best number of raters needs items that differ, an item cost of at least 0 and an "
            "answer cost above 0",
            found=f"item variance {components.item}, costs {item_cost} and {answer_cost}",
        )
    spread = components.residual + components.rater
    ideal = np.sqrt(spread / components.item * item_cost / answer_cost)
    low = max(1, int(ideal))

    def product(r: int) -> float:
        return (components.item + spread / r) * (item_cost + r * answer_cost)

    return low if product(low) <= product(low + 1) else low + 1


def precision_curve(
    components: Components,
    *,
    items: Sequence[int],
    raters_per_item: Sequence[int],
    raters: int | None = None,
    effect: float | None = None,
    level: float = 0.95,
) -> tuple[CurvePoint, ...]:
    """Half width and power for every combination of items and raters per item, as data."""
    quantile = float(ndtri(0.5 + level / 2))
    points: list[CurvePoint] = []
    for per_item in raters_per_item:
        for count in items:
            design = Design(items=count, raters_per_item=per_item, raters=raters)
            error = design_error(design, components)
            points.append(
                CurvePoint(
                    items=count,
                    raters_per_item=per_item,
                    answers=design.answers,
                    half_width=quantile * error,
                    power=None
                    if effect is None
                    else power_of(effect, error, _degrees(design), level=level),
                )
            )
    return tuple(points)


def _degrees(design: Design) -> float:
    """Of the t-test: fewest clusters less one."""
    return min(design.items, design.people) - 1


def _smallest(enough: Callable[[int], bool], wanted: str) -> int:
    """Smallest n >= 2 for which `enough` holds, which it does from there on."""
    high = 2
    while not enough(high):
        high *= 2
        if high > _MOST:
            raise InputError(f"no number of labels gives {wanted}")
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
