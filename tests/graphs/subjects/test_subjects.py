"""Subjects: the synthetic one is as declared, the live one asks over HTTP, the log is durable."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphs.llm.settings import EndpointSettings, Limits
from graphs.minds.psychometric.features import read_text
from graphs.minds.psychometric.lexicon import VALUES
from graphs.records import Status
from graphs.subjects.answers import AnswerLog, ask_all
from graphs.subjects.live import LiveSubject
from graphs.subjects.protocol import Ask, Message, Reply
from graphs.subjects.settings import LiveSettings, SyntheticAttribute, SyntheticSettings
from graphs.subjects.synthetic import CONTENT, SyntheticSubject
from personas.errors import InputError
from personas.persona import SchwartzValue

SETTINGS = SyntheticSettings(
    attributes={
        "order": SyntheticAttribute(
            value=SchwartzValue.SECURITY, up=("be safe",), down=("be bold",), base=0.2,
            steerability=0.8, opposability=0.5, half=1.0, decay=0.5,
        ),
        "fun": SyntheticAttribute(value=SchwartzValue.HEDONISM, up=("have fun",), base=0.1),
    },
    spill=0.25,
)  # fmt: skip


def said(*contents: str, system: str | None = None) -> tuple[Message, ...]:
    first = () if system is None else (Message(role="system", content=system),)
    return (*first, *(Message(role="user", content=content) for content in contents))


def test_expression_follows_the_declared_formula() -> None:
    subject = SyntheticSubject(SETTINGS)
    assert subject.expression(said("?")) == pytest.approx({"order": 0.2, "fun": 0.1})
    one = subject.expression(said("?", system="Be safe."))
    assert one["order"] == pytest.approx(0.2 + 0.8 * 0.8 / 2)
    assert one["fun"] == pytest.approx(0.1 + 0.8 * 0.9 * 0.25 / 1.25)
    three = subject.expression(said("?", system="Be safe, be safe, be safe."))
    assert three["order"] == pytest.approx(0.2 + 0.8 * 0.8 * 3 / 4)
    away = subject.expression(said("?", system="Be bold."))
    assert away["order"] == pytest.approx(0.2 * (1 - 0.5 / 2))
    # Two turns after the instruction a quarter of the push is left.
    faded = subject.expression(said("Be safe.", "a", "?"))
    assert faded["order"] == pytest.approx(0.2 + 0.64 * 0.25 / 1.25)


def test_texts_hold_what_is_expressed() -> None:
    subject = SyntheticSubject(SETTINGS, seed=3)

    async def texts() -> list[Reply]:
        asks = [
            Ask(key=f"k{n}", messages=said("?", system="Be safe, be safe, be safe."))
            for n in range(200)
        ]
        return [await subject.answer(ask) for ask in asks]

    replies = asyncio.run(texts())
    expressed = subject.expression(said("?", system="Be safe, be safe, be safe."))["order"]
    contents = [
        read_text("?", r.text).values[VALUES.index(SchwartzValue.SECURITY)] for r in replies
    ]
    assert np.mean(contents) == pytest.approx(CONTENT * expressed, abs=0.03)
    assert asyncio.run(texts()) == replies


def test_refusals_have_a_status() -> None:
    shy = SyntheticSettings(
        attributes={
            "order": SyntheticAttribute(value=SchwartzValue.SECURITY, up=("be safe",), refuses=1.0)
        }
    )
    subject = SyntheticSubject(shy)
    asked = asyncio.run(subject.answer(Ask(key="a", messages=said("?", system="Be safe."))))
    plain = asyncio.run(subject.answer(Ask(key="b", messages=said("?"))))
    assert (asked.status, plain.status) == (Status.REFUSED, Status.OK)


class Counting:
    """A subject that counts what it is asked, and fails on demand."""

    name, version, kind = "counting", "1", "synthetic subject"

    def __init__(self, failing: frozenset[str] = frozenset()) -> None:
        self.asked: list[str] = []
        self.failing = failing

    async def answer(self, ask: Ask) -> Reply:
        self.asked.append(ask.key)
        status = Status.FAILED if ask.key in self.failing else Status.OK
        return Reply(key=ask.key, sample=ask.sample, status=status, text=f"to {ask.key}")


def test_only_what_is_missing_is_asked_again(tmp_path: Path) -> None:
    asks = [Ask(key=f"k{n}", messages=said(f"q{n}")) for n in range(5)]
    path = tmp_path / "answers.jsonl"
    first = Counting(failing=frozenset({"k3"}))
    asyncio.run(ask_all(first, asks[:4], AnswerLog(path)))  # type: ignore[arg-type]
    with path.open("a") as file:
        file.write('{"asked": "torn')  # the process died here
    again = Counting()
    replies = asyncio.run(ask_all(again, asks, AnswerLog(path)))  # type: ignore[arg-type]
    assert sorted(again.asked) == ["k3", "k4"]
    assert [reply.text for reply in replies] == [f"to k{n}" for n in range(5)]
    third = Counting()
    asyncio.run(ask_all(third, asks, AnswerLog(path)))  # type: ignore[arg-type]
    assert third.asked == []
    other = Counting()
    changed = [Ask(key="k0", messages=said("another question"))]
    asyncio.run(ask_all(other, changed, AnswerLog(path)))  # type: ignore[arg-type]
    assert other.asked == ["k0"]
    path.write_text("not json\n")
    with pytest.raises(InputError, match="line 1: this line holds no reply"):
        AnswerLog(path)


@pytest.fixture
def server() -> Iterator[tuple[str, list[dict[str, Any]], list[dict[str, Any]]]]:
    """A chat server in this process: its address, what it was asked, what it answers next."""
    asked: list[dict[str, Any]] = []
    answers: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            body = json.dumps({"choices": [answers.pop(0)]}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}/v1", asked, answers
    running.shutdown()
    running.server_close()
    thread.join()


def test_a_live_subject_is_asked_over_http(
    server: tuple[str, list[dict[str, Any]], list[dict[str, Any]]],
) -> None:
    url, asked, answers = server
    answers += [
        {"message": {"content": "<think>hm</think>Gladly."}, "finish_reason": "stop"},
        {"message": {"content": "I'm sorry, I can't do that."}, "finish_reason": "stop"},
        {"message": {"content": None, "refusal": "no"}, "finish_reason": "stop"},
        {"message": {"content": ""}, "finish_reason": "length"},
    ]
    settings = LiveSettings(
        model="m", endpoints=(EndpointSettings(base_url=url),), max_tokens=7,
        limits=Limits(attempts=1, patience_s=0),
    )  # fmt: skip

    async def talk() -> list[Reply]:
        async with LiveSubject(settings, seed=5) as subject:
            assert subject.version != LiveSubject(settings, seed=6).version
            return [
                await subject.answer(Ask(key=str(n), messages=said("?", system="s"), sample=n))
                for n in range(4)
            ]

    replies = asyncio.run(talk())
    assert [reply.status.value for reply in replies] == ["ok", "refused", "refused", "failed"]
    assert replies[0].text == "Gladly."
    assert asked[1]["messages"] == [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "?"},
    ]
    assert (asked[1]["model"], asked[1]["max_tokens"], asked[1]["seed"]) == ("m", 7, 6)


def test_no_live_subject_is_a_failed_reply() -> None:
    settings = LiveSettings(
        model="m",
        endpoints=(EndpointSettings(base_url="http://127.0.0.1:9/v1"),),
        limits=Limits(attempts=1, patience_s=0, connect_s=0.5, call_s=2),
    )

    async def talk() -> Reply:
        async with LiveSubject(settings) as subject:
            return await subject.answer(Ask(key="a", messages=said("?")))

    reply = asyncio.run(talk())
    assert reply.status is Status.FAILED
    assert reply.error
