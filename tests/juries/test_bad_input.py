"""Bad input: one clear message, exit code 2, no traceback, nothing recorded lost."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

import juries

Study = Callable[..., Path]
ROOT = Path(__file__).resolve().parents[2]


def command(*words: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "juries", *map(str, words)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        **options,  # pyright: ignore
    )


def refused(result: subprocess.CompletedProcess[str]) -> str:
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    assert result.stderr.startswith("error: ")
    return result.stderr


def edited(study: Path, **sections: object) -> Path:
    content = yaml.safe_load(study.read_text())
    for place, value in sections.items():
        *path, last = place.split("__")
        section = content
        for part in path:
            section = section[part]
        section[last] = value
    study.write_text(yaml.safe_dump(content))
    return study


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"seeed": 3}, "unknown key 'seeed'. Did you mean 'seed'?"),
        ({"jury__seats": 0}, "greater than or equal to 1"),
        ({"jury__seats": 500}, "30"),
        ({"jury": {"seats": 5, "sampling": "stratified"}}, "needs `by`"),
        ({"jury": {"seats": 5, "sampling": "stratified", "by": ["sied"]}}, "Did you mean 'side'?"),
        (
            {
                "jury": {
                    "seats": 5,
                    "sampling": "quota",
                    "quotas": {"side": {"left": [4, 5], "right": [4, 5]}},
                }
            },
            "left",
        ),
        ({"items__path": "nowhere.jsonl"}, "no such file"),
        ({"items__prompt": "promt"}, "Did you mean 'prompt'?"),
        ({"population__path": "nowhere.csv"}, "no such file"),
        ({"population__format": "gsss"}, "Did you mean 'gss'?"),
        ({"population__columns": {"weight": "wieght"}}, "wieght"),
        ({"population__derive": {"b": {"from": "aeg", "breaks": [1, 2]}}}, "Did you mean 'age'?"),
        ({"population__rake": {"margins": ["us_adult_race"]}}, "us_adult"),
        ({"scale": {"kind": "likert", "question": "?", "points": ["one"]}}, "at least 2"),
        ({"scores__welfare": ["utilitarain"]}, "utilitarian"),
        ({"scores__groups": ["sidee"]}, "Did you mean 'side'?"),
        (
            {"mind": {"kind": "embedded", "planted": [{"where": {"sidee": "x"}, "shift": 1}]}},
            "sidee",
        ),
        ({"mind": {"kind": "oracle"}}, "embedded"),
    ],
)
def test_what_is_wrong_in_a_study_is_said(
    small_study: Study, tmp_path: Path, sections: dict[str, object], words: str
) -> None:
    study = edited(small_study(), **sections)
    message = refused(command("run", study, "--out", tmp_path / "out"))
    assert words in message
    assert not (tmp_path / "out" / "scores.json").exists()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("items.jsonl", b'{"id": "a", "prompt": "p", "out": {"m": "x"}\n', "line 1"),
        ("items.jsonl", b'{"id": "a", "prompt": "p"}\n', "line 1"),
        ("items.jsonl", b"", "holds no rows"),
        ("items.jsonl", b'{"id": "a", "prompt": "\xff", "out": {"m": "x"}}\n', "UTF-8"),
        (
            "items.jsonl",
            b'{"id": "a", "prompt": "p", "out": {"m": "x"}}\n' * 2,
            "line 2",
        ),
        ("people.csv", b"id,age,side\np1,30,left\np2,40\n", "line 3"),
        ("people.csv", b"id,age,side\n", "people.csv"),
        ("people.csv", b"id,age,age\np1,30,left\n", "age"),
        ("study.yaml", b"name: [\n", "line 2"),
        ("study.yaml", b"", "empty"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_its_line(
    small_study: Study, tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    study = small_study()
    (study.parent / name).write_bytes(content)
    message = refused(command("run", study, "--out", tmp_path / "out"))
    assert name in message
    assert words in message


@pytest.mark.parametrize("weight", ["nan", "-1", "inf", "heavy"])
def test_impossible_weights_are_refused_with_their_row(
    small_study: Study, tmp_path: Path, weight: str
) -> None:
    study = edited(small_study(), population__columns={"weight": "w"})
    (study.parent / "people.csv").write_text(f"age,side,w\n30,left,1\n40,right,{weight}\n")
    message = refused(command("run", study, "--out", tmp_path / "out"))
    assert "line 3" in message


def test_a_ledger_of_another_study_stays_as_it_was(small_study: Study, tmp_path: Path) -> None:
    study = small_study()
    run = juries.run(study, out=tmp_path / "out")
    before = run.directory.ledger.read_bytes()
    message = refused(command("run", edited(study, seed=99), "--out", run.path))
    assert "belongs to another study" in message
    assert run.directory.ledger.read_bytes() == before
    assert juries.open_run(run.path).ratings.height == 360


def test_a_newer_ledger_is_refused(small_study: Study, tmp_path: Path) -> None:
    study = small_study()
    run = juries.run(study, out=tmp_path / "out")
    with sqlite3.connect(run.directory.ledger) as connection:
        connection.execute("UPDATE about SET value = '99' WHERE key = 'schema'")
    connection.close()
    assert "newer version" in refused(command("run", study, "--out", run.path))


def test_a_folder_that_cannot_be_made_is_said(small_study: Study, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    message = refused(command("run", small_study(), "--out", tmp_path / "file" / "out"))
    assert "cannot be written" in message


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_keeps_what_was_recorded(small_study: Study, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "none", disk], check=False
    ).returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        study = small_study(items=3000)
        message = refused(command("run", study, "--out", disk / "out", "--display", "none"))
        assert "Free some space" in message
        with sqlite3.connect(disk / "out" / "ledger.sqlite") as connection:
            (kept,) = connection.execute("SELECT count(*) FROM ratings").fetchone()
        connection.close()
        assert kept > 0
        subprocess.run(["mount", "-o", "remount,size=200m", disk], check=True)
        result = command("run", study, "--out", disk / "out", "--display", "plain")
        assert result.returncode == 0, result.stderr
        assert "of 90,000 ratings recorded before" in result.stderr
        resumed = juries.open_run(disk / "out")
        whole = juries.run(study, out=tmp_path / "whole")
        assert resumed.scores() == whole.scores()
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_folder_without_a_run_is_said(tmp_path: Path) -> None:
    assert "holds no run" in refused(command("score", tmp_path))


def test_a_damaged_run_record_is_said(small_study: Study, tmp_path: Path) -> None:
    run = juries.run(small_study(), out=tmp_path / "out")
    run.directory.record.write_text("{")
    assert "run record is damaged" in refused(command("score", run.path))
