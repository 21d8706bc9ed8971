"""Baselines stand beside the jury: seeded, durable, and never in a score."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import juries
from juries.baselines import NO_PERSONA, RANDOM, read_baselines, sampled_items
from juries.spec_measures import BaselinesSpec

Study = Callable[..., Path]


def rows(run: juries.Run) -> list[tuple[object, ...]]:
    with sqlite3.connect(run.directory.baselines) as connection:
        found = connection.execute("SELECT * FROM ratings ORDER BY 1, 2, 3, 4").fetchall()
    connection.close()
    return found


def read(run: juries.Run) -> tuple[object, ...]:
    gathered = run.gather()
    return read_baselines(
        run.directory.baselines,
        fingerprint=run.record.fingerprint,
        items=gathered.items,
        models=gathered.verdicts.models,
        asked=gathered.questions,
        minds=["embedded"],
    )


def test_baselines_are_in_no_score(small_study: Study, tmp_path: Path) -> None:
    asked = juries.run(small_study(), out=tmp_path / "asked")
    without = juries.run(small_study(baselines={"share": 0}), out=tmp_path / "without")
    assert asked.ratings.equals(without.ratings)
    assert asked.scores().welfare == without.scores().welfare
    assert asked.scores().answers == without.scores().answers
    assert not without.directory.baselines.exists()
    checks = {row.check: row for row in without.scores().validity}
    assert "Not asked" in checks["against no persona"].reading
    assert without.scores().measure("distributional").needs is not None


def test_both_baselines_answer_a_sample_of_the_items(small_study: Study, tmp_path: Path) -> None:
    run = juries.run(small_study(items=40), out=tmp_path / "out")
    own, random = read(run)
    assert (own.name, random.name) == (NO_PERSONA, RANDOM)
    assert own.items == random.items == tuple(sampled_items(BaselinesSpec(), 40, seed=11))
    assert len(own.items) == 10
    assert own.points.shape == (1, 20, 3, 10)
    assert np.isfinite(own.points).all()
    assert own.probabilities.sum(axis=-1) == pytest.approx(1.0)
    shares = [(random.points == point).mean() for point in (1, 2, 3)]
    assert shares == pytest.approx([1 / 3] * 3, abs=0.08)  # 600 draws: 4 standard errors


def test_a_second_run_asks_no_baseline_again(small_study: Study, tmp_path: Path) -> None:
    study = small_study()
    first = rows(juries.run(study, out=tmp_path / "out"))
    assert rows(juries.run(study, out=tmp_path / "out")) == first


def test_an_interrupted_baseline_goes_on_to_the_same_answers(
    small_study: Study, tmp_path: Path
) -> None:
    study = small_study()
    run = juries.run(study, out=tmp_path / "out")
    whole, scores = rows(run), run.scores()
    with sqlite3.connect(run.directory.baselines) as connection:
        connection.execute("DELETE FROM ratings WHERE item % 2 = 0 OR juror % 3 = 0")
    connection.close()
    assert 0 < len(rows(run)) < len(whole)
    again = juries.run(study, out=tmp_path / "out")
    assert rows(again) == whole
    assert again.scores().validity == scores.validity


def test_more_answers_add_to_those_there_are(small_study: Study, tmp_path: Path) -> None:
    few = rows(juries.run(small_study(baselines={"answers": 4}), out=tmp_path / "out"))
    many = rows(juries.run(small_study(baselines={"answers": 6}), out=tmp_path / "out"))
    assert len(few) == 10 * 3 * 4 * 2
    assert len(many) == 10 * 3 * 6 * 2
    assert {row[:7] for row in few} < {row[:7] for row in many}


def test_personas_that_do_nothing_are_seen_to(small_study: Study, tmp_path: Path) -> None:
    mind = {"kind": "embedded", "value_prior_sd": 0.0}
    plain = juries.run(small_study(people=60, jury={"seats": 40}, mind=mind), out=tmp_path / "a")
    mind["planted"] = [
        {"where": {"side": side}, "models": ["ash"], "shift": shift}
        for side, shift in (("left", 4.0), ("right", -4.0))
    ]
    split = juries.run(small_study(people=60, jury={"seats": 40}, mind=mind), out=tmp_path / "b")

    def ratio(run: juries.Run) -> tuple[float, float]:
        check = f"spread against {NO_PERSONA}"
        row = next(row for row in run.scores().validity if row.check == check)
        assert row.interval is not None
        return row.interval.low or 0.0, row.interval.high or 0.0

    low, high = ratio(plain)
    assert low < 1 < high
    assert ratio(split)[0] > 1.1
