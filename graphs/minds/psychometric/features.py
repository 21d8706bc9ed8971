"""What the simulator sees of a text: eight simple features and its value content.

Each feature lies in [0, 1] and can be checked by hand; counts enter as n / (n + half), so that
more of the same adds less and less. They stand in for quality in a simulation and claim nothing
about how people read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from graphs.minds.psychometric.lexicon import shipped_lexicon, value_content
from graphs.minds.psychometric.settings import Feature

FEATURES = tuple(Feature)

TYPICAL: Mapping[Feature, float] = {
    Feature.LENGTH: 0.6,
    Feature.STRUCTURE: 0.4,
    Feature.PLAINNESS: 0.65,
    Feature.HEDGING: 0.1,
    Feature.EVASIVENESS: 0.0,
    Feature.ENGAGEMENT: 0.6,
    Feature.BALANCE: 0.25,
    Feature.CERTAINTY: 0.1,
}
"""A text with these values has quality 0; a feature counts by its distance from here."""

_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_BREAK = re.compile(r"\n\s*\n|\n\s*(?:[-*•#]|\d+[.)])\s")
_STEM_LETTERS = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reading:
    """A text as the simulator sees it.

    Attributes:
        quality: the features in the order of `FEATURES`, shape [8], each in [0, 1].
        values: value content in the order of Schwartz's values, shape [10], each in [0, 1).
    """

    quality: NDArray[np.float64]
    values: NDArray[np.float64]


@lru_cache(maxsize=512)
def read_text(prompt: str, text: str) -> Reading:
    """Features and value content of `text` as an answer to `prompt`.

    With n words, of which the rates are per 100:

    - length: n / (n + 80).
    - structure: s / (s + 3), s paragraph breaks and list or heading lines.
    - plainness: 1 at four letters a word on average or fewer, 0 at seven or more, linear between.
    - hedging: h / (h + 3), h hedging words (perhaps, might ...) per 100.
    - evasiveness: e / (e + 1), e phrases that decline or defer (I can't, up to you ...); 1 for a
      text without words.
    - engagement: share of the prompt's words of five letters or more whose first five letters
      occur at the start of a word of the text; 0.5 where the prompt has none.
    - balance: b / (b + 2), b different phrases that set views side by side (some people, others,
      however ...).
    - certainty: c / (c + 3), c words that allow no exception (must, never, clearly ...) per 100.
    """
    lower = text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    words = _WORD.findall(lower)
    values = value_content(words)
    if not words:
        empty = np.array([float(feature is Feature.EVASIVENESS) for feature in FEATURES])
        return Reading(quality=empty, values=values)
    lexicon = shipped_lexicon()
    spaced = f" {' '.join(words)} "
    count = len(words)
    per_100 = 100.0 / count
    letters = sum(map(len, words)) / count
    quality = {
        Feature.LENGTH: count / (count + 80),
        Feature.STRUCTURE: _saturating(len(_BREAK.findall(text)), 3),
        Feature.PLAINNESS: min(1.0, max(0.0, (7 - letters) / 3)),
        Feature.HEDGING: _saturating(_among(words, lexicon.hedging) * per_100, 3),
        Feature.EVASIVENESS: _saturating(sum(map(spaced.count, lexicon.evasion)), 1),
        Feature.ENGAGEMENT: _engagement(prompt, words),
        Feature.BALANCE: _saturating(sum(side in spaced for side in lexicon.balance), 2),
        Feature.CERTAINTY: _saturating(_among(words, lexicon.certainty) * per_100, 3),
    }
    return Reading(quality=np.array([quality[feature] for feature in FEATURES]), values=values)


def typical_quality() -> NDArray[np.float64]:
    """`TYPICAL` in the order of `FEATURES`, shape [8]."""
    return np.array([TYPICAL[feature] for feature in FEATURES])


def _saturating(count: float, half: float) -> float:
    return count / (count + half)


def _among(words: list[str], listed: frozenset[str]) -> int:
    return sum(map(listed.__contains__, words))


def _engagement(prompt: str, words: list[str]) -> float:
    asked = _stems(_WORD.findall(prompt.lower()))
    if not asked:
        return 0.5
    return len(asked & _stems(words)) / len(asked)


def _stems(words: list[str]) -> set[str]:
    return {word[:_STEM_LETTERS] for word in set(words) if len(word) >= _STEM_LETTERS}
