"""Seats shared out over strata in proportion, then drawn within each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from personas.errors import InputError
from personas.identity import generator
from personas.population import Population
from personas.raking import weighted_counts
from personas.sampling.result import FloatArray, IntArray, Sample, cross, report
from personas.sampling.simple import check_seats, inclusion, systematic


def sample_stratified(
    population: Population, seats: int, *, by: Sequence[str], seed: int
) -> Sample:
    """Draw seats from the strata that attributes form together.

    Each stratum gets seats in proportion to its weight by largest remainder (Hamilton), ties by
    first appearance, and never more than it has people. Within a stratum people are drawn in
    proportion to weight without replacement. A missing value is a stratum of its own. A seat
    weighs its stratum's share over the stratum's seats (weight over chance within it, scaled);
    strata too small for a seat are named, and their weight is left to the others.

    Args:
        population: who may be drawn.
        seats: how many.
        by: the attributes to cross.
        seed: of the draw.

    Raises:
        InputError: for an unknown attribute (the nearest is named), or more seats than people.
    """
    if not by:
        raise InputError("a stratified draw needs at least one attribute to stratify by")
    held = population.weights > 0
    check_seats(seats, int(held.sum()), population)
    crossing = cross(population, by)
    size = len(crossing.labels)
    share = weighted_counts(crossing.cell, population.weights, size)
    people = np.bincount(crossing.cell[held], minlength=size)
    allotted = largest_remainder(share, seats, people)
    drawn: list[IntArray] = []
    weights: list[FloatArray] = []
    chance = np.zeros(len(population))
    for stratum in np.flatnonzero(allotted).tolist():
        members = np.flatnonzero(crossing.cell == stratum)
        expected = inclusion(population.weights[members], int(allotted[stratum]))
        rng = generator(seed, "sample", "stratified", str(crossing.labels[stratum]))
        chosen = systematic(expected, rng)
        raw = population.weights[members][chosen] / expected[chosen]
        drawn.append(members[chosen])
        weights.append(share[stratum] * raw / raw.sum())
        chance[members] = expected
    indices, seat_weights = np.concatenate(drawn), np.concatenate(weights)
    order = np.argsort(indices)
    indices, seat_weights = indices[order], seat_weights[order] / seat_weights.sum()
    void = (allotted == 0) & (share > 0)
    named = ", ".join(f"{crossing.labels[at]} ({share[at]:.4f})" for at in np.flatnonzero(void))
    return Sample(
        indices=indices,
        weights=seat_weights,
        probabilities=chance,
        method=f"stratified by {crossing.name}",
        seed=seed,
        levels=report(population, crossing, indices, seat_weights),
        notes=(f"strata without a seat (share of the population): {named}",) if named else (),
    )


def largest_remainder(share: FloatArray, seats: int, people: IntArray) -> IntArray:
    """Whole seats in proportion to `share`, at most `people` each (Hamilton's method)."""
    full = np.zeros(share.size, dtype=bool)
    while True:
        open_ = (share > 0) & (people > 0) & ~full
        allotted = np.where(full, people, 0)
        left = seats - int(allotted.sum())
        quota = np.where(open_, left * share / max(float(share[open_].sum()), 1e-300), 0.0)
        whole = np.floor(quota + 1e-9).astype(np.int64)
        remainder = np.where(open_, quota - whole, -1.0)
        # Rounding noise must not decide between equal remainders: the first stratum wins.
        order = np.lexsort((np.arange(share.size), -np.round(remainder, 9)))
        whole[order[: left - int(whole.sum())]] += 1
        over = open_ & (whole > people)
        if not over.any():
            return allotted + whole
        full |= over
