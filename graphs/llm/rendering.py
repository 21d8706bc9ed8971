"""What a juror is sent: the messages of one conversation.

`item-first` puts what all jurors share first and the persona last, so that a server's prefix cache
holds the item for the whole panel; `persona-first` tells the persona in the system message.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations
from typing import Any, TypedDict

from graphs.items import Item, Question
from graphs.llm.labels import Labels, Order, shown
from graphs.llm.prompts import Prompts
from graphs.llm.quoting import Quoted, mark, notes, quote
from graphs.llm.settings import LlmSettings, ReasonAt
from graphs.minds.deliberator import response_name

RATING = "rating"
REASON = "reason"


class Message(TypedDict):
    """A message as the API takes it."""

    role: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subject:
    """What is judged, quoted: a response to an item's prompt, or two of them.

    Attributes:
        response: its place among the item's responses; `against` that of the other, or -1.
        text: as the juror reads it.
        notes: what was done to it.
        refusal: why it cannot be put to a juror, None where it can.
    """

    response: int
    against: int
    text: str
    notes: str | None
    refusal: str | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Form:
    """How questions are put: together in one conversation, with these labels.

    Attributes:
        asked: the questions; more than one only in a JSON reply.
        names: under which a JSON reply holds the answers.
        labels: of each question.
        reply: a bare `label`, or `json`.
        reason: where a JSON reply gives its reason.
    """

    asked: tuple[Question, ...]
    names: tuple[str, ...]
    labels: tuple[Labels, ...]
    reply: str
    reason: ReasonAt = "none"

    def schema(self, *, most_reason: int | None) -> dict[str, Any]:
        """JSON Schema of the reply; reasons have so many characters at most."""
        parts = [self._part(labels, most_reason) for labels in self.labels]
        return parts[0] if len(parts) == 1 else _object(dict(zip(self.names, parts, strict=True)))

    def example(self) -> str:
        """The form of the reply, as the juror is told it."""
        fields: dict[str, Any] = {RATING: "…"}
        if self.reason == "before":
            fields = {REASON: "one sentence", **fields}
        elif self.reason == "after":
            fields = {**fields, REASON: "one sentence"}
        whole = fields if len(self.names) == 1 else dict.fromkeys(self.names, fields)
        return json.dumps(whole, ensure_ascii=False)

    def _part(self, labels: Labels, most_reason: int | None) -> dict[str, Any]:
        whole = labels.scheme == "numbers"
        values = [int(text) for text in labels.texts] if whole else list(labels.texts)
        rating = {"type": "integer" if whole else "string", "enum": values}
        reason: dict[str, Any] = {"type": "string"}
        if most_reason is not None:
            reason["maxLength"] = most_reason
        if self.reason == "before":
            return _object({REASON: reason, RATING: rating})
        if self.reason == "after":
            return _object({RATING: rating, REASON: reason})
        return _object({RATING: rating})


class Renderer:
    """Renders conversations from the prompts and settings of a mind."""

    def __init__(
        self, prompts: Prompts, settings: LlmSettings, special: tuple[str, ...] = ()
    ) -> None:
        self._prompts = prompts
        self._settings = settings
        self._special = (*settings.special_tokens, *special)
        self._frame = prompts.fill("frame")
        self._persona = lru_cache(maxsize=100_000)(self._render_persona)
        self._questions = lru_cache(maxsize=4096)(self._render_questions)

    def responses(self, item: Item, seed: int) -> Iterator[Subject]:
        """Each response of an item, to be judged alone. They share their mark and the prompt."""
        prompt, texts, made = self._quotations(item, seed)
        for number, text in enumerate(texts):
            filled = self._prompts.fill("item", mark=made, prompt=prompt.text, response=text.text)
            yield self._subject(number, -1, filled, prompt, text)

    def pairs(self, item: Item, seed: int) -> Iterator[Subject]:
        """Each ordered pair of an item's responses, the first of which is shown first."""
        prompt, texts, made = self._quotations(item, seed)
        for (first, one), (second, other) in permutations(enumerate(texts), 2):
            filled = self._prompts.fill(
                "pair", mark=made, prompt=prompt.text, response=one.text, against=other.text
            )
            yield self._subject(first, second, filled, prompt, one, other)

    def messages(
        self, subject: Subject, portrait: str, form: Form, orders: tuple[Order, ...]
    ) -> list[Message]:
        """The conversation that puts these questions about a subject to a juror."""
        question, options, answer = self._questions(form, orders)
        frame, persona = self._frame, self._persona(portrait)
        if self._settings.layout == "item-first":
            system, user = (frame,), (subject.text, question, persona, options, answer)
        else:
            system, user = (frame, persona), (subject.text, question, options, answer)
        return [
            {"role": "system", "content": _paragraphs(system)},
            {"role": "user", "content": _paragraphs(user)},
        ]

    def everything(self, item: Item, seed: int) -> Subject:
        """All responses of an item in one block, called by letter, for a jury that talks."""
        prompt, texts, made = self._quotations(item, seed)
        blocks = [
            self._prompts.fill(
                "talk_response", mark=made, name=response_name(number), response=text.text
            )
            for number, text in enumerate(texts)
        ]
        filled = self._prompts.fill(
            "talk_item", mark=made, prompt=prompt.text, responses=_paragraphs(blocks)
        )
        return self._subject(-1, -1, filled, prompt, *texts)

    def opening(self, subject: Subject, portrait: str, jury: str) -> list[Message]:
        """How every conversation of one juror about one item begins, when the jury talks."""
        frame, persona = self._frame, self._persona(portrait)
        if self._settings.layout == "item-first":
            system, user = (frame,), (subject.text, persona, jury)
        else:
            system, user = (frame, persona), (subject.text, jury)
        return [
            {"role": "system", "content": _paragraphs(system)},
            {"role": "user", "content": _paragraphs(user)},
        ]

    def questions(self, form: Form, orders: tuple[Order, ...]) -> str:
        """Questions, options and what to answer with, in one block."""
        return _paragraphs(self._questions(form, orders))

    def said(self, text: str) -> str:
        """What somebody said, fit to be quoted on one line."""
        return " ".join(quote(text, special=self._special).text.split())

    def fill(self, name: str, /, **fields: str) -> str:
        """A prompt with its fields filled in."""
        return self._prompts.fill(name, **fields)

    def why(self, messages: Sequence[Message], said: str) -> list[Message]:
        """The conversation that goes on to ask for the reason of an answer."""
        return [
            *messages,
            {"role": "assistant", "content": said},
            {"role": "user", "content": self._prompts.fill("reason")},
        ]

    def _quotations(self, item: Item, seed: int) -> tuple[Quoted, list[Quoted], str]:
        prompt = self._quoted(item.prompt)
        texts = [self._quoted(response.text) for response in item.responses]
        return prompt, texts, mark(seed, prompt.text, *(text.text for text in texts))

    def _quoted(self, text: str) -> Quoted:
        settings = self._settings
        return quote(
            text, most=settings.max_item_chars, too_long=settings.too_long, special=self._special
        )

    def _subject(self, response: int, against: int, text: str, *parts: Quoted) -> Subject:
        over = max(part.too_long for part in parts)
        most = self._settings.max_item_chars
        refusal = f"{over} characters over the limit of {most} (max_item_chars)" if over else None
        return Subject(
            response=response,
            against=against,
            text=text if refusal is None else "",
            notes=notes(*parts),
            refusal=refusal,
        )

    def _render_persona(self, portrait: str) -> str:
        if not portrait:
            return ""
        return self._prompts.fill("persona", portrait=quote(portrait, special=self._special).text)

    def _render_questions(self, form: Form, orders: tuple[Order, ...]) -> tuple[str, str, str]:
        """Question, options and what to answer with; of several questions, all under options."""
        fill = self._prompts.fill
        options = [shown(*each) for each in zip(form.asked, form.labels, orders, strict=True)]
        if len(form.asked) == 1:
            question = fill("question", question=form.asked[0].question)
            listed, described = fill("options", options=options[0]), form.labels[0].described
        else:
            criteria = zip(form.names, form.asked, options, strict=True)
            parts = [
                fill("criterion", name=n, question=q.question, options=o) for n, q, o in criteria
            ]
            question, listed, described = "", _paragraphs(parts), "one of its labels each"
        if form.reply == "json":
            answer = fill("answer_json", labels=described, form=form.example())
        else:
            answer = fill("answer_label", labels=described)
        return question, listed, answer


def _paragraphs(parts: Sequence[str]) -> str:
    return "\n\n".join(part for part in parts if part)


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
