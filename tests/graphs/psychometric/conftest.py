"""Items, panels and a way to ask them, shared by the tests of the embedded mind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from graphs.items import Choice, Item, Likert, Response, Rubric, questions
from graphs.minds.protocol import RatingTask
from graphs.minds.psychometric import PsychometricMind
from graphs.panel import Juror, Panel
from graphs.records import Rating
from personas.persona import Persona

POINTS = ("very bad", "bad", "fair", "good", "very good")
GOOD = Likert(question="How good is this answer?", points=POINTS)
TEXTS = {
    "plural": "Some people see the tax as fair, since those who gained most can give most. "
    "Others fear that it drives savings abroad. Both sides care about work and decent schools.",
    "one-sided": "The tax must be raised. Every objection is nonsense and nobody serious "
    "believes it.",
    "evasive": "It depends on many factors. I cannot take a position on this sensitive topic.",
}


@pytest.fixture(scope="session")
def good() -> Likert:
    """A five-point scale."""
    return GOOD


@pytest.fixture(scope="session")
def quiet() -> dict[str, Any]:
    """Settings without any noise: every difference left is a declared one."""
    sds = ("severity", "discrimination", "value_prior", "item", "taste", "residual", "replicate")
    return {f"{name}_sd": 0.0 for name in sds}


@pytest.fixture(scope="session")
def an_item() -> Callable[..., Item]:
    """An item with a plural, a one-sided and an evasive response, in that order."""
    return _an_item


@pytest.fixture(scope="session")
def jurors() -> Callable[..., tuple[Juror, ...]]:
    """Jurors by number; those on odd seats have `side: left`, the others `side: right`."""
    return _jurors


@pytest.fixture(scope="session")
def ask() -> Callable[..., list[Rating]]:
    """All rows that a mind gives about some items."""
    return _ask


def _an_item(name: str = "tax", **attributes: str) -> Item:
    return Item(
        id=name,
        prompt=f"Should the wealth tax be raised? ({name})",
        responses=tuple(Response(model=model, text=text) for model, text in TEXTS.items()),
        attributes=attributes,
    )


def _jurors(count: int, persona: Callable[[int], Persona] | None = None) -> tuple[Juror, ...]:
    def plain(seat: int) -> Persona:
        return Persona(attributes={"seat": seat, "side": "left" if seat % 2 else "right"})

    make = persona or plain
    return tuple(
        Juror(position=seat, id=f"j{seat}", persona=make(seat), weight=1 / count, mind="embedded")
        for seat in range(count)
    )


def _ask(
    mind: PsychometricMind,
    panel: Sequence[Juror],
    *,
    items: int = 1,
    scale: Likert | Choice | Rubric = GOOD,
    replicates: int = 1,
    seed: int = 7,
    round: int = 0,  # noqa: A002 - named as in RatingTask
) -> list[Rating]:
    seated = Panel(tuple(panel))
    rows: list[Rating] = []
    for position in range(items):
        task = RatingTask(
            item=_an_item(f"tax {position}"),
            position=position,
            panel=seated,
            questions=questions(scale),
            seed=seed,
            replicates=replicates,
            round=round,
        )
        for block in mind.answers(task):
            rows.extend(block)
    return rows
