"""Who is asked: jurors at their seats."""

from __future__ import annotations

from dataclasses import dataclass

from personas.persona import Persona


@dataclass(frozen=True, slots=True, kw_only=True)
class Juror:
    """A persona at a seat.

    Attributes:
        position: the seat, from 0; `Rating.juror` is this number.
        id: unique in the jury: the persona's id, with `#2` … where a persona sits twice.
        persona: who sits here.
        weight: share of the population that the seat stands for; a jury's weights sum to 1.
        mind: name of the mind in the study that answers for the persona.
        portrait: the persona as text in the second person, as a language model is told it.
    """

    position: int
    id: str
    persona: Persona
    weight: float
    mind: str
    portrait: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """The jurors asked together, in seat order; hashed by identity, so that minds cache by it."""

    jurors: tuple[Juror, ...]

    def __len__(self) -> int:
        return len(self.jurors)
