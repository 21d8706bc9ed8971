"""OpenTelemetry spans of what a run does, for those who set up OpenTelemetry.

A run holds spans of its items, and an item those of the calls that were made for it, in the terms
of the GenAI semantic conventions (https://opentelemetry.io/docs/specs/semconv/gen-ai/). No prompt
and no reply is in them. Without OpenTelemetry in the process nothing is imported and nothing done.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from graphs.records import Call

Record = Callable[[Sequence[Call]], None]
Attributes = Mapping[str, str | int | float | bool]
SCOPE = "juries"
_BILLION = 1_000_000_000


@contextmanager
def span(name: str, attributes: Attributes) -> Generator[None]:
    """A span around what happens inside the block, current for those begun in it.

    Args:
        name: of few different values.
        attributes: without content.
    """
    tracer = _tracer()
    if tracer is None:
        yield
        return
    with tracer.start_as_current_span(name, attributes=dict(attributes)):
        yield


def traced(record: Record, *, model: str, provider: str, servers: Sequence[str]) -> Record:
    """Record calls as before, and leave a span of each under the item it was made for.

    Args:
        record: takes rows of account.
        model: as it was asked for.
        provider: `gen_ai.provider.name`.
        servers: addresses, by `Call.endpoint`.

    Returns:
        `record` itself where nobody set up OpenTelemetry.
    """
    tracer = _tracer()
    if tracer is None:
        return record
    common = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": model,
    }

    def both(calls: Sequence[Call]) -> None:
        record(calls)
        now = time.time_ns()
        for call in calls:
            _emit(tracer, call, f"chat {model}", {**common, **_described(call, servers)}, now)

    return both


def _tracer() -> Any | None:
    """The tracer that somebody set up for this process; None where nobody did."""
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return None
    provider = trace.get_tracer_provider()
    nobody = isinstance(provider, trace.ProxyTracerProvider | trace.NoOpTracerProvider)
    return None if nobody else provider.get_tracer(SCOPE)


def _emit(tracer: Any, call: Call, name: str, attributes: dict[str, Any], now: int) -> None:
    """A span of a call that has ended."""
    from opentelemetry.trace import SpanKind, Status, StatusCode

    begun = tracer.start_span(
        name,
        kind=SpanKind.CLIENT,
        start_time=now - int(call.seconds * _BILLION),
        attributes=attributes,
    )
    if call.error is not None:
        begun.set_status(Status(StatusCode.ERROR, call.error))
    begun.end(end_time=now)


def _described(call: Call, servers: Sequence[str]) -> dict[str, Any]:
    found = {
        "gen_ai.usage.input_tokens": call.prompt_tokens,
        "gen_ai.usage.output_tokens": call.completion_tokens,
        "gen_ai.usage.cache_read.input_tokens": call.cached_tokens,
        "server.address": servers[call.endpoint] if call.endpoint >= 0 else None,
        "error.type": None if call.error is None else "_OTHER",
        "juries.item": call.item,
        "juries.juror": call.juror,
        "juries.round": call.round,
        "juries.purpose": call.purpose,
        "juries.prompt": call.prompt,
        "juries.attempts": call.attempts,
        "juries.shared": call.shared,
    }
    return {name: value for name, value in found.items() if value is not None}
