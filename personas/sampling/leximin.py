"""Sortition with fair chances: a lottery over panels that meet quotas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from personas.identity import generator
from personas.population import Population
from personas.sampling.fairness import fairest
from personas.sampling.pool import FloatArray, IntArray, Pool, build_pool, quota_levels
from personas.sampling.result import Sample


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sortition:
    """The fairest lottery over panels.

    Attributes:
        population: who may be drawn.
        pool: the types that the quotas tell apart.
        panels: people of each type on each panel of the lottery; shape [P, T].
        panel_probabilities: how likely each panel is; shape [P], sum 1.
        selection_probabilities: how likely each persona is to be drawn; shape [N]; zero for
            personas of weight zero.
        gap: largest distance of a type's expected seats from the optimum.
    """

    population: Population
    pool: Pool
    panels: IntArray
    panel_probabilities: FloatArray
    selection_probabilities: FloatArray
    gap: float

    @property
    def minimum(self) -> float:
        """The smallest selection probability of anybody with a weight."""
        return float(self.selection_probabilities[self.pool.type_of >= 0].min())

    def draw(self, seed: int) -> Sample:
        """One panel of the lottery, its types filled by drawing among people alike.

        A seat weighs its persona's weight over their chance (Horvitz & Thompson 1952), scaled to
        sum to 1.
        """
        rng = generator(seed, "sample", "leximin")
        panel = self.panels[rng.choice(len(self.panels), p=self.panel_probabilities)]
        chosen = [
            rng.choice(members, size=int(count), replace=False)
            for members, count in zip(self.pool.members(), panel, strict=True)
            if count
        ]
        indices = np.sort(np.concatenate(chosen))
        raw = self.population.weights[indices] / self.selection_probabilities[indices]
        sample = Sample(
            indices=indices,
            weights=raw / raw.sum(),
            probabilities=self.selection_probabilities,
            method="leximin sortition on "
            + ", ".join(dict.fromkeys(attribute for attribute, _ in self.pool.names)),
            seed=seed,
            notes=self._notes(),
        )
        return replace(sample, levels=quota_levels(self.population, self.pool, sample))

    def _notes(self) -> tuple[str, ...]:
        never = (self.selection_probabilities <= 0) & (self.pool.type_of >= 0)
        if not never.any():
            return ()
        share = float(self.population.weights[never].sum())
        count = int(never.sum())
        return (f"the quotas leave {count} personas ({share:.4f} of the weight) out",)


def leximin(
    population: Population,
    seats: int,
    *,
    quotas: Mapping[str, Mapping[str, tuple[int, int]]],
) -> Sortition:
    """Find the leximin lottery over the panels that meet quotas.

    Everybody with a weight has the largest chance that the quotas allow, the least favoured
    first, whatever their weight. Method and source: `personas.sampling.fairness`.

    Args:
        population: who may be drawn; personas of weight zero are not.
        seats: the size of a panel.
        quotas: attribute to level to fewest and most seats.

    Raises:
        InputError: for an unknown attribute or level, or quotas in conflict (they are named).
    """
    pool = build_pool(population, seats, quotas)
    lottery = fairest(pool)
    return Sortition(
        population=population,
        pool=pool,
        panels=lottery.panels.astype(np.int64),
        panel_probabilities=lottery.probabilities,
        selection_probabilities=np.append(lottery.seats / pool.sizes, 0.0)[pool.type_of],
        gap=lottery.gap,
    )
