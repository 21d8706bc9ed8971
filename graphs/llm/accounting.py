"""What the answers cost: calls, tokens, time and money, in all and per juror."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field, fields

from graphs.llm.settings import GpuPrice, TokenPrice
from graphs.records import Call


@dataclass(slots=True, kw_only=True)
class Usage:
    """Sums over calls.

    Attributes:
        calls: conversations put to a server.
        failed: of them, those that were given up.
        attempts: how often conversations were sent.
        prompt_tokens: as far as servers counted them.
        cached_tokens: of those, what came from a prefix cache, as far as servers told.
        completion_tokens: generated.
        uncounted: answered calls of which no token count is known.
        cache_unknown: prompt tokens of which the server did not say how many were cached, as in
            batches; `server_cached_tokens` in the run's record counts them all.
        seconds: summed over calls, so that calls side by side count each.
    """

    calls: int = 0
    failed: int = 0
    attempts: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    uncounted: int = 0
    cache_unknown: int = 0
    seconds: float = 0.0

    def add(self, call: Call) -> None:
        """Count a call."""
        self.calls += 1
        self.failed += call.error is not None
        self.attempts += call.attempts
        self.seconds += call.seconds
        if call.prompt_tokens is None:
            self.uncounted += call.error is None
        else:
            self.prompt_tokens += call.prompt_tokens
            if call.cached_tokens is None:
                self.cache_unknown += call.prompt_tokens
        self.cached_tokens += call.cached_tokens or 0
        self.completion_tokens += call.completion_tokens or 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Money spent, and on what it is based."""

    amount: float
    currency: str
    basis: str


@dataclass(slots=True)
class Account:
    """Usage in all and by seat, and how long the servers were in use."""

    by_juror: dict[int, Usage] = field(default_factory=lambda: defaultdict(Usage))
    began: float | None = None
    ended: float | None = None

    def add(self, call: Call) -> None:
        """Count a call that ended now."""
        now = time.monotonic()
        if self.began is None:
            self.began = now - call.seconds
        self.ended = now
        self.by_juror[call.juror].add(call)

    @property
    def total(self) -> Usage:
        """Usage of all seats together."""
        sums = {
            each.name: sum(getattr(one, each.name) for one in self.by_juror.values())
            for each in fields(Usage)
        }
        return Usage(**sums)

    @property
    def wall_seconds(self) -> float:
        """From the first sending to the last answer."""
        return 0.0 if self.began is None or self.ended is None else self.ended - self.began

    def cost(self, price: TokenPrice | GpuPrice | None) -> Cost | None:
        """What it came to, or None without a price."""
        if price is None:
            return None
        if isinstance(price, GpuPrice):
            return gpu_cost(price, self.wall_seconds)
        return token_cost(price, self.total)


def token_cost(price: TokenPrice, usage: Usage) -> Cost:
    """Tokens times price. Cached tokens cost their own price where there is one."""
    cached = price.cached_input_per_million
    cached = price.input_per_million if cached is None else cached
    fresh = usage.prompt_tokens - usage.cached_tokens
    amount = (
        fresh * price.input_per_million
        + usage.cached_tokens * cached
        + usage.completion_tokens * price.output_per_million
    ) / 1e6
    basis = "token counts of the server x price table"
    if usage.uncounted:
        basis += f"; {usage.uncounted} calls uncounted"
    return Cost(amount=amount, currency=price.currency, basis=basis)


def gpu_cost(price: GpuPrice, seconds: float) -> Cost:
    """Wall time times GPUs times price."""
    amount = seconds / 3600 * price.gpus * price.per_gpu_hour
    basis = f"{seconds:.0f} s x {price.gpus} GPU x {price.per_gpu_hour:g} per hour"
    return Cost(amount=amount, currency=price.currency, basis=basis)
