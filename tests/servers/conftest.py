"""A model server that misbehaves as it is told, and jurors and items to ask it about.

It speaks enough of vLLM's API for every way of asking, and answers from a hash of what it is asked,
so that a test can tell an answer that was given from one that was invented. A fault is scripted for
the requests that hold a given text.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import math
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from graphs.items import Item, Response
from graphs.llm.settings import EndpointSettings, Limits, LlmSettings
from graphs.minds.llm import LlmMind, open_llm_mind
from graphs.minds.protocol import RatingTask
from graphs.panel import Juror, Panel
from graphs.records import Call, Rating
from personas.persona import Persona

Fault = Callable[[web.Request, "Victims"], Awaitable[web.StreamResponse]]


def juror_name(position: int) -> str:
    """A text that only this juror's prompts hold."""
    return f"juror-{position:03d}-"


@dataclass
class Script:
    """A fault, which requests it befalls, and how many of them."""

    fault: str
    holds: str = ""
    times: float = math.inf
    path: str = "completions"


@dataclass
class Victims:
    """A proper reply, and those of its choices that the fault befalls."""

    reply: dict[str, Any]
    choices: list[dict[str, Any]]


@dataclass
class MisbehavingServer:
    """What it was asked, what it answered, and what it is to do wrong."""

    url: str = ""
    model: str = "stub"
    kind: str = "vllm"
    vocabulary: bool = True
    scripts: list[Script] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    befallen: Counter[str] = field(default_factory=Counter)
    answered: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    delay: float = 0.0

    def application(self) -> web.Application:
        """Its routes."""
        app = web.Application(client_max_size=1 << 28)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/version", self._version)
        app.router.add_get("/health", self._version)
        app.router.add_post("/tokenize", self._tokenize)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_post("/v1/chat/completions/batch", self._chat)
        return app

    @contextlib.asynccontextmanager
    async def running(self, port: int = 0) -> AsyncGenerator[MisbehavingServer]:
        """Serve on the loopback."""
        runner = web.AppRunner(self.application(), shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        try:
            yield self
        finally:
            await runner.cleanup()

    # what it says when it behaves

    def weights(self, messages: list[dict[str, str]], size: int) -> list[float]:
        """Its distribution over labels 0..size-1 in answer to a conversation: sums to 0.9."""
        seed = hashlib.blake2b(json.dumps(messages).encode(), digest_size=8).digest()
        raw = [1 + seed[n % 8] for n in range(size)]
        return [0.9 * weight / sum(raw) for weight in raw]

    def chosen(self, messages: list[dict[str, str]], size: int) -> int:
        """The label that it prefers."""
        weights = self.weights(messages, size)
        return weights.index(max(weights))

    def _choice(self, body: dict[str, Any], messages: list[dict[str, str]]) -> dict[str, Any]:
        form = body.get("response_format")
        if form is not None:
            content = json.dumps(self._conform(form["json_schema"]["schema"], messages))
        else:
            content = str(1 + self.chosen(messages, 5))
        choice: dict[str, Any] = {
            "index": 0,
            "message": {"role": "assistant", "content": content, "reasoning": "I think 2"},
            "finish_reason": "stop",
        }
        ids = body.get("logprob_token_ids")
        if ids is not None and self.kind == "vllm":
            # Spellings of one label follow each other: the second is the label after a space.
            shares = self.weights(messages, len(ids))
            tokens = [f"token_id:{one}" for one in ids]
            choice["logprobs"] = _logprobs(tokens, shares)
        elif body.get("top_logprobs"):
            shares = self.weights(messages, 5)
            choice["logprobs"] = _logprobs([str(n + 1) for n in range(5)], shares)
        return choice

    def _conform(self, schema: dict[str, Any], messages: list[dict[str, str]]) -> Any:
        if "properties" in schema:
            return {
                name: self._conform(part, messages) for name, part in schema["properties"].items()
            }
        if "enum" in schema:
            return schema["enum"][self.chosen(messages, len(schema["enum"]))]
        return "because of what it says"

    async def _models(self, request: web.Request) -> web.Response:
        owner = "vllm" if self.kind == "vllm" else "somebody"
        return web.json_response({"data": [{"id": self.model, "owned_by": owner}]})

    async def _version(self, request: web.Request) -> web.Response:
        return web.json_response({"version": "0.0.stub"})

    async def _tokenize(self, request: web.Request) -> web.Response:
        if not self.vocabulary:
            return web.json_response({"error": {"message": "no such path"}}, status=404)
        body = await request.json()
        if "prompt" in body:
            text = body["prompt"]
        else:
            parts = [f"<{m['role']}>{m['content']}" for m in body["messages"]]
            text = "".join(parts) + ("<assistant>" if body.get("add_generation_prompt") else "")
        return web.json_response({"tokens": [ord(c) for c in text]})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(body)
        self.headers.append(dict(request.headers))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            return await self._respond(request, body)
        finally:
            self.in_flight -= 1

    async def _respond(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        if self.delay:
            await asyncio.sleep(self.delay)
        asked = json.dumps(body["messages"])
        for script in self.scripts:
            if script.holds in asked and script.times > 0 and "Say yes." not in asked:
                script.times -= 1
                self.befallen[script.fault] += 1
                return await FAULTS[script.fault](request, self._victims(body, script.holds))
        return web.json_response(self.completion(body))

    def _victims(self, body: dict[str, Any], holds: str) -> Victims:
        reply = self.completion(body)
        batch = isinstance(body["messages"][0], list)
        befallen = [
            choice
            for choice in reply["choices"]
            if not batch or holds in json.dumps(body["messages"][choice["index"]])
        ]
        return Victims(reply, befallen)

    def completion(self, body: dict[str, Any]) -> dict[str, Any]:
        """A proper reply to a request, single or batch."""
        batch = isinstance(body["messages"][0], list)
        conversations = body["messages"] if batch else [body["messages"]] * body.get("n", 1)
        choices = [
            {**self._choice(body, messages), "index": n} for n, messages in enumerate(conversations)
        ]
        self.answered += len(conversations)
        length = sum(len(m["content"]) for c in conversations for m in c)
        used: dict[str, Any] = {"prompt_tokens": length, "completion_tokens": len(choices)}
        if not batch:
            used["prompt_tokens_details"] = {"cached_tokens": length // 2}
        return {"choices": choices, "usage": used}


def _logprobs(tokens: list[str], shares: list[float]) -> dict[str, Any]:
    top = [
        {"token": token, "logprob": math.log(share) if share > 0 else -9999.0}
        for token, share in zip(tokens, shares, strict=True)
    ]
    return {"content": [{**top[0], "top_logprobs": top}]}


# faults


def _status(status: int, **headers: str) -> Fault:
    async def fault(request: web.Request, victims: Victims) -> web.StreamResponse:
        error = {"error": {"message": f"scripted {status}"}}
        return web.json_response(error, status=status, headers=headers)

    return fault


def _changed(change: Callable[[dict[str, Any]], object]) -> Fault:
    async def fault(request: web.Request, victims: Victims) -> web.StreamResponse:
        for choice in victims.choices:
            change(choice)
        return web.json_response(victims.reply)

    return fault


async def _no_choices(request: web.Request, victims: Victims) -> web.StreamResponse:
    return web.json_response({**victims.reply, "choices": []})


def _text(text: bytes, kind: str) -> Fault:
    async def fault(request: web.Request, victims: Victims) -> web.StreamResponse:
        return web.Response(body=text, content_type=kind)

    return fault


async def _hang(request: web.Request, victims: Victims) -> web.StreamResponse:
    await asyncio.sleep(3600)
    raise AssertionError("unreachable")


async def _drip(request: web.Request, victims: Victims) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while request.transport is not None and not request.transport.is_closing():
        await response.write(b" ")
        await asyncio.sleep(0.02)
    return response


async def _reset(request: web.Request, victims: Victims) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "100000"})
    await response.prepare(request)
    await response.write(b'{"choices": [')
    assert request.transport is not None
    request.transport.abort()
    raise asyncio.CancelledError


async def _redirect(request: web.Request, victims: Victims) -> web.StreamResponse:
    raise web.HTTPTemporaryRedirect("/v1/models")


def _positions(choice: dict[str, Any]) -> list[dict[str, Any]]:
    return (choice.get("logprobs") or {}).get("content", [])


def _each_logprob(value: float | None) -> Callable[[dict[str, Any]], None]:
    def apply(choice: dict[str, Any]) -> None:
        for position in _positions(choice):
            for entry in position["top_logprobs"]:
                entry["logprob"] = value

    return apply


def _twice(choice: dict[str, Any]) -> None:
    for position in _positions(choice):
        position["top_logprobs"] += position["top_logprobs"][:1]
    content = choice["message"]["content"]
    twice = content[:-1] + ', "rating": 1, "rating": 2}'
    choice["message"]["content"] = twice if content[0] == "{" else "Rating: 1. Rating: 2."


def _garbled(choice: dict[str, Any]) -> None:
    choice["message"]["content"] = "the weather is fine"
    choice.pop("logprobs", None)


def _refused(choice: dict[str, Any]) -> None:
    choice["message"] = {"content": "I'm sorry, but I can't help with that."}
    choice.pop("logprobs", None)


FAULTS: dict[str, Fault] = {
    "429": _status(429),
    "429 with retry-after": _status(429, **{"Retry-After": "0.05"}),
    "500": _status(500),
    "503": _status(503),
    "400": _status(400),
    "401": _status(401),
    "hang": _hang,
    "slow drip": _drip,
    "reset mid-body": _reset,
    "truncated JSON": _text(b'{"choices": [{"message": {"content": "4', "application/json"),
    "wrong schema": _text(b'{"choices": [{"message": 4}]}', "application/json"),
    "array": _text(b"[" * 5000, "application/json"),
    "empty choices": _no_choices,
    "huge body": _text(b'{"choices": "' + b"4" * 3_000_000 + b'"}', "application/json"),
    "HTML": _text(b"<html><body>4</body></html>", "text/html"),
    "redirect": _redirect,
    "missing logprobs": _changed(_garbled),
    "NaN": _changed(_each_logprob(math.nan)),
    "minus infinity": _changed(_each_logprob(-math.inf)),
    "above zero": _changed(_each_logprob(0.7)),
    "null logprob": _changed(_each_logprob(None)),
    "duplicates": _changed(_twice),
    "refusal": _changed(_refused),
}


@pytest.fixture
def server() -> MisbehavingServer:
    """A server to be run in the test's own event loop."""
    return MisbehavingServer()


@pytest.fixture
def script() -> type[Script]:
    """A fault to script."""
    return Script


@pytest.fixture
def make_server() -> type[MisbehavingServer]:
    """For tests that need several servers."""
    return MisbehavingServer


@pytest.fixture
def panel() -> Callable[[int], Panel]:
    """So many jurors, each with a portrait that holds `juror-NNN-`."""

    def make(size: int) -> Panel:
        return Panel(
            tuple(
                Juror(
                    position=n,
                    id=f"j{n}",
                    persona=Persona(attributes={"age": 20 + n}),
                    weight=1 / size,
                    mind="m",
                    portrait=f"You are {juror_name(n)}, aged {20 + n}.",
                )
                for n in range(size)
            )
        )

    return make


@pytest.fixture
def item() -> Item:
    """Two responses to a question."""
    return Item(
        id="vote",
        prompt="Should one vote at 16?",
        responses=(
            Response(model="a", text="Yes, since it concerns the young most."),
            Response(model="b", text="No, one learns until 18."),
        ),
    )


@pytest.fixture
def patient() -> Limits:
    """Two attempts, each with all the time that a slow machine may need."""
    return Limits(attempts=2, max_reply_bytes=1_000_000)


@pytest.fixture
def quick() -> Limits:
    """For faults that only time can end."""
    return Limits(connect_s=0.2, read_s=0.7, call_s=1.8, attempts=2, max_reply_bytes=1_000_000)


@pytest.fixture
def settings(server: MisbehavingServer, patient: Limits) -> Callable[..., LlmSettings]:
    """Settings for the running server."""

    def make(**changes: Any) -> LlmSettings:
        if "endpoints" not in changes:
            changes["endpoints"] = (EndpointSettings(base_url=server.url),)
        return LlmSettings(**{"model": server.model, "limits": patient, **changes})

    return make


@dataclass
class Asked:
    """What came of a task."""

    rows: list[Rating]
    calls: list[Call]
    mind: LlmMind

    def of(self, juror: int) -> list[Rating]:
        """A juror's rows."""
        return [row for row in self.rows if row.juror == juror]


@pytest.fixture
def ask() -> Callable[[LlmSettings, RatingTask], Awaitable[Asked]]:
    """Open a mind, put one task to it, and gather rows and calls."""

    async def run(settings: LlmSettings, task: RatingTask) -> Asked:
        calls: list[Call] = []
        rows: list[Rating] = []
        async with open_llm_mind(settings, position=3, seed=task.seed, record=calls.extend) as mind:
            async for batch in mind.rate(task):
                rows += batch
        return Asked(rows, calls, mind)

    return run


@pytest.fixture
def write_study(tmp_path: Path) -> Callable[..., Path]:
    """Write a study of ten items with two responses for twelve jurors; sections as given."""

    def write(minds: list[dict[str, Any]], **sections: Any) -> Path:
        items = [
            {"id": f"i{n}", "prompt": f"Question {n}?", "out": {"a": f"yes {n}", "b": f"no {n}"}}
            for n in range(10)
        ]
        people = [{"id": f"p{n}", "age": 20 + n} for n in range(12)]
        for name, rows in (("items", items), ("people", people)):
            lines = "".join(json.dumps(row) + "\n" for row in rows)
            (tmp_path / f"{name}.jsonl").write_text(lines)
        study = {
            "name": "shared",
            "items": {"path": "items.jsonl", "id": "id", "prompt": "prompt", "responses": "out"},
            "scale": {"kind": "likert", "question": "Good?", "points": ["1", "2", "3", "4", "5"]},
            "population": {
                "path": "people.jsonl",
                "format": "table",
                "columns": {"id": "id", "attributes": ["age"]},
            },
            "baselines": {"share": 0},
            "scores": {"resamples": 100},
            "minds": minds,
            **sections,
        }
        path = tmp_path / "study.yaml"
        path.write_text(yaml.safe_dump(study))
        return path

    return write
