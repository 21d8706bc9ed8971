"""Figures and names as text for people."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan


def figure_text(value: float | None, digits: int = 3) -> str:
    """A figure; `n/a` where it is undefined."""
    return "n/a" if value is None or isnan(value) else f"{value:.{digits}f}"


def range_text(
    low: float | None, high: float | None, digits: int = 3, *, sign: bool = False
) -> str:
    """Both ends of an interval, joined by `to`."""
    ends = (
        f"{end:+.{digits}f}" if sign and end is not None else figure_text(end, digits)
        for end in (low, high)
    )
    return " to ".join(ends)


def shorten(text: str, limit: int = 60) -> str:
    """Text cut for an axis or a list, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def joined(words: Sequence[str]) -> str:
    """Words as a list in a sentence."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
