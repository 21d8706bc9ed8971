"""The surrogate: known effects recovered, real ratings beaten, imputation honest."""

from __future__ import annotations

import csv
import json
import random
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
import yaml

import juries
from juries.design import DesignSpec
from juries.measures.bootstrap import welfare_bootstrap
from juries.measures.welfare_functions import parse_welfares
from juries.surrogate.baseline import AdditiveBaseline, calibration_error, log_loss
from juries.surrogate.table import PersonaFeatures, RatingTable, text_features
from personas.errors import InputError

if TYPE_CHECKING:
    from juries.concluding import Gathered

pytest.importorskip("torch", reason="the extra `torch` is not installed")

import torch

from juries.surrogate.filled_run import fill_run
from juries.surrogate.filling import Pooling, filled_scores
from juries.surrogate.fitting import SurrogateSettings, fit_surrogate
from juries.surrogate.modelling import model_run
from juries.surrogate.network import OrdinalNetwork, log_probabilities
from juries.surrogate.recomposing import Composition, recompose

ROOT = Path(__file__).resolve().parents[3]


def simulated(rng: np.random.Generator, *, ratings: int, jurors: int = 60) -> tuple[Any, Any]:
    """Ratings of 120 responses by two kinds of juror who want opposite things, and the truth."""
    side = rng.integers(0, 2, jurors)
    taste = rng.normal(0, 1.2, 120)
    severity = rng.normal(0, 0.6, jurors)
    response, juror = rng.integers(0, 120, ratings), rng.integers(0, jurors, ratings)
    score = taste[response] * np.where(side[juror] == 1, 1, -1) - severity[juror]
    above = 1 / (1 + np.exp(-(score[:, None] - np.array([-1.5, -0.5, 0.5, 1.5]))))
    edges = np.column_stack([np.ones(ratings), above, np.zeros(ratings)])
    truth = edges[:, :-1] - edges[:, 1:]
    rating = (np.cumsum(truth[:, :-1], axis=1) <= rng.random(ratings)[:, None]).sum(axis=1)
    people = [{"side": "left" if one else "right"} for one in side]
    table = RatingTable(
        response=response,
        juror=juror,
        rating=rating,
        points=5,
        responses=rng.normal(size=(120, 4)),
        jurors=PersonaFeatures(people)(people),
    )
    return table, truth


def test_it_comes_close_to_the_truth_it_was_drawn_from() -> None:
    rng = np.random.default_rng(0)
    table, truth = simulated(rng, ratings=6000)
    fitted = fit_surrogate(table, SurrogateSettings(members=2))
    best = log_loss(truth, table.rating)
    # Additive means cannot see that two kinds of juror want opposite things.
    assert fitted.report.baseline > best + 0.2
    assert fitted.report.log_loss < best + 0.12
    assert fitted.report.ece < 0.04
    assert fitted.report.useful
    assert np.abs(fitted.predict(table.response, table.juror) - truth).mean() < 0.06


def test_people_never_seen_are_predicted_by_their_attributes() -> None:
    rng = np.random.default_rng(1)
    table, _ = simulated(rng, ratings=6000)
    fitted = fit_surrogate(table, SurrogateSettings(members=2))
    assert 0.25 < fitted.severity < 0.75  # drawn with 0.6; estimates per juror are shrunk
    left, right = (table.jurors[table.jurors[:, 1] == kind][0] for kind in (1.0, 0.0))
    every, none = np.arange(120), np.zeros(120)
    points = np.arange(5)
    a = fitted.predict_new(every, np.tile(left, (120, 1)), none) @ points
    b = fitted.predict_new(every, np.tile(right, (120, 1)), none) @ points
    assert np.corrcoef(a, b)[0, 1] < -0.8
    strict = fitted.predict_new(every, np.tile(left, (120, 1)), none - 2) @ points
    assert (strict < a).all()


def test_where_nothing_can_be_learnt_it_says_so() -> None:
    rng = np.random.default_rng(2)
    table, _ = simulated(rng, ratings=2000)
    noise = replace(table, rating=rng.integers(0, 5, 2000))
    report = fit_surrogate(noise, SurrogateSettings(members=1)).report
    assert report.log_loss > report.marginal - 0.02
    assert ("NOT better than" in report.reading) == (not report.useful)


def test_the_same_seed_gives_the_same_surrogate() -> None:
    table, _ = simulated(np.random.default_rng(3), ratings=800)
    settings = SurrogateSettings(members=2, epochs=5)
    one, two = (fit_surrogate(table, settings) for _ in range(2))
    np.testing.assert_array_equal(
        one.predict(table.response, table.juror), two.predict(table.response, table.juror)
    )


