"""A subject behind an OpenAI-compatible endpoint."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from pydantic_core import to_json

from graphs.llm.client import Client
from graphs.llm.faults import CallError
from graphs.llm.parsing import final_text, is_refusal
from graphs.llm.wire import Completion, read_completion
from graphs.records import Status
from graphs.subjects.protocol import Ask, Reply, SubjectKind
from graphs.subjects.settings import LiveSettings
from personas.identity import content_hash

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
        """Hash of what can change an answer; addresses and timeouts are not in it."""
        said = self.settings.model_dump(mode="json", exclude={"endpoints", "limits"})
        return content_hash([said, self._seed])

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
        body = {
            "model": self.settings.model,
            "messages": [{"role": m.role, "content": m.content} for m in ask.messages],
            "temperature": self.settings.temperature,
            "max_tokens": self.settings.max_tokens,
            "seed": (self._seed + ask.sample) % 2**31,
            **self.settings.extra_body,
        }
        try:
            answer = await self._client.send(
                "/chat/completions", to_json(body), read_completion, affinity=ask.key
            )
        except CallError as error:
            said = str(error)[:300]
            return Reply(key=ask.key, sample=ask.sample, status=Status.FAILED, text="", error=said)
        return _read(ask, answer.value)


def _read(ask: Ask, completion: Completion) -> Reply:
    choices = completion["choices"]
    if not choices:
        return _reply(ask, Status.FAILED, error="the reply holds no choice")
    message = choices[0]["message"]
    refusal = message.get("refusal")
    if refusal or choices[0].get("finish_reason") == "content_filter":
        return _reply(ask, Status.REFUSED, text=refusal or "")
    text = final_text(message.get("content"))
    if text is None:
        return _reply(ask, Status.FAILED, error="the reply holds no text")
    status = Status.REFUSED if is_refusal(text[:_OPENING]) else Status.OK
    return _reply(ask, status, text=text)


def _reply(ask: Ask, status: Status, *, text: str = "", error: str | None = None) -> Reply:
    return Reply(key=ask.key, sample=ask.sample, status=status, text=text, error=error)
