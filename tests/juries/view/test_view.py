"""The live view: who may look, what is seen of a run that is being written, and its end."""

from __future__ import annotations

import json
import re
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

import juries
from juries.view.watching import copy_of, look, run_folders


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one finished run in it."""
    folder = tmp_path_factory.mktemp("runs")
    study = {
        "name": "seen",
        "items": {
            "path": str(folder / "items.jsonl"), "id": "id", "prompt": "prompt",
            "responses": "out",
        },
        "scale": {"kind": "likert", "question": "Good?", "points": ["no", "so-so", "yes"]},
        "population": {"path": str(folder / "people.csv"), "columns": {"id": "id"}},
        "scores": {"resamples": 100},
    }  # fmt: skip
    with (folder / "items.jsonl").open("w") as file:
        for i in range(4):
            row = {
                "id": f"i{i}",
                "prompt": f"Question {i}?",
                "out": {"ash": "Yes.", "birch": "No."},
            }
            file.write(json.dumps(row) + "\n")
    rows = "".join(f"p{p},{20 + p}\n" for p in range(8))
    (folder / "people.csv").write_text("id,age\n" + rows)
    juries.run(study, out=folder / "one")
    return folder


def test_only_loopback_listens_and_the_address_holds_a_long_token(serve, runs: Path):
    server = serve(runs)
    found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/([\w-]{30,})/", server.address)
    assert found
    status, page, headers = server.get()
    assert status == 200
    assert "seen" in page
    assert "64 of 64" in page
    assert headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in headers["content-security-policy"]
    other = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None)}
    for address in other - {"127.0.0.1", "127.0.1.1", "::1"}:
        with socket.socket() as caller:
            caller.settimeout(2)
            assert caller.connect_ex((str(address), int(found[1]))) != 0


def test_nothing_is_shown_without_the_token_or_to_another_page(serve, ask, runs: Path):
    server = serve(runs)
    base = server.address.rsplit("/", 2)[0]
    for path in ("/", "/wrong/", "/static/view.js", f"/{'x' * 32}/run/one/report"):
        status, page, _ = ask(base + path)
        assert status == 404
        assert "seen" not in page
    assert server.get(Origin="http://evil.example")[0] == 403
    assert server.get(Host="evil.example")[0] == 421
    assert server.get(**{"Sec-Fetch-Site": "cross-site"})[0] == 403
    assert server.get(Origin=base)[0] == 200


def test_the_server_is_read_only_and_serves_no_other_files(serve, ask, runs: Path):
    server = serve(runs)
    assert ask(server.address, data=b"x", method="POST")[0] == 405
    for path in (
        "run/..%2f..%2fetc/report",
        "run/../../etc/",
        "run/one/report-items/..%2f..%2frun.json",
        "run/one/report-items/0.js",
        "static/app.py",
        "run/none/",
    ):
        assert server.get(path)[0] == 404, path


def test_looking_changes_nothing_in_the_folder(serve, runs: Path):
    before = {p.name: p.read_bytes() for p in (runs / "one").iterdir() if p.suffix != ".sqlite"}
    server = serve(runs)
    events = server.get("run/one/events")[1]
    assert events.rstrip().splitlines()[-2] == "event: end"
    assert "juries report" in server.get("run/one/report")[1]
    after = {p.name: p.read_bytes() for p in (runs / "one").iterdir() if p.suffix != ".sqlite"}
    assert {k: v for k, v in after.items() if not k.endswith(("-wal", "-shm"))} == {
        k: v for k, v in before.items() if not k.endswith(("-wal", "-shm"))
    }


def test_a_copy_is_one_state_of_a_ledger_that_is_being_written(runs: Path):
    with sqlite3.connect(runs / "one" / "ledger.sqlite") as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM ratings WHERE item = 0")
        copy = copy_of(runs / "one")
        writer.rollback()
    with sqlite3.connect(copy / "ledger.sqlite") as read:
        assert read.execute("SELECT count(*) FROM ratings").fetchone() == (64,)
    writer.close()
    read.close()


def test_a_damaged_record_is_left_out_and_the_rest_is_listed(runs: Path, tmp_path: Path):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "run.json").write_text("{")
    assert [name for name, _ in run_folders(tmp_path)] == ["bad"]
    assert look("one", runs / "one", closely=True).statuses == {"ok": 64}


def test_a_run_is_followed_to_its_end_in_a_browser(serve, small_study, page, tmp_path: Path):
    study = small_study(items=600, people=40, jury={"seats": 40})
    folder = tmp_path / "runs"
    folder.mkdir()
    server = serve(folder)
    command = [sys.executable, "-m", "juries", "run", study, "--out", folder / "live"]
    seen: list[int] = []
    quiet = ["--no-report", "--display", "none"]
    with subprocess.Popen([*command, *quiet], stdout=subprocess.DEVNULL) as running:
        while not (folder / "live" / "run.json").exists():
            assert running.poll() is None
            time.sleep(0.02)
        page.goto(f"{server.address}run/live/")
        while page.get_attribute("html", "data-ended") is None:
            assert len(seen) < 2000, "the run was not followed to its end"
            seen.append(int(page.get_attribute("#bar", "value") or 0))
            page.wait_for_timeout(100)
    assert page.locator("#state").inner_text().startswith("Complete: 72,000 of 72,000")
    frame = page.frame_locator("#report")
    frame.locator("html[data-ready=true]").wait_for(state="attached", timeout=120_000)
    assert frame.locator("figure svg").count() >= 5
    assert "72,000 answers" in frame.locator(".facts-line").inner_text()
    assert running.returncode == 0
    assert seen == sorted(seen)
    assert len(set(seen)) > 1, "the bar never moved"
