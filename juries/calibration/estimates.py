"""People's means over all items of a run, from those that people saw and the jury's predictions.

Estimates are made for every model, for every group of people on every model, and for every pair
of models. With a plan they rest on its inclusion probabilities; without one, the items that people
saw are taken as a random sample, which is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np

from graphs.items import FloatArray
from juries.calibration.answers import Answers
from juries.calibration.design_based import ppi_planned
from juries.calibration.planning import Sample
from juries.calibration.ppi import PpiMean, ppi_mean
from juries.calibration.ppi_subsets import Undefined
from personas.errors import InputError

People = Literal["sample", "all"]
_SMALL = 100  # labels below which Student's t is used
_IN_STRATUM = 3  # labels in a stratum below which its spread is not estimated on its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean of people's answers.

    Attributes:
        what: `mean point`, or `share of …` for a choice.
        model: whose responses.
        minus: the model subtracted, for a difference; else empty.
        attribute: what makes the group of people; empty for everyone.
        level: which group.
        result: the estimate, or why there is none.
    """

    what: str
    model: str
    minus: str = ""
    attribute: str = ""
    level: str = ""
    result: PpiMean | Undefined


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sources:
    """What estimates are made from; units are item-major responses, I items times M models.

    Attributes:
        items: names, length I.
        models: names, length M.
        labels: of the points.
        ordinal: whether points are ordered; else shares of each option are estimated.
        plan: which items people were to see; None where there was no plan.
        people: `sample`: those who answered stand for others, and their own error counts in (with
            a plan; without one it is in the spread of the labels anyway); `all`: the mean of
            exactly these people is wanted.
        level: of intervals.
    """

    items: tuple[str, ...]
    models: tuple[str, ...]
    labels: tuple[str, ...]
    ordinal: bool
    plan: Sample | None = None
    people: People = "sample"
    level: float = 0.95


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Values:
    """One quantity by item: people's value, the variance of its error, the jury's prediction."""

    y: FloatArray
    error: FloatArray
    f: FloatArray

    def minus(self, other: _Values) -> _Values:
        return _Values(y=self.y - other.y, error=self.error + other.error, f=self.f - other.f)


def estimate_means(
    sources: Sources,
    people: Answers,
    shares: FloatArray,
    means: FloatArray,
    *,
    group: tuple[str, str] = ("", ""),
) -> tuple[Estimate, ...]:
    """Estimates for every model.

    Args:
        sources: what to estimate, and how.
        people: answers of everyone, or of one group.
        shares: the jury's share of each point by unit, [I * M, K].
        means: the jury's mean by unit, [I * M].
        group: attribute and level of the people.
    """
    return tuple(
        Estimate(
            what=what,
            model=model,
            attribute=group[0],
            level=group[1],
            result=_estimate(sources, values),
        )
        for what, table in _quantities(sources, people, shares, means)
        for model, values in zip(sources.models, table, strict=True)
    )


def estimate_differences(
    sources: Sources, people: Answers, shares: FloatArray, means: FloatArray
) -> tuple[Estimate, ...]:
    """Estimates of the difference of every two models, paired by item.

    Arguments are those of `estimate_means`. The errors of people's labels are added up, which is
    on the safe side where the same people judged both models.
    """
    return tuple(
        Estimate(
            what=what,
            model=sources.models[a],
            minus=sources.models[b],
            result=_estimate(sources, table[a].minus(table[b])),
        )
        for what, table in _quantities(sources, people, shares, means)
        for a, b in combinations(range(len(sources.models)), 2)
    )


def _quantities(
    sources: Sources, people: Answers, shares: FloatArray, means: FloatArray
) -> list[tuple[str, list[_Values]]]:
    """Name and, for each model, the values by item."""
    shape = (len(sources.items), len(sources.models))
    given = people.answered().astype(np.float64)
    if sources.ordinal:
        columns = [("mean point", people.means(), people.variances(), means)]
    else:
        said = people.shares()
        spread = said * (1 - said) * (given / np.maximum(given - 1, 1))[:, None]
        spread[given < 2] = np.nan
        columns = [
            (f"share of {label}", said[:, k], spread[:, k], shares[:, k])
            for k, label in enumerate(sources.labels)
        ]
    found: list[tuple[str, list[_Values]]] = []
    for name, y, spread, f in columns:
        known = spread[np.isfinite(spread)]
        usual = float(known.mean()) if len(known) else 0.0
        error = np.where(np.isfinite(spread), spread, usual) / np.maximum(given, 1)
        if sources.people == "all":
            error = np.zeros_like(error)
        tables = [column.reshape(shape).T for column in (y, error, f)]
        found.append((name, [_Values(y=a, error=b, f=c) for a, b, c in zip(*tables, strict=True)]))
    return found


