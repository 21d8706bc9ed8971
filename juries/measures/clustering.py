"""Clusters of points: Ward's trees, silhouettes, and a test of one cluster against several.

Used by `juries.measures.viewpoints`. For each number of clusters k from 2, Ward's tree over the
first k - 1 principal components (k centres span no more), each scaled to unit variance, is cut
into k clusters. Mean silhouettes are compared with those of points drawn from one normal
distribution, clustered in the same way: k is where the silhouette exceeds its expectation by
most, and several clusters are accepted only when so large an excess is rare among the draws. A
single normal as the null is SigClust's idea (Liu et al. 2008, J. Am. Stat. Assoc. 103), the
comparison over k that of the gap statistic (Tibshirani et al. 2001, J. R. Stat. Soc. B 63).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import numpy as np
from numpy.typing import NDArray

from personas.identity import generator

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

DRAWS = 199
"""Reference draws from one normal distribution; p-values are multiples of 1 / 200."""

_LARGEST_REFERENCE = 400
_NEGLIGIBLE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cut:
    """The best partition of points into several clusters.

    Attributes:
        labels: [points], 0 … count - 1.
        count: clusters.
        components: principal components that the clusters were sought in.
        silhouette: mean silhouette in [-1, 1] (Rousseeuw 1987).
        excess: by how much it exceeds that expected of one normal cluster.
        p_value: share of the reference draws (and this one) whose best excess is as large.
    """

    labels: IntArray
    count: int
    components: int
    silhouette: float
    excess: float
    p_value: float


def principal_scores(squared: FloatArray, components: int) -> FloatArray:
    """Principal components of points, scaled to unit variance, from squared distances.

    Args:
        squared: [points, points], squared Euclidean distances.
        components: at most so many; those with less than a tenth of the first one's variance are
            left out, for scaling them would blow up noise.

    Returns:
        [points, components]; no component where all points coincide.
    """
    from scipy.linalg import eigh

    size = len(squared)
    mean = squared.mean(axis=0)
    gram = -0.5 * (squared - mean[:, None] - mean[None, :] + squared.mean())
    kept = min(components, size)
    found = cast(
        "tuple[FloatArray, FloatArray]", eigh(gram, subset_by_index=(size - kept, size - 1))
    )
    values, vectors = found[0][::-1], found[1][:, ::-1]
    if values[0] <= 1e-9 * max(1.0, float(squared.max())):
        return np.zeros((size, 0))
    vectors = vectors[:, values > _NEGLIGIBLE * values[0]]
    # The sign of a component is arbitrary; fix it so that results do not depend on the library.
    largest = vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])]
    return vectors * np.sign(largest) * np.sqrt(size)


def best_cut(points: FloatArray, most: int, least: int) -> Cut | None:
    """The cut into 2 … `most` clusters whose silhouette stands out most from one normal cluster.

    Args:
        points: [points, components], as `principal_scores` gives them.
        most: the largest number of clusters considered.
        least: clusters of fewer points are dissolved into the nearest of the others.

    Returns:
        None where no cut leaves two clusters of `least` points.
    """
    if points.shape[1] == 0 or len(points) < 2 * least:
        return None
    cuts = {count: cut_into(points, count, least) for count in range(2, most + 1)}
    found = _silhouettes(points, cuts)
    if np.isnan(found).all():
        return None
    size = len(points) if len(points) <= 50 else min(_LARGEST_REFERENCE, round(len(points), -1))
    scaled = max(2, round(least * size / len(points)))
    expected, largest = _reference(size, min(points.shape[1], most - 1), most, scaled)
    excess = found - expected
    best = int(np.nanargmax(excess)) + 2
    as_large = int((largest >= excess[best - 2]).sum())
    return Cut(
        labels=cuts[best],
        count=int(cuts[best].max()) + 1,
        components=min(best - 1, points.shape[1]),
        silhouette=float(found[best - 2]),
        excess=float(excess[best - 2]),
        p_value=(1 + as_large) / (1 + DRAWS),
    )


def cut_into(points: FloatArray, count: int, least: int) -> IntArray:
    """Labels of Ward's cut into `count` clusters, small ones dissolved into their neighbours.

    The first `count` - 1 columns of `points` are used; labels count from 0 without gaps.
    """
    from scipy.cluster.hierarchy import ward
    from scipy.spatial.distance import pdist

    if len(points) < 2:
        return np.zeros(len(points), dtype=np.int64)
    used = points[:, : count - 1]
    return _dissolve(_cut(ward(pdist(used)), count), used, least)


def _silhouettes(points: FloatArray, cuts: dict[int, IntArray]) -> FloatArray:
    """Mean silhouette of each cut, in the components it was made in; NaN for a single cluster."""
    from scipy.spatial.distance import pdist, squareform

    values: list[float] = []
    for count, labels in cuts.items():
        distances = squareform(pdist(points[:, : count - 1]))
        # Points that coincide but for rounding must not look well separated.
        distances[distances < 1e-6] = 0.0
        values.append(mean_silhouette(distances, labels) if labels.any() else np.nan)
    return np.array(values)


@lru_cache(maxsize=512)
def _reference(size: int, components: int, most: int, least: int) -> tuple[FloatArray, FloatArray]:
    """Of one normal cluster: the mean silhouette per k, and per draw the largest excess over k.

    Depends on sizes only, so that all items of a study share it.
    """
    rng = generator(0, "one cluster", size, components, most, least)
    drawn = np.empty((DRAWS, most - 1))
    for draw in range(DRAWS):
        points = rng.normal(size=(size, components))
        cuts = {count: cut_into(points, count, least) for count in range(2, most + 1)}
        drawn[draw] = _silhouettes(points, cuts)
    there = ~np.isnan(drawn)
    expected = np.where(there, drawn, 0.0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    return expected, np.where(there, drawn - expected, -np.inf).max(axis=1)


def mean_silhouette(distances: FloatArray, labels: IntArray) -> float:
    """Mean silhouette of a partition; a point alone in its cluster counts 0 (Rousseeuw 1987)."""
    count = int(labels.max()) + 1
    inside = np.eye(count)[labels]
    sizes = inside.sum(axis=0)
    total = distances @ inside
    own = labels
    index = np.arange(len(labels))
    alone = sizes[own] == 1
    within = total[index, own] / np.maximum(sizes[own] - 1, 1)
    between = total / sizes
    between[index, own] = np.inf
    nearest = between.min(axis=1)
    larger = np.maximum(within, nearest)
    value = np.divide(nearest - within, larger, out=np.zeros(len(labels)), where=larger > 0)
    return float(np.where(alone, 0.0, value).mean())


def adjusted_rand(a: IntArray, b: IntArray) -> float:
    """Adjusted Rand index of two partitions (Hubert and Arabie 1985); 1 where both are trivial."""
    table = np.zeros((int(a.max()) + 1, int(b.max()) + 1))
    np.add.at(table, (a, b), 1)
    pairs = [counts * (counts - 1) / 2 for counts in (table, table.sum(axis=1), table.sum(axis=0))]
    both, first, second = (float(counts.sum()) for counts in pairs)
    every = len(a) * (len(a) - 1) / 2
    expected = first * second / every if every else 0.0
    largest = (first + second) / 2
    return 1.0 if largest == expected else (both - expected) / (largest - expected)


def _cut(tree: FloatArray, count: int) -> IntArray:
    """Labels 0 … of the cut of a tree into `count` clusters.

    SciPy's `fcluster` does the same, but checks the tree at every call, which here takes longer
    than the cut.
    """
    merges = tree[:, :2].astype(np.int64)
    size = len(merges) + 1
    count = min(count, size)
    first = 2 * size - count  # nodes from here on lie above the cut
    below = merges[size - count :].ravel()
    label = np.zeros(2 * size - 1, dtype=np.int64)
    label[below[below < first]] = np.arange(count)
    for node in range(first - 1, size - 1, -1):
        label[merges[node - size]] = label[node]
    return label[:size]


def _dissolve(labels: IntArray, points: FloatArray, least: int) -> IntArray:
    """Move members of small clusters to the nearest centre of the others; labels 0 … again."""
    sizes = np.bincount(labels)
    kept = np.flatnonzero(sizes >= least)
    if kept.size == sizes.size:
        return labels
    if kept.size == 0:
        return np.zeros_like(labels)
    centres = np.stack([points[labels == cluster].mean(axis=0) for cluster in kept])
    lost = ~np.isin(labels, kept)
    away = ((points[lost][:, None, :] - centres[None, :, :]) ** 2).sum(axis=-1)
    moved = np.searchsorted(kept, labels)
    moved[lost] = away.argmin(axis=1)
    return moved
