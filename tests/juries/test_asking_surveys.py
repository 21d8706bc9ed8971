"""A served model asked a survey: its distribution comes back, whatever its taste for letters."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BELIEFS = {"yes": 0.6, "no": 0.3, "unsure": 0.1}
FAVOURED = 0.2  # mass of letters that goes to A whatever stands there
MASS = 0.9


class Model(ThreadingHTTPServer):
    """Answers by its beliefs about options and a taste for the letter A."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.prompts: list[str] = []
        self.broken = False

    def letters(self, prompt: str) -> dict[str, float]:
        self.prompts.append(prompt)
        asked = prompt.rsplit("Question:", 1)[1]
        options = re.findall(r"^([A-Z])\. (.*)$", asked, re.MULTILINE)
        shares = {letter: (1 - FAVOURED) * BELIEFS[option] for letter, option in options}
        shares["A"] += FAVOURED
        return {letter: math.log(MASS * share) for letter, share in shares.items()}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Model

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.server.broken:
            self.reply(400, {"error": {"message": "no"}})
        elif self.path.endswith("/chat/completions"):
            found = self.server.letters(body["messages"][-1]["content"])
            top = [{"token": f" {letter}", "logprob": value} for letter, value in found.items()]
            content = [{**top[0], "top_logprobs": top}]
            message = {"role": "assistant", "content": "A"}
            self.reply(200, {"choices": [{"message": message, "logprobs": {"content": content}}]})
        else:
            found = self.server.letters(body["prompt"])
            self.reply(200, {"choices": [{"text": "A", "logprobs": {"top_logprobs": [found]}}]})

    def reply(self, status: int, data: object) -> None:
        body = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def model() -> Generator[Model]:
    server = Model()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    rows = [
        {"question": f"Question: Is it {n}?\nOptions: …\nAnswer:", "options": list(BELIEFS),
         "attribute": "North", "gold_distribution": list(BELIEFS.values())}
        for n in range(8)
    ]  # fmt: skip
    path = tmp_path / "survey.json"
    path.write_text(json.dumps(rows))
    return path


def ask(model: Model, survey: Path, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    address = f"http://127.0.0.1:{model.server_address[1]}/v1"
    words = ["ask-survey", "--survey", survey, "--model", "m", "--base-url", address, "--out", out]
    result = subprocess.run(
        [sys.executable, "-W", "error", "-m", "juries", *map(str, words), *more],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        env={**os.environ, "NO_PROXY": "*"},
    )
    assert "Traceback" not in result.stderr, result.stderr
    return result


@pytest.mark.parametrize("api", [(), ("--base-model",)])
def test_beliefs_come_back_and_the_taste_for_a_letter_is_spread(
    model: Model, survey: Path, tmp_path: Path, api: tuple[str, ...]
) -> None:
    out = tmp_path / "answers.jsonl"
    said = ask(model, survey, out, "--orders", "24", *api)
    assert said.returncode == 0, said.stderr
    assert "90.0%" in said.stdout
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(rows) == 8
    for option, belief in BELIEFS.items():
        mean = sum(row["probabilities"][option] for row in rows) / len(rows)
        # Over random orders A stands at each option equally often.
        assert mean == pytest.approx((1 - FAVOURED) * belief + FAVOURED / 3, abs=0.03)
    assert len(model.prompts) == 8 * 24
    assert all(prompt.count("Question:") == 4 for prompt in model.prompts)
    assert len({re.findall(r"^A\. (.*)$", p, re.MULTILINE)[-1] for p in model.prompts}) == 3


def test_asked_again_it_asks_nothing(model: Model, survey: Path, tmp_path: Path) -> None:
    out = tmp_path / "answers.jsonl"
    ask(model, survey, out, "--limit", "5")
    first, asked = out.read_text(), len(model.prompts)
    assert asked == 25
    ask(model, survey, out, "--limit", "5")
    assert len(model.prompts) == asked
    assert out.read_text() == first


def test_requests_that_fail_are_counted(model: Model, survey: Path, tmp_path: Path) -> None:
    model.broken = True
    said = ask(model, survey, tmp_path / "answers.jsonl", "--orders", "1")
    assert said.returncode == 1
    assert "8 requests failed" in said.stderr
    model.broken = False
    again = ask(model, survey, tmp_path / "answers.jsonl", "--orders", "1")
    assert again.returncode == 0
