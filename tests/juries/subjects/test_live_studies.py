"""Studies that ask their subjects themselves: what is asked, kept, resumed, judged and said."""

from __future__ import annotations

import json
import math
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from scipy.spatial.distance import jensenshannon

import juries
from graphs.llm.faults import MindUnavailableError
from juries.runs import Run
from personas.errors import InputError

ROOT = Path(__file__).resolve().parents[3]
Study = Callable[..., Path]
PROMPTS_ONLY = {"path": "items.jsonl", "id": "id", "prompt": "prompt"}


class Server(ThreadingHTTPServer):
    """Answers every conversation by naming what was asked; may be slow, and may fail."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies: list[dict[str, Any]] = []
        self.slow = 0.0
        self.refused: Callable[[dict[str, Any]], bool] = lambda body: False
        self.gone = False
        self.lock = threading.Lock()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.server.lock:
            self.server.bodies.append(body)
        time.sleep(self.server.slow)
        if self.server.gone:
            self.reply(503, {"error": {"message": "loading"}})
        elif self.server.refused(body):
            self.reply(400, {"error": {"message": "too long"}})
        elif "prompt" in body:
            self.reply(200, {"choices": [{"text": f" base: {body['prompt'][-40:]}\n"}]})
        else:
            system = " ".join(m["content"] for m in body["messages"] if m["role"] == "system")
            text = f"{system or 'plain'}: {body['messages'][-1]['content'][-40:]} {body['seed']}"
            message = {"role": "assistant", "content": text}
            self.reply(200, {"choices": [{"message": message, "finish_reason": "stop"}]})

    def reply(self, status: int, data: object) -> None:
        body = json.dumps(data).encode()
        try:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:  # the run was killed
            self.close_connection = True


@pytest.fixture
def server() -> Generator[Server]:
    found = Server()
    thread = threading.Thread(target=found.serve_forever, daemon=True)
    thread.start()
    yield found
    found.shutdown()
    found.server_close()
    thread.join()


def endpoint(server: Server, **settings: object) -> dict[str, object]:
    limits = {"attempts": 2, "patience_s": 0.5, "call_s": 5}
    place = {"base_url": server.address, "max_connections": 4}
    return {"kind": "endpoint", "model": "m", "endpoints": [place], "limits": limits, **settings}


def responses(run: Run) -> list[dict[str, str]]:
    rows = [json.loads(line) for line in run.directory.items.read_text().splitlines()]
    return [row["responses"] for row in rows]


def test_subjects_answer_in_every_way_that_is_asked_for(
    small_study: Study, server: Server, tmp_path: Path
) -> None:
    subjects = [
        {
            "subject": endpoint(server, temperature=0.3, top_p=0.9, max_tokens=33),
            "name": "chat",
            "system": "Be short.",
            "template": "Q: {prompt} {not this}",
            "samples": 2,
            "steering": {
                "chat right": {"prompt": "Speak to the right.", "towards": {"side": "right"}}
            },
        },
        {"subject": endpoint(server, api="completions", stop=["\n\n"]), "name": "base"},
    ]
    path = small_study(items=5, subjects=subjects)
    run = juries.run(path, out=tmp_path / "run")
    asked = [json.loads(line) for line in (path.parent / "items.jsonl").read_text().splitlines()]
    for item, given in zip(asked, responses(run), strict=True):
        prompt = item["prompt"]
        assert list(given) == [
            "ash", "birch", "cedar", "chat #1", "chat #2", "chat right #1", "chat right #2", "base",
        ]  # fmt: skip
        assert given["ash"] == item["out"]["ash"]
        said = f"Q: {prompt} {{not this}}"[-40:]
        assert given["chat #1"] == f"Be short.: {said} 11"
        assert given["chat #2"] == f"Be short.: {said} 12"
        assert given["chat right #1"] == f"Be short.\n\nSpeak to the right.: {said} 11"
        assert given["base"] == f"base: {prompt[-40:]}"
    chat = next(body for body in server.bodies if "messages" in body)
    assert (chat["temperature"], chat["top_p"], chat["max_tokens"]) == (0.3, 0.9, 33)
    assert all(body["stop"] == ["\n\n"] for body in server.bodies if "prompt" in body)
    assert len(server.bodies) == 5 * 5

    scores = run.scores()
    assert {score.model for score in scores.welfare} == set(responses(run)[0])
    assert any("chat was asked live (m, language model): replies 20 ok" in n for n in scores.notes)
    steerable = next(measure for measure in scores.measures if measure.measure == "steerable")
    assert "chat right #1" in steerable.reading
    assert [each.replies for each in run.record.subjects] == [{"ok": 20}, {"ok": 5}]

    first = run.directory.ratings.read_bytes()
    again = juries.run(path, out=tmp_path / "run")
    assert len(server.bodies) == 25
    assert again.record.complete
    assert again.directory.ratings.read_bytes() == first


def test_prompts_alone_are_enough(small_study: Study, server: Server, tmp_path: Path) -> None:
    path = small_study(items=3, subjects=[{"subject": endpoint(server), "name": "live"}])
    study = yaml.safe_load(path.read_text())
    study["items"] = PROMPTS_ONLY
    path.write_text(yaml.safe_dump(study))
    run = juries.run(path, out=tmp_path / "run")
    assert [list(given) for given in responses(run)] == [["live"]] * 3
    assert run.record.complete
    assert run.record.recorded == 3 * 10


def replies(folder: Path) -> dict[str, str]:
    """Key to status of every reply that the ledger holds."""
    path = folder / "ledger.sqlite"
    if not path.exists():
        return {}
    connection = sqlite3.connect(path, timeout=10)
    try:
        return dict(connection.execute("SELECT key, status FROM replies").fetchall())
    except sqlite3.OperationalError:  # not made yet
        return {}
    finally:
        connection.close()


def test_a_killed_run_asks_only_what_is_missing(
    small_study: Study, server: Server, tmp_path: Path
) -> None:
    path = small_study(items=30, subjects=[{"subject": endpoint(server), "name": "live"}])
    whole = juries.run(path, out=tmp_path / "whole")
    server.bodies.clear()

    server.slow = 0.1
    command = [sys.executable, "-m", "juries", "run", str(path), "--out", str(tmp_path / "run")]
    process = subprocess.Popen(
        [*command, "--display", "none", "--no-report"], cwd=ROOT, stdout=subprocess.DEVNULL,
        env={**os.environ, "NO_PROXY": "*"},
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while len(replies(tmp_path / "run")) < 8:
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = replies(tmp_path / "run")
    assert 8 <= len(kept) < 30

    server.bodies.clear()
    server.slow = 0.0
    run = juries.run(path, out=tmp_path / "run")
    assert len(server.bodies) == 30 - len(kept)
    assert responses(run) == responses(whole)
    for name in ("rating", "juror_id", "item_id", "status"):
        assert run.ratings[name].to_list() == whole.ratings[name].to_list()


def test_a_reply_that_never_comes_is_a_missing_response_and_said(
    small_study: Study, server: Server, tmp_path: Path
) -> None:
    path = small_study(items=6, subjects=[{"subject": endpoint(server), "name": "live"}])
    first = json.loads((path.parent / "items.jsonl").read_text().splitlines()[0])
    server.refused = lambda body: body["messages"][-1]["content"] == first["prompt"]
    run = juries.run(path, out=tmp_path / "run")
    assert [len(given) for given in responses(run)] == [3, 4, 4, 4, 4, 4]
    assert run.record.complete
    assert run.record.subjects[0].replies == {"failed": 1, "ok": 5}
    assert any("none came (1)" in note for note in run.scores().notes)

    # The jury has judged the item: its responses do not change any more.
    server.refused = lambda body: False
    server.bodies.clear()
    before = run.directory.ratings.read_bytes()
    again = juries.run(path, out=tmp_path / "run")
    assert not server.bodies
    assert again.directory.ratings.read_bytes() == before
    assert again.record.subjects[0].replies == {"failed": 1, "ok": 5}


def test_without_a_server_the_jury_is_not_asked_and_the_run_goes_on_later(
    small_study: Study, server: Server, tmp_path: Path
) -> None:
    path = small_study(items=6, subjects=[{"subject": endpoint(server), "name": "live"}])
    server.gone = True
    with pytest.raises(MindUnavailableError, match="No server answers"):
        juries.run(path, out=tmp_path / "run")
    assert not (tmp_path / "run" / "items.jsonl").exists()
    server.gone = False
    run = juries.run(path, out=tmp_path / "run")
    assert run.record.complete
    assert all(len(given) == 4 for given in responses(run))


def test_limits_and_variants_ask_only_what_they_need(
    small_study: Study, server: Server, tmp_path: Path
) -> None:
    path = small_study(items=6, subjects=[{"subject": endpoint(server), "name": "live"}])
    run = juries.run(path, out=tmp_path / "run", limit=2)
    assert len(server.bodies) == 2
    assert [len(given) for given in responses(run)] == [4, 4, 3, 3, 3, 3]
    juries.run(path, out=tmp_path / "run")
    assert len(server.bodies) == 6

    command = [sys.executable, "-m", "juries", "sensitivity", str(path), "--over", "seed,scale"]
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "run"), "--display", "none"], cwd=ROOT, check=False,
        capture_output=True, text=True, env={**os.environ, "NO_PROXY": "*"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(server.bodies) == 6
    variants = json.loads((tmp_path / "run" / "sensitivity.json").read_text())["variants"]
    assert all("live" in variant["scores"] for variant in variants)


SYNTHETIC = {
    "kind": "synthetic",
    "attributes": {"order": {"value": "security"}, "fun": {"value": "hedonism"}},
}
BELIEFS = {"yes": 6.0, "no": 3.0, "unsure": 1.0}


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    rows = [
        {"question": f"Question: Is it {n}?\nOptions: …\nAnswer:", "options": list(BELIEFS),
         "attribute": where, "gold_distribution": shares}
        for n in range(12) for where, shares in (("North", [0.6, 0.3, 0.1]), ("South", [0, 0, 1]))
    ]  # fmt: skip
    path = tmp_path / "survey.json"
    path.write_text(json.dumps(rows))
    return path


def measured(run: Run) -> dict[tuple[str, str], float | None]:
    found = next(each for each in run.scores().measures if each.measure == "distributional")
    return {(one.name, one.of): one.value for one in found.figures}


def test_a_survey_put_to_subjects_ends_in_distances_without_a_server(
    small_study: Study, survey: Path, tmp_path: Path
) -> None:
    subjects = [
        {"subject": {**SYNTHETIC, "options": {"weights": BELIEFS}}, "name": "pre",
         "survey": {"orders": 6}, "samples": 0},
        {"subject": {**SYNTHETIC, "options": {"weights": BELIEFS, "sharpness": 4.0}},
         "name": "post", "survey": {"orders": 6}, "samples": 0},
    ]  # fmt: skip
    scores = {"resamples": 200, "distribution": {"survey": {"path": str(survey)}}}
    path = small_study(items=4, subjects=subjects, scores=scores)
    run = juries.run(path, out=tmp_path / "run")
    found = measured(run)
    # It answers as the North does, wholly; after sharpening, only the likeliest option is left.
    assert found["distance", "pre (synthetic subject) and North"] == pytest.approx(0, abs=1e-9)
    people = np.array(list(BELIEFS.values()))
    expected = jensenshannon(people, people**4 / (people**4).sum(), 2.0)
    assert found["distance", "post (synthetic subject) and North"] == pytest.approx(
        expected, abs=1e-6
    )
    entropy = "entropy of the model (nats)"
    assert (
        found[entropy, "post (synthetic subject) and North"]
        < found[entropy, "pre (synthetic subject) and North"] / 3
    )  # type: ignore
    assert found["distance", "pre (synthetic subject) and South"] > 0.7  # type: ignore
    assert len(replies(tmp_path / "run")) == 12 * 6  # by key, which does not name the subject
    assert [each.questions["answered"] for each in run.record.subjects] == [12, 12]


def test_a_taste_for_the_first_place_is_spread_by_orders(
    small_study: Study, survey: Path, tmp_path: Path
) -> None:
    options = {"weights": {"yes": 1.0, "no": 1.0, "unsure": 1.0}, "first": 3.0}
    subject = {"subject": {**SYNTHETIC, "options": options}, "name": "s", "samples": 0}
    scores = {"resamples": 200, "distribution": {"survey": {"path": str(survey)}}}
    shares: dict[int, float] = {}
    for orders in (1, 60):
        path = small_study(
            items=2, subjects=[{**subject, "survey": {"orders": orders}}], scores=scores
        )
        run = juries.run(path, out=tmp_path / f"run {orders}")
        (record,) = run.record.subjects
        assert record.survey is not None
        rows = [json.loads(line) for line in (run.path / record.survey).read_text().splitlines()]
        shares[orders] = max(max(row["probabilities"].values()) for row in rows)
    assert shares[1] == pytest.approx(3 / 5)
    assert shares[60] == pytest.approx(1 / 3, abs=0.1)


def test_the_example_comes_out_as_its_head_says(tmp_path: Path) -> None:
    run = juries.run(ROOT / "examples" / "subjects.yaml", out=tmp_path / "run")
    found = measured(run)
    plain, sharpened = "plain (synthetic subject)", "sharpened (synthetic subject)"
    assert found["distance", f"{plain} and South"] < 0.1  # type: ignore
    for region in ("North", "South"):
        here = ("distance", f"{plain} and {region}"), ("distance", f"{sharpened} and {region}")
        assert found[here[1]] > found[here[0]] + 0.1  # type: ignore
    entropy = "entropy of the model (nats)"
    assert found[entropy, f"{sharpened} and South"] < found[entropy, f"{plain} and South"]  # type: ignore
    steerable = next(each for each in run.scores().measures if each.measure == "steerable")
    gains = [each for each in steerable.figures if "gain" in each.name and "cautious" in each.of]
    assert gains
    assert all(each.interval.low < 0 < each.interval.high for each in gains if each.interval)
    models = {"plain", "cautious", "sharpened #1", "sharpened #2"}
    assert {score.model for score in run.scores().welfare} == models


MPI = "label_raw\ttext\tlabel_ocean\tkey\nTrust\tTrust others\tA\t1\nAnger\tGet angry\tN\t-1\n"


def test_the_personality_inventory_is_a_survey_of_a_study(
    small_study: Study, tmp_path: Path
) -> None:
    (tmp_path / "mpi.tsv").write_text(MPI)
    # Answers to the statement keyed -1 are stored reversed: 1 stands for Very Accurate.
    rows = ["5,1", "5,1", "4,1", "5,1"]
    (tmp_path / "people.csv").write_text("i1,i2\n" + "\n".join(rows) + "\n")
    weights = {"Very Accurate": 3.0, "Moderately Accurate": 1.0}
    others = dict.fromkeys(
        ("Very Inaccurate", "Moderately Inaccurate", "Neither Accurate Nor Inaccurate"), 1e-9
    )
    survey = {
        "format": "mpi", "path": str(tmp_path / "mpi.tsv"), "people": str(tmp_path / "people.csv")
    }  # fmt: skip
    subject = {"subject": {**SYNTHETIC, "options": {"weights": weights | others}}, "name": "s"}
    path = small_study(
        items=2,
        subjects=[{**subject, "samples": 0, "survey": {"orders": 4}}],
        scores={"resamples": 200, "distribution": {"survey": survey}},
    )
    run = juries.run(path, out=tmp_path / "run")
    rows = [
        json.loads(line)
        for line in (run.path / str(run.record.subjects[0].survey)).read_text().splitlines()
    ]
    assert [row["question"] for row in rows] == ["Trust others", "Get angry"]
    found = measured(run)
    # Aligned by option, the first statement is answered exactly as people answer it, the second at
    # a JS distance of sqrt(h(7/8) - h(3/4)/2): nobody chose but Very Accurate.
    h = lambda p: -(p * math.log2(p) + (1 - p) * math.log2(1 - p))  # noqa: E731
    assert found["distance", "s (synthetic subject) and the whole jury"] == pytest.approx(
        math.sqrt(h(7 / 8) - h(3 / 4) / 2) / 2, abs=1e-4
    )


@pytest.mark.parametrize(
    ("subjects", "message"),
    [
        ([{"subject": SYNTHETIC, "name": "ash"}], "'ash' has responses in the items file"),
        ([{"subject": SYNTHETIC}] * 2, "subjects repeat a name"),
        ([{"subject": SYNTHETIC, "survey": {}}], "needs `scores.distribution.survey`"),
        ([{"subject": SYNTHETIC, "samples": 0}], "asks nothing"),
        ([{"subject": SYNTHETIC, "template": "Say it."}], "has no {prompt}"),
        ([{"subject": {"kind": "endpoint", "model": "m"}}], "`endpoints` .* or `serve`"),
    ],
)
def test_subjects_that_cannot_be_asked_are_refused_before_anything(
    small_study: Study, tmp_path: Path, subjects: list[object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        juries.run(small_study(subjects=subjects), out=tmp_path / "run")
    assert not list((tmp_path / "run").glob("*.jsonl"))
