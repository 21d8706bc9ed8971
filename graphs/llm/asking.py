"""Putting a sitting to a panel: many conversations at once, rows as they come."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Iterator, Sequence

from graphs.items import shown
from graphs.llm.elicitation import probabilities, sampled, structured
from graphs.llm.elicitation.reasons import add_reasons
from graphs.llm.elicitation.rows import Answer, Result, row
from graphs.llm.planning import Planner
from graphs.llm.rendering import Renderer
from graphs.llm.session import Session
from graphs.llm.settings import Method
from graphs.llm.sitting import Group, Sitting, groups
from graphs.llm.talk.ballots import Rewrite
from graphs.records import Status

_ASK = {
    "probabilities": probabilities.ask,
    "structured": structured.ask,
    "sampled": sampled.ask,
}
_AHEAD = 1.5
"""Requests prepared, as a multiple of those that may be in flight."""


class Asker:
    """Asks all of a sitting's questions, so many conversations prepared at a time.

    Args:
        session: the servers, with what is known of them.
        renderer: of the mind's prompts.
        method: how ratings are asked for.
    """

    def __init__(self, session: Session, renderer: Renderer, method: Method) -> None:
        self.planner = Planner(session.client, session.settings, session.capabilities, method)
        self._session = session
        self._renderer = renderer
        self._method: Method = method
        capacity = sum(endpoint.gate.most for endpoint in session.client.endpoints)
        self._at_once = math.ceil(_AHEAD * capacity / session.batch) + 1
        self._prepared = asyncio.Semaphore(self._at_once)

    async def results(
        self, sitting: Sitting, rewrite: Rewrite | None = None, *, workers: int | None = None
    ) -> AsyncGenerator[Result]:
        """Ask, and yield rows with their calls as they come.

        Args:
            sitting: what is asked of whom.
            rewrite: puts the questions into other conversations.
            workers: chunks asked side by side, where that is not for this class to choose.

        Raises:
            MindUnavailableError: no server answers any more; nothing was asked.
            InputError: the scale cannot be asked about in the way the study wants.
        """
        self._session.client.check()
        plans = [
            (criteria, await self.planner.plan(tuple(sitting.asked[c] for c in criteria)))
            for criteria in self.planner.groups(sitting.asked)
        ]
        shuffle = self._session.settings.option_order == "balanced"
        todo = groups(sitting, self._renderer, plans, shuffle=shuffle)
        chunks = (chunk for group in todo for chunk in group.chunks(self._session.batch))
        done: asyncio.Queue[Result | Exception | None] = asyncio.Queue()
        tasks = [
            asyncio.create_task(self._work(chunks, done, rewrite))
            for _ in range(workers or self._workers(sitting))
        ]
        try:
            for _ in tasks:
                while (result := await done.get()) is not None:
                    if isinstance(result, Exception):
                        raise result
                    yield result
        finally:
            for worker in tasks:
                worker.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(
        self,
        chunks: Iterator[tuple[Group, tuple[int, ...]]],
        done: asyncio.Queue[Result | Exception | None],
        rewrite: Rewrite | None,
    ) -> None:
        """Ask chunk after chunk, while few enough are prepared; None ends a worker's results."""
        try:
            for group, seats in chunks:
                async with self._prepared:
                    done.put_nowait(await self._ask(group, seats, rewrite))
        except Exception as error:  # noqa: BLE001 (raised again where rows are awaited)
            done.put_nowait(error)
        else:
            done.put_nowait(None)

    def _workers(self, sitting: Sitting) -> int:
        subjects = len(shown(sitting.item, sitting.asked))
        chunks = math.ceil(len(sitting.panel) / self._session.batch)
        most = subjects * len(sitting.asked) * sitting.replicates * chunks
        return max(1, min(self._at_once, most))

    async def _ask(self, group: Group, seats: Sequence[int], rewrite: Rewrite | None) -> Result:
        session, affinity = self._session, group.sitting.item.id
        if group.subject.refusal is not None:
            answer = Answer(status=Status.FAILED, reason=group.subject.refusal)
            cells = (cell for seat in seats for cell in group.cells(seat))
            rows = [row(cell, answer, mind=session.position, call=None) for cell in cells]
            return Result(rows=rows, calls=[])
        puts = group.puts(self._renderer, seats)
        if rewrite is not None:
            puts = [rewrite(put, group.plan.form) for put in puts]
        result = await _ASK[self._method](session, group.plan, puts, affinity=affinity)
        if session.settings.reason == "separate":
            result = await add_reasons(
                session, self._renderer, group.plan, puts, result, affinity=affinity
            )
        answered = group.sitting.answered
        if answered and len(group.criteria) > 1:
            return Result(
                rows=[row for row in result.rows if row.cell not in answered], calls=result.calls
            )
        return result
