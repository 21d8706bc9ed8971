"""Question by question: what the comparisons with a population are means of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from juries.measures.distances import (
    entropy,
    js_distance,
    set_refusals_apart,
    wasserstein_representativeness,
)
from juries.measures.references import (
    Answers,
    PopulationReference,
    SurveyQuestion,
    checked_answer,
)
from personas.errors import InputError

FloatArray = NDArray[np.float64]
Refusals = Literal["an option", "set apart"]

UNIT = "questions"


def distance_label(base: float = 2) -> str:
    """What `js_distance` is called in tables: base and root named."""
    named = "nats" if np.isclose(base, np.e) else f"base {base:g}"
    return f"Jensen-Shannon distance ({named}; square root of the divergence)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answerer:
    """How one model or population answered the questions of a comparison.

    Attributes:
        answers: per question the distribution that is compared, over all options or over
            opinions only; None where there is no answer, or nothing but refusals.
        opinions: the same, always with refusals set apart.
        refused: share of refusals; NaN where the question offers none or was not answered.
    """

    answers: tuple[FloatArray | None, ...]
    opinions: tuple[FloatArray | None, ...]
    refused: FloatArray

    @classmethod
    def read(
        cls,
        answers: Answers,
        reference: PopulationReference,
        keys: Sequence[str],
        refusals: Refusals = "an option",
    ) -> Answerer:
        """Check the answers to `keys` and split off refusals.

        Raises:
            InputError: naming the question whose numbers are no distribution over its options.
        """
        whole: list[FloatArray | None] = []
        opinions: list[FloatArray | None] = []
        refused = np.full(len(keys), np.nan)
        for place, key in enumerate(keys):
            question = reference.questions[key]
            if key not in answers:
                whole.append(None)
                opinions.append(None)
                continue
            answer = checked_answer(answers[key], key, options=len(question.options))
            opinion, refused[place] = _split(answer, question)
            opinions.append(opinion)
            whole.append(answer if refusals == "an option" else opinion)
        return cls(answers=tuple(whole), opinions=tuple(opinions), refused=refused)

    def distances(self, other: Answerer) -> FloatArray:
        """Jensen-Shannon distance (base 2) per question; NaN where one side has no answer."""
        return np.array(
            [
                np.nan if a is None or b is None else float(js_distance(a, b))
                for a, b in zip(self.answers, other.answers, strict=True)
            ]
        )

    def shuffled_distances(self, other: Answerer, shuffles: Shuffles) -> FloatArray:
        """Mean distance per question when this answerer's probabilities are shuffled."""
        return np.array(
            [
                np.nan if a is None or b is None else float(js_distance(a[order], b).mean())
                for a, b, order in zip(self.answers, other.answers, shuffles.orders, strict=True)
            ]
        )

    def representativeness(
        self, other: Answerer, reference: PopulationReference, keys: Sequence[str]
    ) -> FloatArray:
        """1 - W1 / range per question with ordered options, refusals set apart; else NaN."""
        found = np.full(len(keys), np.nan)
        for place, (key, a, b) in enumerate(zip(keys, self.opinions, other.opinions, strict=True)):
            question = reference.questions[key]
            if question.ordered and a is not None and b is not None:
                found[place] = wasserstein_representativeness(a, b, question.positions)
        return found

    def entropies(self) -> FloatArray:
        """Entropy per question in nats; NaN where there is no answer."""
        return np.array(
            [np.nan if answer is None else float(entropy(answer)) for answer in self.answers]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shuffles:
    """Permutations of the options of each question, shared by all models compared."""

    orders: tuple[NDArray[np.intp], ...]

    @classmethod
    def draw(cls, options: Sequence[int], shuffles: int, rng: np.random.Generator) -> Shuffles:
        """Draw `shuffles` permutations for each question of so many options."""
        if shuffles < 1:
            raise ValueError(f"{shuffles} shuffles; the control needs at least one")
        return cls(
            orders=tuple(np.argsort(rng.random((shuffles, size)), axis=-1) for size in options)
        )


def compared_options(
    reference: PopulationReference, keys: Sequence[str], refusals: Refusals = "an option"
) -> list[int]:
    """How many options of each question are compared."""
    questions = [reference.questions[key] for key in keys]
    if refusals == "an option":
        return [len(question.options) for question in questions]
    return [len(question.options) - sum(question.refusals) for question in questions]


def some(keys: Sequence[str], reference: PopulationReference) -> tuple[str, ...]:
    """The questions to compare on.

    Raises:
        InputError: where there is none.
    """
    if not keys:
        raise InputError(
            f"no question of {reference.name} was answered by all that are compared",
            hint="Answers are matched by the reference's question ids.",
        )
    return tuple(keys)


def _split(answer: FloatArray, question: SurveyQuestion) -> tuple[FloatArray | None, float]:
    if not any(question.refusals):
        return answer, np.nan
    if len(question.options) - sum(question.refusals) < 2:
        return None, float(answer[np.array(question.refusals)].sum())
    apart = set_refusals_apart(answer, question.refusals)
    return (apart.opinions if apart.defined else None), float(apart.refused)
