"""A language model behind OpenAI-compatible servers as a mind that answers for jurors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

from graphs.items import Item
from graphs.llm.accounting import Account
from graphs.llm.asking import Asker
from graphs.llm.capabilities import Capabilities
from graphs.llm.client import Client
from graphs.llm.estimate import Asking, Estimate
from graphs.llm.faults import MindUnavailableError
from graphs.llm.metrics import watch_queues
from graphs.llm.probing import identify, probe
from graphs.llm.prompts import load_prompts
from graphs.llm.rendering import Renderer
from graphs.llm.reporting import Reporter
from graphs.llm.session import Session
from graphs.llm.settings import Layout, LlmSettings, Method
from graphs.llm.sitting import Sitting
from graphs.llm.talk.ballots import Rewrite, in_talk
from graphs.llm.talk.conversation import Conversations
from graphs.llm.talk.ranking import rank
from graphs.llm.talk.speaking import mediate, speak
from graphs.minds.deliberator import MediateTask, RankTask, Round, SpeakTask
from graphs.minds.protocol import MindKind, RatingTask
from graphs.records import Call, Preference, Rating, Statement
from personas.errors import InputError
from personas.identity import content_hash

Record = Callable[[Sequence[Call]], None]
"""Takes the rows of account of calls, before the ratings that came of them are yielded."""


class LlmMind:
    """Asks a language model to answer as each juror would. Open it with `open_llm_mind`."""

    def __init__(self, session: Session, method: Method, *, record: Record | None = None) -> None:
        settings = session.settings
        self.session = session
        self.method: Method = method
        self.reporter = Reporter(session, method)
        self._renderer = Renderer(load_prompts(settings.prompts), settings)
        self._asker = Asker(session, self._renderer, method)
        self._record = record

    @property
    def name(self) -> str:
        """The model's name, as its servers offer it."""
        return self.session.settings.model

    @property
    def version(self) -> str:
        """Hash of the settings, the prompts and the way ratings are read."""
        exact = "chosen tokens" if self.capabilities.logprob_token_ids else "likely tokens"
        how = [self.method, exact if self.method == "probabilities" else ""]
        return content_hash([self.session.settings.identity(), how])

    @property
    def kind(self) -> MindKind:
        """A language model."""
        return "language model"

    @property
    def account(self) -> Account:
        """Calls, tokens and time so far, in all and per juror."""
        return self.session.account

    @property
    def capabilities(self) -> Capabilities:
        """What the servers can do."""
        return self.session.capabilities

    def record_calls(self, record: Record) -> None:
        """Give rows of account to `record` from now on."""
        self._record = record

    async def expect(
        self,
        items: Sequence[Item],
        task: RatingTask,
        *,
        beyond: Callable[[Estimate], Estimate] | None = None,
        share: float = 1.0,
    ) -> None:
        """Estimate what asking these items like the task will take, for `report`."""
        if items and len(task.panel):
            made = await self.estimate(Asking(items=items, task=task, share=share))
            self.reporter.expected = made if beyond is None else beyond(made)

    async def estimate(self, asking: Asking, *, layouts: Sequence[Layout] = ()) -> Estimate:
        """What asking will take, counted by the server's tokenizer where it answers."""
        return await self.reporter.estimate(asking, layouts)

    async def report(self) -> dict[str, Any]:
        """How ratings were asked for, what the servers can do, and what was used since opening."""
        return await self.reporter.report()

    async def rate(self, task: RatingTask) -> AsyncIterator[Sequence[Rating]]:
        """Put an item's responses, or pairs of them, to the panel, and yield rows as they come.

        Raises:
            MindUnavailableError: no server answers any more; nothing was asked.
            InputError: the scale cannot be asked about in the way the study wants.
        """
        async with aclosing(self._answers(Sitting.of(task))) as answers:
            async for rows in answers:
                yield rows

    async def revise(
        self, task: RatingTask, heard: tuple[Round, ...]
    ) -> AsyncIterator[Sequence[Rating]]:
        """Put an item's responses to the panel in private, after what each juror heard.

        Responses follow one another, so that the server computes what was heard once for a juror.

        Raises:
            MindUnavailableError: no server answers any more.
        """
        rewrite = in_talk(self._renderer, self._conversations(task), heard)
        async with aclosing(self._answers(Sitting.of(task), rewrite, workers=1)) as answers:
            async for rows in answers:
                yield rows

    async def speak(self, task: SpeakTask) -> AsyncIterator[Sequence[Statement]]:
        """Have jurors say something, all speakers at once.

        Raises:
            MindUnavailableError: no server answers any more.
        """
        self.session.client.check()
        spoken = await speak(self.session, self._conversations(task), task)
        self._account(spoken.calls)
        yield spoken.rows

    async def mediate(self, task: MediateTask) -> AsyncIterator[Sequence[Statement]]:
        """Draft statements for the jury, without a persona.

        Raises:
            MindUnavailableError: no server answers any more.
        """
        self.session.client.check()
        drafted = await mediate(self.session, self._renderer, task)
        self._account(drafted.calls)
        yield drafted.rows

    async def rank(self, task: RankTask) -> AsyncIterator[Sequence[Preference]]:
        """Have every juror rank the drafts in private.

        Raises:
            MindUnavailableError: no server answers any more.
        """
        self.session.client.check()
        ranked = await rank(self.session, self._renderer, self._conversations(task), task)
        self._account(ranked.calls)
        yield ranked.rows

    def _conversations(self, task: RatingTask | SpeakTask | RankTask) -> Conversations:
        return Conversations(self._renderer, task.item, seed=task.seed)

    async def _answers(
        self, sitting: Sitting, rewrite: Rewrite | None = None, *, workers: int | None = None
    ) -> AsyncGenerator[Sequence[Rating]]:
        async with aclosing(self._asker.results(sitting, rewrite, workers=workers)) as results:
            async for result in results:
                self._account(result.calls)
                yield result.rows

    def _account(self, calls: Sequence[Call]) -> None:
        if self._record is not None and calls:
            self._record(calls)


