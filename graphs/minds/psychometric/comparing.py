"""Two responses at a time: how standings become preferences and reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from graphs.items import Pairwise, Shown, question_name
from graphs.minds.psychometric.asking import Answers, Occasion, response_noise
from graphs.minds.psychometric.model import compared, draw
from graphs.minds.psychometric.reasons import Reasons, comparison_phrases
from graphs.minds.psychometric.settings import PsychometricSettings
from graphs.minds.psychometric.standing import OCCASION, Sight, contributions


class Comparison:
    """The comparison of two responses as the simulator answers it.

    Juror i puts response r, shown first, ahead of s by

        lead = discrimination_i * (theta_r - theta_s) + position_bias

    logits, with the standings `theta` of `PsychometricSettings`; what a juror thinks of the item as
    a whole cancels out. Preferences follow from it by `model.compared`. Each ordered pair is an
    occasion of its own, with noise on both standings.
    """

    def __init__(self, question: Pairwise, settings: PsychometricSettings) -> None:
        self.name = question_name(question)
        self._settings = settings
        self._tie_weight = settings.tie_weight if question.ties else None
        weights = settings.quality_weights(self.name)
        phrases = comparison_phrases(weights, settings.planted)
        self._reasons = Reasons(phrases, opening="of the first response: ")

    def answers(
        self, sight: Sight, pairs: Sequence[Shown], occasions: Iterable[Occasion], seed: int
    ) -> Iterator[Answers]:
        """What the panel answers on each occasion, pairs in the place of responses.

        Args:
            sight: the item as the panel sees it.
            pairs: ordered pairs of its responses.
            occasions: noise of each, [pairs, jurors].
            seed: of the study.
        """
        settings = self._settings
        residuals = response_noise(sight, seed, self.name, 1)[:, 0] * settings.residual_sd
        standing = contributions(sight, self.name, settings, residuals)
        first, second = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
        apart = standing[first] - standing[second]
        slope = sight.traits.discrimination[:, None]
        bias = np.full((*apart.shape[:2], 1), settings.position_bias)
        for occasion in occasions:
            # Noise on both standings: the difference of two has twice the variance of one.
            apart[..., OCCASION] = np.sqrt(2) * settings.replicate_sd * occasion.normals
            terms = np.concatenate([slope * apart, bias], axis=-1)
            probabilities = compared(terms.sum(axis=-1), self._tie_weight)
            yield Answers(
                probabilities=probabilities,
                points=draw(probabilities, occasion.uniforms),
                reasons=self._reasons.name(terms.reshape(-1, terms.shape[-1])),
            )
