"""Half mean squared differences between pairs of ratings, for many bootstrap replicates at once.

Four kinds of pairs: of the same cell (persona and item), of the same item only, of the same
persona only, and of neither. Every sum over pairs follows from sums over cells, so a replicate
costs a few matrix products.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from juries.measures.resampling import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairSums:
    """Per kind of pair: half the summed squared differences and the pairs, each [B].

    Pairs are ordered, so both sums count each pair twice.
    """

    cell: FloatArray
    item: FloatArray
    persona: FloatArray
    neither: FloatArray


def pair_sums(
    count: FloatArray,
    total: FloatArray,
    square: FloatArray,
    personas: FloatArray,
    items: Iterable[FloatArray],
) -> PairSums:
    """Sums over pairs, copies of one unit never paired with each other as different units.

    Args:
        count: [items, personas], ratings in a cell.
        total: [items, personas], their sum (centred beforehand, to keep digits).
        square: [items, personas], their sum of squares.
        personas: [personas, 1 + B], multiplicities; the first column is the sample.
        items: multiplicities in blocks [block, B]; the sample's column is added here.
    """
    width = personas.shape[1]
    cell, same_item, self_pairs = np.zeros((3, 2, width))
    whole = np.zeros((3, width))
    by_persona = np.zeros((3, *personas.shape))
    own_persona = np.zeros((2, *personas.shape))
    twice = personas**2
    start = 0
    for drawn in items:
        weight = np.column_stack([np.ones(len(drawn)), drawn])
        part = slice(start, start + len(drawn))
        start += len(drawn)
        tables = count[part], total[part], square[part]
        n, s, q = (table @ personas for table in tables)
        own = _own(*tables)  # of a cell with itself: Σ n·q - s², and n²
        own_items = [each @ twice for each in own]
        cell += _summed(weight, *(each @ personas for each in _within(*tables)))
        same_item += _summed(weight, n * q - s**2 - own_items[0], n**2 - own_items[1])
        self_pairs += _summed(weight**2, n * q - s**2 - own_items[0], n**2 - own_items[1])
        whole += np.stack([(weight * each).sum(axis=0) for each in (n, s, q)])
        by_persona += np.stack([table.T @ weight for table in tables])
        own_persona += np.stack([each.T @ weight**2 for each in own])
    n, s, q = by_persona[0], by_persona[1], by_persona[2]
    same_persona = _summed(personas, n * q - s**2 - own_persona[0], n**2 - own_persona[1])
    # all pairs, less those within a persona (own copies too), less those of one item's copies
    persona_all = _summed(twice, n * q - s**2, n**2)
    n, s, q = whole
    neither = np.stack([n * q - s**2, n**2]) - persona_all - self_pairs
    return PairSums(cell=cell, item=same_item, persona=same_persona, neither=neither)


def _within(
    count: FloatArray, total: FloatArray, square: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Half squared differences, and pairs, between different ratings of a cell."""
    return count * square - total**2, count**2 - count


def _own(count: FloatArray, total: FloatArray, square: FloatArray) -> tuple[FloatArray, FloatArray]:
    return count * square - total**2, count**2


def _summed(weight: FloatArray, gaps: FloatArray, pairs: FloatArray) -> FloatArray:
    return np.stack([np.einsum("ub,ub->b", weight, each) for each in (gaps, pairs)])


def components(pairs: PairSums, *, replicated: bool) -> FloatArray:
    """Variances of item, persona, persona x item and replicate, [4, B]; [3, B] when confounded.

    A pair that shares nothing differs by all variances, one of the same item by all but the
    item's, and so on; NaN where a kind of pair does not occur.
    """
    cell, item, persona, neither = (
        np.divide(each[0], each[1], out=np.full_like(each[0], np.nan), where=each[1] > 0.5)
        for each in (pairs.cell, pairs.item, pairs.persona, pairs.neither)
    )
    rest = item + persona - neither
    if not replicated:
        return np.stack([neither - item, neither - persona, rest])
    return np.stack([neither - item, neither - persona, rest - cell, cell])
