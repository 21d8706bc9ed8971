"""A run: complete, resumable after any kill, the same at any concurrency."""

from __future__ import annotations

import asyncio
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import juries
from graphs.ledger import open_ledger
from juries import concluding
from juries.run_directory import RunDirectory
from juries.scoring import score_verdicts
from personas.errors import InputError, JuriesError

Study = Callable[..., Path]
KEY = ["item_id", "model", "against_id", "juror_id", "round", "criterion", "replicate"]
ROOT = Path(__file__).resolve().parents[2]


def ratings(run: juries.Run) -> pl.DataFrame:
    return run.ratings.sort(KEY)


def test_a_run_leaves_everything_in_its_folder(small_study: Study, tmp_path: Path) -> None:
    run = juries.run(small_study(), out=tmp_path / "out")
    assert {path.name for path in run.path.iterdir() if path.name != ".lock"} >= {
        "study.yaml",
        "run.json",
        "jury.jsonl",
        "items.jsonl",
        "ledger.sqlite",
        "ratings.parquet",
        "scores.json",
    }
    frame = ratings(run)
    assert frame.height == 12 * 3 * 10
    assert frame.unique(KEY).height == frame.height
    assert frame["status"].unique().to_list() == ["ok"]
    assert frame["mind"].unique().to_list() == ["embedded rater simulator"]
    assert frame["rating"].is_between(1, 3).all()
    assert frame["probabilities"].list.sum().is_close(1.0, abs_tol=1e-5).all()
    per_juror = frame.group_by("juror_id").agg(pl.col("weight").first())["weight"]
    assert per_juror.sum() == pytest.approx(1)

    scores = run.scores()
    assert scores.complete
    assert scores.produced_by.startswith("embedded rater simulator (simulator)")
    assert "not calibrated against people" in scores.produced_by
    assert sorted(scores.ranking()) == ["ash", "birch", "cedar"]
    assert {answers.model: answers.statuses["ok"] for answers in scores.answers} == {
        "ash": 120,
        "birch": 120,
        "cedar": 120,
    }


def test_scores_follow_from_the_ratings_table(small_study: Study, tmp_path: Path) -> None:
    run = juries.run(small_study(), out=tmp_path / "out")
    utility = (pl.col("expected") - 1) / 2
    by_hand = (
        run.ratings.group_by("item_id", "model")
        .agg(((utility * pl.col("weight")).sum() / pl.col("weight").sum()).alias("w"))
        .group_by("model")
        .agg(pl.col("w").mean())
    )
    for model, mean in by_hand.iter_rows():
        assert run.scores().of(model).estimate == pytest.approx(mean, abs=1e-6)


def test_verdicts_per_response_average_to_the_scores(small_study: Study, tmp_path: Path) -> None:
    run = juries.run(small_study(), out=tmp_path / "out")
    assert run.verdicts.height == 12 * 3
    for model, nash, worst in (
        run.verdicts.group_by("model").agg(pl.col("power:0", "power:-inf").mean()).iter_rows()
    ):
        assert run.scores().of(model, "power:0").estimate == pytest.approx(nash, abs=1e-6)
        assert run.scores().of(model, "power:-inf").estimate == pytest.approx(worst, abs=1e-6)


def test_a_second_run_asks_nothing(small_study: Study, tmp_path: Path) -> None:
    study = small_study()
    first = juries.run(study, out=tmp_path / "out")
    before = (first.scores(), ratings(first))
    ledger = open_ledger(first.directory.ledger, fingerprint=first.record.fingerprint, ids={})
    revision = ledger.revision()
    ledger.close()
    again = juries.run(study, out=tmp_path / "out")
    ledger = open_ledger(again.directory.ledger, fingerprint=again.record.fingerprint, ids={})
    assert ledger.revision() == revision
    ledger.close()
    assert again.scores() == before[0]
    assert ratings(again).equals(before[1])
    assert again.record.sessions == 2


