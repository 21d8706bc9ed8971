"""Leximin sortition: pool 1,000, panel 100, six categories, quotas that bind.

The pool leans on one trait that correlates with all six categories, the quotas ask for the
shares of another population, so chances must differ. Prints the median of the runs' seconds, the
number of panels, the smallest chance and the gap to the optimum of fractional panels, which no
lottery can exceed: zero means exact. CPU seconds stand beside wall seconds, for busy machines.

Run: `python benchmarks/leximin.py [pool] [panel] [repeats]`.
"""

from __future__ import annotations

import statistics
import sys
import time

import numpy as np

from personas.persona import Persona
from personas.population import Population, Provenance
from personas.sampling import Quotas, proportional_quotas
from personas.sampling.leximin import leximin

LEVELS = (2, 6, 5, 4, 4, 3)


def problem(size: int, seats: int, seed: int) -> tuple[Population, Quotas]:
    rng = np.random.default_rng(seed)
    trait = rng.standard_normal(size)
    columns = [
        np.digitize(
            0.7 * trait + rng.standard_normal(size), np.sort(rng.uniform(-1.2, 1.2, levels - 1))
        ).tolist()
        for levels in LEVELS
    ]
    people = [
        Persona(attributes={f"c{place}": f"level {code}" for place, code in enumerate(row)})
        for row in zip(*columns, strict=True)
    ]
    pool = Population.of(people, provenance=Provenance(source="benchmark"))
    target = pool.reweighted(np.exp(0.6 * trait), weighting="another population")
    names = [f"c{place}" for place in range(len(LEVELS))]
    return pool, proportional_quotas(target, seats, names, slack=0.01)


def main() -> None:
    size, seats, repeats = (
        int(given) if given else default
        for given, default in zip([*sys.argv[1:], *[""] * 3][:3], (1000, 100, 5), strict=True)
    )
    print(f"pool {size:,}, panel {seats}, {len(LEVELS)} categories, {sum(LEVELS)} quotas")
    seconds: list[float] = []
    cpu: list[float] = []
    for seed in range(repeats):
        population, quotas = problem(size, seats, seed)
        start, used = time.perf_counter(), time.process_time()
        sortition = leximin(population, seats, quotas=quotas)
        seconds.append(time.perf_counter() - start)
        cpu.append(time.process_time() - used)
        print(
            f"  problem {seed}: {seconds[-1]:6.2f} s ({cpu[-1]:.2f} s CPU),"
            f" {sortition.pool.sizes.size} types, {len(sortition.panels)} panels,"
            f" smallest chance {sortition.minimum:.4f}, gap {sortition.gap:.1e}"
        )
    print(f"  median {statistics.median(seconds):.2f} s ({statistics.median(cpu):.2f} s CPU)")


if __name__ == "__main__":
    main()