def test_probabilities_of_the_network_sum_to_one_far_into_the_tails() -> None:
    logits = torch.tensor([[50.0, 30.0, -40.0], [-60.0, -61.0, -90.0], [0.0, -1e-7, -2e-7]])
    logs = log_probabilities(logits)
    assert torch.isfinite(logs).all()
    assert logs.exp().sum(dim=1) == pytest.approx(torch.ones(3), abs=1e-5)
    plain = torch.sigmoid(torch.tensor([[1.0, 0.2, -1.0]], dtype=torch.float64))[0]
    edges = [1.0, *plain.tolist(), 0.0]
    expected = [a - b for a, b in pairwise(edges)]
    found = log_probabilities(torch.tensor([[1.0, 0.2, -1.0]])).exp()[0].tolist()
    assert found == pytest.approx(expected, abs=1e-6)
    net = OrdinalNetwork(torch.zeros(2, 1), torch.zeros(2, 1), points=5, size=2)
    assert (net.thresholds.diff() > 0).all()


def test_calibration_error_by_hand() -> None:
    half = np.tile([0.5, 0.5], (100, 1))
    assert calibration_error(half, np.repeat([0, 1], 50), bins=1) == pytest.approx(0)
    assert calibration_error(half, np.zeros(100, dtype=np.int64), bins=1) == pytest.approx(0.5)


def test_the_additive_baseline_recovers_means() -> None:
    rng = np.random.default_rng(5)
    response, juror = np.divmod(np.arange(4000), 50)
    effect, severity = rng.normal(0, 0.8, 80), rng.normal(0, 0.4, 50)
    score = 2 + effect[response] - severity[juror] + rng.normal(0, 0.3, 4000)
    rating = np.clip(np.round(score), 0, 4).astype(np.int64)
    table = RatingTable(
        response=response, juror=juror, rating=rating, points=5,
        responses=np.zeros((80, 1)), jurors=np.zeros((50, 1)),
    )  # fmt: skip
    means = AdditiveBaseline(table).predict(response, juror) @ np.arange(5)
    assert np.abs(means - np.clip(2 + effect[response] - severity[juror], 0, 4)).mean() < 0.15


def test_it_beats_means_on_real_ratings(shared_data: Callable[[str], Path]) -> None:
    """POPQUORN: offensiveness of comments rated by people of known demographics."""
    with shared_data("popquorn_offensiveness.csv").open() as file:
        rows = list(csv.DictReader(file))
    texts = {row["instance_id"]: row["text"] for row in rows}
    about = ("gender", "race", "age", "occupation", "education")
    people = {row["user_id"]: {k: row[k] for k in about if row[k]} for row in rows}
    response, juror = ({name: at for at, name in enumerate(known)} for known in (texts, people))
    table = RatingTable(
        response=np.array([response[row["instance_id"]] for row in rows]),
        juror=np.array([juror[row["user_id"]] for row in rows]),
        rating=np.array([int(float(row["offensiveness"])) - 1 for row in rows]),
        points=5,
        responses=text_features(list(texts.values())),
        jurors=PersonaFeatures(list(people.values()))(list(people.values())),
    )
    report = fit_surrogate(table, SurrogateSettings(members=2)).report
    assert report.held_out == 1304
    assert report.log_loss < report.baseline - 0.1
    assert report.baseline < report.marginal
    assert report.ece < 0.03


@pytest.fixture(scope="module")
def gathered(tmp_path_factory: pytest.TempPathFactory) -> Gathered:
    study, base = juries.load_study(ROOT / "examples" / "study.yaml")
    run = juries.run(study.located(base), out=tmp_path_factory.mktemp("surrogate") / "run")
    return run.gather()


def thinned(gathered: Gathered, share: float) -> tuple[Gathered, np.ndarray]:
    """The run as if each juror had been asked about a share of the responses only."""
    verdicts = gathered.verdicts
    asked = np.random.default_rng(1).random(verdicts.points.shape[1:]) < share
    return (
        replace(
            gathered,
            verdicts=replace(
                verdicts,
                points=np.where(asked, verdicts.points, np.int8(-1)),
                utilities=np.where(asked, verdicts.utilities, np.float32(np.nan)),
            ),
        ),
        asked,
    )


def test_a_sparse_design_is_filled_to_the_scores_of_the_whole(gathered: Gathered) -> None:
    functions = parse_welfares(["power:1", "power:0", "cvar:0.2"])
    weights = np.array([juror.weight for juror in gathered.jurors])
    whole = gathered.verdicts.overall()
    truth = np.array([[f(model, weights).mean() for model in whole] for f in functions])
    sparse, asked = thinned(gathered, 0.3)
    model = model_run(sparse, SurrogateSettings(members=2))
    assert all(each.report.useful for each in model.surrogates)
    filled = filled_scores(
        sparse, model, functions, asked=asked, pooling=Pooling(draws=4, resamples=200)
    )
    assert filled.imputed == pytest.approx(0.7, abs=0.02)
    assert "70% of the ratings are imputed" in filled.notes[0]
    assert "the mean does not" in filled.notes[-1]
    np.testing.assert_allclose(filled.estimate[0], truth[0], atol=0.03)
    np.testing.assert_allclose(filled.estimate, truth, atol=0.1)
    # By the mean the one-sided model leads; by the worst-off fifth it does not.
    assert filled.estimate.argmax(axis=1).tolist() == truth.argmax(axis=1).tolist() == [1, 0, 0]
    assert (filled.interval.low[0] <= truth[0]).all()
    assert (truth[0] <= filled.interval.high[0]).all()


