"""How ratings pair up within items: the counts behind Krippendorff's alpha.

- `encode` turns ratings into small codes, jurors by items, and their values in ascending order.
- `item_histograms` counts each value per item, items with equal histograms joined.
- `disagreement` turns marginals into the squared differences of a level of measurement.

Codes stay juror-major: one comparison and one small-integer sum per value build all histograms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
Level = Literal["nominal", "ordinal", "interval", "ratio"]
LEVELS: tuple[Level, ...] = ("nominal", "ordinal", "interval", "ratio")

MISSING = -1
MAX_VALUES = 256
"""Most distinct values that are counted value by value; the interval level knows no limit."""

_MAX_KEYS = 1 << 20

_CHUNK = 16_384
"""Ratings of a juror converted at a time, so that they stay in the cache."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Codes:
    """Ratings as small whole numbers.

    Attributes:
        codes: [jurors, items], int8 or int16; -1 is missing.
        labels: [K], the codes that occur, ascending.
        values: [K], what they stand for, ascending.
    """

    codes: NDArray[np.signedinteger]
    labels: tuple[int, ...]
    values: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Histograms:
    """How often each value was given to an item.

    Attributes:
        counts: [rows, K], all 0 for items rated by fewer than two jurors, which pair with nothing.
        weight: [rows], items with these counts.
        values: [K].
    """

    counts: FloatArray
    weight: NDArray[np.int64]
    values: FloatArray

    @property
    def ratings(self) -> FloatArray:
        """Pairable ratings per row, [rows]."""
        return self.counts.sum(axis=1)


def check_ratings(ratings: ArrayLike, level: Level) -> NDArray[np.generic]:
    """Ratings as an array [jurors, items]; ValueError where they or the level cannot be used."""
    table = np.asarray(ratings)
    if table.ndim != 2 or table.dtype.kind not in "iufb":
        raise ValueError(
            f"ratings are {table.dtype} {table.shape}; expected numbers [jurors, items]"
        )
    if level not in LEVELS:
        raise ValueError(f"level is {level!r}; expected one of {', '.join(LEVELS)}")
    return table


def check_values(codes: Codes, level: Level) -> None:
    """ValueError where the level does not allow the values."""
    if level == "ratio" and codes.values.size and codes.values[0] < 0:
        raise ValueError("the ratio level needs ratings that are not negative")


def coded_ratings(ratings: ArrayLike, level: Level, missing: int | None) -> Codes:
    """Checked codes of ratings; ValueError for more than `MAX_VALUES` distinct values."""
    codes = encode(check_ratings(ratings, level), missing)
    if codes is None:
        raise ValueError(f"more than {MAX_VALUES} distinct ratings; round them")
    check_values(codes, level)
    return codes


def encode(ratings: NDArray[np.generic], missing: int | None) -> Codes | None:
    """Codes of ratings, or None where more than `MAX_VALUES` distinct values occur.

    Raises:
        ValueError: infinite ratings.
    """
    if ratings.dtype.kind in "iub":
        return _encode_integers(ratings, missing)
    codes = _small_whole_numbers(ratings)
    return _encode_any(ratings) if codes is None else _encode_integers(codes, MISSING)


def _small_whole_numbers(ratings: NDArray[np.generic]) -> NDArray[np.int8] | None:
    """Float ratings as int8 with -1 for NaN, or None where some are not 0..127."""
    codes = np.empty(ratings.shape, dtype=np.int8)
    present = 0
    with np.errstate(invalid="ignore"):  # what a NaN is cast to does not matter
        for start in range(0, ratings.shape[1], _CHUNK):
            part = np.s_[:, start : start + _CHUNK]
            for row, out in zip(ratings[part], codes[part], strict=True):
                np.copyto(out, row, casting="unsafe")
                absent = np.isnan(row)
                whole = row.size - np.count_nonzero(absent)
                if np.count_nonzero(out == row) != whole:
                    return None
                np.bitwise_or(out, np.negative(absent.view(np.int8)), out=out)  # -1 is all ones
                present += whole
    return codes if np.count_nonzero(codes >= 0) == present else None


def _encode_integers(ratings: NDArray[np.generic], missing: int | None) -> Codes | None:
    lowest = MISSING if missing == MISSING else 0
    if ratings.dtype == np.int8 and ratings.min(initial=0) >= lowest:
        top = int(ratings.max(initial=-1)) + 1
        labels = tuple(value for value in range(top) if (ratings == value).any())
        codes = ratings.astype(np.int8, copy=False)
        return Codes(codes=codes, labels=labels, values=np.array(labels, dtype=np.float64))
    whole = ratings.astype(np.int64)
    present = np.ones(whole.shape, dtype=bool) if missing is None else whole != missing
    return _coded(whole, np.unique(whole[present]), present)


