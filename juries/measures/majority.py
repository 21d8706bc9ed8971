"""Tyranny of the majority: items that please the jury and fail a group.

- `tyranny_of_the_majority`: how often, which items, and how often by chance alone.

Small groups look badly served by chance, so the figure stands beside what it would be if group
labels were dealt to the jurors at random. The diagnostic is this project's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from juries.measures.group_means import GroupMeans, ratio
from juries.measures.resampling import FloatArray, Interval, bootstrap_means


@dataclass(frozen=True, slots=True, kw_only=True)
class MajorityRule:
    """When a satisfied jury hides a dissatisfied group.

    Attributes:
        high: the jury's mean is at least this.
        low: a group's mean is below this.
        fewest: a group with fewer raters on an item is not looked at there.
    """

    high: float = 0.6
    low: float = 0.4
    fewest: int = 3

    def __post_init__(self) -> None:
        if not self.low <= self.high or self.fewest < 1:
            raise ValueError(f"low {self.low}, high {self.high}, fewest {self.fewest}")


@dataclass(frozen=True, slots=True, kw_only=True)
class MajorityCase:
    """One item and model where the jury is pleased and a group is not.

    Attributes:
        model: name.
        item: position of the item.
        group: the group worst served.
        n_jurors: its jurors who rated this.
        mean: the jury's weighted mean utility.
        group_mean: the group's.
    """

    model: str
    item: int
    group: str
    n_jurors: int
    mean: float
    group_mean: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MajorityDiagnostic:
    """Items on which a satisfied jury hides a dissatisfied group.

    Attributes:
        models: names.
        groups: names, in alphabetical order.
        rule: the thresholds.
        shares: [models], share of the items looked at; NaN where none was.
        interval: of the shares.
        by_group: [models, groups], share of the items on which the group was looked at; NaN
            where never.
        chance: [models], mean share with group labels dealt at random; NaN where `shares` is.
        p: [models], share of the random labellings (this one counted) with at least as
            many; NaN where `shares` is.
        n_items: [models], items with at least one group to look at.
        cases: the flagged items, widest gap first.
    """

    models: tuple[str, ...]
    groups: tuple[str, ...]
    rule: MajorityRule
    shares: FloatArray
    interval: Interval
    by_group: FloatArray
    chance: FloatArray
    p: FloatArray
    n_items: NDArray[np.int64]
    cases: tuple[MajorityCase, ...]

    @property
    def reading(self) -> str:
        """What was found, in words, a sentence per model."""
        return " ".join(
            f"{name}: no group has {self.rule.fewest} raters on any item."
            if not looked
            else f"{name}: the jury is pleased and a group is not on {share:.0%} of items "
            f"({chance:.0%} would be by chance)."
            for name, share, chance, looked in zip(
                self.models, self.shares, self.chance, self.n_items, strict=True
            )
        )


def tyranny_of_the_majority(
    utilities: FloatArray,
    groups: Sequence[str],
    *,
    rng: np.random.Generator,
    weights: ArrayLike | None = None,
    models: Sequence[str] | None = None,
    rule: MajorityRule | None = None,
    permutations: int = 200,
    resamples: int = 1000,
) -> MajorityDiagnostic:
    """Find items where the jury's mean is high and a group's mean is low.

    Args:
        utilities: [models, items, jurors] in [0, 1], NaN missing.
        groups: one label per juror.
        rng: source of the draws.
        weights: one per juror, equal when None.
        models: names, `model 1` … when None.
        rule: thresholds; `MajorityRule()` when None.
        permutations: random labellings for the comparison with chance.
        resamples: bootstrap replicates over items.

    Raises:
        ValueError: wrong shapes or weights, or no permutation.
    """
    rule = rule or MajorityRule()
    if permutations < 1:
        raise ValueError("the comparison with chance takes at least one permutation")
    setting = GroupMeans(utilities, groups, weights, models)
    mean = setting.means(setting.everyone)[..., 0]
    flagged, looked = _flag(setting, setting.member, mean, rule)
    any_looked = looked.any(axis=2)
    hits = np.where(any_looked, flagged.any(axis=2), np.nan)
    boot = bootstrap_means(hits.T, resamples=resamples, rng=rng)
    dealt = np.array(
        [
            _share(*_flag(setting, member, mean, rule))
            for member in setting.shuffled(permutations, rng)
        ]
    )
    counted = looked.sum(axis=1)
    at_least = (np.nan_to_num(dealt) >= boot.estimate - 1e-12).sum(axis=0)
    return MajorityDiagnostic(
        models=setting.models,
        groups=setting.groups,
        rule=rule,
        shares=boot.estimate,
        interval=boot.interval(),
        by_group=ratio(flagged.sum(axis=1), counted),
        chance=np.where((any_looked.sum(axis=1) > 0), np.nan_to_num(dealt).mean(axis=0), np.nan),
        p=np.where(np.isnan(boot.estimate), np.nan, (1 + at_least) / (1 + permutations)),
        n_items=any_looked.sum(axis=1),
        cases=_cases(setting, flagged, mean),
    )


def _flag(
    setting: GroupMeans,
    member: NDArray[np.bool_],
    mean: FloatArray,
    rule: MajorityRule,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where a group fares badly though the jury is pleased, and where a group was looked at."""
    looked = setting.raters(member) >= rule.fewest
    with np.errstate(invalid="ignore"):
        flagged = looked & (mean >= rule.high)[:, :, None] & (setting.means(member) < rule.low)
    return flagged, looked


def _share(flagged: NDArray[np.bool_], looked: NDArray[np.bool_]) -> FloatArray:
    return ratio(flagged.any(axis=2).sum(axis=1), looked.any(axis=2).sum(axis=1))


def _cases(
    setting: GroupMeans, flagged: NDArray[np.bool_], mean: FloatArray
) -> tuple[MajorityCase, ...]:
    by_group = np.where(flagged, setting.means(setting.member), np.inf)
    raters = setting.raters(setting.member)
    cases: list[MajorityCase] = []
    for model, item in np.argwhere(flagged.any(axis=2)).tolist():
        worst = int(np.argmin(by_group[model, item]))
        cases.append(
            MajorityCase(
                model=setting.models[model],
                item=item,
                group=setting.groups[worst],
                n_jurors=int(raters[model, item, worst]),
                mean=float(mean[model, item]),
                group_mean=float(by_group[model, item, worst]),
            )
        )
    return tuple(sorted(cases, key=lambda case: case.group_mean - case.mean))
