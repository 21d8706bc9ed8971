"""Spans of a run, and where they go: OpenTelemetry as the `OTEL_…` variables set it up."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from graphs.minds.protocol import Mind
from graphs.tracing import Record, span, traced
from personas.errors import InputError

if TYPE_CHECKING:
    from graphs.minds.llm import LlmMind

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""Variables either of which says where spans are sent."""


def recording(record: Record, mind: Mind) -> Record:
    """What takes the rows of account of a mind's calls, with spans where they are wanted."""
    if mind.kind != "language model":
        return record
    asked: LlmMind = mind  # pyright: ignore[reportAssignmentType] (the only mind of this kind)
    return traced(
        record,
        model=asked.name,
        # Of servers with OpenAI's API only vLLM says what it is.
        provider="vllm" if asked.capabilities.server == "vllm" else "openai",
        servers=[endpoint.url for endpoint in asked.session.client.endpoints],
    )


@contextmanager
def tracing(study: str, *, seed: int) -> Generator[None]:
    """A span of a run around the block; sent over OTLP if the environment says where to.

    Who sets up OpenTelemetry themselves keeps what they set up.

    Args:
        study: its name.
        seed: of the study.

    Raises:
        InputError: spans are to be sent, and the libraries for it are not installed.
    """
    flush = _export()
    try:
        with span("juries.run", {"juries.study": study, "juries.seed": seed}):
            yield
    finally:
        if flush is not None:
            flush()


def _export() -> Callable[[], object] | None:
    """Set up the export that the environment asks for; what sends the last spans, or None."""
    wanted = next((name for name in ENDPOINTS if os.environ.get(name)), None)
    if wanted is None or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise InputError(
            "spans are to be exported, and OpenTelemetry is not installed",
            where=wanted,
            found=os.environ[wanted],
            hint="Install juries[otel], or unset the variable.",
        ) from error
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        name = os.environ.get("OTEL_SERVICE_NAME", "juries")
        provider = TracerProvider(resource=Resource.create({SERVICE_NAME: name}))
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        trace.set_tracer_provider(provider)
    return provider.force_flush
