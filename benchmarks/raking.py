"""Raking 100,000 personas to five margins: cells against the reference, person by person.

Prints medians of five in one run. `rake` is measured as a user calls it, checks and report
included: on a population whose columns are coded already, and on a fresh one. The reference is
proportional fitting on one row per person (Deming & Stephan 1940), vectorised, on the same coded
columns and for as many sweeps as `rake` needed, without checks or report.

Run: `python benchmarks/raking.py [people]`.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from personas.margins import Margin
from personas.persona import Persona
from personas.population import Population, Provenance
from personas.weighting import rake

LEVELS = {"age": 6, "sex": 2, "race": 3, "education": 5, "region": 4}


def median_ms(run: Callable[[], object], repeats: int = 5) -> float:
    times: list[float] = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


def people(count: int) -> list[Persona]:
    rng = np.random.default_rng(0)
    leaning = rng.standard_normal(count)  # one trait behind all columns, so that they correlate
    columns = {
        name: np.digitize(
            leaning + rng.standard_normal(count), np.sort(rng.uniform(-1.5, 1.5, size - 1))
        )
        for name, size in LEVELS.items()
    }
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [
        Persona(
            attributes={name: f"{name} {value}" for name, value in zip(LEVELS, row, strict=True)}
        )
        for row in rows
    ]


def margins() -> list[Margin]:
    rng = np.random.default_rng(1)
    return [
        Margin.of(
            name,
            {
                f"{name} {level}": float(share)
                for level, share in enumerate(rng.dirichlet(np.full(size, 5.0)))
            },
        )
        for name, size in LEVELS.items()
    ]


def reference(population: Population, targets: list[Margin], sweeps: int) -> NDArray[np.float64]:
    weights = population.weights.copy()
    for _ in range(sweeps):
        for margin in targets:
            column = population.column(margin.attributes[0])
            goal = np.array([margin.shares[str(level),] for level in column.levels])
            share = np.bincount(column.codes, weights=weights, minlength=goal.size)
            weights *= (goal / share)[column.codes]
    return weights


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    members, targets = people(count), margins()
    provenance = Provenance(source="benchmark")
    population = Population.of(members, provenance=provenance)
    raking = rake(population, targets)
    swept = reference(population, targets, raking.iterations)
    np.testing.assert_allclose(raking.weights, swept, rtol=1e-9)
    fresh = [Population.of(members, provenance=provenance) for _ in range(5)]
    rows = {
        "rake, columns coded": median_ms(lambda: rake(population, targets)),
        "rake, fresh population": median_ms(lambda: rake(fresh.pop(), targets)),
        "reference, person by person": median_ms(
            lambda: reference(population, targets, raking.iterations)
        ),
    }
    print(f"{count:,} personas x {len(targets)} margins, {raking.iterations} sweeps")
    for name, value in rows.items():
        print(f"  {name:<28}{value:>9.1f} ms")
    ratio = rows["reference, person by person"] / rows["rake, columns coded"]
    print(f"  {'reference over rake':<28}{ratio:>9.1f} x")


if __name__ == "__main__":
    main()
