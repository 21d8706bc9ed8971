"""How far jurors agree, and how many independent jurors a jury is worth.

- `krippendorff_alpha`: agreement at four levels of measurement, missing ratings allowed.
- `krippendorff_alpha_bootstrap`: its interval over items or over jurors.
- `effective_jurors` (in `juries.measures.effective`): jurors after their errors' correlation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from juries.measures.alpha_resampling import item_replicates, juror_replicates
from juries.measures.coincidences import (
    MAX_VALUES,
    Codes,
    Level,
    check_ratings,
    check_values,
    coincidences,
    disagreement,
    encode,
    item_histograms,
)
from juries.measures.resampling import Interval, percentile_interval

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alpha:
    """Krippendorff's alpha: 1 is perfect agreement, 0 what chance would give.

    Attributes:
        alpha: None where it is undefined; `reason` then says why.
        observed: mean squared difference of two ratings of one item; None without such a pair.
        expected: mean squared difference of any two ratings; None without a pair.
        level: of measurement.
        n_pairable: ratings of items with at least two ratings; the others say nothing.
        n_items: items with at least two ratings.
        n_jurors: jurors with at least one pairable or unpairable rating.
        reason: why alpha is undefined, else empty.
    """

    alpha: float | None
    observed: float | None
    expected: float | None
    level: Level
    n_pairable: int
    n_items: int
    n_jurors: int
    reason: str

    @property
    def reading(self) -> str:
        """What the figure says, in words."""
        if self.alpha is None:
            return f"Agreement ({self.level}) is undefined: {self.reason}."
        return (
            f"Jurors' ratings ({self.level}) differ by {1 - self.alpha:.0%} of what unrelated "
            f"ratings would (alpha {self.alpha:.3f}). A diverse jury need not agree."
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AlphaBootstrap:
    """Alpha with bootstrap replicates.

    Attributes:
        alpha: the estimate.
        replicates: [B]; NaN where the replicate's ratings were constant or had no pair.
        resampled: `items` or `jurors`.
    """

    alpha: Alpha
    replicates: FloatArray
    resampled: Literal["items", "jurors"]

    @property
    def undefined(self) -> int:
        """Replicates without an alpha; intervals leave them out."""
        return int(np.isnan(self.replicates).sum())

    def interval(self, level: float = 0.95) -> Interval | None:
        """Percentile interval; None where alpha or every replicate is undefined."""
        if self.alpha.alpha is None or self.undefined == len(self.replicates):
            return None
        return percentile_interval(self.replicates, level, resampled=self.resampled)


def krippendorff_alpha(
    ratings: ArrayLike, level: Level = "ordinal", *, missing: int | None = None
) -> Alpha:
    """Krippendorff's alpha = 1 - D_o / D_e from a table of ratings.

    Source: Krippendorff, Computing Krippendorff's alpha-reliability (2011). Two or more jurors
    must rate an item for its ratings to count. Undefined, with a reason and no number: one juror,
    no item or only one item with two ratings (agreement within it cannot be told from chance),
    and constant ratings (no disagreement is to be expected, so none can be beaten).

    Args:
        ratings: [jurors, items], numbers; NaN is missing. int8 codes are fastest.
        level: nominal, ordinal, interval or ratio.
        missing: value that marks a missing rating in integer ratings, such as -1.

    Returns:
        Alpha with what it was made from.

    Raises:
        ValueError: not a table, infinite ratings, an unknown level, negative ratings at the ratio
            level, or more than 256 distinct values at a level other than interval.
    """
    return _alpha(_encoded(ratings, level, missing), level)


def krippendorff_alpha_bootstrap(
    ratings: ArrayLike,
    level: Level = "ordinal",
    *,
    rng: np.random.Generator,
    over: Literal["items", "jurors"] = "items",
    resamples: int = 1000,
    missing: int | None = None,
) -> AlphaBootstrap:
    """Alpha with bootstrap replicates over items or over jurors.

    Items: exact; items with equal histograms are drawn together. Jurors: a juror drawn twice
    would agree with itself, so pairs of a juror with its own copy are left out of what is
    observed and of what is expected.

    Args:
        ratings: [jurors, items], as for `krippendorff_alpha`.
        level: of measurement.
        rng: source of the draws.
        over: what is resampled.
        resamples: number of replicates.
        missing: value that marks a missing rating in integer ratings.

    Raises:
        ValueError: as for `krippendorff_alpha`; `over` unknown; no resample.
    """
    if over not in ("items", "jurors") or resamples < 1:
        raise ValueError(f"over {over!r} with {resamples} resamples")
    source = _encoded(ratings, level, missing)
    alpha = _alpha(source, level)
    if alpha.alpha is None:
        replicates = np.full(resamples, np.nan)
    else:
        make = item_replicates if over == "items" else juror_replicates
        replicates = make(source, level, resamples, rng)
    return AlphaBootstrap(alpha=alpha, replicates=replicates, resampled=over)


def _encoded(ratings: ArrayLike, level: Level, missing: int | None) -> Codes | FloatArray:
    """Codes, or numbers with NaN missing where the interval level meets many distinct ratings."""
    table = check_ratings(ratings, level)
    codes = encode(table, missing)
    if codes is not None:
        check_values(codes, level)
        return codes
    if level != "interval":
        raise ValueError(
            f"more than {MAX_VALUES} distinct ratings at the {level} level; "
            "round them, or use the interval level"
        )
    return _numbers(table, missing)


def _alpha(source: Codes | FloatArray, level: Level) -> Alpha:
    if not isinstance(source, Codes):
        return _alpha_of_numbers(source)
    histograms = item_histograms(source)
    pairs = coincidences(histograms)
    marginals = pairs.sum(axis=0)
    gaps = disagreement(level, source.values, marginals)
    return _result(
        level,
        within=float((pairs * gaps).sum()),
        across=float(marginals @ gaps @ marginals),
        n=round(float(marginals.sum())),
        items=int(histograms.weight[histograms.ratings > 0].sum()),
        jurors=int((source.codes >= 0).any(axis=1).sum()),
    )


def _numbers(table: NDArray[np.generic], missing: int | None) -> FloatArray:
    numbers = table.astype(np.float64)
    if missing is not None and table.dtype.kind in "iu":
        numbers[table == missing] = np.nan
    return numbers


def _alpha_of_numbers(numbers: FloatArray) -> Alpha:
    """Interval alpha from sums and squares, for any number of distinct values."""
    there = ~np.isnan(numbers)
    sizes = there.sum(axis=0)
    paired = sizes >= 2
    centred = np.where(there, numbers - np.nanmean(numbers), 0.0)[:, paired]
    sizes = sizes[paired]
    sums, squares = centred.sum(axis=0), (centred**2).sum(axis=0)
    n = int(sizes.sum())
    return _result(
        "interval",
        within=float((2 * (sizes * squares - sums**2) / (sizes - 1)).sum()),
        across=float(2 * (n * squares.sum() - sums.sum() ** 2)),
        n=n,
        items=int(paired.sum()),
        jurors=int(there.any(axis=1).sum()),
    )


def _result(
    level: Level, *, within: float, across: float, n: int, items: int, jurors: int
) -> Alpha:
    observed = within / n if n else None
    expected = across / (n * (n - 1)) if n else None
    reason = ""
    if jurors < 2:
        reason = f"{'one juror' if jurors else 'no juror'} rated anything"
    elif not items:
        reason = "no item was rated by two jurors"
    elif items == 1:
        reason = "only one item was rated by two jurors"
    elif not expected:
        reason = "all ratings are equal"
    return Alpha(
        alpha=None if reason or not expected or observed is None else 1 - observed / expected,
        observed=observed,
        expected=expected,
        level=level,
        n_pairable=n,
        n_items=items,
        n_jurors=jurors,
        reason=reason,
    )
