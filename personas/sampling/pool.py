"""People under quotas: who is alike, which panels are possible, which quotas conflict.

People with the same levels of every quota attribute are interchangeable, so a panel is a whole
number of people of each such *type*. All programs are over types.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from personas.errors import InputError, nearest
from personas.population import Population
from personas.programs import Program
from personas.sampling.result import Sample, SampledLevel
from personas.sampling.simple import check_seats

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pool:
    """A population as types under quotas.

    Attributes:
        seats: the size of a panel.
        names: attribute and level of each quota; length R.
        lower: fewest seats of each quota; shape [R].
        upper: most seats of each quota; shape [R].
        holds: whether a type holds a quota's level; shape [R, T].
        sizes: people of each type; shape [T].
        type_of: each persona's type, -1 for personas without weight, who are never drawn; [N].
    """

    seats: int
    names: tuple[tuple[str, str], ...]
    lower: IntArray
    upper: IntArray
    holds: FloatArray
    sizes: IntArray
    type_of: IntArray

    def program(self, *, integer: bool, gap: float = 0.0) -> Program:
        """Possible panels as people per type: row 0 is the panel's size, then the quotas."""
        return Program(
            np.vstack([np.ones(self.sizes.size), self.holds]),
            rows=(np.append(self.seats, self.lower), np.append(self.seats, self.upper)),
            bounds=(0, self.sizes),
            integer=integer,
            gap=gap,
        )

    def members(self) -> list[IntArray]:
        """The personas of each type."""
        order = np.argsort(self.type_of, kind="stable")
        ends = np.searchsorted(self.type_of[order], np.arange(self.sizes.size + 1))
        return [order[ends[t] : ends[t + 1]] for t in range(self.sizes.size)]


def build_pool(
    population: Population, seats: int, quotas: Mapping[str, Mapping[str, tuple[int, int]]]
) -> Pool:
    """Types and quotas of a population, checked.

    Raises:
        InputError: for an unknown attribute or level (with the nearest), a range that is none,
            more seats than people, or quotas that cannot all be met (those in conflict are
            named).
    """
    if not quotas:
        raise InputError("a draw under quotas needs at least one quota")
    held = population.weights > 0
    check_seats(seats, int(held.sum()), population)
    names: list[tuple[str, str]] = []
    lower: list[int] = []
    upper: list[int] = []
    rows: list[NDArray[np.bool_]] = []
    for attribute, ranges in quotas.items():
        column = population.column(attribute)
        texts = [str(level) for level in column.levels]
        for level, (low, high) in ranges.items():
            _check_range(population, attribute, level, (low, high), texts)
            names.append((attribute, level))
            lower.append(low)
            upper.append(high)
            codes = [code for code, text in enumerate(texts) if text == level]
            rows.append(np.isin(column.codes, codes) & held)
    features = np.array(rows, dtype=bool)
    packed = np.vstack([features, held]).T
    kinds, type_of = np.unique(packed, axis=0, return_inverse=True)
    live = np.flatnonzero(kinds[:, -1])
    number = np.full(len(kinds), -1, dtype=np.int64)
    number[live] = np.arange(live.size)
    types = number[type_of.ravel()]
    pool = Pool(
        seats=seats,
        names=tuple(names),
        lower=np.array(lower, dtype=np.int64),
        upper=np.array(upper, dtype=np.int64),
        holds=kinds[live, :-1].T.astype(np.float64),
        sizes=np.bincount(types[types >= 0], minlength=live.size).astype(np.int64),
        type_of=types,
    )
    if pool.program(integer=True).solve() is None:
        raise InputError(
            f"these quotas cannot all be met with {seats} seats: {'; '.join(conflict(pool))}",
            where=population.provenance.source,
            hint="Widen one of them.",
        )
    return pool


def conflict(pool: Pool) -> list[str]:
    """An irreducible set of quotas that cannot be met together, in words.

    Each limit is left out in turn and stays out if the rest is still impossible (a deletion
    filter: Chinneck & Dravnieks 1991), so the ones that remain conflict, and any one of them
    less would be possible. The panel's size and the people there are stand throughout.
    """
    program = pool.program(integer=True)
    limits = [[float(low), float(high)] for low, high in zip(pool.lower, pool.upper, strict=True)]
    named: list[str] = []
    for row, name in enumerate(pool.names):
        for side, free in ((0, 0.0), (1, float(pool.seats))):
            kept = limits[row][side]
            limits[row][side] = free
            program.set_row(row + 1, *limits[row])
            if program.solve() is not None:
                limits[row][side] = kept
                program.set_row(row + 1, *limits[row])
                there = int(pool.holds[row] @ pool.sizes)
                words = ("at least", "at most")[side]
                named.append(f"{words} {int(kept)} {name[0]}={name[1]} ({there} people)")
    return named


def quota_levels(population: Population, pool: Pool, sample: Sample) -> tuple[SampledLevel, ...]:
    """Every quota with its range, target share and seats."""
    types = pool.type_of[sample.indices]
    everyone = np.where(pool.type_of >= 0, population.weights, 0.0)
    return tuple(
        SampledLevel(
            attribute=attribute,
            level=level,
            target=float(everyone @ (pool.holds[row][pool.type_of] * (pool.type_of >= 0))),
            seats=int(pool.holds[row][types].sum()),
            weighted_share=float(sample.weights @ pool.holds[row][types]),
            minimum=int(pool.lower[row]),
            maximum=int(pool.upper[row]),
        )
        for row, (attribute, level) in enumerate(pool.names)
    )


def _check_range(
    population: Population, attribute: str, level: str, ends: tuple[int, int], texts: list[str]
) -> None:
    low, high = ends
    if not 0 <= low <= high:
        raise InputError(
            f"the quota of {attribute}={level} is no range",
            found=[low, high],
            expected="0 <= fewest <= most",
        )
    if level not in texts:
        raise InputError(
            f"the quota names a level of {attribute!r} that no persona has",
            where=population.provenance.source,
            found=level,
            expected="one of " + ", ".join(texts[:40]),
            hint=nearest(level, texts),
        )
