"""Multi-objective benchmarks: models on several objectives at once (arXiv 2402.05070, section 4.1).

- `compare_objectives(values)`: objectives per item, such as the criteria of a rubric.
- `compare_groups(utilities, groups)`: the utility of each group of jurors is one objective.

Both report the vector of objectives per model, who Pareto-dominates whom and with what bootstrap
confidence, the front, and hypervolumes against a stated reference point. No objective is traded
against another; what a trade-off makes of them is `juries.measures.steered_trade_offs`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from juries.measures.estimates import Estimate, with_interval
from juries.measures.pareto import hypervolume, pareto_front
from juries.measures.resampling import bootstrap_means, percentile_interval
from juries.measures.two_way import RESAMPLED, TwoWay
from personas.identity import generator

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """One model.

    Attributes:
        model: its name.
        objectives: means, in the order of the result's `objectives`.
        on_front: whether no other model dominates it.
        front_probability: share of resamples in which none does.
        hypervolume: what the model dominates alone.
        contribution: what the set of models would lose without it.
    """

    model: str
    objectives: tuple[Estimate, ...]
    on_front: bool
    front_probability: float
    hypervolume: Estimate
    contribution: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Dominance:
    """Whether model `a` Pareto-dominates model `b`.

    Attributes:
        a: name of the first model.
        b: name of the second.
        dominates: `a` is at least as good on every objective and better on one, on all data.
        probability: share of resamples in which it is so.
    """

    a: str
    b: str
    dominates: bool
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiObjective:
    """Models on several objectives.

    Attributes:
        objectives: names.
        better: per objective whether `high` or `low` values are better.
        rows: one per model.
        dominance: one per ordered pair of models.
        hypervolume: of all models together.
        reference: the point it is measured from, in the objectives' own units.
        undefined: resamples without a valid value of some objective, left out.
    """

    objectives: tuple[str, ...]
    better: tuple[str, ...]
    rows: tuple[ModelRow, ...]
    dominance: tuple[Dominance, ...]
    hypervolume: Estimate
    reference: tuple[float, ...]
    undefined: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ObjectiveMeans:
    """Means of objectives on all data and on each resample of it.

    Attributes:
        replicates: [1 + resamples, models, objectives]; row 0 is all data.
        resampled: what was drawn again.
        n: how many items.
    """

    replicates: FloatArray
    resampled: str
    n: int


def compare_objectives(
    values: ArrayLike,
    *,
    models: Sequence[str] | None = None,
    objectives: Sequence[str] | None = None,
    better: Sequence[str] | None = None,
    reference: Sequence[float] | None = None,
    resamples: int = 1000,
    rng: np.random.Generator | None = None,
) -> MultiObjective:
    """Compare models on objectives that are measured per item.

    Args:
        values: [models, items, objectives]; NaN for no valid value, left out of its mean.
        models: names, `model 1` … when None.
        objectives: names, `objective 1` … when None.
        better: `high` or `low` per objective; `high` when None.
        reference: [objectives], the worst value that counts; 0 for each when None, which suits
            utilities in [0, 1].
        resamples: bootstrap resamples of the items; models are compared on the same ones.
        rng: source of the resamples; a fixed stream when None.

    Raises:
        ValueError: shapes or names that do not match, or a model without a valid value.
    """
    rng = generator(0, "objectives") if rng is None else rng
    means = item_means(values, resamples=resamples, rng=rng)
    return compare_means(
        means, models=models, objectives=objectives, better=better, reference=reference
    )


def compare_groups(
    utilities: ArrayLike,
    groups: Sequence[str],
    *,
    models: Sequence[str] | None = None,
    weights: ArrayLike | None = None,
    reference: Sequence[float] | None = None,
    resamples: int = 1000,
    rng: np.random.Generator | None = None,
) -> MultiObjective:
    """Compare models on the mean utility of each group of jurors.

    Args:
        utilities: [models, items, jurors] in [0, 1]; NaN for no valid rating.
        groups: one label per juror; each label is an objective.
        models: names, `model 1` … when None.
        weights: of jurors, equal when None.
        reference: [groups] in order of their names; 0 for each when None.
        resamples: bootstrap resamples of items and jurors.
        rng: source of the resamples; a fixed stream when None.

    Raises:
        ValueError: shapes or names that do not match, or a group without a valid rating.
    """
    rng = generator(0, "objectives") if rng is None else rng
    table = np.asarray(utilities, dtype=np.float64)
    labels = np.asarray(list(groups), dtype=np.str_)
    if table.ndim != 3 or labels.shape != table.shape[2:]:
        raise ValueError(f"{labels.size} group labels for utilities of shape {table.shape}")
    drawn = TwoWay.draw(table, weights=weights, resamples=resamples, rng=rng)
    names = [str(name) for name in np.unique(labels)]
    columns = [[drawn.mean(model, labels == name) for name in names] for model in range(len(table))]
    means = ObjectiveMeans(
        replicates=np.moveaxis(np.array(columns), -1, 0), resampled=RESAMPLED, n=table.shape[1]
    )
    return compare_means(means, models=models, objectives=names, reference=reference)


def item_means(values: ArrayLike, *, resamples: int, rng: np.random.Generator) -> ObjectiveMeans:
    """Means over items of `values` [models, items, objectives], with their resamples.

    Raises:
        ValueError: another number of axes, or infinite values.
    """
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 3 or table.size == 0:
        raise ValueError(f"values have shape {table.shape}, expected [models, items, objectives]")
    models, items, objectives = table.shape
    flat = np.moveaxis(table, 1, 0).reshape(items, models * objectives)
    boot = bootstrap_means(flat, resamples=resamples, rng=rng)
    stacked = np.concatenate([boot.estimate[:, None], boot.replicates], axis=1).T
    return ObjectiveMeans(
        replicates=stacked.reshape(-1, models, objectives), resampled="items", n=items
    )


def compare_means(
    means: ObjectiveMeans,
    *,
    models: Sequence[str] | None = None,
    objectives: Sequence[str] | None = None,
    better: Sequence[str] | None = None,
    reference: Sequence[float] | None = None,
) -> MultiObjective:
    """Compare models by means that were taken already; arguments as in `compare_objectives`.

    Raises:
        ValueError: names or numbers that do not match, or a mean undefined on all data.
    """
    _, size, number = means.replicates.shape
    names = _names(models, size, "model")
    titles = _names(objectives, number, "objective")
    signs = _signs(better, number)
    corner = np.zeros(number) if reference is None else np.asarray(reference, dtype=np.float64)
    if corner.shape != (number,) or not np.isfinite(corner).all():
        raise ValueError(f"reference has {corner.size} values for {number} objectives")
    missing = np.argwhere(np.isnan(means.replicates[0]))
    if len(missing):
        model, objective = missing[0].tolist()
        raise ValueError(f"{names[model]} has no valid value of {titles[objective]}")
    points = means.replicates[~np.isnan(means.replicates).any(axis=(1, 2))]
    upward, bottom = points * signs, corner * signs
    fronts = np.stack([pareto_front(point, maximise=True) for point in upward])
    volumes = _volumes(upward, bottom)
    rows = [
        ModelRow(
            model=name,
            objectives=tuple(_estimate(points[:, place, k], means) for k in range(number)),
            on_front=bool(fronts[0, place]),
            front_probability=float(fronts[1:, place].mean()),
            hypervolume=_estimate(np.clip(upward[:, place] - bottom, 0, None).prod(axis=1), means),
            contribution=_estimate(volumes[:, 0] - volumes[:, 1 + place], means),
        )
        for place, name in enumerate(names)
    ]
    return MultiObjective(
        objectives=titles,
        better=tuple("high" if sign > 0 else "low" for sign in signs),
        rows=tuple(rows),
        dominance=_dominance(upward, names),
        hypervolume=_estimate(volumes[:, 0], means),
        reference=tuple(corner.tolist()),
        undefined=len(means.replicates) - len(points),
    )


def _names(names: Sequence[str] | None, count: int, what: str) -> tuple[str, ...]:
    if names is None:
        return tuple(f"{what} {place + 1}" for place in range(count))
    if len(names) != count or len(set(names)) < count:
        raise ValueError(f"{len(set(names))} different names for {count} {what}s")
    return tuple(names)


def _signs(better: Sequence[str] | None, count: int) -> FloatArray:
    if better is None:
        return np.ones(count)
    if len(better) != count or not set(better) <= {"high", "low"}:
        raise ValueError(f"better is {list(better)}, expected {count} times 'high' or 'low'")
    return np.array([1.0 if end == "high" else -1.0 for end in better])


def _volumes(points: FloatArray, corner: FloatArray) -> FloatArray:
    """Hypervolume of all models and of all but each, [1 + resamples, 1 + models]."""
    size = points.shape[1]
    out = np.zeros((len(points), 1 + size))
    for place, point in enumerate(points):
        out[place, 0] = hypervolume(point, corner, maximise=True)
        for model in range(size if size > 1 else 0):
            rest = np.delete(point, model, axis=0)
            out[place, 1 + model] = hypervolume(rest, corner, maximise=True)
    return out


def _dominance(points: FloatArray, names: Sequence[str]) -> tuple[Dominance, ...]:
    rows: list[Dominance] = []
    for a, b in permutations(range(len(names)), 2):
        gap = points[:, a] - points[:, b]
        holds = np.asarray((gap >= 0).all(axis=1) & (gap > 0).any(axis=1), dtype=np.bool_)
        rows.append(
            Dominance(
                a=names[a],
                b=names[b],
                dominates=bool(holds[0]),
                probability=float(holds[1:].mean()),
            )
        )
    return tuple(rows)


def _estimate(replicates: FloatArray, means: ObjectiveMeans) -> Estimate:
    interval = percentile_interval(replicates[1:], resampled=means.resampled)
    return with_interval(float(replicates[0]), interval, n=means.n)
