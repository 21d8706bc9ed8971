"""What is put before a jury: items, the responses to them, and the scale they are rated on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Annotated, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from personas.persona import AttributeValue

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What one model answered to an item. `model` is unique within the item."""

    model: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A prompt and the responses to it.

    Attributes:
        id: stable identity: the source's own, or derived from the prompt.
        prompt: what the models were asked.
        responses: one per model, in the order of the study's models.
        attributes: anything else the source says of the item (topic, split …).
    """

    id: str
    prompt: str
    responses: tuple[Response, ...]
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict[str, AttributeValue])


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


Label = Annotated[str, Field(min_length=1)]


class Likert(_Frozen):
    """An ordinal scale of labelled points, lowest first; ratings are 1..K.

    Attributes:
        question: asked of the juror about one response.
        points: the labels, lowest first, at least two.
        better: which end is the better one; utilities run from 0 (worst) to 1 (best).
    """

    kind: Literal["likert"] = "likert"
    question: Label
    points: tuple[Label, ...] = Field(min_length=2, max_length=101)
    better: Literal["high", "low"] = "high"

    @property  # not cached: pydantic compares cached arrays in ==, which fails
    def utilities(self) -> FloatArray:
        """Utility of each point in [0, 1], shape [K]: the rating rescaled by the scale's ends."""
        steps = np.linspace(0.0, 1.0, len(self.points))
        return steps if self.better == "high" else steps[::-1].copy()

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """The one criterion asked about, named `overall`."""
        return (Criterion(name="overall", **self.model_dump(exclude={"kind"})),)


class Criterion(Likert):
    """One named criterion of a rubric, with its weight in the overall utility."""

    name: Label
    weight: float = Field(default=1.0, gt=0, allow_inf_nan=False)


class Choice(_Frozen):
    """A single choice among unordered options; ratings are the option's number 1..K.

    Attributes:
        worth: what each option is worth in [0, 1]; without them a study reports
            distributions and agreement, but no welfare.
    """

    kind: Literal["choice"] = "choice"
    question: Label
    options: tuple[Label, ...] = Field(min_length=2, max_length=26)
    worth: tuple[float, ...] | None = None

    @model_validator(mode="after")
    def _one_worth_per_option(self) -> Self:
        if len(set(self.options)) < len(self.options):
            raise ValueError("options repeat")
        if self.worth is None:
            return self
        if len(self.worth) != len(self.options):
            raise ValueError(f"{len(self.worth)} worths for {len(self.options)} options")
        if not all(0 <= worth <= 1 for worth in self.worth):
            raise ValueError("a worth lies in 0..1")
        return self

    @property
    def points(self) -> tuple[str, ...]:
        """The options, under the name that every scale has for its labels."""
        return self.options

    @property  # not cached: pydantic compares cached arrays in ==, which fails
    def utilities(self) -> FloatArray | None:
        """Utility of each option in [0, 1], shape [K], or None where none was stated."""
        return None if self.worth is None else np.array(self.worth, dtype=np.float64)


class Rubric(_Frozen):
    """Several criteria, each rated on its own points; utility is their weighted mean."""

    kind: Literal["rubric"] = "rubric"
    criteria: tuple[Criterion, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _distinct_names(self) -> Self:
        names = [criterion.name for criterion in self.criteria]
        if len(set(names)) < len(names):
            raise ValueError("criteria repeat a name")
        return self


class Pairwise(_Frozen):
    """Which of two responses is better; ratings are 1 (the first), 2 (the second), 3 (equal).

    Every pair is put in both orders, as two cells: `Cell.response` was shown first and
    `Cell.against` second, so that a taste for a place can be told from a taste for a response.

    Attributes:
        ties: jurors may find the two about equally good.
    """

    kind: Literal["pairwise"] = "pairwise"
    question: Label = "Which of the two responses is better?"
    ties: bool = False

    @property
    def points(self) -> tuple[str, ...]:
        """The possible answers."""
        both = ("the first response", "the second response")
        return (*both, "about equally good") if self.ties else both

    @property  # not cached: pydantic compares cached arrays in ==, which fails
    def utilities(self) -> FloatArray:
        """What each answer is worth to the response shown first: 1, 0, and 1/2 for a tie."""
        return np.array([1.0, 0.0, 0.5] if self.ties else [1.0, 0.0])


Question = Criterion | Choice | Pairwise
"""One thing asked of a juror about one response, or about a pair of them."""

Scale = Annotated[Likert | Choice | Rubric | Pairwise, Field(discriminator="kind")]


class Shown(NamedTuple):
    """What a juror judges at once: a response alone, or one shown first and one second.

    Attributes:
        response: its place among the item's responses.
        against: place of the response shown second; -1 where the first is judged alone.
    """

    response: int
    against: int = -1


def questions(scale: Likert | Choice | Rubric | Pairwise) -> tuple[Question, ...]:
    """What a juror is asked about each response, in order; `Rating.criterion` counts these."""
    return scale.criteria if isinstance(scale, Likert | Rubric) else (scale,)


def question_name(question: Question) -> str:
    """The name under which the answers to a question are reported."""
    if isinstance(question, Criterion):
        return question.name
    return "choice" if isinstance(question, Choice) else "preference"


def criterion_names(scale: Likert | Choice | Rubric | Pairwise) -> tuple[str, ...]:
    """The names under which the answers to `questions(scale)` are reported."""
    return tuple(map(question_name, questions(scale)))


def compares(asked: Sequence[Question]) -> bool:
    """Whether responses are judged in pairs, so that no response has a rating of its own."""
    return any(isinstance(question, Pairwise) for question in asked)


def shown(item: Item, asked: Sequence[Question]) -> tuple[Shown, ...]:
    """What these questions are put about: every response, or every pair in both orders."""
    places = range(len(item.responses))
    if compares(asked):
        return tuple(Shown(*pair) for pair in permutations(places, 2))
    return tuple(map(Shown, places))
