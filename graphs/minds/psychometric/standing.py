"""How a response stands with each juror, term by term."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphs.items import Item
from graphs.minds.psychometric.features import FEATURES, read_text, typical_quality
from graphs.minds.psychometric.lexicon import VALUES
from graphs.minds.psychometric.settings import Planted, PsychometricSettings, in_group
from graphs.minds.psychometric.traits import Traits
from personas.identity import generator

FloatArray = NDArray[np.float64]

_VALUES = len(FEATURES)
_SEVERITY = _VALUES + len(VALUES)
_TASTE = _SEVERITY + 1
_RESIDUAL = _TASTE + 1
OCCASION = _RESIDUAL + 1
"""Position of the occasion's noise among the contributions; the planted effects follow it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sight:
    """An item as a panel sees it, the same for every question.

    Attributes:
        quality: features of each response less the typical ones, shape [responses, 8].
        values: value content of each response, shape [responses, 10].
        taste: juror x item and juror x response noise, logits, shape [responses, jurors].
    """

    item: Item
    traits: Traits
    quality: FloatArray
    values: FloatArray
    taste: FloatArray


def see(item: Item, traits: Traits, settings: PsychometricSettings, seed: int) -> Sight:
    """Read an item's responses and draw what the panel feels about them."""
    readings = [read_text(item.prompt, response.text) for response in item.responses]
    jurors = len(traits.positions)
    about_item = generator(seed, "psychometric", "item", item.id).standard_normal(jurors)
    about_response = np.array(
        [
            generator(seed, "psychometric", "response", item.id, r.model).standard_normal(jurors)
            for r in item.responses
        ]
    )
    taste = settings.item_sd * about_item + settings.taste_sd * about_response
    return Sight(
        item=item,
        traits=traits,
        quality=np.array([reading.quality for reading in readings]) - typical_quality(),
        values=np.array([reading.values for reading in readings]),
        taste=taste[:, traits.rank],
    )


def contributions(
    sight: Sight, criterion: str, settings: PsychometricSettings, residuals: FloatArray
) -> FloatArray:
    """The terms of every standing on one criterion; their sum is theta.

    Args:
        sight: the item as the panel sees it.
        criterion: name of the question.
        settings: the declared parameters.
        residuals: quality that features miss, logits, shape [responses].

    Returns:
        Logits, shape [responses, jurors, 22 + effects]: 8 features, 10 values, severity, taste,
        residual, occasion (0 until the caller fills it), then the planted effects.
    """
    traits = sight.traits
    weights = settings.quality_weights(criterion)
    loadings = np.array([weights[feature] for feature in FEATURES])
    value_weight = settings.value_weight_of(criterion)
    terms = np.empty((*sight.taste.shape, OCCASION + 1 + len(settings.planted)), dtype=np.float64)
    terms[..., :_VALUES] = (sight.quality * loadings)[:, None]
    terms[..., _VALUES:_SEVERITY] = value_weight * sight.values[:, None] * traits.priorities
    terms[..., _SEVERITY] = -traits.severity
    terms[..., _TASTE] = sight.taste
    terms[..., _RESIDUAL] = residuals[:, None]
    terms[..., OCCASION] = 0.0
    for position, effect in enumerate(settings.planted):
        moved = 0.0 if effect.option is not None else planted_shift(effect, sight, criterion)
        terms[..., OCCASION + 1 + position] = np.multiply.outer(
            moved * np.ones(len(sight.values)), traits.groups[:, position]
        )
    return terms


def planted_shift(effect: Planted, sight: Sight, criterion: str) -> FloatArray:
    """Logits by which an effect moves each response for a juror of its group, shape [responses]."""
    item = sight.item
    if effect.criterion not in {None, criterion} or not in_group(item.attributes, effect.items):
        return np.zeros(len(item.responses))
    models = effect.models
    named = [models is None or response.model in models for response in item.responses]
    content = 1.0 if effect.value is None else sight.values[:, VALUES.index(effect.value)]
    return effect.shift * np.array(named, dtype=np.float64) * content