def test_what_was_refused_is_not_imputed(gathered: Gathered) -> None:
    sparse, _ = thinned(gathered, 0.5)
    model = model_run(sparse, SurrogateSettings(members=1, epochs=3))
    every = np.ones(sparse.verdicts.points.shape[1:], dtype=bool)
    filled = filled_scores(
        sparse, model, parse_welfares(["mean"]), asked=every, pooling=Pooling(draws=2)
    )
    assert filled.imputed == 0
    with pytest.raises(InputError, match="1 draws"):
        Pooling(draws=1)


def test_a_run_of_a_sparse_design_is_filled_by_the_command(tmp_path: Path) -> None:
    """Each juror rated two responses in five, and one juror refused everything."""
    study, base = juries.load_study(ROOT / "examples" / "study.yaml")
    run = juries.run(study.located(base), out=tmp_path / "run")
    whole = {score.model: score for score in run.scores().welfare if score.function == "power:1"}
    with closing(sqlite3.connect(run.directory.ledger)) as ledger, ledger:
        drawn = random.Random(3)
        ledger.create_function("asked", 0, lambda: drawn.random() < 0.4)
        ledger.execute("DELETE FROM ratings WHERE NOT asked()")
        ledger.execute(
            "UPDATE ratings SET status = 'refused', rating = NULL, expected = NULL, "
            "probabilities = NULL WHERE juror = 0"
        )
    run.directory.ratings.unlink()
    command = [sys.executable, "-m", "juries", "fill", str(run.path), "--draws", "4"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert re.search("(59|60|61)% of the ratings are imputed", done.stdout)

    cells = pl.read_parquet(run.path / "filled.parquet")
    assert len(cells) == 24 * 3 * 100
    refused = cells.filter(pl.col("juror_id") == run.directory.read_jury()[0].id)
    assert refused["utility"].null_count() == refused.filter(~pl.col("imputed")).height > 0
    rated = cells.filter(~pl.col("imputed"))
    assert (rated["sd"].fill_null(0.0) == 0).all()
    assert (cells.filter(pl.col("imputed"))["sd"] > 0).mean() > 0.9
    assert cells["imputed"].mean() == pytest.approx(0.6, abs=0.02)

    filled = json.loads((run.path / "filled.json").read_text())
    assert "surrogate of: embedded rater simulator" in filled["produced_by"]
    first = filled["functions"].index("power:1")
    for place, model in enumerate(filled["models"]):
        low, high = (filled["interval"][end][first][place] for end in ("low", "high"))
        assert filled["estimate"][first][place] == pytest.approx(whole[model].estimate, abs=0.03)
        assert low <= whole[model].estimate <= high


@pytest.fixture(scope="module")
def sparse_run(tmp_path_factory: pytest.TempPathFactory) -> juries.Run:
    """The example with three items in ten put to each juror."""
    study, base = juries.load_study(ROOT / "examples" / "study.yaml")
    study = study.located(base).model_copy(update={"design": DesignSpec(share=0.3)})
    return juries.run(study, out=tmp_path_factory.mktemp("sparse") / "run")


def test_what_a_design_did_not_ask_is_imputed_marked_and_uncertain(
    sparse_run: juries.Run, gathered: Gathered
) -> None:
    functions = parse_welfares(["power:1", "power:0"])
    filled = fill_run(
        sparse_run,
        functions,
        pooling=Pooling(draws=8, resamples=400, seed=1),
        settings=SurrogateSettings(members=3),
    )
    there = sparse_run.gather()
    assert filled.scores.imputed == pytest.approx(1 - there.verdicts.put.mean())
    place = {name: at for at, name in enumerate(there.verdicts.models)}
    item = {each.id: at for at, each in enumerate(there.items)}
    seat = {juror.id: juror.position for juror in there.jurors}
    completed = np.full(there.verdicts.points.shape[1:], np.nan)
    marked = np.zeros(completed.shape, dtype=bool)
    for cell in filled.cells.iter_rows(named=True):
        at = place[cell["model"]], item[cell["item_id"]], seat[cell["juror_id"]]
        completed[at], marked[at] = cell["utility"], cell["imputed"]
        assert (cell["sd"] > 0) >= cell["imputed"] or cell["utility"] in (0, 1)
    put = np.broadcast_to(there.verdicts.put, completed.shape)
    np.testing.assert_array_equal(marked, ~put)
    np.testing.assert_allclose(completed[put], there.verdicts.overall()[put], atol=1e-6)
    # Taking imputed ratings for recorded ones would feign more certainty than there is.
    weights = np.array([juror.weight for juror in there.jurors])
    feigned = welfare_bootstrap(
        completed, functions, weights=weights, resamples=400, rng=np.random.default_rng(2)
    ).interval(0.95)
    width = filled.scores.interval.high - filled.scores.interval.low
    assert (width > feigned.high - feigned.low).all()
    whole = gathered.verdicts.overall()
    truth = np.array([functions[0](model, weights).mean() for model in whole])
    assert (filled.scores.interval.low[0] <= truth).all()
    assert (truth <= filled.scores.interval.high[0]).all()


def test_jurors_who_sat_answer_what_they_were_not_asked_too(sparse_run: juries.Run) -> None:
    """The same hundred seats: three ratings in ten are recorded, the others predicted."""
    study = sparse_run.study
    functions = parse_welfares(["power:1"])
    found = recompose(
        sparse_run, Composition(jury=study.jury, seed=study.seed), ROOT, functions,
        pooling=Pooling(draws=3, resamples=90), settings=SurrogateSettings(members=2),
    )  # fmt: skip
    assert (found.recorded, found.predicted) == (100, 0)
    assert found.scores.imputed == pytest.approx(0.7, abs=0.01)
    filled = fill_run(
        sparse_run, functions, pooling=Pooling(draws=3, resamples=90),
        settings=SurrogateSettings(members=2),
    )  # fmt: skip
    np.testing.assert_allclose(found.scores.estimate, filled.scores.estimate, atol=1e-6)


def test_a_whole_run_has_nothing_to_fill(tmp_path: Path) -> None:
    study, base = juries.load_study(ROOT / "examples" / "study.yaml")
    run = juries.run(study.located(base), out=tmp_path / "run", limit=4)
    with pytest.raises(InputError, match="nothing to fill"):
        fill_run(run, parse_welfares(["mean"]))


def test_another_jury_is_predicted(gathered: Gathered, tmp_path: Path) -> None:
    """A jury of deliberative people only must turn against the one-sided model."""
    study, base = juries.load_study(ROOT / "examples" / "study.yaml")
    run = juries.run(study.located(base), out=tmp_path / "run", limit=12)
    lines = (ROOT / "examples" / "personas.csv").read_text().splitlines()
    only = [lines[0], *(line for line in lines[1:] if "deliberative" in line)]
    (tmp_path / "people.csv").write_text("\n".join(only) + "\n")
    sections = yaml.safe_load((ROOT / "examples" / "study.yaml").read_text())
    section = sections["population"] | {"path": "people.csv"}
    section.pop("rake")
    composition = Composition.model_validate({"population": section, "jury": {"seats": 40}})
    functions = parse_welfares(["power:1"])
    found = recompose(
        run, composition, tmp_path, functions,
        pooling=Pooling(draws=3, resamples=90), settings=SurrogateSettings(members=2),
    )  # fmt: skip
    assert found.recorded + found.predicted == 40
    assert found.predicted >= 10
    means = dict(zip(found.scores.models, found.scores.estimate[0], strict=True))
    assert means["plural"] > means["one-sided"] + 0.15
    assert run.scores().ranking("power:1")[0] == "one-sided"
    assert found.scores.imputed == pytest.approx(found.predicted / 40)


def test_features_of_people_and_texts() -> None:
    people = [{"age": 20, "sex": "f"}, {"age": 40, "sex": "m"}, {"sex": "f"}]
    features = PersonaFeatures(people)
    np.testing.assert_allclose(features(people), [[1, -1, 1, 0], [1, 1, 0, 1], [1, 0, 1, 0]])
    np.testing.assert_allclose(features([{"sex": "x", "age": 30}]), [[1, 0, 0, 0]])
    texts = ["rain on the river", "rain on the stone", "bread and light", "light and bread"]
    found = text_features(texts, 2)
    assert found.shape == (4, 2)
    np.testing.assert_array_equal(found, text_features(texts, 2))
    assert text_features(["one"]).shape == (1, 1)


def test_too_little_to_learn_from() -> None:
    table = RatingTable(
        response=np.zeros(10, dtype=np.int64),
        juror=np.arange(10),
        rating=np.ones(10, dtype=np.int64),
        points=3,
        responses=np.zeros((1, 1)),
        jurors=np.zeros((10, 1)),
    )
    with pytest.raises(InputError, match="10 ratings are too few"):
        fit_surrogate(table)
    with pytest.raises(InputError, match="no valid rating"):
        table.part(np.array([], dtype=np.int64))
