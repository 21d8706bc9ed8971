"""Viewpoints: jurors' positions on an item, clustered into the reasonable views it has.

`cluster_viewpoints(texts, stances, …)` groups the positions that jurors stated: what they say
(reasons) and where they stand (stance). The clusters are the W(x) of Overton pluralism (arXiv
2402.05070, section 3.1); `juries.measures.overton` asks which of them a response represents.

Criterion: the number of views, from 2 to `most`, whose mean silhouette stands out most from that
of a single normal cluster of as many jurors. It is accepted where one cluster would rarely stand
out as much (p <= 0.05) and where bootstrap resamples of the jurors find the same views (mean
adjusted Rand index >= 0.7); else the item has one view. The second condition is needed because
wording is not normally distributed, so that the first alone finds views that are not there.
How exactly: `juries.measures.clustering`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from juries.measures.clustering import (
    Cut,
    adjusted_rand,
    best_cut,
    cut_into,
    principal_scores,
)
from juries.measures.positions import Embed, squared_distances
from personas.identity import generator

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

UNPLACED = -1

LEVEL = 0.05
"""Several views are accepted where one alone would stand out so with this probability at most …"""

STABLE = 0.7
"""… and where resampled jurors find the same views with this mean adjusted Rand index at least."""

_QUOTED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSettings:
    """How positions are clustered.

    Attributes:
        stance_weight: share of the squared distance that stances make up where reasons are given
            too: two opposite stances then weigh as much as two texts with nothing in common.
        most: the largest number of views considered.
        least_share: a view held by fewer than this share of the placed jurors (and never fewer
            than two) is dissolved into the nearest one.
        resamples: bootstrap resamples for the stability.

    Raises:
        ValueError: where a setting is out of range.
    """

    stance_weight: float = 0.5
    most: int = 6
    least_share: float = 0.05
    resamples: int = 20

    def __post_init__(self) -> None:
        if not 0 <= self.stance_weight <= 1:
            raise ValueError(f"stance_weight is {self.stance_weight}, expected 0 to 1")
        if self.most < 2:
            raise ValueError(f"most is {self.most}; fewer than two views are no choice")
        if not 0 <= self.least_share <= 0.5:
            raise ValueError(f"least_share is {self.least_share}, expected 0 to 0.5")
        if self.resamples < 1:
            raise ValueError(f"resamples is {self.resamples}; stability needs one at least")

    def least(self, jurors: int) -> int:
        """The smallest number of jurors that make a view."""
        return max(2, int(np.ceil(self.least_share * jurors - 1e-9)))


DEFAULT = ClusterSettings()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Viewpoints:
    """The views held on one item.

    Attributes:
        labels: [jurors]: 0 … count - 1, the most widely held first; -1 for a juror who stated no
            position.
        count: how many views there are; 0 where nobody stated a position.
        shares: [count], weight of the jurors who hold each view among those placed.
        representatives: per view, jurors nearest its centre, the nearest first (three at most):
            whom to quote.
        silhouette: mean silhouette of the best cut into several views, accepted or not; None
            where no cut leaves two views of the least size.
        p_value: how often a single normal cluster stands out as much; None as above.
        stability: mean adjusted Rand index between the best cut into several views, accepted or
            not, and that of bootstrap resamples of the jurors; None where `p_value` ruled it out.
        unplaced: jurors who stated no position.
        criterion: how the number of views was decided, in words.
    """

    labels: IntArray
    count: int
    shares: FloatArray
    representatives: tuple[tuple[int, ...], ...]
    silhouette: float | None
    p_value: float | None
    stability: float | None
    unplaced: int
    criterion: str

    def quotes(self, view: int, texts: Sequence[str]) -> tuple[str, ...]:
        """The statements of a view's representatives, to quote where a model leaves it out."""
        return tuple(texts[juror] for juror in self.representatives[view])


