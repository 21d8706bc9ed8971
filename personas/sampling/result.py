"""What a draw of seats is: who sits, what each seat stands for, and how near the target it came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from personas.population import Population
from personas.raking import weighted_counts
from personas.summary import kish_effective_size

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledLevel:
    """One level of an attribute, in the population and on the panel.

    Attributes:
        attribute: the attribute, or several joined by ` x `.
        level: the level, or several joined alike; None where the attribute is missing.
        target: share of the population's weight.
        seats: seats that hold the level.
        weighted_share: the seats' share of the seat weights.
        minimum: fewest seats a quota allows, None without a quota.
        maximum: most seats a quota allows, None without a quota.
    """

    attribute: str
    level: str | None
    target: float
    seats: int
    weighted_share: float
    minimum: int | None = None
    maximum: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """Seats drawn from a population.

    Attributes:
        indices: the persona at each seat, as an index into the population; shape [n]. Drawn with
            replacement, a persona may sit twice.
        weights: what each seat stands for, so that the seats represent the population; shape
            [n], sum 1. Each method says how they come about.
        probabilities: each persona's probability to be drawn (expected seats with replacement);
            shape [N]. None where the method does not know them.
        method: how the seats were drawn, in words.
        seed: of the draw; the same population, method and seed give the same seats.
        levels: achieved against target, for the attributes drawn by.
        notes: what the draw could not do, or did not know.
    """

    indices: IntArray
    weights: FloatArray
    probabilities: FloatArray | None
    method: str
    seed: int
    levels: tuple[SampledLevel, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return self.indices.size

    @property
    def effective_size(self) -> float:
        """Kish's effective sample size of the seat weights."""
        return kish_effective_size(self.weights)

    def take(self, population: Population) -> Population:
        """The seats as a population of their own, under the seat weights."""
        note = f"{len(self)} seats: {self.method}; seed {self.seed}"
        return population.take(self.indices, weights=self.weights, note=note)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Crossing:
    """The cells that attributes form together, missing values being a level of their own.

    Attributes:
        name: the attributes joined by ` x `.
        cell: each persona's cell; shape [N].
        labels: each cell's levels joined by ` x `, None for a missing value alone.
    """

    name: str
    cell: IntArray
    labels: tuple[str | None, ...]


def cross(population: Population, attributes: Sequence[str]) -> Crossing:
    """Cross attributes into cells, in order of first appearance.

    Raises:
        InputError: for an attribute that no persona has, with the nearest.
    """
    columns = [population.column(name) for name in attributes]
    codes = np.zeros(len(population), dtype=np.int64)
    for column in columns:
        codes = codes * (len(column.levels) + 1) + column.codes + 1
    _, first, cell = np.unique(codes, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    labels: list[str | None] = []
    for person in first[order].tolist():
        held = [
            str(column.levels[code]) if (code := int(column.codes[person])) >= 0 else None
            for column in columns
        ]
        single = len(held) == 1
        labels.append(held[0] if single else " x ".join(h or "(missing)" for h in held))
    return Crossing(name=" x ".join(attributes), cell=rank[cell], labels=tuple(labels))


def report(
    population: Population, crossing: Crossing, indices: IntArray, weights: FloatArray
) -> tuple[SampledLevel, ...]:
    """Achieved against target for every cell of a crossing."""
    size = len(crossing.labels)
    target = weighted_counts(crossing.cell, population.weights, size)
    seats = np.bincount(crossing.cell[indices], minlength=size)
    share = weighted_counts(crossing.cell[indices], weights, size)
    return tuple(
        SampledLevel(
            attribute=crossing.name,
            level=label,
            target=float(target[cell]),
            seats=int(seats[cell]),
            weighted_share=float(share[cell]),
        )
        for cell, label in enumerate(crossing.labels)
    )
