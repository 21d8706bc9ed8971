"""Target distributions: against the ratings table, smoothing, groups, scales without worths."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import juries
from juries.human import Target, read_human
from juries.targets.distributions import human_distributions, jury_distributions
from juries.targets.evidence import evidence
from personas.errors import InputError

Study = Callable[..., Path]


def test_a_distribution_is_the_weighted_mean_of_the_jurors(demo_run: juries.Run) -> None:
    found = jury_distributions(demo_run, groups=("outlook",))
    assert len(found.distributions) == 24 * 3 * 3
    one = found.distributions[0]
    rows = demo_run.ratings.filter((pl.col("item_id") == one.item) & (pl.col("model") == one.model))
    table = np.array(rows["probabilities"].to_list())
    weights = rows["weight"].to_numpy()
    np.testing.assert_allclose(one.raw, weights @ table / weights.sum(), atol=1e-6)
    effective = weights.sum() ** 2 / (weights**2).sum()
    assert one.n_effective == pytest.approx(effective)
    smooth = (effective * np.array(one.raw) + 0.5) / (effective + 2.5)
    np.testing.assert_allclose(one.probabilities, smooth)
    assert sum(one.probabilities) == pytest.approx(1)
    planted = {
        each.population: np.dot(each.raw, [0, 1, 2, 3, 4])
        for each in found.distributions
        if each.model == "one-sided" and each.item == one.item
    }
    assert planted["outlook=decisive"] > planted["jury"] > planted["outlook=deliberative"] + 1


def test_a_choice_without_worths_has_distributions_but_no_welfare(
    small_study: Study, tmp_path: Path
) -> None:
    scale = {"kind": "choice", "question": "Tone?", "options": ["warm", "cold", "neither"]}
    run = juries.run(small_study(scale=scale, replicates=2), out=tmp_path / "out")
    found = jury_distributions(run, smoothing=0)
    assert {each.n for each in found.distributions} == {10}
    assert all(each.raw == pytest.approx(each.probabilities) for each in found.distributions)
    with pytest.raises(InputError, match="no `worth`"):
        evidence(run)
    with pytest.raises(InputError, match=r"nobody has the attribute 'sid'.*'side'"):
        jury_distributions(run, groups=("sid",))


def test_a_failed_majority_makes_no_target(small_study: Study, tmp_path: Path) -> None:
    run = juries.run(small_study(), out=tmp_path / "out")
    with sqlite3.connect(run.directory.ledger) as connection:
        connection.execute(
            "UPDATE ratings SET status = 'failed', rating = NULL, expected = NULL, "
            "probabilities = NULL WHERE juror >= 4"
        )
    connection.close()
    run.directory.ratings.unlink()  # written again from the ledger
    with pytest.raises(InputError, match="only 40% of the questions were validly answered"):
        evidence(run)
    with pytest.raises(InputError, match="only 40%"):
        jury_distributions(run)


def test_people_have_distributions_too(small_study: Study, tmp_path: Path) -> None:
    run = juries.run(small_study(), out=tmp_path / "out")
    rows = [
        {"item_id": "i0", "model": "ash", "annotator": f"a{n}", "rating": r}
        for n, r in enumerate([1, 3, 3, 2])
    ]
    path = tmp_path / "people.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    gathered = run.gather()
    target = Target(items=gathered.items, models=gathered.verdicts.models, scale=run.study.scale)
    human = read_human(path, "csv", target)
    found = human_distributions(human, evidence(run).origin, smoothing=0)
    (one,) = found.distributions
    assert one.raw == pytest.approx((0.25, 0.25, 0.5))
    assert (one.population, one.n) == ("annotators", 4)
    assert not found.provenance.uncalibrated
