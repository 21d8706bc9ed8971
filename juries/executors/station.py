"""A worker's desk: opens the study's minds, answers items whole, and keeps nothing.

Processes and Ray actors are both a `Station` behind a transport. It owns no file: what it is asked
arrives with the request, and every row leaves with the reply.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import ormsgpack

from graphs.deliberation.context import DeliberationContext
from graphs.deliberation.plan import check_deliberation
from graphs.items import Item, questions
from graphs.ledger import Record
from graphs.llm.settings import LlmSettings
from graphs.minds.opening import MindSettings, open_mind
from graphs.minds.protocol import Accountable
from graphs.panel import Panel
from graphs.rating import Bench, RatingContext
from graphs.recorder import Collector
from juries.design import assignment_of
from juries.executors.contexts import make_context, put_item
from juries.executors.garbage import fewer_collections
from juries.executors.wire import Job, Setup, pack_done, unpack_jobs
from personas.errors import JuriesError

OK, REFUSED = b"+", b"-"
"""First byte of a reply: what was asked for follows, or what is wrong, for a user to read."""


class Station:
    """Opened minds with their jurors. Open it with `open_station`."""

    def __init__(self, setup: Setup, benches: tuple[Bench, ...]) -> None:
        self._benches = benches
        self._collector = Collector()
        self._items: dict[int, Item] = {}
        self._begun: set[int] = set()
        study = setup.study
        plan = None
        if study.deliberation is not None:
            plan = check_deliberation(
                study.deliberation,
                jurors=setup.jurors,
                questions=questions(study.scale),
                most_responses=setup.most_responses,
                seed=study.seed,
            )
        for bench in benches:
            if isinstance(bench.mind, Accountable):
                bench.mind.record_calls(self._collector.add)
        self._context = make_context(
            study,
            plan,
            self._items,
            benches=benches,
            ledger=self._collector,
            partial=self._begun,
            assignment=assignment_of(study, items=setup.items, jurors=len(setup.jurors)),
        )

    @property
    def versions(self) -> list[str]:
        """Of its minds: the driver's must be the same."""
        return [f"{bench.mind.name} {bench.mind.version}" for bench in self._benches]

    async def answer(self, request: bytes) -> bytes:
        """Put the items of a request to the jury, side by side; what came of them."""
        jobs = unpack_jobs(request)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._put(job)) for job in jobs]
        rows = (row for job in jobs for row in self._finish(job))
        answered = sum(task.result() for task in tasks)
        return pack_done(rows, answered, self._unavailable())

    async def report(self) -> list[dict[str, Any]]:
        """How its minds asked servers since they were opened."""
        return [
            {"mind": bench.mind.name, **await bench.mind.report()}
            for bench in self._benches
            if isinstance(bench.mind, Accountable)
        ]

    async def _put(self, job: Job) -> int:
        self._items[job.position] = job.item
        if job.known:
            self._begun.add(job.position)
        self._collector.begin(job.position, job.known)
        if self._context.deserted:
            return 0
        return await put_item(job.position, self._context)

    def _finish(self, job: Job) -> list[Record]:
        del self._items[job.position]
        self._begun.discard(job.position)
        if isinstance(self._context, DeliberationContext):
            self._context.floors.pop(job.position, None)
        return self._collector.finish(job.position)

    def _unavailable(self) -> dict[int, str]:
        if isinstance(self._context, RatingContext):
            return {place: str(error) for place, error in self._context.unavailable.items()}
        names = [bench.mind.name for bench in self._benches]
        return {names.index(name): str(e) for name, e in self._context.unavailable.items()}


@asynccontextmanager
async def open_station(setup: Setup) -> AsyncGenerator[Station]:
    """Open the study's minds for the time of a worker's life.

    Raises:
        JuriesError: a mind cannot be opened.
    """
    async with AsyncExitStack() as stack:
        benches: list[Bench] = []
        for position, each in enumerate(setup.study.seated_minds):
            settings = _shared_out(each.mind, setup.workers)
            opening = open_mind(settings, position=position, seed=setup.study.seed)
            mind = await stack.enter_async_context(opening)
            seated = tuple(juror for juror in setup.jurors if juror.mind == each.shown)
            benches.append(Bench(mind=mind, panel=Panel(seated)))
        station = Station(setup, tuple(benches))
        stack.enter_context(fewer_collections())
        yield station


def _shared_out(settings: MindSettings, workers: int) -> MindSettings:
    """A worker's share of the connections that a server is to have at most."""
    if not isinstance(settings, LlmSettings):
        return settings
    endpoints = tuple(
        each.model_copy(update={"max_connections": max(1, each.max_connections // workers)})
        for each in settings.endpoints
    )
    return settings.model_copy(update={"endpoints": endpoints})


class Desk:
    """A station by request: how both transports talk to it."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._station: Station | None = None

    async def handle(self, kind: str, body: bytes) -> bytes:
        """Answer a request, `open`, `ask` or `report`; a user's mistake comes back as words."""
        try:
            return OK + await self._handle(kind, body)
        except JuriesError as error:
            return REFUSED + str(error).encode()
        except BaseExceptionGroup as errors:
            first = _first(errors)
            if not isinstance(first, JuriesError):
                raise
            return REFUSED + str(first).encode()

    async def _handle(self, kind: str, body: bytes) -> bytes:
        if kind == "open":
            opening = open_station(Setup.unpack(body))
            self._station = await self._stack.enter_async_context(opening)
            return ormsgpack.packb(self._station.versions)
        assert self._station is not None  # noqa: S101 (`open` is sent first)
        if kind == "report":
            return ormsgpack.packb(await self._station.report(), option=ormsgpack.OPT_NON_STR_KEYS)
        return await self._station.answer(body)

    async def close(self) -> None:
        """Close the minds."""
        await self._stack.aclose()


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] (isinstance forgets what it groups)
