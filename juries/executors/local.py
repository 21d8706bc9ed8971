"""The executor of one process: items side by side in one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from graphs.deliberation.threads import Threads
from juries.executors.contexts import Context, put_item
from juries.executors.garbage import fewer_collections
from juries.executors.options import RunOptions
from personas.errors import JuriesError


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalExecutor:
    """Asks with the context's own minds.

    Attributes:
        threads: in which deliberations wait for people, where they sit on the jury.
    """

    threads: Threads | None = None

    async def ask(self, positions: Sequence[int], context: Context, options: RunOptions) -> None:
        """Invoke the graph for every position, so many at a time."""
        waiting = iter(positions)

        async def work(waiting: Iterator[int]) -> None:
            for position in waiting:
                if context.deserted or options.stopped:
                    return
                options.progress.advance(await put_item(position, context, self.threads))

        try:
            with fewer_collections():
                async with asyncio.TaskGroup() as group:
                    for _ in range(min(options.in_flight, len(positions))):
                        group.create_task(work(waiting))
        except* JuriesError as errors:
            raise errors.exceptions[0] from None

    async def reports(self) -> list[dict[str, Any]]:
        """None: the caller opened the minds."""
        return []
