"""docs/preannotation.md, run as it stands on the real people of POPQUORN."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from juries.calibration import item_scores, jury_table, plan_sample, ppi_planned, read_record
from juries.runs import open_run

PAGE = Path(__file__).resolve().parents[2] / "docs" / "preannotation.md"


@pytest.fixture(scope="module")
def story(shared_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory):
    """A folder in which the page's code was run in order; what its commands printed."""
    folder = tmp_path_factory.mktemp("story")
    shutil.copyfile(
        shared_data("popquorn_offensiveness.csv"), folder / "popquorn_offensiveness.csv"
    )
    printed: list[str] = []
    for language, code in re.findall(r"```(python|yaml|sh)\n(.*?)```", PAGE.read_text(), re.S):
        if language == "yaml":
            (folder / "study.yaml").write_text(code)
        elif language == "python":
            printed.append(run(folder, "-c", code))
        else:
            for line in code.strip().splitlines():
                words = shlex.split(line)
                assert words[0] == "juries"
                printed.append(run(folder, "-W", "error", "-m", *words))
    return folder, "".join(printed)


def run(folder: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(PAGE.parent.parent), "COLUMNS": "100", "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def truth(story) -> tuple[list[str], np.ndarray]:
    """Items, and the mean of everyone's answers to each."""
    folder, _ = story
    means = (
        pl.read_csv(folder / "everyone.csv", schema_overrides={"item_id": pl.String})
        .group_by("item_id", maintain_order=True)
        .agg(pl.col("rating").mean())
    )
    return means["item_id"].to_list(), means["rating"].to_numpy()


def test_the_estimate_holds_the_true_mean_of_all_peoples_answers(story, truth):
    folder, printed = story
    items, means = truth
    record = read_record(folder / "run" / "calibration.json")
    (criterion,) = record.figures["criteria"]
    estimate = criterion["estimates"][0]["result"]

    assert len(items) == 200
    assert estimate["n"] == 60
    assert estimate["interval"]["low"] <= means.mean() <= estimate["interval"]["high"]
    assert record.decision == "don't"
    assert "cannot replace them" in printed


def test_the_page_states_the_figures_that_come_out(story, truth):
    folder, _ = story
    page = PAGE.read_text()
    record = read_record(folder / "run" / "calibration.json")
    estimate = record.figures["criteria"][0]["estimates"][0]["result"]
    low, high = estimate["interval"]["low"], estimate["interval"]["high"]

    assert f"{estimate['estimate']:.3f}, 95 % interval {low:.3f} to {high:.3f}" in page
    assert f"true mean of all people's answers | {truth[1].mean():.3f}" in page
    assert f"{estimate['estimate']:.3f} ({low:.3f}, {high:.3f})" in page


def test_over_plans_drawn_anew_the_intervals_hold_the_true_mean(story, truth):
    folder, _ = story
    items, means = truth
    jury = jury_table(open_run(folder / "run"))
    predictions = jury.unit_means(0)
    order = [item.id for item in jury.items]
    labels = dict(zip(items, means, strict=True))
    scores = item_scores(jury, "neyman")
    held = 0
    for seed in range(200):
        plan = plan_sample(order, scores, 60, strategy="neyman", seed=seed)
        found = ppi_planned({u: labels[u] for u in plan.chosen}, predictions, plan)
        held += means.mean() in found.interval
    assert held >= 180


def test_the_record_binds_the_run_and_refuses_another_scale(story, tmp_path):
    folder, _ = story
    said = run(folder, "-m", "juries", "calibrated", "run")
    assert said.startswith("Calibrated against people.csv")

    study = (folder / "study.yaml").read_text().replace("How offensive", "How rude")
    (folder / "other.yaml").write_text(study)
    run(folder, "-m", "juries", "run", "other.yaml", "--out", "other", "--limit", "3")
    said = run(folder, "-m", "juries", "calibrated", "other", "--record", "run/calibration.json")
    assert said.startswith("Not calibrated: this run and the record differ in prompts and scale")


def test_people_see_no_prediction_in_the_tasks_they_are_compared_on(story):
    folder, _ = story
    assert "predictions" in (folder / "tasks.json").read_text()
    blind = (folder / "blind.json").read_text()
    assert "predictions" not in blind
    assert blind.count('"item_id"') == 60
