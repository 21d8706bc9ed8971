"""What personas add: spread within groups, how far groups can be told apart, and baselines.

- `within_group_spread`: are simulated members of a group too alike (flattening, arXiv 2402.01908)?
- `persona_separability`: can a juror's group be told from the ratings alone? Far better than for
  people is caricature (after individuation in arXiv 2310.11501; the measure on ratings is ours).
- `juries.measures.baselines` puts the jury beside answers without a persona, or random ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from juries.measures.estimates import Estimate
from juries.measures.item_estimates import estimate_of, item_sums, item_variance, ratio_estimate
from juries.measures.resampling import FloatArray, juror_multiplicities


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSpread:
    """Spread of ratings among the members of a group, on the same item.

    Attributes:
        group: its name.
        n_jurors: members.
        variance: mean over items of the unbiased variance between members.
        reference: the same among people of the group; None where no people were given.
        ratio: variance over reference, on the items that both rated; None without people.
    """

    group: str
    n_jurors: int
    variance: Estimate
    reference: Estimate | None
    ratio: Estimate | None

    @property
    def reading(self) -> str:
        """What was found, in words."""
        if self.ratio is None:
            return f"{self.group}: variance within the group {self.variance}."
        if self.ratio.value is None or self.ratio.high is None:
            return f"{self.group}: no comparison with people ({self.ratio.reason})."
        verdict = "flattened" if self.ratio.high < 1 else "not shown to be flattened"
        return (
            f"{self.group}: simulated members vary {self.ratio.value:.2f} times as much as people "
            f"of the group; {verdict}."
        )


def within_group_spread(
    ratings: ArrayLike,
    groups: Sequence[str],
    *,
    rng: np.random.Generator,
    people: ArrayLike | None = None,
    people_groups: Sequence[str] | None = None,
    resamples: int = 1000,
) -> tuple[GroupSpread, ...]:
    """Variance between members of a group on the same item, beside that of people.

    A variance is undefined, with a reason, where no item has two ratings from the group; a ratio
    too where the people do not vary.

    Args:
        ratings: [jurors, items], NaN missing.
        groups: one label per juror.
        rng: source of the draws over items.
        people: [people, items] of the same items on the same scale.
        people_groups: one label per person, the same names.
        resamples: number of replicates.

    Returns:
        One entry per group of the jury, in alphabetical order.

    Raises:
        ValueError: wrong shapes, infinite ratings, people without groups.
    """
    table = _table(ratings, groups)
    humans = None
    if people is not None:
        humans = _table(people, people_groups or ())
        if humans.shape[1] != table.shape[1]:
            raise ValueError(f"{humans.shape[1]} items rated by people, {table.shape[1]} by jurors")
    spreads: list[GroupSpread] = []
    for name in sorted(set(groups)):
        own = table[[label == name for label in groups]]
        other = None
        if humans is not None:
            other = item_variance(humans[[label == name for label in people_groups or ()]])
        spreads.append(_spread(name, len(own), item_variance(own), other, resamples, rng))
    return tuple(spreads)


def _table(ratings: ArrayLike, labels: Sequence[str]) -> FloatArray:
    table = np.asarray(ratings, dtype=np.float64)
    if table.ndim != 2 or len(labels) != len(table) or np.isinf(table).any():
        raise ValueError(
            f"expected finite ratings [jurors, items] with a label each, not {table.shape} and "
            f"{len(labels)} labels"
        )
    return table


def _spread(
    name: str,
    n: int,
    own: FloatArray,
    other: FloatArray | None,
    resamples: int,
    rng: np.random.Generator,
) -> GroupSpread:
    reason = "no item has two ratings from the group"
    variance = _mean(own, resamples, rng, reason)
    if other is None:
        return GroupSpread(group=name, n_jurors=n, variance=variance, reference=None, ratio=None)
    both = ~np.isnan(own + other)
    sums = item_sums(np.where(both[:, None], np.stack([own, other], 1), 0.0), resamples, rng)
    return GroupSpread(
        group=name,
        n_jurors=n,
        variance=variance,
        reference=_mean(other, resamples, rng, reason),
        ratio=ratio_estimate(
            sums[0],
            sums[1],
            n=int(both.sum()),
            reason="people do not vary, or no item is shared" if both.any() else "no shared item",
        ),
    )


def _mean(values: FloatArray, resamples: int, rng: np.random.Generator, reason: str) -> Estimate:
    there = ~np.isnan(values)
    sums = item_sums(np.stack([np.where(there, values, 0.0), there], 1), resamples, rng)
    return ratio_estimate(sums[0], sums[1], n=int(there.sum()), reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Separability:
    """How well a juror's group can be told from the juror's ratings.

    Attributes:
        accuracy: balanced accuracy of naming the group with the nearest mean profile, the juror
            itself left out.
        chance: mean accuracy with labels dealt at random; None where undefined.
        p: share of random labellings (this one counted) with at least the accuracy; None where
            undefined.
        groups: names that take part (two members at least), in alphabetical order.
        n_jurors: jurors that could be placed.
    """

    accuracy: Estimate
    chance: float | None
    p: float | None
    groups: tuple[str, ...]
    n_jurors: int

    @property
    def reading(self) -> str:
        """What was found, in words."""
        if self.accuracy.value is None or self.chance is None or self.p is None:
            return f"Separability is undefined: {self.accuracy.reason}."
        if self.p > 0.05:
            return "Groups cannot be told apart by their ratings: personas make no visible group."
        return (
            f"A juror's group can be told from the ratings {self.accuracy.value:.0%} of the time "
            f"({self.chance:.0%} by chance). Much more than among people is caricature."
        )


def persona_separability(
    ratings: ArrayLike,
    groups: Sequence[str],
    *,
    rng: np.random.Generator,
    permutations: int = 200,
    resamples: int = 1000,
) -> Separability:
    """Leave-one-out accuracy of placing jurors in the group with the nearest mean ratings.

    Distance is the mean squared difference over the items that the juror and other members of the
    group rated; a juror as near to several groups counts as 1 / their number. Groups of one are
    left out. Undefined, with a reason: fewer than two groups of two, or nobody with a common item.

    Args:
        ratings: [jurors, items], NaN missing.
        groups: one label per juror.
        rng: source of the draws.
        permutations: random labellings for the comparison with chance.
        resamples: bootstrap replicates over jurors.

    Raises:
        ValueError: wrong shapes or infinite ratings.
    """
    table = _table(ratings, groups)
    sizes = {name: list(groups).count(name) for name in sorted(set(groups))}
    names = tuple(name for name, size in sizes.items() if size > 1)
    kept = [at for at, label in enumerate(groups) if label in names]
    labels = np.array([names.index(groups[at]) for at in kept], dtype=np.int64)
    reason = "it takes two groups of at least two jurors"
    blank = Estimate(value=None, resampled="jurors", n=len(kept), reason=reason)
    if len(names) < 2:
        return Separability(accuracy=blank, chance=None, p=None, groups=names, n_jurors=0)
    table = table[kept]
    there = ~np.isnan(table)
    mean = table[there].mean() if there.any() else 0.0
    filled = np.where(there, table - mean, 0.0)
    hits = _hits(filled, there.astype(np.float64), labels, len(names))
    placed = ~np.isnan(hits)
    drawn = np.column_stack([np.ones(len(kept)), juror_multiplicities(len(kept), resamples, rng)])
    accuracy = estimate_of(
        _balanced(hits, labels, drawn, len(names)),
        n=int(placed.sum()),
        reason="a group has no juror with an item in common with every group",
        resampled="jurors",
    )
    if accuracy.value is None:
        return Separability(accuracy=accuracy, chance=None, p=None, groups=names, n_jurors=0)
    ones = np.ones((len(kept), 1))
    dealt = np.empty(permutations)
    for at in range(permutations):
        shuffled = rng.permutation(labels)
        again = _hits(filled, there.astype(np.float64), shuffled, len(names))
        dealt[at] = _balanced(again, shuffled, ones, len(names))[0]
    dealt = dealt[~np.isnan(dealt)]
    return Separability(
        accuracy=accuracy,
        chance=float(dealt.mean()) if dealt.size else None,
        p=float((1 + (dealt >= accuracy.value - 1e-12).sum()) / (1 + dealt.size)),
        groups=names,
        n_jurors=int(placed.sum()),
    )


def _hits(
    values: FloatArray, there: FloatArray, labels: NDArray[np.int64], groups: int
) -> FloatArray:
    """1 for a juror nearest to its own group, shared among ties, else 0; NaN where not placed."""
    member = np.eye(groups)[labels]
    count, total = there.T @ member, values.T @ member  # [items, groups]
    centre = np.divide(total, count, out=np.zeros_like(total), where=count > 0)
    seen = (count > 0).astype(np.float64)
    shared = there @ seen
    apart = (values**2) @ seen - 2 * values @ (centre * seen) + there @ (centre**2 * seen)
    own_count, own_total = count[:, labels].T - there, total[:, labels].T - values
    others = own_count > 0.5
    own_centre = np.divide(own_total, own_count, out=np.zeros_like(own_total), where=others)
    both = others & (there > 0)
    rows = np.arange(len(labels))
    apart[rows, labels] = np.where(both, (values - own_centre) ** 2, 0.0).sum(axis=1)
    shared[rows, labels] = both.sum(axis=1)
    distance = np.divide(apart, shared, out=np.full_like(apart, np.nan), where=shared > 0)
    nearest = distance <= distance.min(axis=1, keepdims=True) + 1e-12
    hits = nearest[rows, labels] / np.maximum(nearest.sum(axis=1), 1)
    return np.where(np.isnan(distance).any(axis=1), np.nan, hits)


def _balanced(
    hits: FloatArray, labels: NDArray[np.int64], drawn: FloatArray, groups: int
) -> FloatArray:
    """Mean over groups of the share of hits, per column of multiplicities; NaN without a group."""
    placed = ~np.isnan(hits)
    member = np.eye(groups)[labels] * placed[:, None]
    right = (member * np.nan_to_num(hits)[:, None]).T @ drawn
    size = member.T @ drawn
    return np.divide(right, size, out=np.full_like(right, np.nan), where=size > 0).mean(axis=0)
