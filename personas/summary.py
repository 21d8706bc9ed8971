"""What a population looks like, attribute by attribute, unweighted and weighted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from personas.persona import AttributeValue

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_AS_NUMBERS = 12  # more distinct numbers than this are summarised by quantiles, not listed


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Column:
    """One attribute of every persona, coded.

    Attributes:
        codes: index into `levels` per persona, -1 where the attribute is missing; shape [n].
        levels: the distinct values in order of first appearance.
    """

    codes: IntArray
    levels: tuple[AttributeValue, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelShare:
    """One value of an attribute; shares are of the personas whose value is known.

    Attributes:
        value: the value.
        count: personas who hold it.
        share: their unweighted share.
        weighted_share: their share of the weight.
    """

    value: AttributeValue
    count: int
    share: float
    weighted_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberSummary:
    """Weighted mean and quartiles of a numeric attribute, and its range (unweighted)."""

    minimum: float
    lower_quartile: float
    median: float
    mean: float
    upper_quartile: float
    maximum: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeSummary:
    """One attribute of a population.

    Attributes:
        name: the attribute.
        missing: unweighted share of personas without it.
        weighted_missing: their share of the weight.
        distinct: how many different values there are.
        levels: the most frequent values by weighted share; fewer than `distinct` where cut.
        numbers: quantiles, for a numeric attribute with many values; then `levels` is empty.
    """

    name: str
    missing: float
    weighted_missing: float
    distinct: int
    levels: tuple[LevelShare, ...]
    numbers: NumberSummary | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A population at a glance.

    Attributes:
        size: number of personas.
        effective_size: Kish's effective sample size of the weights.
        smallest_weight: least weight as a multiple of the mean weight.
        largest_weight: greatest weight as a multiple of the mean weight.
        with_values: share of personas with value priorities.
        with_narrative: share of personas with a narrative.
        attributes: one summary per attribute, in order of first appearance.
    """

    size: int
    effective_size: float
    smallest_weight: float
    largest_weight: float
    with_values: float
    with_narrative: float
    attributes: tuple[AttributeSummary, ...]


def kish_effective_size(weights: FloatArray) -> float:
    """Kish's effective sample size (sum w)² / sum w² (Kish 1965); n for equal weights.

    Raises:
        ValueError: where no weight is positive.
    """
    total = float(weights.sum())
    if total <= 0:
        raise ValueError("the effective size needs a positive weight")
    return total**2 / float(np.square(weights).sum())


def code_column(values: list[AttributeValue | None]) -> Column:
    """Code values as integers in order of first appearance; None is missing."""
    levels = dict.fromkeys(values)
    levels.pop(None, None)
    index: dict[AttributeValue | None, int] = {value: code for code, value in enumerate(levels)}
    index[None] = -1
    codes = np.fromiter(map(index.__getitem__, values), dtype=np.int64, count=len(values))
    return Column(codes=codes, levels=tuple(value for value in levels if value is not None))


def summarise(
    columns: Mapping[str, Column], weights: FloatArray, *, max_levels: int
) -> tuple[AttributeSummary, ...]:
    """Summaries of coded attributes; `weights` [n] sum to 1."""
    return tuple(
        _summarise_one(name, column, weights, max_levels) for name, column in columns.items()
    )


def _summarise_one(
    name: str, column: Column, weights: FloatArray, max_levels: int
) -> AttributeSummary:
    known = column.codes >= 0
    kept = weights * known
    levels: tuple[LevelShare, ...] = ()
    numbers = None
    if len(column.levels) > _AS_NUMBERS and all(map(_is_number, column.levels)):
        numbers = _number_summary(column, kept)
    else:
        levels = _level_shares(column, kept, max_levels)
    return AttributeSummary(
        name=name,
        missing=1.0 - float(known.mean()),
        weighted_missing=float(weights[~known].sum()),
        distinct=len(column.levels),
        levels=levels,
        numbers=numbers,
    )


def _level_shares(column: Column, kept: FloatArray, max_levels: int) -> tuple[LevelShare, ...]:
    size = len(column.levels)
    counts = np.bincount(column.codes + 1, minlength=size + 1)[1:]
    mass = np.bincount(column.codes + 1, weights=kept, minlength=size + 1)[1:]
    shares = mass / mass.sum() if mass.sum() > 0 else mass
    order: list[int] = np.lexsort((np.arange(size), -counts, -shares))[:max_levels].tolist()
    return tuple(
        LevelShare(
            value=column.levels[level],
            count=int(counts[level]),
            share=float(counts[level] / counts.sum()),
            weighted_share=float(shares[level]),
        )
        for level in order
    )


def _number_summary(column: Column, kept: FloatArray) -> NumberSummary | None:
    values = np.array([float(level) for level in column.levels])
    mass = np.bincount(column.codes + 1, weights=kept, minlength=len(values) + 1)[1:]
    if mass.sum() <= 0:
        return None
    order = np.argsort(values)
    reached = np.cumsum(mass[order]) / mass.sum()
    # The smallest value whose cumulative weight reaches the level; the slack forgives rounding.
    quartiles = [
        float(values[order][np.searchsorted(reached, level - 1e-12)]) for level in (0.25, 0.5, 0.75)
    ]
    return NumberSummary(
        minimum=float(values.min()),
        lower_quartile=quartiles[0],
        median=quartiles[1],
        mean=float(values @ mass / mass.sum()),
        upper_quartile=quartiles[2],
        maximum=float(values.max()),
    )


def _is_number(value: AttributeValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