def _encode_any(ratings: NDArray[np.generic]) -> Codes | None:
    numbers = ratings.astype(np.float64, copy=False)
    if np.isinf(numbers).any():
        raise ValueError("ratings must be finite (NaN marks a missing one)")
    present = ~np.isnan(numbers)
    return _coded(ratings, np.unique(ratings[present]), present)


def _coded(
    ratings: NDArray[np.generic], values: NDArray[np.generic], present: NDArray[np.bool_]
) -> Codes | None:
    if len(values) > MAX_VALUES:
        return None
    codes = np.where(present, np.searchsorted(values, ratings), MISSING)
    small = np.int8 if len(values) < 128 else np.int16
    return Codes(
        codes=codes.astype(small),
        labels=tuple(range(len(values))),
        values=values.astype(np.float64),
    )


def value_counts(codes: Codes) -> list[NDArray[np.uint32]]:
    """Per value, how many jurors gave it to each item: K arrays [items]."""
    return [_count_equal(codes.codes, value) for value in codes.labels]


def _count_equal(codes: NDArray[np.signedinteger], value: int) -> NDArray[np.uint32]:
    total = np.zeros(codes.shape[1], dtype=np.uint32)
    for start in range(0, len(codes), 255):  # as many as a byte can count
        equal = codes[start : start + 255] == value
        total += equal.view(np.uint8).sum(axis=0, dtype=np.uint8)
    return total


def item_histograms(codes: Codes) -> Histograms:
    """Histograms of all items; equal ones are one row where that makes the table much smaller."""
    columns = value_counts(codes)
    items = codes.codes.shape[1]
    sizes = sum(columns, np.zeros(items, dtype=np.uint32))
    for column in columns:
        column[sizes < 2] = 0
    base = len(codes.codes) + 1
    if columns and base ** len(columns) <= min(_MAX_KEYS, 16 * items):
        key = columns[0].astype(np.int64)
        for power, column in enumerate(columns[1:], start=1):
            key += column * np.int64(base**power)
        every = np.bincount(key)
        seen = every.nonzero()[0]
        counts = seen[:, None] // base ** np.arange(len(columns)) % base
        return Histograms(
            counts=counts.astype(np.float64), weight=every[every > 0], values=codes.values
        )
    return Histograms(
        counts=np.array(columns, dtype=np.float64).reshape(len(columns), items).T,
        weight=np.ones((items,), dtype=np.int64),
        values=codes.values,
    )


def coincidences(histograms: Histograms) -> FloatArray:
    """Krippendorff's coincidence matrix, [K, K]: pairs of ratings within items.

    Every item's pairs are weighted by 1 / (m - 1), so that the matrix sums to the number of
    pairable ratings.
    """
    counts = histograms.counts
    scaled = counts * (histograms.weight / np.maximum(histograms.ratings - 1, 1))[:, None]
    return scaled.T @ counts - np.diag(scaled.sum(axis=0))


def disagreement(level: Level, values: FloatArray, marginals: FloatArray) -> FloatArray:
    """Squared difference of every two values at a level of measurement, [K, K].

    Args:
        level: nominal 1; ordinal by ranks; interval (c-k)²; ratio ((c-k)/(c+k))².
        values: [K], ascending; not negative at the ratio level.
        marginals: [K], how often each value occurs; only the ordinal level uses them.
    """
    if level == "nominal":
        return 1.0 - np.eye(len(values))
    if level == "ratio":
        sums = np.add.outer(values, values)
        gaps = np.subtract.outer(values, values)
        return np.divide(gaps, sums, out=np.zeros_like(gaps), where=sums != 0) ** 2
    scores = values if level == "interval" else mid_ranks(marginals)
    return np.subtract.outer(scores, scores) ** 2


def mid_ranks(marginals: FloatArray) -> FloatArray:
    """Mean rank of each value, centred, [K, ...]; ordinal differences are between these.

    Krippendorff's ordinal difference sums the frequencies from c to k less half of both ends,
    which is the distance between the two values' mean ranks.
    """
    below = np.cumsum(marginals, axis=0)
    return below - marginals / 2 - below[-1:] / 2
