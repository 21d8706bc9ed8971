"""The errors a user can cause and mend.

They live in the lowest layer so that every layer raises the same kind; the command line prints
their message without a traceback and exits with code 2.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


class JuriesError(Exception):
    """Something the user can mend; the message alone tells how."""


class InputError(JuriesError):
    """Input that cannot be used as it stands.

    Args:
        problem: what is wrong, as a clause without a full stop.
        where: the file (or study section) at fault.
        line: the 1-based line or row in it, where there is one.
        found: what stood there.
        expected: what would have been right.
        hint: what to do about it, as a sentence.
    """

    def __init__(
        self,
        problem: str,
        *,
        where: Path | str | None = None,
        line: int | None = None,
        found: object = None,
        expected: str | None = None,
        hint: str | None = None,
    ) -> None:
        place = "" if where is None else str(where)
        if line is not None:
            place += f", line {line}" if place else f"line {line}"
        parts = [f"{place}: {problem}" if place else problem]
        if found is not None:
            parts.append(f"found {shorten(found)}")
        if expected is not None:
            parts.append(f"expected {expected}")
        message = "; ".join(parts) + "."
        super().__init__(f"{message} {hint}" if hint else message)
        self.problem = problem
        self.where = where
        self.line = line


def shorten(value: object, limit: int = 80) -> str:
    """`repr(value)` cut to `limit` characters, so that hostile input cannot flood a terminal."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """A 'Did you mean …?' sentence for a misspelt name, or None where nothing known is close."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"Did you mean {close[0]!r}?" if close else None
