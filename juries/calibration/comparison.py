"""How closely a jury's answers follow people's: by item, by group, and in their spread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphs.items import FloatArray
from juries.calibration.answers import Answers, IntArray
from juries.calibration.halves import Halves, compare_halves
from juries.calibration.interval import Figure
from juries.calibration.resampling import cluster_figures, correlation_of_sums, moments


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JuryAnswers:
    """What a jury said, aligned with people's units.

    Attributes:
        answers: by juror.
        weights: of the jurors, [R].
        means: the jury's mean by unit, from whole distributions where the mind states them, [U];
            NaN where no juror answered.
        no_persona: answers of a mind without personas to the same questions, if there is a run.
    """

    answers: Answers
    weights: FloatArray
    means: FloatArray
    no_persona: Answers | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemAgreement:
    """Jury and people compared unit by unit.

    Attributes:
        units: units that both answered.
        pearson: correlation of the unit means; ordinal scales only.
        spearman: of their ranks; intervals keep the ranks of the whole sample.
        difference: mean of jury minus people, in points; ordinal scales only.
        absolute_difference: mean size of the difference, in points.
        same_choice: share of units where both sides' most frequent point is the same; a tie is
            resolved to the lower point.
        baselines: the absolute difference (nominal: share of the same choice) of answers without
            persona, where there are any, and of random answers.
    """

    units: int
    pearson: Figure | None
    spearman: Figure | None
    difference: Figure | None
    absolute_difference: Figure | None
    same_choice: Figure
    baselines: Mapping[str, Figure]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupAgreement:
    """Jury and people of one group.

    Attributes:
        attribute: what makes the group; empty for everyone.
        level: which group.
        people: annotators in it.
        jurors: jurors compared with them.
        same_group: whether the jurors are of that group too, or the whole jury.
        difference: jury minus people, in points; ordinal scales only.
        variance_ratio: mean variance within a unit, jurors over people; below 1 the simulated
            raters are too alike.
        halves: distance from people beside people's distance from each other.
    """

    attribute: str
    level: str
    people: int
    jurors: int
    same_group: bool
    difference: Figure | None
    variance_ratio: Figure
    halves: Halves | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resampling:
    """How intervals are made: bootstrap resamples, halvings, level, and the stream of draws."""

    resamples: int
    splits: int
    level: float
    rng: np.random.Generator


def item_agreement(
    people: Answers, jury: JuryAnswers, cluster: IntArray, *, ordinal: bool, how: Resampling
) -> ItemAgreement:
    """Compare unit by unit.

    Args:
        people: their answers.
        jury: aligned with them.
        cluster: item of each unit, [U]; the responses to an item are resampled together.
        ordinal: whether points are ordered.
        how: resampling.
    """
    theirs = people.means()
    both = np.isfinite(theirs) & np.isfinite(jury.means)
    same = _same_choice(people, jury.answers, jury.weights)
    figures = _figures({"same": same}, cluster, how)
    baselines: dict[str, Figure] = {}
    if ordinal:
        ours = jury.means
        gap = ours - theirs
        figures |= _figures({"difference": gap, "absolute": np.abs(gap)}, cluster, how)
        figures["pearson"] = _correlation(ours, theirs, cluster, how)
        figures["spearman"] = _correlation(_ranks(ours, both), _ranks(theirs, both), cluster, how)
        guess = (1 + people.points) / 2
        baselines["random (its mean, the middle)"] = _figures(
            {"guess": np.where(both, np.abs(guess - theirs), np.nan)}, cluster, how
        )["guess"]
    else:
        chance = np.where(np.isfinite(same), 1 / people.points, np.nan)
        baselines["random"] = _figures({"chance": chance}, cluster, how)["chance"]
    if jury.no_persona is not None:
        blank = jury.no_persona
        value = np.abs(blank.means() - theirs) if ordinal else _same_choice(people, blank, None)
        baselines["no persona"] = _figures({"blank": value}, cluster, how)["blank"]
    return ItemAgreement(
        units=int(both.sum()),
        pearson=figures.get("pearson"),
        spearman=figures.get("spearman"),
        difference=figures.get("difference"),
        absolute_difference=figures.get("absolute"),
        same_choice=figures["same"],
        baselines=baselines,
    )


def group_agreement(
    people: Answers,
    jury: JuryAnswers,
    cluster: IntArray,
    *,
    ordinal: bool,
    how: Resampling,
    group: tuple[str, str] = ("", "everyone"),
    same_group: bool = True,
) -> GroupAgreement:
    """Compare the answers of one group of people with those of a jury, or of its like part.

    Args:
        people: answers of the group.
        jury: the jurors to compare with, on the same units.
        cluster: item of each unit, [U].
        ordinal: whether points are ordered.
        how: resampling.
        group: attribute and level.
        same_group: whether the jurors belong to the group.
    """
    shares = jury.answers.shares(jury.weights)
    spread = np.stack([jury.answers.variances(), people.variances()], axis=1)
    ratio = cluster_figures(
        spread,
        cluster,
        {"ratio": lambda sums: np.where(sums[..., 1] > 0, sums[..., 0] / sums[..., 1], np.nan)},
        resamples=how.resamples,
        level=how.level,
        rng=how.rng,
    )["ratio"]
    gap = jury.means - people.means()
    return GroupAgreement(
        attribute=group[0],
        level=group[1],
        people=len(np.unique(people.rater)),
        jurors=len(np.unique(jury.answers.rater)),
        same_group=same_group,
        difference=_figures({"gap": gap}, cluster, how)["gap"] if ordinal else None,
        variance_ratio=ratio,
        halves=compare_halves(
            people,
            shares,
            ordinal=ordinal,
            no_persona=None if jury.no_persona is None else jury.no_persona.shares(),
            splits=how.splits,
            level=how.level,
            rng=how.rng,
        ),
    )


def _same_choice(people: Answers, other: Answers, weights: FloatArray | None) -> FloatArray:
    """1 where both sides' most frequent point is the same, else 0; NaN where one is silent."""
    ours, theirs = other.counts(weights), people.counts()
    known = (ours.sum(axis=1) > 0) & (theirs.sum(axis=1) > 0)
    return np.where(known, ours.argmax(axis=1) == theirs.argmax(axis=1), np.nan)


def _figures(
    values: Mapping[str, FloatArray], cluster: IntArray, how: Resampling
) -> dict[str, Figure]:
    """Means over units, resampled by cluster."""
    figures: dict[str, Figure] = {}
    for name, column in values.items():
        figures |= cluster_figures(
            np.stack([np.where(np.isfinite(column), 1.0, np.nan), column], axis=1),
            cluster,
            {name: lambda sums: sums[..., 1] / sums[..., 0]},
            resamples=how.resamples,
            level=how.level,
            rng=how.rng,
        )
    return figures


def _correlation(x: FloatArray, y: FloatArray, cluster: IntArray, how: Resampling) -> Figure:
    both = np.isfinite(x) & np.isfinite(y)
    return cluster_figures(
        moments(np.where(both, x, np.nan), np.where(both, y, np.nan)),
        cluster,
        {"r": correlation_of_sums},
        resamples=how.resamples,
        level=how.level,
        rng=how.rng,
    )["r"]


def _ranks(values: FloatArray, used: NDArray[np.bool_]) -> FloatArray:
    from scipy.stats import rankdata  # half a second to import; scores rarely need it

    ranks = np.full(len(values), np.nan)
    ranks[used] = rankdata(values[used])
    return ranks
