"""How a run is carried out; nothing here changes an answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from juries.executors.placement import Placement
from juries.progress import Progress, Silent

ITEMS_IN_FLIGHT = 16
"""Items put to the jury at once, unless the caller says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a run is carried out.

    Attributes:
        limit: only the first items; a later run without it goes on with the rest.
        in_flight: items put to the jury at once.
        progress: told how far the run is.
        stop: once set, items in flight are finished and no other is begun.
        placement: who does the work, and which share of the items this run is about.
    """

    limit: int | None = None
    in_flight: int = ITEMS_IN_FLIGHT
    progress: Progress = field(default_factory=Silent)
    stop: asyncio.Event | None = None
    placement: Placement = field(default_factory=Placement)

    @property
    def stopped(self) -> bool:
        """Whether nothing further should be begun."""
        return self.stop is not None and self.stop.is_set()
