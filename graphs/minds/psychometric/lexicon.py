"""Which of Schwartz's ten basic values a word speaks to, and which words hedge, insist or evade.

A declared list of words, matched without reading: a text that mentions security to reject it
counts like one that praises it. It gives the simulator something to value, no more.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from personas.identity import content_hash
from personas.persona import SchwartzValue

VALUES = tuple(SchwartzValue)
_NONE = -1
_HALF = 2.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lexicon:
    """Words and word beginnings of the ten values.

    Attributes:
        words: exact word to the position of its value in `VALUES`.
        stems: word beginning to the position of its value.
        hedging: words that weaken a claim.
        certainty: words that leave no exception.
        evasion: phrases that decline or defer, each between two spaces.
        balance: phrases that set views side by side, each between two spaces.
        hash: of the content; it enters the mind's version.
    """

    words: dict[str, int]
    stems: dict[str, int]
    hedging: frozenset[str]
    certainty: frozenset[str]
    evasion: tuple[str, ...]
    balance: tuple[str, ...]
    hash: str

    def value_of(self, word: str) -> int:
        """Position of the word's value, or -1. The longest matching beginning wins."""
        if word in self.words:
            return self.words[word]
        for end in range(len(word), 2, -1):
            found = self.stems.get(word[:end])
            if found is not None:
                return found
        return _NONE


@lru_cache(maxsize=1)
def shipped_lexicon() -> Lexicon:
    """The lexicon in `lexicon.toml`; an entry that ends in `*` matches any ending."""
    folder = resources.files("graphs.minds.psychometric")
    text = folder.joinpath("lexicon.toml").read_text(encoding="utf-8")
    lists: dict[str, dict[str, list[str]]] = tomllib.loads(text)
    words: dict[str, int] = {}
    stems: dict[str, int] = {}
    for position, value in enumerate(VALUES):
        for entry in lists["values"][value]:
            (stems if entry.endswith("*") else words)[entry.removesuffix("*")] = position
    return Lexicon(
        words=words,
        stems=stems,
        hedging=frozenset(lists["style"]["hedging"]),
        certainty=frozenset(lists["style"]["certainty"]),
        evasion=tuple(f" {phrase} " for phrase in lists["phrases"]["evasion"]),
        balance=tuple(f" {phrase} " for phrase in lists["phrases"]["balance"]),
        hash=content_hash(lists),
    )


@lru_cache(maxsize=1 << 16)
def _value_of(word: str) -> int:
    return shipped_lexicon().value_of(word)


def value_content(words: Iterable[str]) -> NDArray[np.float64]:
    """How much a text speaks to each value, shape [10], each in [0, 1).

    h / (h + 2) for h words of the value: two words give a half, and more add less and less.

    Args:
        words: the text's words in lower case.
    """
    hits = [0] * (len(VALUES) + 1)
    for position in map(_value_of, words):
        hits[position] += 1
    counts = np.array(hits[:-1], dtype=np.float64)
    return counts / (counts + _HALF)
