"""The driver of workers: hands out items in chunks, records what comes, re-runs what was lost.

The driver owns the ledger; workers keep nothing. Each worker has a bounded number of chunks under
way, and none is handed out while rows wait to be committed, so neither side can run ahead. The rows
of a chunk arrive with one reply: a worker that dies leaves nothing half done, and its chunks go to
whoever is free.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import ormsgpack

from graphs.deliberation.context import DeliberationContext
from graphs.items import shown
from graphs.ledger import Ledger, Record
from graphs.llm.faults import MindUnavailableError
from graphs.llm.settings import LlmSettings
from graphs.rating import RatingContext
from graphs.records import Preference, Rating, Statement
from juries.executors.contexts import Context
from juries.executors.garbage import fewer_collections
from juries.executors.options import RunOptions
from juries.executors.protocol import Crew, Worker, WorkerLostError
from juries.executors.station import OK
from juries.executors.wire import Job, Setup, pack_jobs, unpack_done
from personas.errors import JuriesError

RATINGS_A_CHUNK = 4000
"""Ratings that a chunk of items asks for, about: a fraction of a second of the embedded mind."""
CHUNKS_AHEAD = 2
"""Chunks under way at a worker, so that it never waits for the next one."""
LOOK_UP = 0.2
"""Seconds between looks at whether the run should stop."""
LOSSES = 5
"""How many workers a chunk may cost before it is taken to be the cause."""


@dataclass(eq=False, slots=True)
class Chunk:
    """Items handed out together.

    Attributes:
        positions: of the items.
        losses: workers lost over them.
    """

    positions: tuple[int, ...]
    losses: int = 0


class Queue:
    """Chunks still to be handed out, and those that came back unanswered."""

    def __init__(self, fresh: Iterator[Chunk]) -> None:
        self._fresh = fresh
        self._exhausted = False
        self._again: deque[Chunk] = deque()
        self._out = 0
        self._changed = asyncio.Condition()

    def over(self, *, halted: bool) -> bool:
        """Nothing is out, and nothing further will be handed out."""
        left = not self._exhausted or bool(self._again)
        return self._out == 0 and (halted or not left)

    async def take(self, *, halted: Callable[[], bool]) -> Chunk | None:
        """The next chunk, waiting while one that is out may come back; None for the end.

        Args:
            halted: whether nothing further should be begun.
        """
        async with self._changed:
            while not halted():
                chunk = self._again.popleft() if self._again else next(self._fresh, None)
                if chunk is not None:
                    self._out += 1
                    return chunk
                self._exhausted = True
                if self._out == 0:
                    break
                await self._changed.wait()
            self._changed.notify_all()
            return None

    async def give_back(self, chunk: Chunk, *, answered: bool) -> None:
        """A chunk is no longer out: answered, or to be handed out again."""
        async with self._changed:
            self._out -= 1
            if not answered:
                self._again.append(chunk)
            self._changed.notify_all()


@dataclass(eq=False, slots=True)
class Seat:
    """A worker's place, and the worker who holds it."""

    place: int
    crew: Crew
    setup: Setup
    versions: list[str]
    worker: Worker | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def manned(self) -> Worker:
        """The worker; a new one is hired where there is none."""
        async with self.lock:
            if self.worker is None:
                worker = await self.crew.hire(self.place, self.setup)
                reply = await ask(worker, "open", self.setup.pack())
                found = ormsgpack.unpackb(reply)
                if found != self.versions:
                    raise JuriesError(
                        f"worker {self.place} opened other minds than the driver: {found} instead "
                        f"of {self.versions}. Install the same version of juries everywhere, and "
                        "have all servers serve the same model."
                    )
                self.worker = worker
            return self.worker

    def lost(self, worker: Worker) -> bool:
        """Note that a worker is lost; whether that is news."""
        if self.worker is not worker:
            return False
        self.worker = None
        return True


async def ask(worker: Worker, kind: str, body: bytes) -> bytes:
    """Have a worker handle a request.

    Raises:
        JuriesError: what the worker says a user should mend.
        WorkerLostError: no answer will come.
    """
    reply = await worker.request(kind, body)
    if reply[:1] != OK:
        raise JuriesError(reply[1:].decode())
    return reply[1:]


