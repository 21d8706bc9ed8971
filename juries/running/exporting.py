"""Parts of the ratings table, written while the run goes on."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from personas.errors import JuriesError

if TYPE_CHECKING:
    from juries.exports.ratings_table import Part, RatingsTable

LOOK_EVERY = 5.0
"""Seconds between looks at whether the next part's items are answered."""


@asynccontextmanager
async def exporting(table: RatingsTable, finished: Callable[[range], bool]) -> AsyncGenerator[None]:
    """Write the parts of a large run's table inside the block, each once its items are answered.

    The table is brought up to date when the run is concluded, whatever became of this.

    Args:
        table: of the run; one that has a single file is left alone.
        finished: whether all questions of items are answered.
    """
    if len(table.parts) == 1 or table.path.is_file():
        yield
        return
    halt = threading.Event()
    writer = asyncio.create_task(_write(table, finished, halt))
    try:
        yield
    finally:
        halt.set()
        await writer


async def _write(
    table: RatingsTable, finished: Callable[[range], bool], halt: threading.Event
) -> None:
    left = deque(table.parts)
    with contextlib.suppress(JuriesError):  # such as a full disk: the run will say so itself
        while left and not await asyncio.to_thread(halt.wait, LOOK_EVERY):
            await asyncio.to_thread(_advance, table, left, finished, halt)


def _advance(
    table: RatingsTable,
    left: deque[Part],
    finished: Callable[[range], bool],
    halt: threading.Event,
) -> None:
    """Write parts in order as far as their items are answered."""
    while left and not halt.is_set():
        if not table.holds(left[0]):
            if not finished(left[0].items):
                return
            table.write(left[0], halt.is_set)
        left.popleft()
