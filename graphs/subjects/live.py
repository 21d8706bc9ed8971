"""A subject behind an OpenAI-compatible endpoint."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from graphs.llm.client import Client
from graphs.llm.faults import CallError, ReplyError
from graphs.llm.parsing import final_text, is_refusal
from graphs.llm.wire import Completion, read_completion
from graphs.records import Status
from graphs.subjects.protocol import Ask, Reply, SubjectKind, as_text
from graphs.subjects.settings import LiveSettings

_OPENING = 200
"""Characters in which a refusal stands, if a reply is one."""


class LiveSubject:
    """A model under test. Use as an async context manager.

    Args:
        settings: which model, where, and how it is sampled.
        seed: sent along, with the number of the sample added.
    """

    kind: SubjectKind = "language model"

    def __init__(self, settings: LiveSettings, *, seed: int = 0) -> None:
        self.settings = settings
        self._seed = seed
        self._client = Client(settings.endpoints, settings.limits)

    @property
    def name(self) -> str:
        """The model's name."""
        return self.settings.model

    @property
    def version(self) -> str:
        """Changes with the model, its sampling and the seed."""
        return self.settings.version(seed=self._seed, letters=False)

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
        """Ask the model.

        Raises:
            MindUnavailableError: no server answers any more; what was answered is kept.
        """
        self._client.check()
        body = to_json(self._body(ask))
        try:
            if self.settings.api == "completions":
                said = await self._client.send("/completions", body, _said, affinity=ask.key)
                return _judged(ask, said.value)
            answer = await self._client.send(
                "/chat/completions", body, read_completion, affinity=ask.key
            )
        except CallError as error:
            return _reply(ask, Status.FAILED, error=str(error)[:300])
        return _read(ask, answer.value)

    def _body(self, ask: Ask) -> dict[str, Any]:
        settings = self.settings
        asked: dict[str, Any] = (
            {"prompt": as_text(ask.messages)}
            if settings.api == "completions"
            else {"messages": [{"role": m.role, "content": m.content} for m in ask.messages]}
        )
        return {
            "model": settings.model,
            **asked,
            "temperature": settings.temperature,
            **({} if settings.top_p is None else {"top_p": settings.top_p}),
            "max_tokens": settings.max_tokens,
            **({"stop": list(settings.stop)} if settings.stop else {}),
            "seed": (self._seed + ask.sample) % 2**31,
            **settings.extra_body,
        }


class _Text(BaseModel):
    text: str


class _TextCompletion(BaseModel):
    choices: list[_Text]


def _said(body: bytes) -> str | None:
    try:
        choices = _TextCompletion.model_validate_json(body).choices
    except ValidationError:
        raise ReplyError("its reply is not a text completion") from None
    return choices[0].text.strip() if choices else None


def _read(ask: Ask, completion: Completion) -> Reply:
    choices = completion["choices"]
    if not choices:
        return _reply(ask, Status.FAILED, error="the reply holds no choice")
    message = choices[0]["message"]
    refusal = message.get("refusal")
    if refusal or choices[0].get("finish_reason") == "content_filter":
        return _reply(ask, Status.REFUSED, text=refusal or "")
    return _judged(ask, final_text(message.get("content")))


def _judged(ask: Ask, text: str | None) -> Reply:
    if text is None:
        return _reply(ask, Status.FAILED, error="the reply holds no text")
    status = Status.REFUSED if is_refusal(text[:_OPENING]) else Status.OK
    return _reply(ask, status, text=text)


def _reply(ask: Ask, status: Status, *, text: str = "", error: str | None = None) -> Reply:
    return Reply(key=ask.key, sample=ask.sample, status=status, text=text, error=error)
