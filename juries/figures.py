"""The small change of every result: a figure, its interval, and a measure's worth of both."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from juries.measures.estimates import Estimate
from juries.measures.resampling import Interval

MeasureName = Literal[
    "overton",
    "steerable",
    "distributional",
    "multi-objective",
    "trade-off steerable",
    "jury-pluralistic",
]
"""The three kinds of pluralism and the three classes of benchmark of arXiv 2402.05070."""


class Result(BaseModel):
    """The base of what is concluded: frozen."""

    model_config = ConfigDict(frozen=True)


class Bounds(Result):
    """An interval."""

    low: float | None
    high: float | None
    level: float
    resampled: str = Field(description="what was drawn with replacement")
    undefined: int = Field(default=0, description="replicates left out as undefined")


class Figure(Result):
    """One number of a measure."""

    name: str = Field(description="what it is, such as `coverage`")
    of: str = Field(description="what it is of: a model, a group, a population")
    value: float | None
    interval: Bounds | None = None
    n: int | None = Field(default=None, description="how many units it rests on")
    reason: str = Field(default="", description="why it or its interval is undefined")

    def __str__(self) -> str:
        if self.value is None:
            return "undefined"
        if self.interval is None or self.interval.low is None or self.interval.high is None:
            return f"{self.value:.3f}"
        return f"{self.value:.3f} [{self.interval.low:.3f}, {self.interval.high:.3f}]"


class Quote(Result):
    """A viewpoint that a model's response leaves out, in the words of jurors who hold it."""

    model: str
    item: str
    viewpoint: int
    share: float = Field(description="weight of its holders among jurors with a position")
    mean: float | None = Field(description="their mean answer on 1-5; null where nobody answered")
    said: tuple[str, ...]


class MeasureScores(Result):
    """One of the six measures, as far as the run's data allow it."""

    measure: MeasureName
    reading: str = Field(description="what was found, in words")
    method: str = Field(default="", description="what was computed, from what")
    produced_by: str = Field(description="what kind of mind the figures are a property of")
    figures: tuple[Figure, ...] = ()
    quotes: tuple[Quote, ...] = ()
    needs: str | None = Field(default=None, description="what is missing, and how to add it")

    def of(self, name: str, of: str) -> Figure:
        """The figure of that name about a model, group or population.

        Raises:
            KeyError: there is none.
        """
        for figure in self.figures:
            if (figure.name, figure.of) == (name, of):
                return figure
        raise KeyError(f"{self.measure} has no {name!r} of {of!r}")


class ValidityRow(Result):
    """One threat to validity, and how this run fares."""

    check: str
    value: float | None
    interval: Bounds | None = None
    shown: str = Field(description="the value as a table shows it")
    reading: str = Field(description="what it says, in words")


def figure(name: str, of: str, estimate: Estimate) -> Figure:
    """An estimate as a figure."""
    return Figure(
        name=name,
        of=of,
        value=estimate.value,
        interval=bounds(estimate),
        n=estimate.n,
        reason=estimate.reason,
    )


def bounds(estimate: Estimate) -> Bounds | None:
    """The interval of an estimate; None where it has none."""
    if estimate.low is None or estimate.high is None:
        return None
    return Bounds(
        low=estimate.low,
        high=estimate.high,
        level=estimate.level,
        resampled=estimate.resampled,
        undefined=estimate.undefined,
    )


def interval_bounds(interval: Interval, at: tuple[int, ...] = ()) -> Bounds:
    """One interval of possibly many, null where an end is undefined."""
    return Bounds(
        low=number(np.asarray(interval.low)[at]),
        high=number(np.asarray(interval.high)[at]),
        level=interval.level,
        resampled=interval.resampled,
        undefined=int(np.asarray(interval.undefined)[at]),
    )


def number(value: float | np.floating) -> float | None:
    """A figure for a reader: null, never NaN, where it is undefined."""
    return None if np.isnan(value) else float(value)


def unmeasured(measure: MeasureName, produced_by: str, needs: str | None) -> MeasureScores:
    """A measure that the data do not allow, and what is missing."""
    return MeasureScores(
        measure=measure, reading="not measured", produced_by=produced_by, needs=needs
    )
