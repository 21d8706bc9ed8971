"""One question compiled for the simulator: how standings become distributions and reasons.

- `OrdinalQuestion`: a Likert scale or a rubric criterion, by the graded-response model.
- `ChoiceQuestion`: a single choice, by the nominal response model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from graphs.items import Choice, Criterion
from graphs.minds.psychometric.features import read_text
from graphs.minds.psychometric.model import draw, even_thresholds, graded, nominal
from graphs.minds.psychometric.reasons import Reasons, option_phrases, standing_phrases
from graphs.minds.psychometric.settings import PsychometricSettings
from graphs.minds.psychometric.standing import OCCASION, Sight, contributions, planted_shift
from personas.errors import InputError
from personas.identity import generator

FloatArray = NDArray[np.float64]

CHOICE = "choice"
"""The criterion name of a single choice, as `graphs.items.criterion_names` has it."""
SWAYED = ("swayed by the others", "swayed by the others")
"""What to call the contribution of talk."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answers:
    """What a panel answers to one question about an item's responses on one occasion.

    Attributes:
        probabilities: shape [responses, jurors, K].
        points: drawn, 1..K, shape [responses, jurors].
        reasons: responses outer, jurors inner.
    """

    probabilities: FloatArray
    points: NDArray[np.int64]
    reasons: list[str]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Occasion:
    """Noise of one occasion: standard normal and uniform, each of shape [responses, jurors]."""

    normals: FloatArray
    uniforms: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Held:
    """What a panel's jurors hold about an item on one question, before chance and talk.

    Attributes:
        discrimination: of each juror, shape [jurors].
        standing: terms of each standing, shape [responses, jurors, terms]; on an ordinal scale the
            last one is what talk adds.
        options: terms of each option's utility, the last being what talk adds, shape
            [responses, jurors, K, terms]; empty on an ordinal scale.
    """

    discrimination: FloatArray
    standing: FloatArray
    options: FloatArray = field(default_factory=lambda: np.zeros((0, 0, 0, 0)))


class OrdinalQuestion:
    """A Likert scale or rubric criterion as the simulator answers it."""

    def __init__(self, question: Criterion, settings: PsychometricSettings) -> None:
        self.name = question.name
        self._settings = settings
        self._mirrored = question.better == "low"
        self._thresholds = _thresholds(question, settings)
        weights = settings.quality_weights(self.name)
        self._reasons = Reasons([*standing_phrases(weights, settings.planted), SWAYED])
        self.rows = 1

    def hold(self, sight: Sight, seed: int) -> Held:
        """What jurors hold about an item, read once and asked for many times."""
        residuals = response_noise(sight, seed, self.name, 1)[:, 0] * self._settings.residual_sd
        terms = contributions(sight, self.name, self._settings, residuals)
        return Held(discrimination=sight.traits.discrimination, standing=_and_talk(terms))

    def positions(self, held: Held) -> FloatArray:
        """Where each juror stands before anything is heard, shape [1, responses, jurors]."""
        return held.standing.sum(axis=-1)[None]

    def answers(
        self, held: Held, occasions: Iterable[Occasion], moved: FloatArray | None = None
    ) -> Iterator[Answers]:
        """What the panel answers on each occasion.

        Args:
            held: what jurors hold about the item.
            occasions: the noise of each.
            moved: how far talk has moved `positions`, or None.
        """
        terms = _moved(held.standing, None if moved is None else moved[0])
        for occasion in occasions:
            terms[..., OCCASION] = self._settings.replicate_sd * occasion.normals
            ordered = graded(terms.sum(axis=-1), held.discrimination, self._thresholds)
            probabilities = ordered[..., ::-1] if self._mirrored else ordered
            yield Answers(
                probabilities=probabilities,
                points=draw(probabilities, occasion.uniforms),
                reasons=self._reasons.name(terms.reshape(-1, terms.shape[-1])),
            )

    def reasons(self, held: Held, moved: FloatArray) -> list[str]:
        """What each juror thinks decisive, chance apart: responses outer, jurors inner."""
        terms = _moved(held.standing, moved[0])
        return self._reasons.name(terms.reshape(-1, terms.shape[-1]))

    def nearest(self, positions: FloatArray) -> NDArray[np.int64]:
        """The median point at each position, 1..K; `positions` [1, ...], result [...]."""
        passed = (positions[0][..., None] > self._thresholds).sum(axis=-1)
        return len(self._thresholds) + 1 - passed if self._mirrored else passed + 1