@asynccontextmanager
async def open_llm_mind(
    settings: LlmSettings, *, position: int, seed: int, record: Record | None = None
) -> AsyncGenerator[LlmMind]:
    """Connect to the servers of a mind and find out what they can do, for the time of a run.

    Args:
        settings: the study's section; with at least one endpoint.
        position: the mind's number in the study, `Rating.mind`.
        seed: of the study.
        record: takes the rows of account.

    Raises:
        InputError: no endpoint, a key that is not set, a model that is not served, or a way of
            asking that the servers cannot do.
        MindUnavailableError: no server answers.
    """
    if not settings.endpoints:
        raise InputError(
            "no server is named for this language model",
            where="mind.endpoints",
            found=settings.model,
            hint="Give --base-url URL or --serve MODEL, or write endpoints into the study.",
        )
    async with Client(settings.endpoints, settings.limits) as client:
        capabilities = await probe(client, settings, await _identified(client, settings))
        session = Session(
            client=client,
            settings=settings,
            capabilities=capabilities,
            position=position,
            seed=seed,
        )
        mind = LlmMind(session, capabilities.best_method(settings), record=record)
        if capabilities.server != "vllm":
            yield mind
            return
        await mind.reporter.count_from_now()
        watch = asyncio.create_task(watch_queues(client.endpoints))
        try:
            yield mind
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)


async def _identified(client: Client, settings: LlmSettings) -> Capabilities:
    """What the first server that answers says of itself; those that do not are left for later."""
    results = await asyncio.gather(
        *(identify(endpoint, settings.model) for endpoint in client.endpoints),
        return_exceptions=True,
    )
    for endpoint, result in zip(client.endpoints, results, strict=True):
        if isinstance(result, MindUnavailableError):
            endpoint.breaker.open(str(result))
        elif isinstance(result, BaseException):
            raise result
    found = [result for result in results if isinstance(result, Capabilities)]
    if not found:
        raise next(result for result in results if isinstance(result, BaseException))
    return found[0]
