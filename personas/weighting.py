"""Weights that make a population's shares those of a target: raking.

`rake(population, margins, bounds=…)` returns the reweighted population with a report of every
level: target, share before, share achieved. It says what could not be met and by how much, and
what the weights cost in effective sample size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from personas.margins import Margin
from personas.population import Population
from personas.raking import FloatArray, IntArray, rake_cells, weighted_counts
from personas.raking_setup import Empty, Missing, cells_of, set_up
from personas.summary import kish_effective_size

__all__ = ["RakedLevel", "Raking", "kish_effective_size", "rake"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RakedLevel:
    """One level of one margin, before and after; shares are of the weight of those who have it.

    Attributes:
        margin: name of the margin.
        level: one value per attribute of the margin.
        count: personas in the level.
        target: share it should have.
        before: share under the base weights.
        achieved: share under the raked weights.
    """

    margin: str
    level: tuple[str, ...]
    count: int
    target: float
    before: float
    achieved: float

    @property
    def deviation(self) -> float:
        """Achieved minus target."""
        return self.achieved - self.target


@dataclass(frozen=True, slots=True, kw_only=True)
class Raking:
    """The outcome of raking.

    Attributes:
        population: the population under the raked weights; its provenance says how.
        levels: every level of every margin.
        converged: whether every target that could be aimed at is met within the tolerance.
        iterations: sweeps over the margins.
        max_deviation: largest distance of a level's achieved share from its target.
        least_miss: where not converged, the smallest sum of absolute deviations over all levels
            that any weights within the bounds reach: 0 means that more iterations would meet the
            margins, more than 0 that nothing can. None where converged.
        effective_size: Kish's effective sample size of the raked weights.
        design_effect: personas with a weight over effective size (Kish's 1 + CV²).
        smallest_ratio: least raked weight over base weight among those kept.
        largest_ratio: greatest raked weight over base weight.
        at_lower: personas at the lower bound.
        at_upper: personas at the upper bound.
        excluded: personas left out because an attribute is missing.
        notes: what was done about missing attributes and empty levels.
    """

    population: Population
    levels: tuple[RakedLevel, ...]
    converged: bool
    iterations: int
    max_deviation: float
    least_miss: float | None
    effective_size: float
    design_effect: float
    smallest_ratio: float
    largest_ratio: float
    at_lower: int
    at_upper: int
    excluded: int
    notes: tuple[str, ...]

    @property
    def weights(self) -> FloatArray:
        """The raked weights, shape [n], summing to 1."""
        return self.population.weights

    @property
    def unmet(self) -> tuple[RakedLevel, ...]:
        """Levels further than a hundredth of a per cent from their target, worst first."""
        off = [level for level in self.levels if abs(level.deviation) > 1e-4]
        return tuple(sorted(off, key=lambda level: -abs(level.deviation)))


def rake(
    population: Population,
    margins: Sequence[Margin],
    *,
    bounds: tuple[float, float] | None = None,
    tol: float = 1e-8,
    max_iter: int = 1000,
    missing: Missing = "keep",
    empty: Empty = "refuse",
) -> Raking:
    """Rake a population's weights to margins.

    The population's own weights are the base (design) weights: raking changes them as little as
    possible in Kullback-Leibler divergence. Method and sources: `personas.raking`.

    Args:
        population: who is weighted.
        margins: targets, marginal or joint; an attribute may stand in several.
        bounds: lowest and highest ratio of raked to base weight, `0 <= lower < 1 < upper`.
        tol: largest deviation, in shares, that counts as met.
        max_iter: most sweeps over the margins.
        missing: personas that lack an attribute of a margin: `keep` gives them a level of their
            own in that margin, whose share stays what it is under the base weights, and the
            targets hold among the others; `exclude` gives them weight zero; `refuse` is an error.
        empty: a level with a target and no persona: `refuse` is an error, `drop` scales up the
            other targets of the margin and reports the level as unmet.

    Raises:
        InputError: for an unknown attribute, a level of a persona that the margin does not have,
            and what `missing` and `empty` refuse.
    """
    setup = set_up(population, margins, bounds=bounds, missing=missing, empty=empty)
    cells, cell_of = cells_of(setup)
    solution = rake_cells(cells, bounds=bounds, tol=tol, max_iter=max_iter)
    ratio = np.append(solution.ratio, 0.0)[cell_of]
    raw = setup.base * ratio
    notes = tuple(setup.notes)
    raked = population.reweighted(raw, weighting=_said(population, margins, bounds), notes=notes)
    levels = tuple(
        level
        for margin, placed in zip(margins, setup.placed, strict=True)
        for level in _report(margin, placed, population.weights, raked.weights)
    )
    kept = ratio[setup.base > 0]
    return Raking(
        population=raked,
        levels=levels,
        converged=solution.converged,
        iterations=solution.iterations,
        max_deviation=max(abs(level.deviation) for level in levels),
        least_miss=solution.least_miss,
        effective_size=raked.effective_size,
        design_effect=kept.size / raked.effective_size,
        smallest_ratio=float(kept.min()),
        largest_ratio=float(kept.max()),
        at_lower=0 if bounds is None else int((kept <= bounds[0]).sum()),
        at_upper=0 if bounds is None else int((kept >= bounds[1]).sum()),
        excluded=setup.excluded,
        notes=notes,
    )


def _report(
    margin: Margin, placed: IntArray, base: FloatArray, weights: FloatArray
) -> list[RakedLevel]:
    size = len(margin.shares)
    counts = np.bincount(placed, minlength=size + 1)
    before, after = (weighted_counts(placed, w, size + 1)[:size] for w in (base, weights))
    return [
        RakedLevel(
            margin=margin.name,
            level=level,
            count=int(counts[number]),
            target=target,
            before=float(before[number] / before.sum()),
            achieved=float(after[number] / after.sum()),
        )
        for number, (level, target) in enumerate(margin.shares.items())
    ]


def _said(
    population: Population, margins: Sequence[Margin], bounds: tuple[float, float] | None
) -> str:
    said = "raked to " + ", ".join(margin.name for margin in margins)
    if bounds is not None:
        said += f" within {bounds[0]:g} to {bounds[1]:g} times the base weight"
    return f"{said}; base: {population.provenance.weighting}"