@pytest.mark.parametrize("in_flight", [1, 40])
def test_concurrency_changes_nothing(small_study: Study, tmp_path: Path, in_flight: int) -> None:
    study = small_study()
    run = juries.run(study, out=tmp_path / "a")
    other = juries.run(study, out=tmp_path / "b", in_flight=in_flight)
    assert ratings(run).equals(ratings(other))
    assert run.scores() == other.scores()


def test_another_seed_is_another_study(small_study: Study, tmp_path: Path) -> None:
    study = small_study()
    run = juries.run(study, out=tmp_path / "out")
    with pytest.raises(InputError, match="belongs to another study"):
        juries.run(study, out=tmp_path / "out", seed=12)
    other = juries.run(study, out=tmp_path / "other", seed=12)
    assert not ratings(run)["rating"].equals(ratings(other)["rating"])


def test_a_limited_run_goes_on_without_the_limit(small_study: Study, tmp_path: Path) -> None:
    study = small_study()
    part = juries.run(study, out=tmp_path / "out", limit=5)
    assert part.ratings["item_id"].n_unique() == 5
    assert part.scores().items == 5
    whole = juries.run(study, out=tmp_path / "out")
    assert ratings(whole).equals(ratings(juries.run(study, out=tmp_path / "once")))


def test_partly_answered_items_are_completed(small_study: Study, tmp_path: Path) -> None:
    study = small_study()
    whole = juries.run(study, out=tmp_path / "out")
    with sqlite3.connect(whole.directory.ledger) as connection:
        connection.execute("DELETE FROM ratings WHERE (item * 31 + juror * 7 + response) % 3 = 0")
    connection.close()
    assert ratings(juries.run(study, out=tmp_path / "out")).equals(
        ratings(juries.run(study, out=tmp_path / "once"))
    )


COMMAND = [sys.executable, "-m", "juries", "run"]


