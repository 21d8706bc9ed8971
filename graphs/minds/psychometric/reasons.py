"""One line that names what moved an answer most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from graphs.minds.psychometric.features import FEATURES
from graphs.minds.psychometric.lexicon import VALUES
from graphs.minds.psychometric.settings import Feature, Planted

LEAST = 0.1
"""Logits below which a contribution is not worth a word."""

_WORDING: Mapping[Feature, tuple[str, str]] = {
    Feature.LENGTH: ("thorough", "brief"),
    Feature.STRUCTURE: ("well structured", "little structure"),
    Feature.PLAINNESS: ("plain language", "long words"),
    Feature.HEDGING: ("much hedging", "little hedging"),
    Feature.EVASIVENESS: ("evasive", "not evasive"),
    Feature.ENGAGEMENT: ("takes up the question", "strays from the question"),
    Feature.BALANCE: ("sets views side by side", "few views"),
    Feature.CERTAINTY: ("very sure of itself", "leaves room for doubt"),
}


class Reasons:
    """The wording of one question's contributions, kept so that equal reasons share one string.

    Args:
        phrases: for each contribution, what to call it when it lowers and when it raises.
        opening: of every reason that names a contribution.
    """

    def __init__(self, phrases: Sequence[tuple[str, str]], *, opening: str = "") -> None:
        self._opening = opening
        self._words = [
            (f"{lowers} (\N{MINUS SIGN})", "", f"{raises} (+)") for lowers, raises in phrases
        ]
        self._base = 3 * len(phrases)
        self._known: dict[int, str] = {}

    def name(self, contributions: NDArray[np.float64]) -> list[str]:
        """The two largest contributions of each answer in words.

        Args:
            contributions: logits, shape [answers, len(phrases)].
        """
        rows = np.arange(len(contributions))
        size = np.abs(contributions)
        first = size.argmax(axis=1)
        largest = size[rows, first]
        size[rows, first] = -1.0
        second = size.argmax(axis=1)
        codes = self._code(contributions, rows, first, largest) * self._base
        codes += self._code(contributions, rows, second, size[rows, second])
        known = self._known
        codes_list: list[int] = codes.tolist()
        for code in set(codes_list) - known.keys():
            known[code] = self._sentence(code)
        return [known[code] for code in codes_list]

    @staticmethod
    def _code(
        contributions: NDArray[np.float64],
        rows: NDArray[np.intp],
        which: NDArray[np.intp],
        size: NDArray[np.float64],
    ) -> NDArray[np.intp]:
        sign = np.sign(contributions[rows, which]) * (size >= LEAST)
        return which * 3 + sign.astype(np.intp) + 1

    def _sentence(self, code: int) -> str:
        words = [self._words[part // 3][part % 3] for part in divmod(code, self._base)]
        said = ", ".join(word for word in words if word)
        return f"{self._opening}{said}" if said else "nothing stands out"


def standing_phrases(
    weights: Mapping[Feature, float], planted: Sequence[Planted]
) -> list[tuple[str, str]]:
    """What to call each contribution to a standing, in the order of `standing.contributions`.

    Args:
        weights: of the features, whose sign says which side of a feature raises the standing.
        planted: the study's effects.
    """
    features = [_worded(f, weights[f]) for f in FEATURES]
    values = [
        (f"{name} low in priority", f"{name} high in priority")
        for name in (value.replace("_", "-") for value in VALUES)
    ]
    return [
        *features,
        *values,
        ("strict rater", "lenient rater"),
        ("unexplained dislike", "unexplained liking"),
        ("weakness that features miss", "merit that features miss"),
        _twice("chance on the occasion"),
        *(_twice(f"planted: {effect.title}") for effect in planted),
    ]


def comparison_phrases(
    weights: Mapping[Feature, float], planted: Sequence[Planted]
) -> list[tuple[str, str]]:
    """What to call what sets the first of two responses apart (see `comparing.py`)."""
    return [
        *standing_phrases(weights, planted),
        ("liking for the second place", "liking for the first place"),
    ]


def option_phrases(planted: Sequence[Planted]) -> list[tuple[str, str]]:
    """What to call each contribution to the option that was chosen (see `asking.py`)."""
    return [
        ("option suits the response little", "option suits the response"),
        ("option against own values", "option speaks to own values"),
        ("unexplained aversion to the option", "unexplained liking for the option"),
        *(_twice(f"planted: {effect.title}") for effect in planted),
    ]


def _worded(feature: Feature, weight: float) -> tuple[str, str]:
    much, little = _WORDING[feature]
    return (much, little) if weight < 0 else (little, much)


def _twice(phrase: str) -> tuple[str, str]:
    return phrase, phrase
