"""GRASP: do raters of a group agree more among themselves than with everybody else?

- `grasp`: in-group and cross-group cohesion and the group association index of every group, with
  permutation tests and false-discovery control (arXiv 2311.05074).
- `benjamini_hochberg`: adjusted p-values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from juries.measures.coincidences import Codes, Level, coded_ratings, disagreement
from juries.measures.resampling import BLOCK, FloatArray

_FEWEST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohesion:
    """One figure of a group with its permutation test.

    Attributes:
        value: None where it is undefined.
        p: two-sided permutation p-value (against group labels dealt at random); None where
            undefined.
        q: `p` after Benjamini-Hochberg over all groups of the same figure; None where undefined.
        chance: mean over the permutations in which it is defined, what no association would give;
            None where undefined.
    """

    value: float | None
    p: float | None
    q: float | None
    chance: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupAssociation:
    """How one group stands to all other raters.

    Attributes:
        group: its name.
        n_raters: raters in it.
        in_group: Krippendorff's alpha among the group's raters (IRR).
        cross_group: cross-replication reliability between them and all others (XRR,
            arXiv 2106.07393): like alpha, over pairs with one rater on each side.
        gai: group association index, in-group over cross-group cohesion; 1 is no association.
        reason: why a figure is undefined, else empty.
    """

    group: str
    n_raters: int
    in_group: Cohesion
    cross_group: Cohesion
    gai: Cohesion
    reason: str

    @property
    def reading(self) -> str:
        """What the index says, in words."""
        if self.gai.value is None or self.gai.p is None:
            return f"{self.group}: no association index ({self.reason})."
        side = "more" if self.gai.value > 1 else "less"
        kept = self.gai.q is not None and self.gai.q <= 0.05
        certainty = (
            "beyond chance, after correction for the number of groups"
            if kept
            else "which chance could explain"
        )
        return (
            f"{self.group} ({self.n_raters}): in-group agreement is {self.gai.value:.2f} times "
            f"that with others, {side} than 1 (p {self.gai.p:.3f}), {certainty}."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Grasp:
    """All groups of one attribute.

    Attributes:
        groups: one entry per group, in alphabetical order.
        level: of measurement.
        permutations: number of random labellings.
        n_ratings: ratings.
        n_unlabelled: raters without a group; they take no part.
    """

    groups: tuple[GroupAssociation, ...]
    level: Level
    permutations: int
    n_ratings: int
    n_unlabelled: int


def grasp(
    ratings: ArrayLike,
    groups: Sequence[str | None],
    level: Level = "nominal",
    *,
    rng: np.random.Generator,
    permutations: int = 1000,
    missing: int | None = None,
) -> Grasp:
    """In-group cohesion, cross-group cohesion and association index of every group.

    The test deals the group labels to the raters at random and counts labellings at least as far
    out, two-sided: p = min(1, 2·(1 + count) / (1 + permutations)). At the ordinal level, ranks are
    those of all raters together, so that both cohesions are on one scale; at the others, the
    in-group figure equals `krippendorff_alpha` of the group's rows.

    Undefined, with a reason: a group of fewer than two raters or of everybody, no item rated twice
    in the group or by both sides, ratings without variation, and (the index alone) a cross-group
    cohesion that is not positive.

    Args:
        ratings: [raters, items], NaN missing, at most 256 distinct values.
        groups: one label per rater; None leaves the rater out.
        level: of measurement.
        rng: source of the permutations.
        permutations: number of random labellings.
        missing: value that marks a missing rating in integer ratings.

    Raises:
        ValueError: wrong shapes, too many distinct values, no permutation.
    """
    codes = coded_ratings(ratings, level, missing)
    if len(groups) != len(codes.codes) or permutations < 1:
        raise ValueError(
            f"{len(groups)} labels for {len(codes.codes)} raters, {permutations} permutations"
        )
    labelled = np.array([label is not None for label in groups], dtype=bool)
    rows = codes.codes[labelled]
    known = [label for label in groups if label is not None]
    names = sorted(set(known))
    labels = np.array([names.index(label) for label in known], dtype=np.int64)
    dealt = np.column_stack([labels, *(rng.permutation(labels) for _ in range(permutations))])
    kept = Codes(codes=rows, labels=codes.labels, values=codes.values)
    totals = np.array([(rows == value).sum() for value in codes.labels], dtype=np.float64)
    gaps = disagreement(level, codes.values, totals)
    figures = [
        _cohesions(kept, gaps, (dealt == group).astype(np.float64)) for group in range(len(names))
    ]
    return Grasp(
        groups=_associations(names, labels, np.array(figures).reshape(len(names), 3, -1)),
        level=level,
        permutations=permutations,
        n_ratings=int(totals.sum()),
        n_unlabelled=int((~labelled).sum()),
    )


def _cohesions(codes: Codes, gaps: FloatArray, members: FloatArray) -> FloatArray:
    """In-group alpha, cross-group reliability and their ratio, [3, 1 + permutations]."""
    width, columns = len(codes.labels), members.shape[1]
    inner = np.zeros(columns)
    cross = np.zeros(columns)
    paired, common, outside = np.zeros((3, width, columns))
    # Without a rating there are no values to go over, and every figure is undefined.
    for start in range(0, codes.codes.shape[1] if width else 0, BLOCK):
        block = codes.codes[:, start : start + BLOCK].T
        given = [(block == label).astype(np.float64) for label in codes.labels]
        own = np.array([each @ members for each in given])
        rest = np.array([each.sum(axis=1)[:, None] for each in given]) - own
        n_own, n_rest = own.sum(axis=0), rest.sum(axis=0)
        both = (n_own > 0) & (n_rest > 0)
        twice = n_own > 1
        towards = np.tensordot(gaps, own, axes=1)  # per value, its summed distance to the group
        inner += np.einsum("kub,kub,ub->b", own, towards, twice / np.maximum(n_own - 1, 1))
        scale = np.where(both, (n_own + n_rest) / np.maximum(n_own * n_rest, 1), 0.0)
        cross += np.einsum("kub,kub,ub->b", rest, towards, scale)
        paired += (own * twice).sum(axis=1)
        common += (own * both).sum(axis=1)
        outside += (rest * both).sum(axis=1)
    n = paired.sum(axis=0)
    irr = _chance_corrected(inner * (n - 1), (paired * (gaps @ paired)).sum(axis=0))
    ours, theirs = common.sum(axis=0), outside.sum(axis=0)
    expected = (outside * (gaps @ common)).sum(axis=0) * (ours + theirs)
    xrr = _chance_corrected(cross * ours * theirs, expected)
    ratio = np.divide(irr, xrr, out=np.full_like(irr, np.nan), where=xrr > 0)
    return np.stack([irr, xrr, ratio])


def _chance_corrected(observed: FloatArray, expected: FloatArray) -> FloatArray:
    blank = np.full_like(observed, np.nan)
    return 1 - np.divide(observed, expected, out=blank, where=expected > 0)


def _associations(
    names: Sequence[str], labels: np.ndarray, figures: FloatArray
) -> tuple[GroupAssociation, ...]:
    tested = [[_tested(row) for row in group] for group in figures]
    for kind in range(3):
        defined = [group[kind] for group in tested if group[kind].p is not None]
        adjusted = iter(benjamini_hochberg([each.p for each in defined if each.p is not None]))
        for group in tested:
            cohesion = group[kind]
            if cohesion.p is not None:
                group[kind] = Cohesion(
                    value=cohesion.value,
                    p=cohesion.p,
                    q=float(next(adjusted)),
                    chance=cohesion.chance,
                )
    sizes = np.bincount(labels, minlength=len(names)).tolist()
    return tuple(
        GroupAssociation(
            group=name,
            n_raters=size,
            in_group=cohesions[0],
            cross_group=cohesions[1],
            gai=cohesions[2],
            reason=_reason(size, len(labels), cohesions),
        )
        for name, size, cohesions in zip(names, sizes, tested, strict=True)
    )


def _tested(row: FloatArray) -> Cohesion:
    value, dealt = row[0], row[1:][~np.isnan(row[1:])]
    if np.isnan(value) or not dealt.size:
        return Cohesion(value=None, p=None, q=None, chance=None)
    slack = 1e-12 * max(abs(float(value)), 1.0)
    tails = ((dealt >= value - slack).sum(), (dealt <= value + slack).sum())
    p = min(1.0, 2 * (1 + int(min(tails))) / (1 + dealt.size))
    return Cohesion(value=float(value), p=p, q=None, chance=float(dealt.mean()))


def _reason(size: int, raters: int, cohesions: Sequence[Cohesion]) -> str:
    if size < _FEWEST:
        return "fewer than two raters"
    if size == raters:
        return "there is nobody outside the group"
    if cohesions[0].value is None:
        return "no item rated twice in the group, or its ratings do not vary"
    if cohesions[1].value is None:
        return "no item rated on both sides, or its ratings do not vary"
    return "" if cohesions[2].value is not None else "cross-group cohesion is not positive"


def benjamini_hochberg(p: ArrayLike) -> FloatArray:
    """Adjusted p-values that control the false discovery rate (Benjamini & Hochberg 1995).

    Args:
        p: p-values in [0, 1], shape [tests].

    Returns:
        Adjusted values in the same order; reject those at most q.

    Raises:
        ValueError: values outside [0, 1].
    """
    values = np.asarray(p, dtype=np.float64)
    if values.ndim != 1 or not np.all((values >= 0) & (values <= 1)):
        raise ValueError("p-values must be one row of numbers in [0, 1]")
    order = np.argsort(-values)
    scaled = values[order] * len(values) / np.arange(len(values), 0, -1)
    result = np.empty_like(values)
    result[order] = np.minimum.accumulate(scaled)
    return np.minimum(result, 1.0)
