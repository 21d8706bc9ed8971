"""What an executor is: whoever puts the items of a run to the jury."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from juries.executors.contexts import Context
from juries.executors.options import RunOptions
from juries.executors.wire import Setup


class Executor(Protocol):
    """Puts items to the jury; rows end up in the ledger of the context, which the caller owns."""

    async def ask(self, positions: Sequence[int], context: Context, options: RunOptions) -> None:
        """Have every item answered, or stop where `options.stop` or a lost mind says so.

        Args:
            positions: of the items, in study order.
            context: of the study's graph, with the run's ledger.
            options: how many at once, whom to tell.

        Raises:
            JuriesError: what a user can mend; what was answered before is in the ledger.
        """
        ...

    async def reports(self) -> list[dict[str, Any]]:
        """How minds opened elsewhere asked servers; empty where none was."""
        ...


class WorkerLostError(Exception):
    """A worker died or cannot be reached; what it was asked has to be asked again."""


class Worker(Protocol):
    """A station behind a transport."""

    async def request(self, kind: str, body: bytes) -> bytes:
        """Have the station handle a request; see `juries.executors.station.Desk`.

        Raises:
            WorkerLostError: no answer will come.
        """
        ...


class Crew(Protocol):
    """Where workers come from."""

    @property
    def size(self) -> int:
        """How many there are to be."""
        ...

    async def hire(self, place: int, setup: Setup) -> Worker:
        """A worker that is ready, in place of the one that was lost there, if any.

        Raises:
            JuriesError: no worker can be had.
        """
        ...
