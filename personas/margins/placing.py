"""Which level of a margin each persona belongs to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from personas.errors import InputError, nearest
from personas.margins.margin import Margin
from personas.population import Population

IntArray = NDArray[np.int64]


def place(population: Population, margin: Margin) -> IntArray:
    """The level of every persona as an index into `list(margin.shares)`, -1 where missing.

    Raises:
        InputError: where no persona has an attribute of the margin, or a persona has a level
            that the margin does not, with how many do and the nearest level there is.
    """
    columns = [population.column(name) for name in margin.attributes]
    texts = [[str(level) for level in column.levels] for column in columns]
    index = {level: number for number, level in enumerate(margin.shares)}
    joint = np.zeros(len(population), dtype=np.int64)
    known = np.ones(len(population), dtype=bool)
    for column in columns:
        joint = joint * len(column.levels) + column.codes
        known &= column.codes >= 0
    size = int(np.prod([len(column.levels) for column in columns]))
    counts = np.bincount(joint[known], minlength=size)
    table = np.full(size, -1, dtype=np.int64)
    held: list[int] = np.flatnonzero(counts).tolist()
    for code in held:
        place_in_each = np.unravel_index(code, [len(column.levels) for column in columns])
        level = tuple(text[int(at)] for text, at in zip(texts, place_in_each, strict=True))
        if level not in index:
            raise _unknown(population, margin, level, int(counts[code]))
        table[code] = index[level]
    return np.where(known, table[np.where(known, joint, 0)], -1)


def _unknown(
    population: Population, margin: Margin, level: tuple[str, ...], count: int
) -> InputError:
    known = {" x ".join(other) for other in margin.shares}
    said = " x ".join(level)
    return InputError(
        f"{count} personas have a level that margin {margin.name!r} does not",
        where=population.provenance.source,
        found=said,
        expected="one of " + ", ".join(sorted(known)[:40]),
        hint=nearest(said, known)
        or "Recode the attribute, with null for who is to count as missing.",
    )
