"""What jurors call each other: letters drawn for each hearer, with what the study reveals."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Literal

from graphs.panel import Juror
from personas.identity import generator

Name = Callable[[int, int], str]


def names(
    jurors: Sequence[Juror],
    reveal: Literal["nothing", "identity"] | Sequence[str],
    *,
    seed: int,
    item: int,
) -> Name:
    """From a hearer's and a speaker's seat to what the one calls the other, on one item.

    Each hearer has letters of their own, so that a letter says nothing to anybody else, and keeps
    them through the rounds. The mediator, seat -1, has no letter.
    """

    @lru_cache(maxsize=4096)
    def letters(hearer: int) -> tuple[str, ...]:
        drawn = generator(seed, "deliberation", "names", item, hearer).permutation(len(jurors))
        return tuple(letter(int(place)) for place in drawn)

    def name(hearer: int, speaker: int) -> str:
        if speaker < 0:
            return "The mediator"
        known = _revealed(jurors[speaker], reveal)
        return f"Juror {letters(hearer)[speaker]}" + (f" ({known})" if known else "")

    return name


def letter(place: int) -> str:
    """The letter of a place from 0: A to Z, then AA, AB and so on."""
    text = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        text = string.ascii_uppercase[rest] + text
    return text


def _revealed(juror: Juror, reveal: Literal["nothing", "identity"] | Sequence[str]) -> str:
    if reveal == "nothing":
        return ""
    if reveal == "identity":
        return " ".join(juror.portrait.split()) or juror.id
    attributes = juror.persona.attributes
    return "; ".join(f"{name}: {attributes.get(name, 'not stated')}" for name in reveal)
