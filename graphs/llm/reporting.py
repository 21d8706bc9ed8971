"""How a mind asked and what that took, for the run's record: estimated and real."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from graphs.llm.estimate import Asking, Estimate, by_characters, estimate
from graphs.llm.metrics import Counters, block_size, counters
from graphs.llm.probing import token_ids
from graphs.llm.rendering import Message
from graphs.llm.session import Session
from graphs.llm.settings import Layout, Method


class Reporter:
    """Keeps the estimate and the servers' counts of a session, and reports on it."""

    def __init__(self, session: Session, method: Method) -> None:
        self._session = session
        self._method: Method = method
        self._before: dict[int, Counters] = {}
        self.expected: Estimate | None = None

    async def count_from_now(self) -> None:
        """Remember what the servers have counted so far, so that `report` tells this run's part."""
        for endpoint in self._session.client.endpoints:
            now = await counters(endpoint)
            if now is not None:
                self._before[endpoint.number] = now

    async def estimate(self, asking: Asking, layouts: Sequence[Layout]) -> Estimate:
        """What asking will take, counted by the server's tokenizer where it answers."""
        session = self._session
        return await estimate(
            session.settings,
            asking,
            method=self._method,
            layouts=layouts,
            tokenize=self._tokens if session.capabilities.tokenize else None,
            block=await block_size(session.client.endpoints[0]),
            several=session.capabilities.several,
        )

    async def report(self) -> dict[str, Any]:
        """Capabilities, estimate, real use and cost since the session was opened."""
        session = self._session
        account, settings = session.account, session.settings
        cost = account.cost(settings.price or settings.gpu)
        return {
            "elicitation": self._method,
            "layout": settings.layout,
            "capabilities": session.capabilities.record(),
            "estimate": None if self.expected is None else asdict(self.expected),
            "usage": asdict(account.total),
            "wall_seconds": account.wall_seconds,
            "cost": None if cost is None else asdict(cost),
            "servers": await self._servers(),
        }

    async def _servers(self) -> list[dict[str, Any]]:
        """What each server counted since the session was opened, others' use included."""
        found: list[dict[str, Any]] = []
        for endpoint in self._session.client.endpoints:
            before = self._before.get(endpoint.number)
            after = None if before is None else await counters(endpoint)
            if before is not None and after is not None:
                found.append({"url": endpoint.url, "counted": after.since(before)})
        return found

    async def _tokens(self, messages: Sequence[Message]) -> Sequence[int]:
        session = self._session
        tokens = await token_ids(
            session.client, session.settings.model, messages=messages, add_generation_prompt=True
        )
        return await by_characters(messages) if tokens is None else tokens
