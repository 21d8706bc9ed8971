"""Exact probabilities of option labels: a subject asked a multiple-choice question.

The model is stopped before its first token, and the probabilities it gives to the letters A, B, …
are read from the log-probabilities of that token: one request a question, nothing sampled. Chat
models are asked by `/chat/completions`, base models by `/completions`.
"""

from __future__ import annotations

import math
from types import TracebackType
from typing import Any, Self

from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from graphs.llm.client import Client
from graphs.llm.distribution import ROUNDING, label_mass
from graphs.llm.faults import CallError, ReplyError
from graphs.llm.wire import Completion, read_completion
from graphs.records import Status
from graphs.subjects.letters import LETTERS, REPORTED, write_masses
from graphs.subjects.protocol import Ask, Reply, SubjectKind, as_text
from graphs.subjects.settings import LiveSettings

_TOKENS = {token: place for place, letter in enumerate(LETTERS) for token in (letter, f" {letter}")}


class _Alternatives(BaseModel):
    top_logprobs: list[dict[str, float | None]]


class _Text(BaseModel):
    logprobs: _Alternatives | None = None


class _TextCompletion(BaseModel):
    choices: list[_Text]


class LabelSubject:
    """A served model that answers with the mass of every letter. An async context manager.

    A reply's text is what `letters.read_masses` reads; the last message must end where the letter
    is due.

    Args:
        settings: which model, where, by which API; sampling does not matter.
    """

    kind: SubjectKind = "language model"

    def __init__(self, settings: LiveSettings) -> None:
        self.settings = settings
        self._client = Client(settings.endpoints, settings.limits)

    @property
    def name(self) -> str:
        """The model's name."""
        return self.settings.model

    @property
    def version(self) -> str:
        """Changes with the model and how it is asked."""
        return self.settings.version(seed=0, letters=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._client.__aexit__(kind, error, traceback)

    async def answer(self, ask: Ask) -> Reply:
        """The mass of every letter as the next token.

        Raises:
            MindUnavailableError: no server answers any more; what was answered is kept.
        """
        self._client.check()
        try:
            chat = self.settings.api == "chat"
            masses = await (self._chat(ask) if chat else self._base(ask))
        except (CallError, ReplyError) as error:
            said = str(error)[:300]
            return Reply(key=ask.key, sample=ask.sample, status=Status.FAILED, text="", error=said)
        text = write_masses(masses)
        return Reply(key=ask.key, sample=ask.sample, status=Status.OK, text=text)

    async def _chat(self, ask: Ask) -> list[float]:
        body = {
            "model": self.settings.model,
            "messages": [{"role": m.role, "content": m.content} for m in ask.messages],
            "max_tokens": 1,
            "logprobs": True,
            "top_logprobs": REPORTED,
            **self.settings.extra_body,
        }
        answer = await self._client.send(
            "/chat/completions", to_json(body), _chat_masses, affinity=ask.key
        )
        return answer.value

    async def _base(self, ask: Ask) -> list[float]:
        body: dict[str, Any] = {
            "model": self.settings.model,
            "prompt": as_text(ask.messages),
            "max_tokens": 1,
            "logprobs": REPORTED,
            **self.settings.extra_body,
        }
        answer = await self._client.send("/completions", to_json(body), _masses, affinity=ask.key)
        return answer.value


def _chat_masses(body: bytes) -> list[float]:
    completion: Completion = read_completion(body)
    choices = completion["choices"]
    content = (choices[0].get("logprobs") or {}).get("content") if choices else None
    if not content:
        raise ReplyError("its reply holds no log-probabilities")
    return label_mass(content[0], _TOKENS, len(LETTERS)).by_label


def _masses(body: bytes) -> list[float]:
    try:
        choices = _TextCompletion.model_validate_json(body).choices
    except ValidationError:
        raise ReplyError("its reply is not a text completion") from None
    found = choices[0].logprobs if choices else None
    if found is None or not found.top_logprobs:
        raise ReplyError("its reply holds no log-probabilities")
    mass = [0.0] * len(LETTERS)
    for token, logprob in found.top_logprobs[0].items():
        if token in _TOKENS:
            if logprob is None or math.isnan(logprob) or logprob > ROUNDING:
                raise ReplyError(f"the log-probability of {token!r} is {logprob}")
            mass[_TOKENS[token]] += math.exp(min(logprob, 0.0))
    if sum(mass) > 1 + ROUNDING:
        raise ReplyError(f"the letters' probabilities sum to {sum(mass):.3g}")
    return mass
