"""How many conversations may be in flight at one server: a limit that adapts."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

DECREASE = 0.7
"""What is left of the limit after congestion; TCP's congestion avoidance, with a milder cut."""


class Gate:
    """Additive increase, multiplicative decrease, counted in conversations.

    The limit starts at a quarter of `most`, doubles with each full window of successes until the
    first congestion (429, 503, a queue at the server, a timeout), and from then on grows by one
    conversation a window. Failures of requests sent before a cut belong to that cut and cut no
    further. Waiters are served in order.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.limit = float(max(1, most // 4))
        self.in_flight = 0
        self.waiting = 0
        self._queue: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._slow_start = True
        self._succeeded = 0
        self._cuts = 0
        self._not_before = 0.0

    @asynccontextmanager
    async def hold(self, weight: int = 1) -> AsyncGenerator[int]:
        """Wait for room for `weight` conversations; a group larger than the limit goes alone.

        Yields the number of cuts so far, which `congested` wants back.
        """
        await self._acquire(weight)
        try:
            yield self._cuts
        finally:
            self.in_flight -= weight
            self._wake()

    def succeeded(self, weight: int = 1) -> None:
        """An answer came: grow when the limit was what held requests back."""
        self._succeeded += weight
        if self._succeeded < self.limit:
            return
        self._succeeded = 0
        if self._queue or self.in_flight + weight >= self.limit:
            grown = self.limit * 2 if self._slow_start else self.limit + 1
            self.limit = min(float(self.most), grown)
            self._wake()

    def congested(self, cuts: int, pause: float = 0.0) -> None:
        """The server is busy: cut the limit, and send nothing for `pause` seconds.

        Args:
            cuts: what `hold` yielded to the request that found the server busy.
            pause: as the server asked for it by `retry-after`.
        """
        self._slow_start = False
        if cuts == self._cuts:
            self.limit = max(1.0, self.limit * DECREASE)
            self._cuts += 1
            self._succeeded = 0
        if pause > 0:
            loop = asyncio.get_running_loop()
            if loop.time() + pause > self._not_before:
                self._not_before = loop.time() + pause
                loop.call_at(self._not_before, self._wake)

    def queueing(self) -> None:
        """Requests pile up at the server: cut the limit."""
        self.congested(self._cuts)

    def _open_for(self, weight: int) -> bool:
        if self._not_before and asyncio.get_running_loop().time() < self._not_before:
            return False
        return self.in_flight == 0 or self.in_flight + weight <= self.limit

    async def _acquire(self, weight: int) -> None:
        if not self._queue and self._open_for(weight):
            self.in_flight += weight
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (weight, turn)
        self._queue.append(entry)
        self.waiting += weight
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self.in_flight -= weight
            elif entry in self._queue:
                self._queue.remove(entry)
                self.waiting -= weight
            self._wake()
            raise

    def _wake(self) -> None:
        while self._queue and self._open_for(self._queue[0][0]):
            weight, turn = self._queue.popleft()
            self.waiting -= weight
            if not turn.cancelled():
                self.in_flight += weight
                turn.set_result(None)
