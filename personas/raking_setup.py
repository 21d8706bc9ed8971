"""What raking aims at: everybody's level in every margin, and the shares wanted there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from personas.errors import InputError
from personas.margins import Margin
from personas.margins.placing import place
from personas.population import Population
from personas.raking import Cells, FloatArray, IntArray, weighted_counts

Missing = Literal["keep", "exclude", "refuse"]
Empty = Literal["refuse", "drop"]

_DENSE = 1 << 22  # up to this many possible cells a count per cell is cheaper than sorting


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Setup:
    """Base weights [n], each margin's level of every persona, and what is aimed at."""

    base: FloatArray
    placed: list[IntArray]
    targets: list[FloatArray]
    excluded: int
    notes: list[str]


def set_up(
    population: Population,
    margins: Sequence[Margin],
    *,
    bounds: tuple[float, float] | None,
    missing: Missing,
    empty: Empty,
) -> Setup:
    """Check what `personas.weighting.rake` was given and place everybody.

    Raises:
        InputError: as `rake` says.
    """
    if not margins:
        raise InputError("raking needs at least one margin")
    if bounds is not None and not 0 <= bounds[0] < 1 < bounds[1] < float("inf"):
        raise InputError(
            "the bounds of raking cannot be used", found=bounds, expected="0 <= lower < 1 < upper"
        )
    placed = [place(population, margin) for margin in margins]
    lacking = np.any([levels < 0 for levels in placed], axis=0)
    count = int(lacking.sum())
    notes: list[str] = []
    base = population.weights
    if count and missing == "refuse":
        raise InputError(
            f"{count} personas lack an attribute of a margin",
            where=population.provenance.source,
            hint="Set `missing` to keep or exclude them.",
        )
    if count and missing == "exclude":
        base = np.where(lacking, 0.0, base)
        if base.sum() <= 0:
            raise InputError(
                "no persona has every attribute of the margins", where=population.provenance.source
            )
        base = base / base.sum()
        notes.append(f"{count} personas lacking an attribute of a margin have weight zero")
    targets: list[FloatArray] = []
    for number, margin in enumerate(margins):
        target, said = _target(margin, placed[number], base, empty)
        targets.append(target)
        notes += said
        # Who lacks the attribute forms one more level.
        placed[number] = np.where(placed[number] < 0, len(margin.shares), placed[number])
    return Setup(
        base=base,
        placed=placed,
        targets=targets,
        excluded=count if missing == "exclude" else 0,
        notes=notes,
    )


def _target(
    margin: Margin, placed: IntArray, base: FloatArray, empty: Empty
) -> tuple[FloatArray, list[str]]:
    """The shares aimed at, with one more level for those who lack the attribute."""
    size = len(margin.shares)
    share = weighted_counts(placed % (size + 1), base, size + 1)
    target = np.array(list(margin.shares.values()))
    notes: list[str] = []
    void = (share[:size] <= 0) & (target > 0)
    if void.any():
        named = ", ".join(
            f"{' x '.join(level)} ({target[number]:.4f})"
            for number, level in enumerate(margin.shares)
            if void[number]
        )
        if empty == "refuse" or void.sum() == (target > 0).sum():
            raise InputError(
                f"no persona with a weight is in these levels of margin {margin.name!r}: {named}",
                hint="Collapse the margin's levels, or set `empty: drop`.",
            )
        notes.append(f"no persona in these levels of {margin.name!r}, left unmet: {named}")
        target = np.where(void, 0.0, target)
        target = target / target.sum()
    if share[size] > 0:
        notes.append(
            f"{share[size]:.4f} of the weight lacks {' x '.join(margin.attributes)} and keeps"
            " that share"
        )
    return np.append(target * (1 - share[size]), share[size]), notes


def cells_of(setup: Setup) -> tuple[Cells, IntArray]:
    """The cells that hold weight, and each persona's cell (-1 where it has no weight)."""
    key = np.zeros(setup.base.size, dtype=np.int64)
    size = 1
    for placed, target in zip(setup.placed, setup.targets, strict=True):
        key = key * target.size + placed
        size *= target.size
        if size > _DENSE:  # keep keys small: renumber those that occur
            values, key = np.unique(key, return_inverse=True)
            size = values.size
    mass = weighted_counts(key, setup.base, size)
    held = np.flatnonzero(mass > 0)
    number = np.full(size, -1, dtype=np.int64)
    number[held] = np.arange(held.size)
    cell_of = number[key]
    one_of = np.zeros(held.size, dtype=np.int64)
    weighty = np.flatnonzero(cell_of >= 0)
    one_of[cell_of[weighty]] = weighty
    levels = [placed[one_of] for placed in setup.placed]
    return Cells(mass=mass[held], levels=levels, targets=setup.targets), cell_of