class ChoiceQuestion:
    """A single choice as the simulator answers it.

    The utility of option k is discrimination_i * (slope_k * theta + appeal_rk + values_ik
    + taste_irk + planted_irk), slope_k = choice_slope * (worth_k - mean worth), or 0 where the
    study states no worths; then the standing and its noise play no part.
    """

    name = CHOICE

    def __init__(self, question: Choice, settings: PsychometricSettings) -> None:
        worth = question.utilities
        size = len(question.options)
        self._settings = settings
        self._options = question.options
        self._slopes = (
            np.zeros(size) if worth is None else settings.choice_slope * (worth - worth.mean())
        )
        self._content = np.array([read_text("", option).values for option in question.options])
        weights = settings.quality_weights(self.name)
        planted = settings.planted
        phrases = [*standing_phrases(weights, planted), *option_phrases(planted), SWAYED]
        self._reasons = Reasons(phrases)
        self.rows = size

    def hold(self, sight: Sight, seed: int) -> Held:
        """See `OrdinalQuestion.hold`."""
        settings = self._settings
        noise = response_noise(sight, seed, self.name, 1 + len(self._options))
        terms = contributions(sight, self.name, settings, noise[:, 0] * settings.residual_sd)
        options = self._option_terms(sight, seed, noise[:, 1:] * settings.option_sd)
        return Held(
            discrimination=sight.traits.discrimination,
            standing=terms,
            options=_and_talk(options),
        )

    def positions(self, held: Held) -> FloatArray:
        """Where each juror stands on each option before anything is heard.

        Returns:
            Utilities less the juror's mean over options, shape [K, responses, jurors].
        """
        utilities = self._utilities(held, held.options)
        return np.moveaxis(utilities - utilities.mean(axis=-1, keepdims=True), -1, 0)

    def answers(
        self, held: Held, occasions: Iterable[Occasion], moved: FloatArray | None = None
    ) -> Iterator[Answers]:
        """What the panel answers on each occasion; `moved` as in `OrdinalQuestion.answers`."""
        terms = held.standing.copy()
        options = _moved(held.options, None if moved is None else np.moveaxis(moved, 0, -1))
        utilities = options.sum(axis=-1)
        for occasion in occasions:
            terms[..., OCCASION] = self._settings.replicate_sd * occasion.normals
            drawn_to = utilities + self._slopes * terms.sum(axis=-1)[..., None]
            probabilities = nominal(held.discrimination[:, None] * drawn_to)
            points = draw(probabilities, occasion.uniforms)
            yield Answers(
                probabilities=probabilities,
                points=points,
                reasons=self._why(terms, options, points),
            )

    def reasons(self, held: Held, moved: FloatArray) -> list[str]:
        """See `OrdinalQuestion.reasons`."""
        options = _moved(held.options, np.moveaxis(moved, 0, -1))
        chosen = self._utilities(held, options).argmax(axis=-1) + 1
        return self._why(held.standing, options, chosen)

    def nearest(self, positions: FloatArray) -> NDArray[np.int64]:
        """The option liked best at each position, 1..K; `positions` [K, ...], result [...]."""
        return positions.argmax(axis=0) + 1

    def _utilities(self, held: Held, options: FloatArray) -> FloatArray:
        return options.sum(axis=-1) + self._slopes * held.standing.sum(axis=-1)[..., None]

    def _option_terms(self, sight: Sight, seed: int, appeal: FloatArray) -> FloatArray:
        """Terms of each option's utility beside the standing, [responses, jurors, K, 3 + effects].

        Appeal, values, taste, then the planted effects.
        """
        settings = self._settings
        jurors, size = len(sight.traits.positions), len(self._options)
        terms = np.zeros((len(appeal), jurors, size, 3 + len(settings.planted)))
        terms[..., 0] = appeal[:, None]
        spoken_to = (sight.traits.priorities[:, None] * self._content).sum(axis=-1)
        terms[..., 1] = settings.value_weight_of(self.name) * spoken_to
        for position, response in enumerate(sight.item.responses):
            stream = generator(seed, "psychometric", "options", sight.item.id, response.model)
            taste = stream.standard_normal((jurors, size))[sight.traits.rank]
            terms[position, ..., 2] = settings.taste_sd * taste
        for position, effect in enumerate(settings.planted):
            if effect.option in self._options:
                moved = planted_shift(effect, sight, self.name)
                terms[..., self._options.index(effect.option), 3 + position] = np.multiply.outer(
                    moved, sight.traits.groups[:, position]
                )
        return terms

    def _why(self, terms: FloatArray, options: FloatArray, points: NDArray[np.int64]) -> list[str]:
        chosen = points - 1
        centred = options - options.mean(axis=2, keepdims=True)
        own = np.take_along_axis(centred, chosen[..., None, None], axis=2)[:, :, 0]
        weighted = np.abs(self._slopes)[chosen][..., None] * terms
        both = np.concatenate([weighted, own], axis=-1)
        return self._reasons.name(both.reshape(-1, both.shape[-1]))


def _and_talk(terms: FloatArray) -> FloatArray:
    """The same terms with one more, nothing as yet, for what talk adds."""
    return np.concatenate([terms, np.zeros((*terms.shape[:-1], 1))], axis=-1)


def _moved(terms: FloatArray, moved: FloatArray | None) -> FloatArray:
    """A copy of the terms with what talk added in the last one."""
    terms = terms.copy()
    if moved is not None:
        terms[..., -1] = moved
    return terms


def compile_question(
    question: Criterion | Choice, settings: PsychometricSettings
) -> OrdinalQuestion | ChoiceQuestion:
    """A question made ready for many items.

    Raises:
        InputError: where the declared thresholds don't fit the scale.
    """
    if isinstance(question, Choice):
        return ChoiceQuestion(question, settings)
    return OrdinalQuestion(question, settings)


def _thresholds(question: Criterion, settings: PsychometricSettings) -> FloatArray:
    wanted = len(question.points) - 1
    declared = settings.thresholds.get(question.name)
    if declared is None:
        return even_thresholds(len(question.points), settings.threshold_span)
    if len(declared) != wanted:
        raise InputError(
            f"thresholds of {question.name!r} don't fit its {wanted + 1} points",
            where="mind.thresholds",
            found=declared,
            expected=f"{wanted} thresholds, one fewer than points",
        )
    return np.array(declared)


def response_noise(sight: Sight, seed: int, criterion: str, size: int) -> FloatArray:
    """Standard normals that all jurors share, shape [responses, size]."""
    item = sight.item
    return np.array(
        [
            generator(
                seed, "psychometric", "criterion", item.id, r.model, criterion
            ).standard_normal(size)
            for r in item.responses
        ]
    )
