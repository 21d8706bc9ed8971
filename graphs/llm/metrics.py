"""What a vLLM server counts: tokens, cache hits, and how many requests wait."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass

from graphs.llm.endpoint import Endpoint
from graphs.llm.faults import AttemptError
from graphs.llm.prefixes import BLOCK

POLL_S = 2.0
"""Seconds between looks at the servers' queues."""
WORTH_CUTTING = 32
"""Waiting requests below which a queue is no reason to ask less."""

_BLOCK = re.compile(rb'^vllm:cache_config_info\{[^}]*block_size="(\d+)"', re.MULTILINE)
_LINE = re.compile(rb"^vllm:(\w+)(?:\{[^}]*\})? ([0-9.eE+-]+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """A server's counts since it was started.

    Attributes:
        prompt_tokens: of all prompts.
        cached_tokens: of those, taken from the prefix cache.
        generated_tokens: of all replies.
        running: requests being computed now.
        waiting: requests that wait now.
    """

    prompt_tokens: int
    cached_tokens: int
    generated_tokens: int
    running: int
    waiting: int

    def since(self, earlier: Counters) -> dict[str, int]:
        """What was counted since an earlier look, for the run's record."""
        return {
            "prompt_tokens": self.prompt_tokens - earlier.prompt_tokens,
            "cached_tokens": self.cached_tokens - earlier.cached_tokens,
            "generated_tokens": self.generated_tokens - earlier.generated_tokens,
        }


async def counters(endpoint: Endpoint) -> Counters | None:
    """A server's counts now, None where it does not tell."""
    try:
        text = await endpoint.get("//metrics", within=5.0)
    except AttemptError:
        return None
    sums: dict[str, float] = {}
    for name, value in _LINE.findall(text):
        sums[name.decode()] = sums.get(name.decode(), 0.0) + float(value)
    if "prompt_tokens_total" not in sums:
        return None
    return Counters(
        prompt_tokens=int(sums["prompt_tokens_total"]),
        cached_tokens=int(sums.get("prompt_tokens_cached_total", 0)),
        generated_tokens=int(sums.get("generation_tokens_total", 0)),
        running=int(sums.get("num_requests_running", 0)),
        waiting=int(sums.get("num_requests_waiting", 0)),
    )


async def block_size(endpoint: Endpoint) -> int:
    """Tokens in a block of a server's prefix cache; vLLM's usual one where it does not tell."""
    try:
        found = _BLOCK.search(await endpoint.get("//metrics", within=5.0))
    except AttemptError:
        found = None
    return int(found[1]) if found else BLOCK


async def watch_queues(endpoints: Sequence[Endpoint]) -> None:
    """Ask less of servers at which far more requests wait than are computed. Runs until cancelled.

    A short queue keeps a server's batches full; a long one only ages in it, and times out.
    """
    while True:
        await asyncio.sleep(POLL_S)
        for endpoint in endpoints:
            now = await counters(endpoint) if endpoint.breaker.closed else None
            if now is not None and now.waiting > max(WORTH_CUTTING, 2 * now.running):
                endpoint.gate.queueing()
