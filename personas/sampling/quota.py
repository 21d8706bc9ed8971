"""Seats under quotas: a random panel that meets every range."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from personas.identity import generator
from personas.population import Population
from personas.programs import Program
from personas.sampling.pool import build_pool, quota_levels
from personas.sampling.result import Sample


def sample_quota(
    population: Population,
    seats: int,
    *,
    quotas: Mapping[str, Mapping[str, tuple[int, int]]],
    seed: int,
) -> Sample:
    """Draw a panel that meets quotas, leaning towards people with more weight.

    Each person gets a random key, the logarithm of their weight plus Gumbel noise, and the panel
    is the possible one with the greatest sum of keys (an integer program). Where the quotas do
    not bind, this is successive drawing in proportion to weight without replacement. How likely
    a person is to be drawn is not known, so seats weigh alike; use `leximin` where chances must
    be known and fair.

    Args:
        population: who may be drawn; personas of weight zero are not.
        seats: how many.
        quotas: attribute to level to fewest and most seats.
        seed: of the draw.

    Raises:
        InputError: for an unknown attribute or level, or quotas in conflict (they are named).
    """
    pool = build_pool(population, seats, quotas)
    rng = generator(seed, "sample", "quota")
    keys = rng.gumbel(size=len(population))
    held = pool.type_of >= 0
    keys[held] += np.log(population.weights[held])
    # Of people alike only the best keys can sit, so the program leaves the others out.
    best = [members[np.argsort(-keys[members])][:seats] for members in pool.members()]
    people = np.concatenate(best)
    holds = pool.holds[:, pool.type_of[people]]
    solved = Program(
        np.vstack([np.ones(people.size), holds]),
        rows=(np.append(seats, pool.lower), np.append(seats, pool.upper)),
        bounds=(0, 1),
        cost=-keys[people],
        integer=True,
    ).solve()
    if solved is None:  # the pool was checked to have a panel
        raise RuntimeError("the program of the quotas lost its solution")
    indices = np.sort(people[solved.values > 0.5])
    sample = Sample(
        indices=indices,
        weights=np.full(seats, 1 / seats),
        probabilities=None,
        method="quota ranges on " + ", ".join(quotas),
        seed=seed,
        notes=("selection probabilities are unknown; seats weigh alike",),
    )
    return replace(sample, levels=quota_levels(population, pool, sample))