class DistributedExecutor:
    """Has a crew of workers answer. Every worker opens the study's minds for itself.

    Args:
        crew: where workers come from.
        setup: what they must know.
        versions: of the driver's minds, which theirs must equal.
    """

    def __init__(self, crew: Crew, setup: Setup, versions: list[str]) -> None:
        self._setup = setup
        self._seats = [Seat(place, crew, setup, versions) for place in range(crew.size)]
        self.lost = 0

    async def ask(self, positions: Sequence[int], context: Context, options: RunOptions) -> None:
        """Hand the items out, and record what comes of them."""
        if not positions:
            return
        size = self._items_a_chunk(positions, context)
        queue = Queue(
            Chunk(tuple(positions[at : at + size])) for at in range(0, len(positions), size)
        )
        lanes = max(CHUNKS_AHEAD, math.ceil(options.in_flight / len(self._seats) / size))
        tasks = [
            asyncio.create_task(self._lane(seat, queue, context, options))
            for _ in range(lanes)
            for seat in self._seats
        ]
        pending: set[asyncio.Task[None]] = set(tasks)
        try:
            with fewer_collections():
                while pending and not queue.over(halted=_halted(context, options)):
                    # A lane may wait for ever for a worker that cannot be had, and `stop` wakes
                    # nobody.
                    done, pending = await asyncio.wait(
                        pending, timeout=LOOK_UP, return_when=asyncio.FIRST_COMPLETED
                    )
                    for task in done:
                        task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def reports(self) -> list[dict[str, Any]]:
        """How the workers' minds asked servers; those of lost workers are lost with them."""
        found: list[dict[str, Any]] = []
        for seat in self._seats:
            if seat.worker is None:
                continue
            try:
                reply = ormsgpack.unpackb(await ask(seat.worker, "report", b""))
            except WorkerLostError:
                continue
            found += [{"worker": seat.place, **each} for each in reply]
        return found

    def _items_a_chunk(self, positions: Sequence[int], context: Context) -> int:
        """One item where a server is asked, which takes long; else some thousand ratings."""
        study = self._setup.study
        if any(isinstance(each.mind, LlmSettings) for each in study.seated_minds):
            return 1
        subjects = len(shown(context.items[positions[0]], context.questions))
        ballots = 1 if study.deliberation is None else study.deliberation.rounds + 1
        ratings = subjects * len(context.questions) * len(self._setup.jurors)
        fair = math.ceil(len(positions) / len(self._seats) / CHUNKS_AHEAD)
        wanted = RATINGS_A_CHUNK // max(1, ratings * ballots * study.replicates)
        return max(1, min(fair, wanted))

    async def _lane(self, seat: Seat, queue: Queue, context: Context, options: RunOptions) -> None:
        while True:
            worker = await self._manned(seat, options)
            chunk = await queue.take(halted=lambda: _halted(context, options))
            if chunk is None:
                return
            jobs = [await _job(position, context) for position in chunk.positions]
            try:
                reply = await ask(worker, "ask", pack_jobs(jobs))
            except WorkerLostError as error:
                chunk.losses += 1
                if seat.lost(worker):
                    self.lost += 1
                    options.progress.say(f"worker {seat.place} was lost ({error}); hiring another")
                if chunk.losses == LOSSES:
                    raise _deadly(jobs) from None
                await queue.give_back(chunk, answered=False)
                continue
            await _record(reply, context, options)
            await queue.give_back(chunk, answered=True)

    async def _manned(self, seat: Seat, options: RunOptions) -> Worker:
        """The seat's worker; one that is lost before it was asked anything is hired again."""
        said = ""
        for _ in range(LOSSES):
            try:
                return await seat.manned()
            except WorkerLostError as error:
                said = str(error)
                options.progress.say(f"worker {seat.place} did not start ({said})")
        raise JuriesError(f"worker {seat.place} cannot be started: {said}")


def _halted(context: Context, options: RunOptions) -> bool:
    return options.stopped or context.deserted


async def _job(position: int, context: Context) -> Job:
    known: tuple[Record, ...] = ()
    if position in context.partial:
        ledger = context.ledger

        def read() -> tuple[Record, ...]:
            return (
                *ledger.of_item(Rating, position),
                *ledger.of_item(Statement, position),
                *ledger.of_item(Preference, position),
            )

        known = await asyncio.to_thread(read)
    return Job(position=position, item=context.items[position], known=known)


async def _record(reply: bytes, context: Context, options: RunOptions) -> None:
    """Put a chunk's rows into the ledger, all before anything else may happen."""
    done = unpack_done(reply)
    assert isinstance(context.ledger, Ledger)  # noqa: S101 (the driver's)
    for kind, values in done.values.items():
        if values:
            await context.ledger.put_values(kind, values)
    for place, said in done.unavailable.items():
        if isinstance(context, RatingContext):
            context.unavailable.setdefault(place, MindUnavailableError(said))
        else:
            assert isinstance(context, DeliberationContext)  # noqa: S101 (there is no third)
            name = context.benches[place].mind.name
            context.unavailable.setdefault(name, MindUnavailableError(said))
    options.progress.advance(done.answered)


def _deadly(jobs: Sequence[Job]) -> JuriesError:
    names = ", ".join(job.item.id for job in jobs[:3])
    more = f" and {len(jobs) - 3} more" if len(jobs) > 3 else ""
    return JuriesError(
        f"{LOSSES} workers died over the same items ({names}{more}). If the machine ran out of "
        "memory, use fewer --workers; then run again with the same --out."
    )
