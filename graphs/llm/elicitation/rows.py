"""Rows from replies: the parts that the ways of asking have in common."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul

from graphs.items import Criterion, Question
from graphs.llm.labels import Order
from graphs.llm.parsing import final_text, is_refusal
from graphs.llm.rendering import Form
from graphs.llm.session import Outcome, Put
from graphs.llm.settings import LlmSettings
from graphs.llm.wire import ReplyChoice
from graphs.records import Call, Cell, Rating, Status

_MOST_RAW = 20_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """How a group of questions is asked.

    Attributes:
        form: the questions with their labels.
        tokens: number 0..K-1 of the label that a token spells; for `probabilities` only.
        token_ids: the tokens to ask for, where the server reports chosen ones.
    """

    form: Form
    tokens: dict[str, int]
    token_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a group: a row for every question put, and a row of account for every call."""

    rows: list[Rating]
    calls: list[Call]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a reply says of one question; fields left out are not known."""

    status: Status
    rating: int | None = None
    expected: float | None = None
    probabilities: bytes | None = None
    label_mass: float | None = None
    reason: str | None = None
    raw: str | None = None


def row(cell: Cell, answer: Answer, *, mind: int, call: str | None) -> Rating:
    """The row that records an answer."""
    return Rating(
        *cell,
        status=answer.status,
        rating=answer.rating,
        expected=answer.expected,
        probabilities=answer.probabilities,
        label_mass=answer.label_mass,
        reason=answer.reason,
        raw=answer.raw,
        mind=mind,
        call=call,
    )


def failed(put: Put, outcome: Outcome, *, mind: int) -> list[Rating]:
    """Rows of a conversation that brought no reply."""
    answer = Answer(status=Status.FAILED, reason=outcome.error)
    return [row(cell, answer, mind=mind, call=outcome.call.key) for cell in put.cells]


def unread(choice: ReplyChoice, why: str) -> Answer:
    """A reply that cannot be read: a refusal where it looks like one."""
    message = choice["message"]
    content = message.get("content")
    refusal = message.get("refusal")
    raw = _raw(content or refusal)
    if refusal or choice.get("finish_reason") == "content_filter":
        return Answer(status=Status.REFUSED, reason="the model refused", raw=raw)
    text = final_text(content)
    if text is not None and is_refusal(text):
        return Answer(status=Status.REFUSED, reason="the model refused", raw=raw)
    if choice.get("finish_reason") == "length" and text is None:
        why = "the reply ended before an answer"
    return Answer(status=Status.UNPARSEABLE, reason=why, raw=raw)


def from_distribution(
    asked: Question,
    by_point: Sequence[float],
    *,
    mass: float,
    uniform: float,
    settings: LlmSettings,
    raw: str | None,
) -> Answer:
    """A distribution over points as an answer, `low_mass` below the limit.

    Args:
        asked: the question.
        by_point: probability of each of the K points, summing to `mass` or less.
        mass: probability on all labels together.
        uniform: in [0, 1), with which the rating is drawn.
        settings: of the mind.
        raw: the reply, kept where the mass is low.
    """
    total = sum(by_point)
    if total <= 0:
        return Answer(
            status=Status.LOW_MASS, label_mass=mass, raw=raw, reason="no weight on any label"
        )
    normed = [probability / total for probability in by_point]
    expected = None
    if isinstance(asked, Criterion):
        expected = sum(map(mul, normed, range(1, len(normed) + 1)))
    if mass < settings.min_label_mass:
        why = f"label mass {mass:.3g} is below {settings.min_label_mass:g}"
        return Answer(
            status=Status.LOW_MASS,
            expected=expected,
            probabilities=_packed(normed),
            label_mass=mass,
            reason=why,
            raw=raw,
        )
    return Answer(
        status=Status.OK,
        rating=_point(normed, uniform, settings),
        expected=expected,
        probabilities=_packed(normed),
        label_mass=mass,
    )


def by_point(plan: Plan, question: int, order: Order) -> dict[str, int]:
    """Point number 0..K-1 that each label text stands for, under an order."""
    return {text: n for n, text in enumerate(plan.form.labels[question].of(order))}


def _point(normed: Sequence[float], uniform: float, settings: LlmSettings) -> int:
    if settings.point == "mode":
        return normed.index(max(normed)) + 1
    passed = 0.0
    for point, share in enumerate(normed, start=1):
        passed += share
        if uniform < passed:
            return point
    return len(normed)


def _packed(normed: Sequence[float]) -> bytes:
    """As `graphs.records.pack` has it, without an array for a handful of numbers."""
    return struct.pack(f"<{len(normed)}f", *normed)


def _raw(content: str | None) -> str | None:
    return None if content is None else content[:_MOST_RAW]
