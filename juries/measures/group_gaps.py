"""Do groups of raters rate differently, beyond what so few ratings would show by chance?

`group_gaps(ratings, groups)` compares each group with all other raters: the gap in mean rating
within items (`juries.measures.group_effects`), and the Jensen-Shannon distance between rating
distributions per item. With a handful of ratings an item, two samples of one population already
lie far apart, so the distance is worthless on its own: beside it stands its mean when raters are
assigned to groups at random, with a permutation p-value. Raters are permuted, not ratings, because
a rater's ratings hang together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from juries.measures.distances import js_distance
from juries.measures.estimates import Estimate
from juries.measures.group_effects import group_difference
from personas.identity import generator

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupGap:
    """One group against all other raters.

    Attributes:
        group: its label.
        raters: its size.
        ratings: valid ratings by its members.
        gap: mean rating less that of the others, compared within items, in points; without an
            interval for a single rater.
        distance: mean Jensen-Shannon distance (base 2) between the two distributions, over the
            items that both sides rated; None where there is none.
        chance: the same when raters are assigned to groups at random.
        p_value: share of assignments (and this one) with a distance as large.
        items: items that both sides rated.
    """

    group: str
    raters: int
    ratings: int
    gap: Estimate
    distance: float | None
    chance: float | None
    p_value: float | None
    items: int


def group_gaps(
    ratings: ArrayLike,
    groups: Sequence[str],
    *,
    points: int,
    permutations: int = 199,
    rng: np.random.Generator | None = None,
) -> tuple[GroupGap, ...]:
    """Compare each group with the other raters; largest groups first.

    Args:
        ratings: [raters, items], 1 … points; NaN for no valid rating.
        groups: one label per rater.
        points: of the scale.
        permutations: random assignments behind `chance` and `p_value`. With several groups the
            p-values are as many tests: correct them before calling one a finding.
        rng: source of assignments; a fixed stream when None.

    Raises:
        ValueError: shapes that do not match, a rating outside 1 … points, fewer than two groups.
    """
    rng = generator(0, "group gaps") if rng is None else rng
    table = np.asarray(ratings, dtype=np.float64)
    labels = np.asarray(list(groups), dtype=np.str_)
    if table.ndim != 2 or labels.shape != table.shape[:1]:
        raise ValueError(f"{labels.size} group labels for ratings of shape {table.shape}")
    if not np.isin(table[np.isfinite(table)], np.arange(1, points + 1)).all():
        raise ValueError(f"a rating is no whole number from 1 to {points}")
    names, code, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    if names.size < 2:
        raise ValueError("one group only: there are no other raters to compare with")
    found = _distances(table, code, names.size, points)
    shuffled = np.stack(
        [_distances(table, rng.permutation(code), names.size, points) for _ in range(permutations)]
    )
    rows: list[GroupGap] = []
    for place in np.argsort(-sizes, kind="stable").tolist():
        inside = code == place
        distance, items = found[place]
        chance = shuffled[:, place, 0]
        chance = chance[np.isfinite(chance)]
        defined = bool(np.isfinite(distance)) and chance.size > 0
        rows.append(
            GroupGap(
                group=str(names[place]),
                raters=int(sizes[place]),
                ratings=int(np.isfinite(table[inside]).sum()),
                gap=group_difference(table.T, inside, ~inside).effect,
                distance=float(distance) if np.isfinite(distance) else None,
                chance=float(chance.mean()) if defined else None,
                p_value=(1 + int((chance >= distance).sum())) / (1 + chance.size)
                if defined
                else None,
                items=int(items),
            )
        )
    return tuple(rows)


def _distances(table: FloatArray, code: IntArray, groups: int, points: int) -> FloatArray:
    """Mean distance from the others and the items behind it, [groups, 2]."""
    raters, items = np.nonzero(np.isfinite(table))
    point = table[raters, items].astype(np.int64) - 1
    cell = (code[raters] * table.shape[1] + items) * points + point
    size = groups * table.shape[1] * points
    counts = np.bincount(cell, minlength=size).reshape(groups, table.shape[1], points)
    counts = counts.astype(np.float64)
    whole = counts.sum(axis=0)
    out = np.full((groups, 2), np.nan)
    for group, own in enumerate(counts):
        other = whole - own
        both = (own.sum(axis=-1) > 0) & (other.sum(axis=-1) > 0)
        out[group, 1] = both.sum()
        if both.any():
            p = own[both] / own[both].sum(axis=-1, keepdims=True)
            q = other[both] / other[both].sum(axis=-1, keepdims=True)
            out[group, 0] = js_distance(p, q).mean()
    return out
