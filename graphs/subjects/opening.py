"""From a study's `subject` section to the subject itself, with its lifetime."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from graphs.subjects.protocol import Ask, Reply, Subject, SubjectIdentity, SubjectKind
from graphs.subjects.settings import LiveSettings, SyntheticSettings
from graphs.subjects.synthetic import SyntheticSubject


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSubject:
    """One model under test, in the two ways that it can be asked.

    Attributes:
        texts: answers conversations in words.
        letters: answers questions with options by the mass of every letter.
    """

    texts: Subject
    letters: Subject


@asynccontextmanager
async def open_subject(
    settings: SyntheticSettings | LiveSettings,
    *,
    seed: int,
    logs: Path = Path(),
    say: Callable[[str], None] | None = None,
) -> AsyncGenerator[OpenSubject]:
    """Open a subject for the time of a run; a server is started when it is first asked.

    Args:
        settings: the study's section.
        seed: of the study.
        logs: folder for the log of a server that is started for it.
        say: told how far such a server is.
    """
    if isinstance(settings, SyntheticSettings):
        subject = SyntheticSubject(settings, seed=seed)
        yield OpenSubject(texts=subject, letters=subject)
        return
    async with AsyncExitStack() as stack:
        opener = _Opener(settings, stack, seed=seed, logs=logs, say=say)
        yield OpenSubject(
            texts=_WhenAsked(identify(settings, seed=seed), opener.texts),
            letters=_WhenAsked(identify(settings, seed=seed, letters=True), opener.letters),
        )


def identify(
    settings: SyntheticSettings | LiveSettings, *, seed: int, letters: bool = False
) -> SubjectIdentity:
    """Who would answer, without opening it.

    Args:
        settings: the study's section.
        seed: of the study.
        letters: asked questions with options.
    """
    if isinstance(settings, LiveSettings):
        version = settings.version(seed=seed, letters=letters)
        return SubjectIdentity(name=settings.model, version=version, kind="language model")
    subject = SyntheticSubject(settings, seed=seed)
    return SubjectIdentity(name=subject.name, version=subject.version, kind=subject.kind)


class _Opener:
    """Opens clients of one model, and its server before them where the settings say `serve`."""

    def __init__(
        self,
        settings: LiveSettings,
        stack: AsyncExitStack,
        *,
        seed: int,
        logs: Path,
        say: Callable[[str], None] | None,
    ) -> None:
        self._settings = settings
        self._stack = stack
        self._seed = seed
        self._logs = logs
        self._say = say
        self._turn = asyncio.Lock()

    async def texts(self) -> Subject:
        from graphs.subjects.live import LiveSubject

        settings = await self._served()
        return await self._stack.enter_async_context(LiveSubject(settings, seed=self._seed))

    async def letters(self) -> Subject:
        from graphs.subjects.probabilities import LabelSubject

        return await self._stack.enter_async_context(LabelSubject(await self._served()))

    async def _served(self) -> LiveSettings:
        from graphs.llm.vllm import serve

        async with self._turn:
            settings = self._settings
            if settings.serve is not None:
                server = serve(settings.model, settings.serve, logs=self._logs, say=self._say)
                endpoints = tuple(self._stack.enter_context(server))
                changed = {"endpoints": endpoints, "serve": None}
                self._settings = settings = settings.model_copy(update=changed)
            return settings


class _WhenAsked:
    """A subject that is opened by its first question."""

    def __init__(self, identity: SubjectIdentity, opened: Callable[[], Awaitable[Subject]]) -> None:
        self.name = identity.name
        self.version = identity.version
        self.kind: SubjectKind = identity.kind
        self._open = opened
        self._turn = asyncio.Lock()
        self._subject: Subject | None = None

    async def answer(self, ask: Ask) -> Reply:
        async with self._turn:
            if self._subject is None:
                self._subject = await self._open()
        return await self._subject.answer(ask)
