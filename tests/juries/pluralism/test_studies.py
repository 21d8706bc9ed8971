"""The measures of awkward studies: said, never a traceback and never NaN."""

from __future__ import annotations

import json
import math
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

import juries

Study = Callable[..., Path]
ROOT = Path(__file__).resolve().parents[3]
POINTS = ["1", "2", "3", "4", "5"]
STEERED = {"model": "ash", "baseline": "birch", "towards": {"side": "left"}}
RUBRIC = {
    "kind": "rubric",
    "criteria": [
        {"name": "quality", "question": "Good?", "points": POINTS},
        {"name": "represented", "question": "Is your view represented?", "points": POINTS},
    ],
}


def command(*words: str | Path) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(
        [sys.executable, "-W", "error", "-m", "juries", *map(str, words)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        env={**os.environ, "COLUMNS": "80"},
    )
    assert "Traceback" not in result.stderr, result.stderr
    return result


def numbers(value: object) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from numbers(each)
    elif isinstance(value, list):
        for each in value:
            yield from numbers(each)


@pytest.mark.parametrize(
    "sections",
    [
        pytest.param({"jury": {"seats": 1}}, id="one juror"),
        pytest.param({"items": 1}, id="one item"),
        pytest.param({"items": 1, "jury": {"seats": 1}}, id="one juror, one item"),
        pytest.param({"jury": {"seats": 2}, "scale": RUBRIC}, id="two jurors"),
        pytest.param({"scale": RUBRIC, "mind": {"kind": "embedded", "taste_sd": 0.0,
                     "severity_sd": 0.0, "item_sd": 0.0}}, id="a single viewpoint"),
        pytest.param({"mind": {"kind": "embedded", "planted": [{"where": {}, "shift": 10.0}]},
                      "scale": RUBRIC}, id="constant ratings"),
        pytest.param({"scores": {"resamples": 100}}, id="no groups"),
        pytest.param({"scale": {"kind": "choice", "question": "?", "options": ["a", "b"]}},
                     id="options without worth"),
        pytest.param({"design": {"share": 0.1}}, id="one juror an item"),
        pytest.param({"design": {"share": 0.2}, "scale": RUBRIC}, id="two jurors an item"),
    ],
)  # fmt: skip
def test_awkward_studies_say_what_is_undefined(
    small_study: Study, tmp_path: Path, sections: dict[str, object]
) -> None:
    sections = {"scores": {"groups": ["side"], "resamples": 100}, **sections}
    items = int(sections.pop("items", 12))  # type: ignore[call-overload]
    result = command(
        "run", small_study(items=items, **sections), "--out", tmp_path / "out", "--display", "none"
    )
    assert result.returncode == 0, result.stderr
    assert "Six measures of pluralism" in result.stdout
    assert "Validity" in result.stdout
    table = result.stdout[result.stdout.index("Six measures") : result.stdout.index("Validity")]
    assert max(map(len, table.splitlines())) <= 80
    data = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert len(data["measures"]) == 6
    assert all(math.isfinite(number) for number in numbers(data))
    assert all(each["figures"] or each["needs"] for each in data["measures"])
    assert "nan" not in table.split()


@pytest.mark.parametrize(
    ("values", "where", "said"),
    [
        ("status = 'refused', rating = NULL", "juror IN ({left})", "144 refused"),
        ("rating = 2", "1", "all ratings are equal"),
        ("status = 'refused', rating = NULL", "juror > 0", "undefined"),
        ("status = 'refused', rating = NULL", "item > 0", "undefined"),
        ("status = 'refused', rating = NULL", "response = 1", "120 refused"),
    ],
    ids=["an empty group", "constant ratings", "one juror left", "one item left", "no model"],
)
def test_answers_that_say_nothing_are_told_and_never_nan(
    small_study: Study, tmp_path: Path, values: str, where: str, said: str
) -> None:
    run = juries.run(
        small_study(scores={"groups": ["side"], "resamples": 100}), out=tmp_path / "out"
    )
    left = [j.position for j in run.directory.read_jury() if j.persona.attributes["side"] == "left"]
    with closing(sqlite3.connect(run.directory.ledger)) as ledger, ledger:
        where = where.format(left=", ".join(map(str, left)))
        ledger.execute(
            f"UPDATE ratings SET {values}, expected = NULL, probabilities = NULL WHERE {where}"
        )
    run.directory.ratings.unlink()
    run.directory.scores.unlink()
    result = command("score", run.path)
    assert result.returncode == 0, result.stderr
    data = json.loads(run.directory.scores.read_text())
    assert all(math.isfinite(number) for number in numbers(data))
    assert "nan" not in result.stdout.lower().split()
    assert said in " ".join(row["reading"] for row in data["validity"])


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ({"steering": {"models": [{**STEERED, "model": "oak"}]}},
         "no model 'oak'"),
        ({"steering": {"models": [{**STEERED, "towards": {"side": "up"}}]}},
         "no juror has side = up"),
        ({"groups": ["side"], "trade_off": {"steered": {"ash": {"middle": 1}}}},
         "no objective 'middle'"),
        ({"groups": ["side"], "trade_off": {"steered": {"ash": {"left": 0}}}}, "sum to 0"),
        ({"overton": {"tao": 4}}, "tau"),
        ({"distribution": {"answers": {"m": "m.jsonl"}}}, "survey"),
        ({"distribution": {"survey": {"path": "absent.json"}, "answers": {"m": "m.jsonl"}}},
         "absent.json"),
    ],
)  # fmt: skip
def test_sections_that_name_what_is_not_there_are_refused(
    small_study: Study, tmp_path: Path, scores: dict[str, object], said: str
) -> None:
    result = command("run", small_study(scores=scores), "--out", tmp_path / "out")
    assert result.returncode == 2
    assert said in result.stderr


def test_repeats_show_where_variance_comes_from(small_study: Study, tmp_path: Path) -> None:
    scores = juries.run(small_study(replicates=2), out=tmp_path / "out").scores()
    checks = {row.check: row for row in scores.validity}
    assert "persona x item" in checks["variance shares"].shown
    assert "replicate" in checks["variance shares"].shown
    again = checks["repeatability"]
    assert again.value is not None
    assert 0 < again.value < 1
    assert again.interval is not None


def test_one_study_of_real_items_shows_all_six(
    shared_data: Callable[[str], Path], tmp_path: Path
) -> None:
    """`benchmarks/studies/six_measures.yaml` on some of its 400 items."""
    for name in ("alpaca_eval_outputs.jsonl", "gss_personas.jsonl"):
        shared_data(name)
    study = ROOT / "benchmarks" / "studies" / "six_measures.yaml"
    run = command("run", study, "--out", tmp_path / "out", "--limit", "12", "--display", "none")
    assert run.returncode == 0, run.stderr
    again = command("score", tmp_path / "out")
    assert again.returncode == 0, again.stderr
    for name in ("overton", "steerable", "distributional", "multi-objective",
                 "trade-off steerable", "jury-pluralistic"):  # fmt: skip
        assert f"\n {name} " in again.stdout
    assert "not measured" not in again.stdout
    scores = juries.open_run(tmp_path / "out").scores()
    planted = scores.measure("jury-pluralistic").of("inequality between sex", "gpt4_1106_preview")
    others = scores.measure("jury-pluralistic").of("inequality between sex", "alpaca-7b")
    assert (planted.value or 0) > 3 * (others.value or 0)
    apart = {row.check: row for row in scores.validity}["groups by sex told apart"]
    assert (apart.value or 0) > 0.6
