"""Simple random seats, with or without replacement, equal or in proportion to weight."""

from __future__ import annotations

import numpy as np

from personas.errors import InputError
from personas.identity import generator
from personas.population import Population
from personas.sampling.result import FloatArray, IntArray, Sample


def sample_simple(
    population: Population,
    seats: int,
    *,
    seed: int,
    replace: bool = False,
    proportional: bool = True,
) -> Sample:
    """Draw seats at random.

    Args:
        population: who may be drawn.
        seats: how many.
        seed: of the draw.
        replace: with replacement; a persona may then sit twice.
        proportional: draw in proportion to the population's weights, so that the seats weigh
            (nearly) alike; otherwise everybody with a weight has the same chance and a seat
            weighs what its persona does.

    Without replacement and in proportion, the draw is systematic on a random order (Madow 1949):
    each persona's chance is exactly `seats * weight`, and 1 where that exceeds 1. Seat weights
    are weight over chance (Horvitz & Thompson 1952), scaled to sum to 1.

    Raises:
        InputError: where there are fewer personas with a weight than seats.
    """
    held = population.weights > 0
    check_seats(seats, int(held.sum()), population, replace=replace)
    rng = generator(seed, "sample", "simple")
    chance = np.where(held, population.weights, 0.0) if proportional else held / held.sum()
    if replace:
        indices = rng.choice(len(population), size=seats, p=chance / chance.sum())
        expected = seats * chance
    else:
        expected = inclusion(chance, seats)
        indices = systematic(expected, rng)
    raw = population.weights[indices] / expected[indices]
    kind = "in proportion to weight" if proportional else "with equal chances"
    return Sample(
        indices=indices.astype(np.int64),
        weights=raw / raw.sum(),
        probabilities=expected,
        method=f"simple random {kind}, {'with' if replace else 'without'} replacement",
        seed=seed,
    )


def check_seats(
    seats: int, available: int, population: Population, *, replace: bool = False
) -> None:
    """Check that the seats can be filled.

    Raises:
        InputError: for fewer than one seat, or more seats than people.
    """
    if seats < 1:
        raise InputError("a jury needs at least one seat", found=seats)
    if not replace and seats > available:
        raise InputError(
            f"{seats} seats cannot be filled without replacement",
            where=population.provenance.source,
            found=f"{available} personas with a weight",
        )


def inclusion(weights: FloatArray, seats: int) -> FloatArray:
    """Chances in proportion to weight that sum to `seats` and exceed 1 nowhere."""
    chance = np.zeros(weights.size)
    open_ = weights > 0
    left = seats
    while left > 0:
        chance[open_] = left * weights[open_] / weights[open_].sum()
        sure = open_ & (chance >= 1 - 1e-12)
        if not sure.any():
            break
        chance[sure] = 1.0
        left -= int(sure.sum())
        open_ &= ~sure
    return chance


def systematic(chance: FloatArray, rng: np.random.Generator) -> IntArray:
    """A draw with exactly these inclusion probabilities, which sum to a whole number (Madow)."""
    sure = chance >= 1 - 1e-12  # set apart, so that rounding can neither lose nor repeat them
    rest = rng.permutation(np.flatnonzero(~sure & (chance > 0)))
    seats = round(float(chance[rest].sum()))
    if seats == 0:
        return np.flatnonzero(sure)
    reached = np.cumsum(chance[rest])
    reached *= seats / reached[-1]
    ticks = rng.random() + np.arange(seats)
    places = np.minimum(np.searchsorted(reached, ticks, side="right"), rest.size - 1)
    return np.union1d(np.flatnonzero(sure), rest[places])
