"""Asking a served model a survey: its distribution over options, averaged over option orders.

Each question is put several times with its options in random order, each time after a few example
questions with random labels that show the form of an answer and favour none (arXiv 2402.05070,
section 5: three examples, five repeats). The letters' probabilities are exact; nothing is sampled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graphs.items import FloatArray
from graphs.subjects.answers import ReplyStore, ask_all
from graphs.subjects.letters import LETTERS, REPORTED, read_masses
from graphs.subjects.protocol import Ask, Message, Subject
from juries.measures.references import PopulationReference, SurveyQuestion
from personas.files import write_rows
from personas.identity import generator

_SYSTEM = "Answer each question with the letter of one option, and nothing else."


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyOptions:
    """How a survey is put.

    Attributes:
        orders: how often each question is put, each time with its options in another order.
        examples: questions with random labels shown before each.
        least_mass: probability of a valid letter below which an answer does not count.
        seed: of orders, examples and labels.
        in_flight: questions at once.
    """

    orders: int = 5
    examples: int = 3
    least_mass: float = 0.5
    seed: int = 0
    in_flight: int = 16


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SurveyAnswers:
    """What a model answered.

    Attributes:
        model: its name.
        answers: question id to probabilities over its options, in the survey's order.
        orders: question id to the number of orders that the mean is over.
        mass: mean probability of a valid letter before normalising; None without an answer.
        failed: requests that failed.
        low_mass: requests whose answer was mostly no valid letter.
        too_long: questions with more options than a server reports.
    """

    model: str
    answers: dict[str, FloatArray]
    orders: dict[str, int]
    mass: float | None
    failed: int
    low_mass: int
    too_long: int

    def write(self, path: Path, reference: PopulationReference) -> None:
        """Write a row a question, as `juries distribution --pre` reads it."""
        rows = [
            {
                "id": key,
                "question": reference.questions[key].text,
                "probabilities": dict(
                    zip(reference.questions[key].options, shares.tolist(), strict=True)
                ),
                "orders": self.orders[key],
                "model": self.model,
            }
            for key, shares in self.answers.items()
        ]
        write_rows(path, rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Put:
    ask: Ask
    question: SurveyQuestion
    order: tuple[int, ...]


async def ask_survey(
    subject: Subject,
    reference: PopulationReference,
    log: ReplyStore,
    *,
    questions: Sequence[str] | None = None,
    options: SurveyOptions | None = None,
    advance: Callable[[int], None] | None = None,
    stop: asyncio.Event | None = None,
) -> SurveyAnswers:
    """Put a survey to a model whose replies are the masses of letters.

    Args:
        subject: such as `LabelSubject`.
        reference: the survey.
        log: where every reply is kept; what it holds is not asked again.
        questions: ids of those to ask; all when None.
        options: how they are put.
        advance: told of each reply.
        stop: once set, nothing further is asked, and the answer counts what was.

    Raises:
        MindUnavailableError: no server answers any more; what was answered is kept.
    """
    options = options or SurveyOptions()
    wanted = [reference.questions[key] for key in questions or reference.questions]
    short = [question for question in wanted if len(question.options) <= REPORTED]
    puts = [put for question in short for put in _puts(question, short, options)]
    replies = await ask_all(
        subject,
        [put.ask for put in puts],
        log,
        in_flight=options.in_flight,
        advance=advance,
        stop=stop,
    )
    sums: dict[str, FloatArray] = {}
    orders: dict[str, int] = {}
    masses: list[float] = []
    failed = low = 0
    for put, reply in zip(puts, replies, strict=True):
        letters = read_masses(reply)
        if letters is None:
            failed += 1
            continue
        shown = np.array(letters[: len(put.order)])
        masses.append(float(shown.sum()))
        if masses[-1] <= 0 or masses[-1] < options.least_mass:
            low += 1
            continue
        shares = np.zeros(len(put.order))
        shares[list(put.order)] = shown / shown.sum()
        key = put.question.id
        sums[key] = sums[key] + shares if key in sums else shares
        orders[key] = orders.get(key, 0) + 1
    return SurveyAnswers(
        model=subject.name,
        answers={key: total / orders[key] for key, total in sums.items()},
        orders=orders,
        mass=float(np.mean(masses)) if masses else None,
        failed=failed,
        low_mass=low,
        too_long=len(wanted) - len(short),
    )


def _puts(
    question: SurveyQuestion, others: Sequence[SurveyQuestion], options: SurveyOptions
) -> list[_Put]:
    rng = generator(options.seed, "survey", question.id)
    pool = [other for other in others if other.id != question.id]
    count = min(options.examples, len(pool))
    puts: list[_Put] = []
    for number in range(options.orders):
        order: tuple[int, ...] = tuple(rng.permutation(len(question.options)).tolist())
        chosen: list[SurveyQuestion] = [pool[at] for at in rng.permutation(len(pool))[:count]]
        shown = [
            f"{_form(other, range(len(other.options)))} {_random_letter(other, rng)}"
            for other in chosen
        ]
        text = "\n\n".join([*shown, _form(question, order)])
        messages = (Message(role="system", content=_SYSTEM), Message(role="user", content=text))
        ask = Ask(
            key=f"{question.id} order {number}",
            messages=messages,
            options=tuple(question.options[option] for option in order),
        )
        puts.append(_Put(ask=ask, question=question, order=order))
    return puts


def _form(question: SurveyQuestion, order: Sequence[int]) -> str:
    lines = [f"{LETTERS[place]}. {question.options[option]}" for place, option in enumerate(order)]
    return "\n".join([f"Question: {question.text}", *lines, "Answer:"])


def _random_letter(question: SurveyQuestion, rng: np.random.Generator) -> str:
    return LETTERS[int(rng.integers(len(question.options)))]