@pytest.mark.parametrize(
    ("items", "scale"), [(1500, {}), (700, {"scale": {"kind": "pairwise", "ties": True}})]
)
def test_a_run_killed_again_and_again_ends_as_one_never_killed(
    items: int, scale: dict[str, object], small_study: Study, tmp_path: Path
) -> None:
    study = small_study(items=items, scores={"resamples": 100}, **scale)
    whole = juries.run(study, out=tmp_path / "whole")
    out, chance, kills = tmp_path / "killed", random.Random(3), 0
    for _ in range(30):
        with subprocess.Popen(
            [
                *COMMAND,
                str(study),
                "--out",
                str(out),
                "--display",
                "none",
                "--max-connections",
                "1",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd=ROOT,
        ) as process:
            deadline = time.monotonic() + 60
            while not (out / "ledger.sqlite").exists() and time.monotonic() < deadline:
                time.sleep(0.01)
            try:
                _, said = process.communicate(
                    timeout=chance.uniform(0.05, 1.2) if kills < 3 else 120
                )
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                kills += 1
                continue
            assert process.returncode == 0, said
            break
    assert kills >= 1
    killed = juries.open_run(out)
    assert ratings(killed).equals(ratings(whole))
    assert (out / "scores.json").read_bytes() == (tmp_path / "whole/scores.json").read_bytes()


def test_two_runs_in_one_folder_do_not_mix(small_study: Study, tmp_path: Path) -> None:
    study = small_study()
    with (
        RunDirectory(tmp_path / "out").held(),
        pytest.raises(JuriesError, match="another run is writing here"),
    ):
        juries.run(study, out=tmp_path / "out")


def test_a_run_can_be_started_inside_an_event_loop(small_study: Study, tmp_path: Path) -> None:
    async def notebook() -> juries.Run:
        return juries.run(small_study(), out=tmp_path / "out")

    assert asyncio.run(notebook()).record.complete


def test_a_stopped_run_says_that_it_is_not_complete(small_study: Study, tmp_path: Path) -> None:
    stop = asyncio.Event()

    class StopSoon:
        def start(self, *, total: int, done: int) -> None: ...
        def say(self, message: str) -> None: ...
        def finish(self) -> None: ...
        def advance(self, answered: int) -> None:
            stop.set()

    study = small_study()
    run = juries.run(study, out=tmp_path / "out", in_flight=2, progress=StopSoon(), stop=stop)
    assert not run.record.complete
    assert not run.scores().complete
    assert 0 < run.record.recorded < 360
    assert juries.run(study, out=tmp_path / "out").record.complete


def test_a_rubric_is_scored_by_its_weighted_criteria(small_study: Study, tmp_path: Path) -> None:
    points = ["no", "partly", "yes"]
    scale = {
        "kind": "rubric",
        "criteria": [
            {"name": "useful", "question": "Useful?", "points": points, "weight": 3},
            {"name": "harmful", "question": "Harmful?", "points": points, "better": "low"},
        ],
    }
    run = juries.run(small_study(scale=scale, replicates=2), out=tmp_path / "out")
    frame = run.ratings
    assert frame.height == 12 * 3 * 10 * 2 * 2
    utility = (
        pl.when(pl.col("criterion") == "useful")
        .then((pl.col("expected") - 1) / 2 * 0.75)
        .otherwise((3 - pl.col("expected")) / 2 * 0.25)
    )
    cells = frame.group_by("item_id", "model", "juror_id", "weight").agg(utility.sum() / 2)
    mean = (
        cells.filter(pl.col("model") == "ash")
        .group_by("item_id")
        .agg((pl.col("expected") * pl.col("weight")).sum())["expected"]
        .mean()
    )
    assert run.scores().of("ash").estimate == pytest.approx(mean, abs=1e-5)
    assert [a.criterion for a in run.scores().agreement] == ["useful", "harmful"]


def test_a_choice_without_worths_has_agreement_but_no_welfare(
    small_study: Study, tmp_path: Path
) -> None:
    scale = {"kind": "choice", "question": "Tone?", "options": ["warm", "cold", "neither"]}
    scores = juries.run(small_study(scale=scale), out=tmp_path / "out").scores()
    assert scores.welfare == ()
    assert "no welfare" in scores.notes[0]
    assert scores.agreement[0].level == "nominal"
    assert scores.agreement[0].alpha is not None


def test_a_choice_with_worths_is_scored_under_its_distribution(
    small_study: Study, tmp_path: Path
) -> None:
    scale = {
        "kind": "choice",
        "question": "Tone?",
        "options": ["warm", "cold", "neither"],
        "worth": [1, 0, 0.4],
    }
    run = juries.run(small_study(scale=scale), out=tmp_path / "out")
    worth = pl.col("probabilities").list.get(0) + 0.4 * pl.col("probabilities").list.get(2)
    mean = (
        run.ratings.filter(pl.col("model") == "birch")
        .group_by("item_id")
        .agg((worth * pl.col("weight")).sum().alias("w"))["w"]
        .mean()
    )
    assert run.scores().of("birch").estimate == pytest.approx(mean, abs=1e-5)


def test_a_study_whose_items_stay_in_a_file_scores_the_same(
    small_study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = small_study()
    held = juries.run(study, out=tmp_path / "held")
    for module in ("graphs.sources", "juries.run_directory"):
        monkeypatch.setattr(f"{module}.HELD", 3)
    stored = juries.run(study, out=tmp_path / "stored", limit=5)
    stored = juries.run(study, out=tmp_path / "stored")
    assert stored.scores() == held.scores()


def test_scores_do_not_depend_on_how_many_cores_there_are(
    small_study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last digits of a product of matrices depend on how many threads share it."""
    threads: list[int] = []

    def seen(*args: object, **options: object) -> object:
        threads.extend(
            pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"
        )
        return score_verdicts(*args, **options)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(concluding, "score_verdicts", seen)
    with threadpool_limits(2, user_api="blas"):
        juries.run(small_study(), out=tmp_path / "out")
    assert set(threads) == {1}