def _estimate(sources: Sources, values: _Values) -> PpiMean | Undefined:
    predicted = np.isfinite(values.f)
    labelled = np.isfinite(values.y)
    if sources.plan is not None:
        return _planned(sources, sources.plan, values, predicted)
    both, rest = labelled & predicted, ~labelled & predicted
    if both.sum() >= 2 and rest.sum() < 2:
        return _complete(sources, values.y[both], values.f[both])
    if both.sum() < 2:
        return Undefined(
            reason=f"{both.sum()} items have people's answers and the jury's; 2 are needed"
        )
    return ppi_mean(
        values.y[both],
        values.f[both],
        values.f[rest],
        level=sources.level,
        small_sample=bool(both.sum() < _SMALL),
    )


def _complete(sources: Sources, y: FloatArray, f: FloatArray) -> PpiMean:
    """People's own mean, where they answered every item and nothing is left to predict."""
    alone = ppi_mean(y, f, f, lam=0.0, level=sources.level, small_sample=len(y) < _SMALL)
    note = "people answered every item: their own mean, nothing left to predict"
    return replace(alone, n_unlabelled=0, pays=False, notes=(note,))


def _planned(
    sources: Sources, plan: Sample, values: _Values, predicted: FloatArray
) -> PpiMean | Undefined:
    place = {item: position for position, item in enumerate(sources.items)}
    rows = [place.get(unit, -1) for unit in plan.units]
    unknown = sum(row < 0 or not predicted[row] for row in rows)
    if unknown:
        return Undefined(reason=f"the jury has no answer on {unknown} items of the plan")
    known = {u: r for u, r in zip(plan.units, rows, strict=True) if np.isfinite(values.y[r])}
    if _sparse(plan, known):
        return _weighted(sources, plan, values, known)
    try:
        return ppi_planned(
            {unit: float(values.y[row]) for unit, row in known.items()},
            values.f[rows],
            plan,
            label_variance={unit: float(values.error[row]) for unit, row in known.items()},
            level=sources.level,
        )
    except InputError as error:
        return Undefined(reason=error.problem)


def _sparse(plan: Sample, known: Mapping[str, int]) -> bool:
    """Whether some stratum has too few labels to estimate its spread on its own."""
    labelled = np.array([unit in known for unit in plan.units], dtype=np.bool_) & plan.selected
    drawn = np.bincount(plan.stratum[labelled], minlength=len(plan.stratum_sizes))
    return bool((drawn < np.minimum(_IN_STRATUM, plan.stratum_sizes)).any())


def _weighted(
    sources: Sources, plan: Sample, values: _Values, known: Mapping[str, int]
) -> PpiMean | Undefined:
    """Labels weighed by inverse inclusion probability over all strata together.

    Every item's prediction counts, labelled or not: the population is all items of the plan.
    """
    chance = dict(zip(plan.units, plan.inclusion.tolist(), strict=True))
    drawn = dict(zip(plan.units, plan.selected.tolist(), strict=True))
    used = {unit: row for unit, row in known.items() if drawn[unit]}
    if len(used) < 2:
        return Undefined(reason=f"{len(used)} items of the plan have an answer; 2 are needed")
    place = {item: position for position, item in enumerate(sources.items)}
    rows = list(used.values())
    result = ppi_mean(
        values.y[rows],
        values.f[rows],
        values.f[[place[unit] for unit in plan.units]],
        weights=[1 / chance[unit] for unit in used],
        level=sources.level,
        small_sample=True,
    )
    note = "too few labels in some strata: weighted by inclusion over all strata together"
    return replace(result, notes=(note, *result.notes))
