"""What simulated jurors and mediators say, in words made from their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from graphs.items import Question
from graphs.minds.deliberator import Side, response_name
from graphs.records import Utterance

_OPENINGS = {
    Utterance.OPINION: "In my opinion",
    Utterance.STATEMENT: "As I see it",
    Utterance.REBUTTAL: "I have heard the others and hold that",
    Utterance.CRITIQUE: "Measured against my own view",
    Utterance.SUMMARY: "So far I have said that",
}


def speech(
    kind: Utterance,
    points: Sequence[tuple[Question, Sequence[int], Sequence[str]]],
    *,
    side: Side | None = None,
    limit: int,
) -> str:
    """One line in the words of a juror.

    Args:
        kind: of the utterance.
        points: for each question the points (1..K) and reasons, one per response.
        side: what an advocate was given to argue.
        limit: characters.
    """
    views = [
        f"{_views(question.points, response)[point - 1]} ({reason})"
        for question, chosen, reasons in points
        for response, (point, reason) in enumerate(zip(chosen, reasons, strict=True))
    ]
    if side is not None:
        opening = "Against the leading view I argue" if kind == Utterance.OBJECTION else "I argue"
        return shortened(f"{opening} {side.text}: {'; '.join(views)}.", limit)
    return shortened(f"{_OPENINGS[kind]} {'; '.join(views)}.", limit)


def group_statement(points: Sequence[tuple[Question, Sequence[int]]], *, limit: int) -> str:
    """One line in the words of a mediator; arguments as in `speech`."""
    views = [
        _views(question.points, response)[point - 1]
        for question, chosen in points
        for response, point in enumerate(chosen)
    ]
    return shortened(f"We could agree that {'; '.join(views)}.", limit)


@lru_cache(maxsize=1024)
def _views(points: tuple[str, ...], response: int) -> tuple[str, ...]:
    """What each point of a scale says of a response."""
    return tuple(f"{response_name(response)} is {label!r}" for label in points)


def shortened(text: str, limit: int) -> str:
    """At most `limit` characters, with an ellipsis where something was cut."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
