"""Pre-annotation, planning, calibration and study size as a user types them."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from juries.cli.app import main
from personas.tables import read_rows


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def juries(monkeypatch, capsys) -> Callable[..., Outcome]:
    """Run the command in this process."""

    def invoke(*words: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["juries", *map(str, words)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        return Outcome(code, *capsys.readouterr())

    return invoke


@pytest.fixture
def study(small_study) -> Path:
    people = {"path": "people.csv", "columns": {"id": "id", "attributes": ["side"]}}
    scores = {"groups": ["side"], "resamples": 100}
    return small_study(items=20, population=people, scores=scores)


@pytest.fixture
def annotated(juries, study, tmp_path) -> Path:
    """A run folder that `juries preannotate` left behind."""
    run = tmp_path / "run"
    done = juries(
        "preannotate", study.parent / "items.jsonl", "--study", study, "--to", "labelstudio",
        "--out", run, "--display", "none",
    )  # fmt: skip
    assert done.code == 0, done.err
    return run


def people_file(path: Path, items: int = 20, **extra: object) -> Path:
    rng = np.random.default_rng(1)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["item_id", "model", "annotator_id", "rating", "side"])
        for item in range(items):
            for who in range(6):
                for model in ("ash", "birch", "cedar"):
                    said = extra.get("rating", ["no", "so-so", "yes"][int(rng.integers(3))])
                    writer.writerow(
                        [f"i{item}", model, f"p{who}", said, "left" if who % 2 else "right"]
                    )
    return path


def test_one_command_leads_from_items_to_tasks(annotated):
    tasks = json.loads((annotated / "preannotations-labelstudio.json").read_text())
    assert len(tasks) == 60
    assert (annotated / "preannotations-labelstudio.xml").read_text().startswith("<View>")


def test_the_same_run_is_written_for_other_tools_without_asking_again(
    juries, study, annotated, tmp_path
):
    before = json.loads((annotated / "run.json").read_text())["questions"]
    for tool, suffix, number in (("argilla", "jsonl", 60), ("csv", "csv", 180)):
        target = tmp_path / f"out.{suffix}"
        done = juries(
            "preannotate", study.parent / "items.jsonl", "--study", study, "--to", tool,
            "--out", annotated, "-o", target, "--detail", "groups", "--display", "none",
        )  # fmt: skip
        assert done.code == 0, done.err
        assert sum(1 for _ in read_rows(target)) == number
    assert json.loads((annotated / "run.json").read_text())["questions"] == before


def test_items_with_other_columns_are_mapped(juries, study, tmp_path):
    data = tmp_path / "mine.csv"
    data.write_text("number,question,answer,who\n1,Q one,A one,ash\n2,Q two,A two,ash\n")
    words = ["preannotate", data, "--study", study, "--to", "csv", "--out", tmp_path / "r"]
    columns = ["id=number", "prompt=question", "response=answer", "model=who"]
    done = juries(*words, "--display", "none", *(w for c in columns for w in ("--column", c)))

    assert done.code == 0, done.err
    rows = [row.data for row in read_rows(tmp_path / "r" / "preannotations-csv.csv")]
    assert [(row["item_id"], row["response"]) for row in rows] == [("1", "A one"), ("2", "A two")]
    refused = juries(*words, "--column", "colour=x")
    assert (refused.code, "nothing called 'colour'" in refused.err) == (2, True)
    assert juries(*words, "--column", "id").code == 2


def test_plan_import_calibrate_and_the_record(juries, annotated, tmp_path):
    plan, tasks = tmp_path / "plan.csv", tmp_path / "blind.json"
    done = juries(
        "plan", annotated, "--budget", 8, "--strategy", "disagreement", "--by", "side",
        "-o", plan, "--tasks", tasks,
    )  # fmt: skip
    assert done.code == 0, done.err
    assert "8 of 20 items, strategy disagreement" in done.out
    chosen = {row.data["item_id"] for row in read_rows(plan) if row.data["selected"] == "True"}
    assert {task["data"]["item_id"] for task in json.loads(tasks.read_text())} == chosen
    assert len(json.loads(tasks.read_text())) == 24

    table = tmp_path / "people.csv"
    done = juries(
        "import-human", people_file(tmp_path / "raw.csv"), "--from", "csv", "--run", annotated,
        "-o", table,
    )  # fmt: skip
    assert (done.code, done.err) == (0, "")
    assert "360 answers of 6 annotators" in done.out

    done = juries("calibrate", annotated, "--human", table, "--plan", plan)
    assert done.code == 0, done.err
    assert "overall: don't" in done.out
    assert "embedded rater simulator (simulator)" in done.out
    said = juries("calibrated", annotated).out
    assert said == "Calibrated against people.csv, with the verdict: don't.\n"
    record = json.loads(juries("calibrate", annotated, "--human", table, "--json").out)
    assert set(record["parts"]) == {"model", "prompts", "population", "scale"}
    assert record["figures"]["criteria"][0]["estimates"][0]["result"]["n"] == 20


def test_a_run_without_a_record_says_so(juries, annotated):
    assert juries("calibrated", annotated).out == "Not calibrated against people.\n"


def test_a_baseline_must_have_asked_the_same(juries, annotated, study, tmp_path):
    people = people_file(tmp_path / "people.csv")
    other = tmp_path / "other"
    study.write_text(study.read_text().replace("Good?", "Bad?"))
    assert juries("run", study, "--out", other, "--limit", 3, "--display", "none").code in (0, 1)
    done = juries("calibrate", annotated, "--human", people, "--baseline", other)
    assert (done.code, "asked other questions" in done.err) == (2, True)
    done = juries("calibrate", annotated, "--human", people, "--baseline", annotated)
    assert done.code == 0
    assert "baseline: no persona" in done.out


@pytest.mark.parametrize(
    ("rating", "options", "message"),
    [
        ("gut", (), "360 of 360 answers are not on the study's scale"),
        ("gut", ("--label", "gut=yes"), ""),
        ("yes", ("--column", "item=nowhere"), "there is no column 'nowhere'"),
        ("yes", ("--label", "gut"), "--label cannot be read"),
    ],
)
def test_bad_people_files_end_with_a_message(juries, annotated, tmp_path, rating, options, message):
    raw = people_file(tmp_path / "raw.csv", rating=rating)
    done = juries(
        "import-human", raw, "--from", "csv", "--run", annotated, "-o", tmp_path / "t.csv", *options
    )
    assert done.code == (2 if message else 0)
    assert message in done.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("plan", "RUN", "--budget", "8", "--strategy", "disagreement"), "Name an attribute"),
        (("plan", "RUN", "--budget", "8", "--random-share", "0"), "could never be drawn"),
        (("plan", "nowhere", "--budget", "8"), "holds no run"),
        (("calibrate", "RUN", "--human", "nowhere.csv"), "no such file"),
        (("calibrated", "RUN", "--record", "nowhere.json"), "no calibration record"),
        (("power", "--items", "many"), "--items cannot be read"),
        (("power", "--variances", "1,2"), "--variances cannot be read"),
    ],
)
def test_mistakes_are_one_message_and_code_2(juries, annotated, words, message):
    done = juries(*(annotated if word == "RUN" else word for word in words))
    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_power_with_and_without_a_study(juries, study):
    done = juries("power", study, "--items", "6,12", "--raters", "8", "--simulations", 20, "--json")
    rows = json.loads(done.out)
    assert [(row["items"], row["raters"]) for row in rows] == [(6, 8), (12, 8)]
    assert all(row["low"] <= row["power"] <= row["high"] for row in rows)

    done = juries("power", "--items", "50", "--raters", "10,40", "--effect", "0.3", "--json")
    few, many = json.loads(done.out)
    assert many["power"] > few["power"]
    assert abs(many["power"] - many["by formula"]) < 0.12
    assert "Power to find 0.3 points" in juries("power", "--items", "20", "--effect", 0.3).out


def test_budget_prices_the_three_ways(juries):
    words = ["budget", "--half-width", 0.1, "--items", 2000, "--jurors", 20, "--correlation", 0.7]
    figures = json.loads(juries(*words, "--json").out)
    people, jury, both = figures["costs"]

    assert both["cost"] < people["cost"]
    assert jury["half_width"] is None
    assert {point["items"] for point in figures["curve"]} == {25, 50, 100, 200, 400, 800}
    assert "its distance from people's is unknown" in juries(*words).out
