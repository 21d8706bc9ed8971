"""Requests to the servers of a mind: affinity, retries, timeouts, and giving up.

A call goes to the server to which its item belongs (rendezvous hashing), so that prefixes stay in
one cache; when that server is dead, to the next one. Faults are retried with full jitter a bounded
number of times; a busy server is waited for until the call's time is over.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Self, TypeVar

from graphs.llm.endpoint import Endpoint
from graphs.llm.faults import AttemptError, CallError, FaultKind, MindUnavailableError, ReplyError
from graphs.llm.settings import EndpointSettings, Limits

FIRST_BACKOFF = 0.25
LONGEST_BACKOFF = 20.0

T = TypeVar("T")
_jitter = secrets.SystemRandom()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[T]):
    """What a server answered.

    Attributes:
        value: the reply, as read.
        endpoint: number of the server.
        attempts: how often the request was sent.
        seconds: from the first sending to the answer.
    """

    value: T
    endpoint: int
    attempts: int
    seconds: float


@dataclass(slots=True)
class _Course:
    """How one call has gone so far. Its time begins when it is first sent."""

    limit_s: float
    started: float | None = None
    attempts: int = 0
    faults: int = 0

    def left(self) -> float:
        now = asyncio.get_running_loop().time()
        return self.limit_s if self.started is None else self.started + self.limit_s - now

    def seconds(self) -> float:
        return self.limit_s - self.left()

    def failed(self, fault: AttemptError) -> CallError:
        return CallError(fault.kind, fault.message, attempts=self.attempts, seconds=self.seconds())


class Client:
    """The servers of one mind. An async context manager."""

    def __init__(self, endpoints: Sequence[EndpointSettings], limits: Limits) -> None:
        self.limits = limits
        # A reply that begins in time and then drips must not use up the time of the whole call.
        self._attempt_s = limits.connect_s + 2 * limits.read_s
        self.endpoints = tuple(
            Endpoint(number, settings, limits) for number, settings in enumerate(endpoints)
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for endpoint in self.endpoints:
            await endpoint.close()

    def check(self) -> None:
        """Raise when no server has answered for as long as the settings have patience.

        Raises:
            MindUnavailableError: nothing more should be asked.
        """
        if all(self._given_up(endpoint) for endpoint in self.endpoints):
            why = "; ".join(endpoint.breaker.why for endpoint in self.endpoints)
            raise MindUnavailableError(
                f"No server answers any more ({why}). Start it and run the same command again: "
                "what was answered is kept, and failed questions are asked again."
            )

    async def send(
        self,
        path: str,
        body: bytes,
        read: Callable[[bytes], T],
        *,
        affinity: str,
        weight: int = 1,
    ) -> Answer[T]:
        """Send a request until it is answered or given up.

        Args:
            path: as `Endpoint.post` takes it.
            body: JSON.
            read: reads the reply; raises `ReplyError` where it is none.
            affinity: calls with the same one go to the same server.
            weight: conversations in the request.

        Raises:
            CallError: after the retries that the limits allow, or where none can help.
        """
        course = _Course(self.limits.call_s)
        while True:
            try:
                endpoint = await self._choose(affinity)
                return await self._attempt(endpoint, course, path, body, read, weight)
            except AttemptError as fault:
                await self._wait_or_give_up(fault, course)

    async def _attempt(
        self,
        endpoint: Endpoint,
        course: _Course,
        path: str,
        body: bytes,
        read: Callable[[bytes], T],
        weight: int,
    ) -> Answer[T]:
        async with endpoint.gate.hold(weight) as cuts:
            if not endpoint.breaker.closed and endpoint.breaker.wait > 0:
                # It died while this call stood in the queue.
                raise AttemptError(FaultKind.UNREACHABLE, endpoint.breaker.why)
            if course.started is None:
                course.started = asyncio.get_running_loop().time()
            course.attempts += 1
            try:
                async with asyncio.timeout(min(self._attempt_s, max(0.001, course.left()))):
                    reply = await endpoint.post(path, body)
                value = read(reply)
            except AttemptError as fault:
                self._learn(endpoint, fault, cuts)
                raise
            except ReplyError as error:
                fault = AttemptError(FaultKind.MALFORMED, f"{endpoint.url}: {error}")
                self._learn(endpoint, fault, cuts)
                raise fault from None
            except TimeoutError:
                said = f"{endpoint.url}: no whole answer in time"
                fault = AttemptError(FaultKind.TIMEOUT, said)
                self._learn(endpoint, fault, cuts)
                raise fault from None
        endpoint.breaker.answered()
        endpoint.gate.succeeded(weight)
        return Answer(
            value=value,
            endpoint=endpoint.number,
            attempts=course.attempts,
            seconds=course.seconds(),
        )

    def _learn(self, endpoint: Endpoint, fault: AttemptError, cuts: int) -> None:
        if fault.kind is FaultKind.UNREACHABLE:
            endpoint.breaker.open(fault.message)
        elif fault.kind.server_at_fault:
            endpoint.breaker.fault(fault.message)
        else:
            endpoint.breaker.answered()
        if fault.kind in (FaultKind.BUSY, FaultKind.TIMEOUT, FaultKind.BROKEN):
            endpoint.gate.congested(cuts, fault.retry_after or 0.0)

    async def _wait_or_give_up(self, fault: AttemptError, course: _Course) -> None:
        if not fault.kind.worth_retrying:
            raise course.failed(fault) from None
        # Busy servers are waited for by the call's time, unreachable ones by the mind's patience.
        course.faults += fault.kind not in (FaultKind.BUSY, FaultKind.UNREACHABLE)
        if course.faults >= self.limits.attempts or all(map(self._given_up, self.endpoints)):
            raise course.failed(fault) from None
        tries = max(course.attempts - 1, 0)
        backoff = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2.0 ** min(tries, 10))
        pause = _jitter.uniform(0, backoff)
        if fault.retry_after is not None:
            pause = fault.retry_after + _jitter.uniform(0, min(1.0, fault.retry_after / 4))
        if pause >= course.left():
            raise course.failed(fault) from None
        await asyncio.sleep(pause)

    async def _choose(self, affinity: str) -> Endpoint:
        """The first server in the affinity's order that may be asked, waiting for one."""
        ranked = rank(self.endpoints, affinity)
        while not all(map(self._given_up, ranked)):
            for endpoint in ranked:
                if not endpoint.breaker.closed and endpoint.breaker.wait == 0:
                    await endpoint.ping()
                if endpoint.breaker.closed:
                    return endpoint
            await asyncio.sleep(min(0.05 + endpoint.breaker.wait for endpoint in ranked))
        raise AttemptError(FaultKind.UNREACHABLE, ranked[0].breaker.why)

    def _given_up(self, endpoint: Endpoint) -> bool:
        breaker = endpoint.breaker
        return not breaker.closed and breaker.down_for >= self.limits.patience_s


def rank(endpoints: Sequence[Endpoint], affinity: str) -> list[Endpoint]:
    """Servers in the order in which an item belongs to them: weighted rendezvous hashing.

    Each server is first for a share of the items in proportion to its weight, and when one goes,
    only its own items move (Thaler & Ravishankar 1998; weights by -w / ln u).
    """
    if len(endpoints) == 1:
        return list(endpoints)

    def score(endpoint: Endpoint) -> float:
        name = f"{endpoint.number}\x1f{affinity}".encode()
        drawn = int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "big")
        return -endpoint.weight / math.log((drawn + 1) / (2**64 + 2))

    return sorted(endpoints, key=score, reverse=True)
