"""Spans of a run: run, item, call, in the terms of the GenAI conventions and without content."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from juries.prompts import item_prompts
from juries.runs import Run, run

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Everything exported, in memory."""
    trace = pytest.importorskip("opentelemetry.trace")
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    yield exporter
    provider.shutdown()


def study(mind: dict[str, Any], **sections: Any) -> dict[str, Any]:
    found = yaml.safe_load((EXAMPLES / "study.yaml").read_text())
    for section in ("items", "population"):
        found[section]["path"] = str(EXAMPLES / found[section]["path"])
    found["jury"]["seats"] = 4
    found["scores"].update(resamples=100, groups=[])
    found["baselines"] = {"share": 0.0}
    return {**found, "mind": mind, **sections}


def asked(server, out: Path, **sections: Any) -> Run:
    """A run of two items at the server."""

    async def go() -> Run:
        async with server.running():
            mind = {
                "kind": "llm", "model": server.model, "endpoints": [{"base_url": server.url}],
                "limits": {"attempts": 2}, "min_label_mass": 0,
            }  # fmt: skip
            return await asyncio.to_thread(run, study(mind, **sections), out=out, limit=2)

    return asyncio.run(go())


def test_a_run_holds_its_items_and_an_item_its_calls(server, tmp_path, exported) -> None:
    talk = {"protocol": "discussion", "rounds": 1, "control": 0.0}
    result = asked(server, tmp_path / "run", deliberation=talk)
    spans = exported.get_finished_spans()
    [whole] = [span for span in spans if span.name == "juries.run"]
    items = [span for span in spans if span.name == "juries.item"]
    calls = [span for span in spans if span.name == f"chat {server.model}"]
    assert len(spans) == 1 + len(items) + len(calls)
    assert whole.parent is None
    assert whole.attributes["juries.study"] == result.study.name
    assert [span.parent.span_id for span in items] == [whole.context.span_id] * 2
    ids = {span.context.span_id: span.attributes["juries.item"] for span in items}
    assert {span.attributes["juries.item.id"] for span in items} == {
        item.id for item in result.directory.read_items()[:2]
    }
    # ballots of three responses before and after talk, and a statement, by four jurors
    assert len(calls) == 2 * 4 * (3 + 1 + 3)
    for call in calls:
        said = call.attributes
        assert ids[call.parent.span_id] == said["juries.item"]
        assert said["gen_ai.operation.name"] == "chat"
        assert said["gen_ai.provider.name"] == "vllm"
        assert said["gen_ai.request.model"] == server.model
        assert said["gen_ai.usage.input_tokens"] > 0
        assert said["gen_ai.usage.output_tokens"] > 0
        assert said["server.address"] == server.url
        assert call.kind.name == "CLIENT"
        assert whole.start_time < call.start_time < call.end_time <= whole.end_time
    purposes = [span.attributes["juries.purpose"] for span in calls]
    assert purposes.count("statement") == 8
    # No content: of all words of the prompts, none is in what was exported.
    known = " ".join(span.to_json() for span in spans)
    sent = item_prompts(result.directory, result.directory.read_items()[0].id).sent
    assert sent
    texts = [m.content for one in sent for m in one.messages]
    texts += [reply for one in sent for reply in one.replies]
    long = [text for text in texts if len(text) > 40]  # the server's own statements are a digit
    assert len(long) > len(sent)
    assert not any(text[:40] in known for text in long)


def test_a_call_without_an_answer_is_an_error(server, script, tmp_path, exported) -> None:
    server.scripts.append(script("400", holds=""))
    asked(server, tmp_path / "run")
    calls = [span for span in exported.get_finished_spans() if span.name.startswith("chat")]
    assert calls
    for call in calls:
        assert call.status.status_code.name == "ERROR"
        assert call.attributes["error.type"] == "_OTHER"
        assert "server.address" not in call.attributes


QUIET = """
import json, os, socket, sys
import juries.runs

def refuse(*_):
    raise AssertionError("something wants to reach the network")

socket.socket.connect = refuse
juries.runs.run(json.loads(sys.argv[1]), out=sys.argv[2], limit=1)
import langsmith.utils
from graphs import tracing
print(json.dumps({
    "langsmith": bool(langsmith.utils.tracing_is_enabled()),
    "tracer": tracing._tracer() is not None,
    "exporter": "opentelemetry.exporter.otlp.proto.http" in sys.modules,
}))
"""
TRACES = ("OTEL_", "LANGSMITH_", "LANGCHAIN_")


def test_nothing_is_traced_unless_somebody_asks_for_it(tmp_path) -> None:
    talk = {"protocol": "discussion", "rounds": 1, "control": 0.0}
    mind = {"kind": "embedded"}
    clean = {name: value for name, value in os.environ.items() if not name.startswith(TRACES)}
    done = subprocess.run(
        [sys.executable, "-c", QUIET, json.dumps(study(mind, deliberation=talk)), tmp_path / "run"],
        env=clean, capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "langsmith": False, "tracer": False, "exporter": False,
    }  # fmt: skip


EXPORTS = """
import json, sys
from juries.runs import run
for folder in sys.argv[2:]:
    run(json.loads(sys.argv[1]), out=folder, limit=1)
"""


def test_spans_are_sent_where_the_environment_says(tmp_path) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from threading import Thread

    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    names: list[str] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sent = ExportTraceServiceRequest.FromString(body)
            names.extend(
                span.name
                for resource in sent.resource_spans
                for scope in resource.scope_spans
                for span in scope.spans
            )
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    collector = HTTPServer(("127.0.0.1", 0), Collector)
    Thread(target=collector.serve_forever, daemon=True).start()
    try:
        folders = [str(tmp_path / name) for name in ("first", "second")]
        done = subprocess.run(
            [sys.executable, "-c", EXPORTS, json.dumps(study({"kind": "embedded"})), *folders],
            env={
                **os.environ,
                "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
                "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
            },
            capture_output=True, text=True, check=False, timeout=240,
        )  # fmt: skip
    finally:
        collector.shutdown()
        collector.server_close()
    assert done.returncode == 0, done.stderr
    assert sorted(names) == ["juries.item"] * 2 + ["juries.run"] * 2
