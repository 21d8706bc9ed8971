"""What the measures of a run are taken from, and how its jurors fall into groups."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from graphs.items import Criterion, FloatArray, Item, Question
from graphs.ledger import Ledger, LedgerPlace, open_ledger
from graphs.panel import Juror
from juries.spec import ScoresSpec
from juries.verdicts import Float32, Verdicts
from personas.identity import generator

NOT_STATED = "(not stated)"
FEWEST = 2
"""Jurors that make a group."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Evidence:
    """A run as the measures see it.

    Attributes:
        folder: of the run.
        ledger_place: where every answer lies.
        baselines_path: where answers without a persona lie, if any were asked.
        fingerprint: of the run.
        items: those the run covers.
        jurors: in seat order.
        questions: what was asked about each response.
        criteria: their names.
        verdicts: the answers as arrays.
        replicates: how often each question was asked.
        spec: what is to be concluded.
        seed: of the study.
        produced_by: what kind of mind answered, for every figure.
        simulated: whether only simulators answered, whose words are labels and no positions.
    """

    folder: Path
    ledger_place: LedgerPlace
    baselines_path: Path
    fingerprint: str
    items: Sequence[Item]
    jurors: tuple[Juror, ...]
    questions: tuple[Question, ...]
    criteria: tuple[str, ...]
    verdicts: Verdicts
    replicates: int
    spec: ScoresSpec
    seed: int
    produced_by: str
    simulated: bool

    @property
    def models(self) -> tuple[str, ...]:
        """Names, in the study's order."""
        return self.verdicts.models

    @cached_property
    def weights(self) -> FloatArray:
        """Of jurors, in seat order, sum 1."""
        return np.array([juror.weight for juror in self.jurors])

    @cached_property
    def utilities(self) -> Float32:
        """Utility of each response to each juror, [models, items, jurors]."""
        return self.verdicts.overall()

    @property
    def has_utilities(self) -> bool:
        """Whether every question says what its points are worth."""
        return all(question.utilities is not None for question in self.questions)

    def rng(self, *names: str) -> np.random.Generator:
        """A stream of the study's randomness, for one measure alone."""
        return generator(self.seed, "measures", *names)

    def attribute(self, named: str | None) -> str | None:
        """The attribute that makes groups: the one named, else the first of `scores.groups`."""
        return named or (self.spec.groups[0] if self.spec.groups else None)

    def labels(self, attribute: str) -> tuple[str, ...]:
        """Each juror's level of an attribute."""
        found = (juror.persona.attributes.get(attribute) for juror in self.jurors)
        return tuple(NOT_STATED if value is None else str(value) for value in found)

    def groups(self, attribute: str, fewest: int = FEWEST) -> dict[str, NDArray[np.intp]]:
        """Seats by level, levels with fewer jurors left out."""
        labels = np.array(self.labels(attribute))
        seats = {str(level): np.flatnonzero(labels == level) for level in np.unique(labels)}
        return {level: found for level, found in seats.items() if len(found) >= fewest}

    def ordinal(self) -> tuple[int, ...]:
        """Positions of the criteria: the questions on an ordered scale."""
        return tuple(c for c, q in enumerate(self.questions) if isinstance(q, Criterion))

    def means(self, seats: Sequence[int] | NDArray[np.intp] | None = None) -> FloatArray:
        """Weighted mean utility per criterion, [models, items, criteria]; NaN without an answer."""
        chosen = np.arange(len(self.jurors)) if seats is None else np.asarray(seats)
        per = [
            weighted_mean(table[:, :, chosen], self.weights[chosen])
            for table in self.verdicts.utilities
        ]
        return np.stack(per, axis=-1)

    @contextlib.contextmanager
    def ledger(self) -> Generator[Ledger]:
        """The run's ledger, open while the block runs."""
        ledger = open_ledger(self.ledger_place, fingerprint=self.fingerprint, ids={})
        try:
            yield ledger
        finally:
            ledger.close()


def weighted_mean(table: Float32 | FloatArray, weights: FloatArray) -> FloatArray:
    """Mean over the last axis of what is there; NaN where nothing is."""
    there = ~np.isnan(table)
    total = np.where(there, table, 0.0) @ weights
    size = there @ weights
    return np.divide(total, size, out=np.full_like(total, np.nan), where=size > 0)
