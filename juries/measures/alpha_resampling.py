"""Bootstrap replicates of Krippendorff's alpha, all at once as matrix products.

Over items, a replicate needs how often each distinct histogram was drawn. Over jurors, it needs
each item's weighted counts, one product per value.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from juries.measures.coincidences import (
    Codes,
    Histograms,
    Level,
    disagreement,
    item_histograms,
    mid_ranks,
)
from juries.measures.resampling import BLOCK, juror_multiplicities, row_multiplicities

FloatArray = NDArray[np.float64]


def item_replicates(
    source: Codes | FloatArray, level: Level, resamples: int, rng: np.random.Generator
) -> FloatArray:
    """Alpha with items drawn again, [resamples]; NaN where undefined.

    Args:
        source: codes, or numbers [jurors, items] with NaN missing (interval level only).
        level: of measurement.
        resamples: number of replicates.
        rng: source of the draws.
    """
    if not isinstance(source, Codes):
        return _number_item_replicates(source, resamples, rng)
    table = item_histograms(source)

    def draws(stream: np.random.Generator) -> Iterator[tuple[slice, FloatArray]]:
        start = 0
        for drawn in row_multiplicities(table.weight, resamples, stream):
            yield slice(start, start + len(drawn)), drawn
            start += len(drawn)

    if level == "ordinal":  # distances follow each replicate's ranks: the same draws, twice
        marginals = sum(table.counts[rows].T @ drawn for rows, drawn in draws(copy.deepcopy(rng)))
        return _ordinal(table, np.asarray(marginals), draws(rng))
    gaps = disagreement(level, table.values, np.empty(0))
    pairs = ((table.counts @ gaps) * table.counts).sum(axis=1) / np.maximum(table.ratings - 1, 1)
    features = np.column_stack([table.counts, pairs])
    sums = sum(features[rows].T @ drawn for rows, drawn in draws(rng))
    totals = np.asarray(sums)
    marginals, within = totals[:-1], totals[-1]
    return _alpha(within, (marginals * (gaps @ marginals)).sum(axis=0), marginals.sum(axis=0))


def _ordinal(
    table: Histograms, marginals: FloatArray, draws: Iterator[tuple[slice, FloatArray]]
) -> FloatArray:
    ranks = mid_ranks(marginals)
    squares = ranks**2
    sizes = table.ratings[:, None]
    within = np.zeros(marginals.shape[1])
    for rows, drawn in draws:
        spread = (table.counts[rows] @ squares) * sizes[rows]
        spread -= (table.counts[rows] @ ranks) ** 2
        spread *= 2 / np.maximum(sizes[rows] - 1, 1)
        within += np.einsum("ub,ub->b", spread, drawn)
    n = marginals.sum(axis=0)
    across = 2 * (n * (marginals * squares).sum(axis=0) - (marginals * ranks).sum(axis=0) ** 2)
    return _alpha(within, across, n)


def _number_item_replicates(
    numbers: FloatArray, resamples: int, rng: np.random.Generator
) -> FloatArray:
    there = ~np.isnan(numbers)
    sizes = there.sum(axis=0)
    sizes[sizes < 2] = 0
    centred = np.where(there & (sizes > 0), numbers - np.nanmean(numbers), 0.0)
    sums, squares = centred.sum(axis=0), (centred**2).sum(axis=0)
    pairs = 2 * (sizes * squares - sums**2) / np.maximum(sizes - 1, 1)
    features = np.column_stack([sizes, sums, squares, pairs])
    totals = np.zeros((4, resamples))
    start = 0
    for drawn in row_multiplicities(np.ones(len(features), np.int64), resamples, rng):
        totals += features[start : start + len(drawn)].T @ drawn
        start += len(drawn)
    n, total, square, within = totals
    return _alpha(within, 2 * (n * square - total**2), n)


def juror_replicates(
    source: Codes | FloatArray, level: Level, resamples: int, rng: np.random.Generator
) -> FloatArray:
    """Alpha with jurors drawn again, [resamples], self-pairs left out; NaN where undefined.

    With w_j copies of juror j, an item's pairs of different jurors weigh Σ_{j≠k} w_j w_k; they are
    scaled to sum to its Σ w_j, as in the unweighted coefficient, and the number of expected pairs
    is n² - Σ w_j² over all ratings instead of n² - n.
    """
    jurors = len(source.codes) if isinstance(source, Codes) else len(source)
    masses = juror_multiplicities(jurors, resamples, rng)
    if isinstance(source, Codes):
        return _code_juror_replicates(source, level, masses)
    return _number_juror_replicates(source, masses)


def _code_juror_replicates(codes: Codes, level: Level, masses: FloatArray) -> FloatArray:
    width = len(codes.values)
    resamples = masses.shape[1]
    upper = [(c, k) for c in range(width) for k in range(c + 1, width)]
    pairs = np.zeros((len(upper), resamples))
    marginals = np.zeros((width, resamples))
    copies = np.zeros(resamples)
    for start in range(0, codes.codes.shape[1], BLOCK):
        block = codes.codes[:, start : start + BLOCK].T
        counts = [(block == value).astype(np.float64) @ masses for value in codes.labels]
        own = (block >= 0).astype(np.float64) @ masses**2
        scale, kept = _pair_scale(sum(counts, np.zeros_like(own)), own)
        copies += (own * kept).sum(axis=0)
        for value, count in enumerate(counts):
            marginals[value] += np.einsum("ub,ub->b", count, kept)
        scaled = [count * scale for count in counts]
        for at, (c, k) in enumerate(upper):
            pairs[at] += np.einsum("ub,ub->b", scaled[c], counts[k])
    n = marginals.sum(axis=0)
    gaps = _gaps_of_pairs(level, codes.values, upper)(marginals)
    within = 2 * (pairs * gaps).sum(axis=0)
    products = np.array([marginals[c] * marginals[k] for c, k in upper]).reshape(-1, resamples)
    across = 2 * (products * gaps).sum(axis=0)
    return _ratio(within * (n**2 - copies), n * across)


def _gaps_of_pairs(
    level: Level, values: FloatArray, upper: list[tuple[int, int]]
) -> Callable[[FloatArray], FloatArray]:
    """From marginals [K, B] to the squared differences of the pairs c < k, [pairs, 1 or B]."""
    rows, columns = [c for c, _ in upper], [k for _, k in upper]

    def gaps(marginals: FloatArray) -> FloatArray:
        if level == "ordinal":
            ranks = mid_ranks(marginals)
            return (ranks[rows] - ranks[columns]) ** 2
        return disagreement(level, values, marginals)[rows, columns][:, None]

    return gaps


def _number_juror_replicates(numbers: FloatArray, masses: FloatArray) -> FloatArray:
    there = ~np.isnan(numbers)
    centred = np.where(there, numbers - np.nanmean(numbers), 0.0)
    totals = np.zeros((5, masses.shape[1]))  # n, sum, sum of squares, within, copies
    for start in range(0, numbers.shape[1], BLOCK):
        part = np.s_[:, start : start + BLOCK]
        mask, values = there[part].T.astype(np.float64), centred[part].T
        sizes, sums, squares = mask @ masses, values @ masses, values**2 @ masses
        own = mask @ masses**2
        scale, kept = _pair_scale(sizes, own)
        within = 2 * (sizes * squares - sums**2) * scale
        parts = (sizes * kept, sums * kept, squares * kept, within, own * kept)
        totals += np.stack([each.sum(axis=0) for each in parts])
    n, total, square, within, copies = totals
    return _ratio(within * (n**2 - copies), n * 2 * (n * square - total**2))


def _pair_scale(sizes: FloatArray, own: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Weight of an item's pairs of different jurors, and 1 where there is such a pair."""
    different = sizes**2 - own
    kept = (different > 0.5).astype(np.float64)  # multiplicities are whole numbers
    return np.where(different > 0.5, sizes / np.maximum(different, 0.5), 0.0), kept


def _alpha(within: FloatArray, across: FloatArray, n: FloatArray) -> FloatArray:
    return _ratio(within * (n - 1), across)


def _ratio(observed: FloatArray, expected: FloatArray) -> FloatArray:
    blank = np.full_like(observed, np.nan)
    share = np.divide(observed, expected, out=blank, where=expected > 1e-9 * np.abs(expected).max())
    return 1 - share
