"""Scores of groups of jurors: each group's mean, and how far it differs from all other jurors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphs.panel import Juror
from juries.figures import bounds, interval_bounds, number
from juries.measures.bootstrap import welfare_bootstrap
from juries.measures.group_association import benjamini_hochberg
from juries.measures.group_effects import GroupEffect, group_effects
from juries.measures.welfare_functions import PowerMean
from juries.scores import GroupScore
from juries.spec import ScoresSpec
from personas.identity import generator

_SMALLEST = 2
_NOT_STATED = "(not stated)"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grouped:
    """One attribute: the label of every juror, and the difference of each label and model."""

    attribute: str
    labels: tuple[str, ...]
    effects: dict[tuple[str, str], GroupEffect]


def score_groups(
    utilities: NDArray[np.float32],
    models: Sequence[str],
    jurors: Sequence[Juror],
    spec: ScoresSpec,
    seed: int,
) -> tuple[tuple[GroupScore, ...], tuple[str, ...]]:
    """Score every level of every attribute that the study names.

    Args:
        utilities: [M, I, J], NaN where there is no valid answer.
        models: names.
        jurors: in seat order.
        spec: which attributes, resamples and level.
        seed: of the study.

    Returns:
        Group scores, p-values adjusted over all of them, and notes on what has none.
    """
    scores: list[GroupScore] = []
    notes: list[str] = []
    for attribute in spec.groups:
        grouped = _grouped(attribute, utilities, models, jurors, spec.level)
        for level in sorted(set(grouped.labels)):
            seats = [seat for seat, label in enumerate(grouped.labels) if label == level]
            if len(seats) < _SMALLEST:
                notes.append(f"{attribute} = {level}: one juror, so no group score")
                continue
            scores.extend(_level(grouped, level, seats, utilities, models, jurors, spec, seed))
    return _adjusted(scores), tuple(notes)


def _grouped(
    attribute: str,
    utilities: NDArray[np.float32],
    models: Sequence[str],
    jurors: Sequence[Juror],
    level: float,
) -> _Grouped:
    labels = tuple(str(juror.persona.attributes.get(attribute, _NOT_STATED)) for juror in jurors)
    effects: dict[tuple[str, str], GroupEffect] = {}
    if len(set(labels)) > 1:
        weights = np.array([juror.weight for juror in jurors])
        for effect in group_effects(utilities, labels, weights=weights, models=models, level=level):
            effects[effect.group, effect.model] = effect
    return _Grouped(attribute=attribute, labels=labels, effects=effects)


def _level(
    grouped: _Grouped,
    level: str,
    seats: list[int],
    utilities: NDArray[np.float32],
    models: Sequence[str],
    jurors: Sequence[Juror],
    spec: ScoresSpec,
    seed: int,
) -> list[GroupScore]:
    weights = np.array([jurors[seat].weight for seat in seats])
    means = welfare_bootstrap(
        utilities[:, :, seats],
        (PowerMean(power=1.0),),
        weights=weights / weights.sum(),
        models=models,
        resamples=spec.resamples,
        rng=generator(seed, "scores", "group", grouped.attribute, level),
    )
    interval = means.interval(spec.level)
    scores: list[GroupScore] = []
    for m, model in enumerate(models):
        effect = grouped.effects.get((level, model))
        scores.append(
            GroupScore(
                attribute=grouped.attribute,
                level=level,
                jurors=len(seats),
                share=float(weights.sum()),
                model=model,
                estimate=number(means.estimate[0, m]),
                interval=interval_bounds(interval, (0, m)),
                difference=None if effect is None else effect.effect.value,
                difference_interval=None if effect is None else bounds(effect.effect),
                p_value=None if effect is None else effect.p_value,
            )
        )
    return scores


def _adjusted(scores: Sequence[GroupScore]) -> tuple[GroupScore, ...]:
    """The same scores with p-values adjusted for how many there are."""
    tested = [at for at, score in enumerate(scores) if score.p_value is not None]
    adjusted = list(scores)
    if tested:
        values = benjamini_hochberg(np.array([scores[at].p_value for at in tested], dtype=float))
        for at, value in zip(tested, values, strict=True):
            adjusted[at] = scores[at].model_copy(update={"p_adjusted": float(value)})
    return tuple(adjusted)
