"""Steering by selection: of the responses given, take the one that some jurors like best.

A model that is asked to please a group can be stood in for by the best response to the item that
is there already. Choosing and judging on the same jurors would flatter it, so jurors are split in
two halves: each half judges what the other chose (cross-fitting).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from graphs.items import FloatArray

IntArray = NDArray[np.int64]
HALVES = 2


def split_in_halves(labels: Sequence[str], rng: np.random.Generator) -> IntArray:
    """A half, 0 or 1, for each juror; every group is split as evenly as it goes."""
    half = np.zeros(len(labels), dtype=np.int64)
    table = np.array(labels)
    for number, level in enumerate(np.unique(table)):
        seats = rng.permutation(np.flatnonzero(table == level))
        half[seats] = (np.arange(len(seats)) + number) % HALVES
    return half


def best_response(values: FloatArray) -> IntArray:
    """Number of the best response per column, [...] from [responses, ...]; -1 where none."""
    known = ~np.isnan(values)
    best = np.where(known, values, -np.inf).argmax(axis=0)
    return np.where(known.any(axis=0), best, -1)


def chosen_values(table: NDArray[np.floating], choice: IntArray) -> FloatArray:
    """What was chosen per item, [items, ...] from [responses, items, ...] and [items]."""
    items = np.arange(choice.size)
    values = table[np.maximum(choice, 0), items].astype(np.float64)
    values[choice < 0] = np.nan
    return values
