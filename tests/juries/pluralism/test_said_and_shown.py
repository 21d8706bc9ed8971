"""Views from what jurors said, vectors from a server, and orders of options from the ledger."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import juries
from graphs.ledger import open_ledger
from graphs.records import Statement, Utterance
from juries.concluding import evidence_of
from juries.pluralism.evidence import Evidence
from juries.pluralism.overton import overton
from juries.pluralism.wording import order_row
from juries.spec_measures import EmbeddingSpec
from personas.errors import JuriesError

Study = Callable[..., Path]
POINTS = ["no", "rather no", "so-so", "rather yes", "yes"]
RUBRIC = {
    "kind": "rubric",
    "criteria": [
        {"name": "quality", "question": "Good?", "points": POINTS},
        {"name": "represented", "question": "Is your view represented?", "points": POINTS},
    ],
}
TALK = {"protocol": {"kind": "mediator"}, "rounds": 1, "control": 0}


class Vectors(ThreadingHTTPServer):
    """An OpenAI-compatible `/v1/embeddings`: texts of one half of the alphabet lie together."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[dict[str, Any]] = []
        self.keys: set[str | None] = set()
        self.broken = False


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Vectors

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append(body)
        self.server.keys.add(self.headers.get("authorization"))
        found = [
            {"object": "embedding", "index": n, "embedding": [float(len(text) % 2), 1.0]}
            for n, text in enumerate(body["input"])
        ]
        # Servers need not answer in order.
        data: object = {"object": "list", "data": found[::-1], "model": body["model"],
                        "usage": {"prompt_tokens": 1, "total_tokens": 1}}  # fmt: skip
        status = 200
        if self.server.broken:
            status, data = 400, {"error": {"message": "no such model"}}
        reply = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)


@pytest.fixture
def vectors() -> Generator[Vectors]:
    server = Vectors()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def evidence(run: juries.Run) -> Evidence:
    return evidence_of(run.directory, run.record, run.gather(), run.study.scores, "not calibrated")


@pytest.fixture
def talked(small_study: Study, tmp_path: Path) -> juries.Run:
    path = small_study(items=4, scale=RUBRIC, deliberation=TALK)
    return juries.run(path, out=tmp_path / "talked")


def opinions(run: juries.Run) -> dict[int, list[str]]:
    """What the jurors said first on each item, in seat order."""
    ledger = open_ledger(run.directory.ledger, fingerprint=run.record.fingerprint, ids={})
    with closing(ledger):
        rows = [row for row in ledger.every(Statement) if row.kind == Utterance.OPINION]
    found: dict[int, dict[int, str]] = {}
    for row in sorted(rows, key=lambda row: row.round):
        if row.text:
            found.setdefault(row.item, {}).setdefault(row.juror, row.text)
    return {item: [said[seat] for seat in sorted(said)] for item, said in found.items()}


def test_views_of_jurors_who_talked_are_their_spoken_opinions(talked: juries.Run) -> None:
    said = opinions(talked)
    assert len(said) == 4
    # The simulator's words are labels and no positions: its views are read from its ratings.
    simulated = overton(evidence(talked))
    assert "words of a simulator" in simulated.method
    # The same run, had its words been positions: clustered as spoken, and quoted.
    meant = overton(replace(evidence(talked), simulated=False))
    assert "opinions spoken on 4 items" in meant.method
    assert "hashed n-grams" in meant.method
    assert all(figure.value is None or 0 <= figure.value <= 1 for figure in meant.figures
               if figure.name == "coverage")  # fmt: skip
    known = {text for texts in said.values() for text in texts}
    quoted = " ".join(str(quote) for quote in meant.quotes)
    assert not meant.quotes or any(text in quoted for text in known)


def test_vectors_come_from_the_server_that_the_study_names(
    talked: juries.Run, vectors: Vectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("EMBEDDING_KEY", "hidden")
    address = f"http://127.0.0.1:{vectors.server_address[1]}/v1"
    named = EmbeddingSpec(model="vectors-1", base_url=address, api_key_env="EMBEDDING_KEY")
    known = replace(evidence(talked), simulated=False)
    spec = known.spec.model_copy(
        update={"overton": known.spec.overton.model_copy(update={"embedding": named})}
    )
    found = overton(replace(known, spec=spec))
    assert "clustered on vectors-1" in found.method
    assert {body["model"] for body in vectors.asked} == {"vectors-1"}
    sent = [text for body in vectors.asked for text in body["input"]]
    assert set(sent) == {text for texts in opinions(talked).values() for text in texts}
    assert vectors.keys == {"Bearer hidden"}
    vectors.broken = True
    with pytest.raises(JuriesError, match=r"/v1: no embeddings .*no such model"):
        overton(replace(known, spec=spec))


@pytest.mark.parametrize("taste", [False, True])
def test_a_taste_for_a_place_is_read_from_the_orders_logged(
    small_study: Study, tmp_path: Path, taste: bool
) -> None:
    """Orders are logged beside answers; either at random, or so that the answer stood first."""
    choice = {"kind": "choice", "question": "Which?", "options": ["a", "b", "c", "d"]}
    run = juries.run(small_study(items=20, scale=choice), out=tmp_path / "run")
    assert order_row(evidence(run)).shown == "n/a"
    rng = np.random.default_rng(2)
    with closing(sqlite3.connect(run.directory.ledger)) as ledger, ledger:
        rows = ledger.execute("SELECT item, response, juror, rating FROM ratings").fetchall()
        for item, response, juror, rating in rows:
            order = rng.permutation([1, 2, 3, 4]).tolist()
            if taste:
                order = [rating, *(point for point in order if point != rating)]
            key = f"{item}/{response}/{juror}"
            ledger.execute(
                "INSERT INTO calls VALUES (?,0,?,?,0,'rate',0,'p',?,1,0,1,1,0.1,1,NULL,NULL)",
                (key, item, juror, ",".join(map(str, order))),
            )
            ledger.execute(
                "UPDATE ratings SET call = ? WHERE item = ? AND response = ? AND juror = ?",
                (key, item, response, juror),
            )
    found = order_row(evidence(run))
    assert found.value is not None
    if taste:
        assert found.value > 0.7
        assert "Place 1 was chosen most, 100% of the time" in found.reading
    else:
        assert found.value < 0.1
        assert "chance" in found.reading
