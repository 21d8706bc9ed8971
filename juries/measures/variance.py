"""Where the variance of ratings comes from: items, personas, their interplay, or repeating.

- `variance_shares`: random-effects shares of item, persona, persona-by-item and replicate.
- `intraclass_correlations`: the six coefficients of Shrout & Fleiss for a complete table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from juries.measures.resampling import (
    FloatArray,
    Interval,
    item_multiplicities,
    juror_multiplicities,
    percentile_interval,
)
from juries.measures.variance_pairs import components, pair_sums

SOURCES = ("item", "persona", "persona x item", "replicate")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VarianceShares:
    """Variance components and their shares.

    Without replicates, the interplay of persona and item cannot be told from repeating: `sources`
    then ends with `persona x item + replicate`.

    Attributes:
        sources: names, in the order of the arrays.
        components: [sources], unbiased variances; a small one can come out below 0.
        shares: [sources], components cut at 0 and divided by their sum; None where undefined.
        replicates: [sources, B], shares in each bootstrap replicate; NaN where undefined.
        n_items: items with a rating.
        n_personas: personas with a rating.
        n_ratings: ratings.
        n_repeated: cells (persona, item) with at least two replicates.
        reason: why shares are undefined, else empty.
    """

    sources: tuple[str, ...]
    components: FloatArray | None
    shares: FloatArray | None
    replicates: FloatArray
    n_items: int
    n_personas: int
    n_ratings: int
    n_repeated: int
    reason: str

    def interval(self, level: float = 0.95) -> Interval | None:
        """Percentile intervals of the shares, [sources]; None where undefined."""
        if self.shares is None or np.isnan(self.replicates).all():
            return None
        return percentile_interval(self.replicates, level, resampled="items and personas")

    @property
    def persona_share(self) -> float | None:
        """Share that depends on who is asked: persona, and persona x item where separate."""
        if self.shares is None:
            return None
        return float(self.shares[1:3].sum() if len(self.shares) == 4 else self.shares[1])

    @property
    def reading(self) -> str:
        """What the shares say, in words."""
        if self.shares is None or self.persona_share is None:
            return f"Variance shares are undefined: {self.reason}."
        if len(self.shares) < 4:
            return (
                f"Personas' overall leniency explains {self.shares[1]:.0%} of variance, items "
                f"{self.shares[0]:.0%}. What personas make of single items cannot be told from "
                "noise: ask each question more than once."
            )
        text = (
            f"Who is asked explains {self.persona_share:.0%} of variance (persona "
            f"{self.shares[1]:.0%}, persona by item {self.shares[2]:.0%}), repeating the question "
            f"{self.shares[3]:.0%}, the item {self.shares[0]:.0%}."
        )
        if self.persona_share < self.shares[3]:
            return text + " Personas matter less than repeating: this jury is not diverse."
        return text


def variance_shares(
    ratings: ArrayLike, *, rng: np.random.Generator, resamples: int = 1000
) -> VarianceShares:
    """Shares of item, persona, persona x item and replicate in the variance of ratings.

    Model: rating = mean + item + persona + persona x item + replicate, all random and
    independent. Estimated without bias from half mean squared differences of pairs of ratings that
    share the item, the persona, both or neither (Koch 1968); on balanced data this is the
    analysis of variance, and any pattern of missing ratings is allowed that does not depend on
    the ratings. The bootstrap draws items and personas; pairs of a unit with its own copy are
    left out, because they differ by nothing.

    Undefined, with a reason: fewer than two items or personas, no pair that shares the item (or
    the persona) and nothing else, and ratings that don't vary.

    Args:
        ratings: [personas, items, replicates], or [personas, items] for one replicate; NaN missing.
        rng: source of the draws.
        resamples: number of replicates of the bootstrap.

    Raises:
        ValueError: wrong shape, infinite ratings, no resample.
    """
    table = np.asarray(ratings, dtype=np.float64)
    if table.ndim == 2:
        table = table[:, :, None]
    if table.ndim != 3 or np.isinf(table).any() or resamples < 1:
        raise ValueError(
            f"expected finite ratings [personas, items, replicates], not {table.shape}"
        )
    there = ~np.isnan(table)
    counts = there.sum(axis=2)
    repeated = int((counts >= 2).sum())
    n_items, n_personas = int(counts.any(axis=0).sum()), int(counts.any(axis=1).sum())
    values: FloatArray | None = None
    replicates = np.full((4 if repeated else 3, resamples), np.nan)
    reason = ""
    if n_items < 2 or n_personas < 2:
        reason = "it takes two items and two personas"
    else:
        values, replicates = _estimate(table, there, rng, resamples)
        reason = _why_undefined(values)
    sources = SOURCES if repeated else (*SOURCES[:2], "persona x item + replicate")
    return VarianceShares(
        sources=sources,
        components=None if reason else values,
        shares=None if reason or values is None else shares_of(values),
        replicates=shares_of(replicates),
        n_items=n_items,
        n_personas=n_personas,
        n_ratings=int(counts.sum()),
        n_repeated=repeated,
        reason=reason,
    )


def _why_undefined(values: FloatArray) -> str:
    if np.isnan(values).any():
        return "ratings overlap too little: some item and some persona need two ratings each"
    if not np.any(values > 0):
        return "ratings do not vary"
    return ""


def _estimate(
    table: FloatArray, there: np.ndarray, rng: np.random.Generator, resamples: int
) -> tuple[FloatArray, FloatArray]:
    filled = np.where(there, table - table[there].mean(), 0.0)
    sums = [there.sum(axis=2).T, filled.sum(axis=2).T, (filled**2).sum(axis=2).T]
    count, total, square = (each.astype(np.float64) for each in sums)
    jurors = np.ones((len(table), resamples + 1))
    jurors[:, 1:] = juror_multiplicities(len(table), resamples, rng)
    items = item_multiplicities(table.shape[1], resamples, rng)
    pairs = pair_sums(count, total, square, jurors, items)
    values = components(pairs, replicated=bool((count >= 2).any()))
    spread = float(square.sum())
    values[np.abs(values) < 1e-12 * spread] = 0.0
    return values[:, 0], values[:, 1:]


def shares_of(values: FloatArray) -> FloatArray:
    """Components [sources, ...] cut at 0, as shares; NaN where none is above 0 or one undefined."""
    cut = np.where(values > 0, values, 0.0)
    total = cut.sum(axis=0)
    defined = (total > 0) & ~np.isnan(values).any(axis=0)
    blank = np.full_like(cut, np.nan)
    return np.divide(cut, total, out=blank, where=np.broadcast_to(defined, cut.shape))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IntraclassCorrelations:
    """Shrout & Fleiss's six coefficients, in the order of `names`.

    Attributes:
        names: `ICC(1,1)` … `ICC(3,k)`.
        values: [6]; None where undefined.
        replicates: [6, B] over items; NaN where undefined.
        n_items: items.
        n_jurors: jurors k.
        reason: why they are undefined, else empty.
    """

    names: tuple[str, ...]
    values: FloatArray | None
    replicates: FloatArray
    n_items: int
    n_jurors: int
    reason: str

    def interval(self, level: float = 0.95) -> Interval | None:
        """Percentile intervals, [6]; None where undefined."""
        if self.values is None:
            return None
        return percentile_interval(self.replicates, level, resampled="items")


ICC_NAMES = ("ICC(1,1)", "ICC(2,1)", "ICC(3,1)", "ICC(1,k)", "ICC(2,k)", "ICC(3,k)")


def intraclass_correlations(
    ratings: ArrayLike, *, rng: np.random.Generator, resamples: int = 1000
) -> IntraclassCorrelations:
    """Intraclass correlations of a complete table (Shrout & Fleiss 1979).

    (1, ·) jurors differ from item to item; (2, ·) jurors are a sample; (3, ·) these jurors only.
    (·, 1) a single juror's rating, (·, k) the mean of all k. Undefined, with a reason: fewer than
    two items or jurors, and ratings that do not vary between items or not at all.

    Args:
        ratings: [jurors, items], complete.
        rng: source of the draws over items.
        resamples: number of bootstrap replicates.

    Raises:
        ValueError: a table that is not complete or finite; `variance_shares` takes missing ones.
    """
    table = np.asarray(ratings, dtype=np.float64)
    if table.ndim != 2 or not np.isfinite(table).all():
        raise ValueError("intraclass correlations need a complete, finite table [jurors, items]")
    jurors, items = table.shape
    values, replicates = None, np.full((6, resamples), np.nan)
    reason = "" if jurors > 1 and items > 1 else "it takes two items and two jurors"
    if not reason:
        every = _icc_from_moments(table, rng, resamples)
        replicates = every[:, 1:]
        values = every[:, 0]
        if np.isnan(values).any():
            values, reason = None, "ratings do not vary between items"
    return IntraclassCorrelations(
        names=ICC_NAMES,
        values=values,
        replicates=replicates,
        n_items=items,
        n_jurors=jurors,
        reason=reason,
    )


def _icc_from_moments(table: FloatArray, rng: np.random.Generator, resamples: int) -> FloatArray:
    centred = (table - table.mean()).T
    k = centred.shape[1]
    features = np.column_stack([centred, centred.sum(axis=1) ** 2, (centred**2).sum(axis=1)])
    moments = np.zeros((k + 2, resamples + 1))
    start = 0
    for drawn in item_multiplicities(len(features), resamples, rng):
        once = np.column_stack([np.ones(len(drawn)), drawn])
        moments += features[start : start + len(drawn)].T @ once
        start += len(drawn)
    n = len(features)
    by_juror, by_item, square = moments[:k], moments[k], moments[k + 1]
    mean = by_juror.sum(axis=0) ** 2 / (n * k)
    between = (by_item / k - mean) / (n - 1)
    jurors = ((by_juror**2).sum(axis=0) / n - mean) / (k - 1)
    within = (square - by_item / k) / (n * (k - 1))
    error = (square - by_item / k - (by_juror**2).sum(axis=0) / n + mean) / ((n - 1) * (k - 1))
    defined = between > 1e-12 * np.maximum(square, 1e-300) / n
    tops = [between - within, between - error, between - error] * 2
    bottoms = [
        between + (k - 1) * within,
        between + (k - 1) * error + k * (jurors - error) / n,
        between + (k - 1) * error,
        between,
        between + (jurors - error) / n,
        between,
    ]
    result = np.full((6, resamples + 1), np.nan)
    for at, (top, bottom) in enumerate(zip(tops, bottoms, strict=True)):
        np.divide(top, bottom, out=result[at], where=defined & (bottom > 0))
    return result
