"""Quota ranges: as a study states them, or derived from a population's own shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator

from personas.population import Population


def _as_range(value: Any) -> Any:
    """One number stands for a range of that number alone."""
    return (value, value) if isinstance(value, int) and not isinstance(value, bool) else value


QuotaRange = Annotated[tuple[int, int], BeforeValidator(_as_range)]
"""Fewest and most seats of a level; in a study also one number for both."""

Quotas = dict[str, dict[Annotated[str, BeforeValidator(str)], QuotaRange]]
"""Attribute to level to range, as a study states them; a level not named is free."""


def proportional_quotas(
    population: Population, seats: int, attributes: Sequence[str], *, slack: float = 0.0
) -> Quotas:
    """Quotas around each level's share of the population's weight.

    The range of a level is its share of the seats rounded down and up, widened by `slack` (a
    share of the seats) on either side.

    Raises:
        InputError: for an unknown attribute.
    """
    quotas: Quotas = {}
    for attribute in attributes:
        column = population.column(attribute)
        known = np.where(column.codes >= 0, population.weights, 0.0)
        mass = np.bincount(column.codes + 1, weights=known, minlength=len(column.levels) + 1)[1:]
        quotas[attribute] = {
            str(level): (
                max(0, int(np.floor((share - slack) * seats + 1e-9))),
                min(seats, int(np.ceil((share + slack) * seats - 1e-9))),
            )
            for level, share in zip(column.levels, mass.tolist(), strict=True)
        }
    return quotas
