"""What a panel's jurors bring to every item: severity, discrimination, priorities, groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphs.minds.psychometric.lexicon import VALUES
from graphs.minds.psychometric.settings import PsychometricSettings, in_group
from graphs.panel import Juror
from personas.identity import generator
from personas.persona import Persona

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Traits:
    """A panel of J jurors as arrays, in panel order.

    Attributes:
        positions: their seats, J numbers.
        rank: place of each juror when sorted by id, shape [J]; noise is drawn in that order, so
            that it belongs to the juror and not to the seat.
        severity: logits, shape [J].
        discrimination: slopes, shape [J].
        priorities: over the ten values, mean 0 within a juror, shape [J, 10].
        groups: 1 where a planted effect names the juror, shape [J, effects].
    """

    positions: list[int]
    rank: NDArray[np.intp]
    severity: FloatArray
    discrimination: FloatArray
    priorities: FloatArray
    groups: FloatArray


def panel_traits(jurors: Sequence[Juror], settings: PsychometricSettings, seed: int) -> Traits:
    """The traits of each juror, each from the juror's own random stream."""
    ids = [juror.id for juror in jurors]
    rank = np.empty(len(ids), dtype=np.intp)
    rank[sorted(range(len(ids)), key=ids.__getitem__)] = np.arange(len(ids))
    own = np.array([generator(seed, "psychometric", "juror", i).standard_normal(2) for i in ids])
    groups = [
        [float(in_group(juror.persona.attributes, effect.where)) for effect in settings.planted]
        for juror in jurors
    ]
    return Traits(
        positions=[juror.position for juror in jurors],
        rank=rank,
        severity=settings.severity_mean + settings.severity_sd * own[:, 0],
        discrimination=settings.discrimination * np.exp(settings.discrimination_sd * own[:, 1]),
        priorities=np.array(
            [value_priorities(juror.persona, settings.value_prior_sd, seed) for juror in jurors]
        ),
        groups=np.array(groups).reshape(len(ids), len(settings.planted)),
    )


def value_priorities(persona: Persona, prior_sd: float, seed: int) -> FloatArray:
    """A persona's priorities over the ten values, shape [10], mean 0.

    Stated values are centred on the persona's own mean and divided by their standard deviation,
    since people use rating scales differently (Schwartz 1992); a value not stated, or all of them
    where those stated do not differ, counts as the persona's mean. A persona that states none
    draws from a normal prior whose stream is named by the persona: no attribute enters.
    """
    if not persona.values:
        drawn = generator(seed, "psychometric", "values", persona.id).standard_normal(len(VALUES))
        return prior_sd * (drawn - drawn.mean())
    stated = np.array(list(persona.values.values()))
    spread = stated.std()
    centre = stated.mean()
    if spread <= 1e-12 * max(1.0, float(np.abs(stated).max())):
        return np.zeros(len(VALUES))
    return np.array(
        [(persona.values[v] - centre) / spread if v in persona.values else 0.0 for v in VALUES]
    )
