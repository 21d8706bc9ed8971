"""Spans of a run, and where they go: OpenTelemetry as the `OTEL_…` variables set it up."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from graphs.minds.protocol import Mind
from graphs.tracing import Record, traced
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
def exporting() -> Generator[None]:
    """Send spans over OTLP while the block runs, if the environment says where to.

    Raises:
        InputError: it does, and the libraries for it are not installed.
    """
    wanted = next((name for name in ENDPOINTS if os.environ.get(name)), None)
    if wanted is None or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        yield
        return
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise InputError(
            "spans are to be exported, and OpenTelemetry is not installed",
            where=wanted,
            found=os.environ[wanted],
            hint="Install juries[otel], or unset the variable.",
        ) from error
    provider = TracerProvider(resource=Resource.create({"service.name": "juries"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        provider.shutdown()