def cluster_viewpoints(
    texts: Sequence[str] | None = None,
    stances: ArrayLike | None = None,
    *,
    embed: Embed | None = None,
    weights: ArrayLike | None = None,
    settings: ClusterSettings = DEFAULT,
    rng: np.random.Generator | None = None,
) -> Viewpoints:
    """Cluster the positions that jurors stated on one item.

    Args:
        texts: one per juror: the reasons or the position in words; an empty text is no position.
        stances: [jurors] numbers in [0, 1] (such as agreement), or [jurors, options] with a 1 at
            the option chosen; NaN for none. Texts, stances or both are needed.
        embed: from texts to vectors, compared by their angle. Hashed n-grams when None, which
            see shared wording, not meaning.
        weights: of jurors, for `shares` only.
        settings: how positions are compared and views counted.
        rng: source of the resamples for the stability; a fixed stream when None.

    Raises:
        ValueError: neither texts nor stances, numbers of jurors that differ, stances outside
            [0, 1], bad weights, or vectors that are not one finite row per text.
    """
    rng = generator(0, "viewpoints") if rng is None else rng
    squared, placed = squared_distances(texts, stances, embed, settings.stance_weight)
    share = _weights(weights, placed.size)
    if not placed.any():
        return _result(placed, None, np.zeros((0, 0)), share)
    points = principal_scores(squared, settings.most - 1)
    cut = best_cut(points, settings.most, settings.least(len(points)))
    if cut is None or cut.p_value > LEVEL:
        return _result(placed, None, points, share, best=cut)
    stability = _stability(points, cut, settings, rng)
    accepted = cut if stability >= STABLE else None
    return _result(placed, accepted, points, share, best=cut, stability=stability)


def _weights(weights: ArrayLike | None, jurors: int) -> FloatArray:
    share = np.ones(jurors) if weights is None else np.asarray(weights, dtype=np.float64)
    if share.shape != (jurors,) or not (np.isfinite(share) & (share >= 0)).all():
        raise ValueError("weights must be one finite number per juror, not negative")
    return share


def _stability(
    points: FloatArray, cut: Cut, settings: ClusterSettings, rng: np.random.Generator
) -> float:
    """Mean adjusted Rand index against the same cut on bootstrap resamples of the jurors."""
    found: list[float] = []
    for _ in range(settings.resamples):
        drawn = np.unique(rng.integers(0, len(points), size=len(points)))
        again = cut_into(points[drawn], cut.count, settings.least(drawn.size))
        found.append(adjusted_rand(again, cut.labels[drawn]))
    return float(np.mean(found))


def _result(
    placed: BoolArray,
    cut: Cut | None,
    points: FloatArray,
    weights: FloatArray,
    *,
    best: Cut | None = None,
    stability: float | None = None,
) -> Viewpoints:
    jurors = np.flatnonzero(placed)
    found = np.zeros(jurors.size, dtype=np.int64) if cut is None else cut.labels
    count = int(found.max()) + 1 if jurors.size else 0
    held = np.bincount(found, weights[jurors], minlength=count)
    order = np.argsort(-held, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(count)
    labels = np.full(placed.size, UNPLACED, dtype=np.int64)
    labels[jurors] = rank[found]
    near = tuple(_nearest(points, jurors, labels[jurors] == view) for view in range(count))
    total = held.sum()
    return Viewpoints(
        labels=labels,
        count=count,
        shares=held[order] / total if total > 0 else np.full(count, np.nan),
        representatives=near,
        silhouette=best.silhouette if best else None,
        p_value=best.p_value if best else None,
        stability=stability,
        unplaced=int((~placed).sum()),
        criterion=_criterion(jurors.size, cut, best, stability),
    )


def _nearest(points: FloatArray, jurors: IntArray, inside: BoolArray) -> tuple[int, ...]:
    members = points[inside]
    away = ((members - members.mean(axis=0)) ** 2).sum(axis=1)
    chosen = np.argsort(away, kind="stable")[:_QUOTED]
    return tuple(int(juror) for juror in jurors[inside][chosen])


def _criterion(jurors: int, cut: Cut | None, best: Cut | None, stability: float | None) -> str:
    if not jurors:
        return "nobody stated a position"
    if best is None:
        return "one view: no cut leaves two views of the least size"
    measured = (
        f"silhouette {best.silhouette:.2f}, {best.excess:.2f} above a single normal cluster "
        f"(p = {best.p_value:.3f})"
    )
    if stability is not None:
        measured += f", stability {stability:.2f}"
    if cut is None:
        return f"one view: {best.count} would have {measured}"
    return f"{cut.count} views: {measured}"
