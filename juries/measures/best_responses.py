"""Which response each group prefers, and what it loses by the jury's choice.

- `best_responses`: item by item, with the loss that chance alone would show.

Choosing the best of noisy means shows a loss even where groups want the same, so the figure stands
beside what it would be if group labels were dealt to the jurors at random. This project's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from juries.measures.group_means import GroupMeans, ratio
from juries.measures.resampling import FloatArray, Interval, bootstrap_means


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BestResponses:
    """Which model's response each group prefers, item by item.

    Attributes:
        models: names.
        groups: names, in alphabetical order.
        best: [groups, items], position of the model with the group's highest mean (the first of
            equal ones); -1 where fewer than two models have a rating from the group.
        jury_best: [items], the same for the whole jury.
        favourite: per group, the model with the highest mean over items; None without ratings.
        differs: [groups], share of items on which the jury's choice is not among the group's best.
        regret: [groups], mean utility that the group loses by the jury's choice.
        regret_interval: of the regrets, over items.
        chance_regret: [groups], mean regret with group labels dealt at random: choosing the best
            of noisy means shows a regret even where groups want the same.
        p: [groups], share of the random labellings (this one counted) with at
            least the regret; NaN without items.
        n_items: [groups], items compared.
    """

    models: tuple[str, ...]
    groups: tuple[str, ...]
    best: NDArray[np.int64]
    jury_best: NDArray[np.int64]
    favourite: tuple[str | None, ...]
    differs: FloatArray
    regret: FloatArray
    regret_interval: Interval
    chance_regret: FloatArray
    p: FloatArray
    n_items: NDArray[np.int64]

    @property
    def reading(self) -> str:
        """What was found, in words, a sentence per group."""
        return " ".join(
            f"{name}: no item to compare."
            if not items
            else f"{name} would choose otherwise on {differs:.0%} of items and loses {regret:.3f} "
            f"by the jury's choice ({chance:.3f} would be by chance)."
            for name, differs, regret, chance, items in zip(
                self.groups,
                self.differs,
                self.regret,
                self.chance_regret,
                self.n_items,
                strict=True,
            )
        )


def best_responses(
    utilities: FloatArray,
    groups: Sequence[str],
    *,
    rng: np.random.Generator,
    weights: ArrayLike | None = None,
    models: Sequence[str] | None = None,
    permutations: int = 200,
    resamples: int = 1000,
) -> BestResponses:
    """The response that each group prefers, and what it loses where the jury prefers another.

    Args:
        utilities: [models, items, jurors], NaN missing; at least two models.
        groups: one label per juror.
        rng: source of the draws.
        weights: one per juror, equal when None.
        models: names, `model 1` … when None.
        permutations: random labellings for the comparison with chance.
        resamples: bootstrap replicates over items.

    Raises:
        ValueError: wrong shapes or weights, or a single model.
    """
    setting = GroupMeans(utilities, groups, weights, models)
    if len(setting.models) < 2 or permutations < 1:
        raise ValueError(f"{len(setting.models)} models, {permutations} permutations: no choice")
    jury_best = _choices(setting.means(setting.everyone))[:, 0]
    means = setting.means(setting.member)
    losses = _losses(means, jury_best)
    boot = bootstrap_means(losses, resamples=resamples, rng=rng)
    dealt = np.array(
        [
            _column_means(_losses(setting.means(member), jury_best))
            for member in setting.shuffled(permutations, rng)
        ]
    )
    scores = _column_means(means.swapaxes(0, 1).reshape(means.shape[1], -1)).reshape(
        len(setting.models), -1
    )
    seen = ~np.isnan(losses)
    beyond = (np.nan_to_num(dealt) >= boot.estimate - 1e-12).sum(axis=0)
    return BestResponses(
        models=setting.models,
        groups=setting.groups,
        best=_choices(means).T,
        jury_best=jury_best,
        favourite=tuple(
            None if np.isnan(column).all() else setting.models[int(np.nanargmax(column))]
            for column in scores.T
        ),
        differs=ratio((np.nan_to_num(losses) > 1e-12).sum(axis=0), seen.sum(axis=0)),
        regret=boot.estimate,
        regret_interval=boot.interval(),
        chance_regret=np.where(seen.any(axis=0), np.nan_to_num(dealt).mean(axis=0), np.nan),
        p=np.where(np.isnan(boot.estimate), np.nan, (1 + beyond) / (1 + permutations)),
        n_items=seen.sum(axis=0),
    )


def _choices(means: FloatArray) -> NDArray[np.int64]:
    """Position of the highest mean over models, [items, groups]; -1 without two to compare."""
    compared = (~np.isnan(means)).sum(axis=0) > 1
    return np.where(compared, np.argmax(np.where(np.isnan(means), -np.inf, means), axis=0), -1)


def _losses(means: FloatArray, jury_best: NDArray[np.int64]) -> FloatArray:
    """Group's highest mean less its mean for the jury's choice, [items, groups]; NaN undefined."""
    compared = _choices(means) >= 0
    top = np.max(means, axis=0, initial=-np.inf, where=~np.isnan(means))
    chosen = np.take_along_axis(means, np.maximum(jury_best, 0)[None, :, None], axis=0)[0]
    return np.where(compared & (jury_best >= 0)[:, None], top - chosen, np.nan)


def _column_means(table: FloatArray) -> FloatArray:
    there = ~np.isnan(table)
    return ratio(np.where(there, table, 0.0).sum(axis=0), there.sum(axis=0))
