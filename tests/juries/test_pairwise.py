"""Studies that compare responses in pairs: counted, resumed, scored and checked for place."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import juries
from graphs.items import Pairwise
from juries.baselines import count_baselines, read_baselines
from juries.bench import open_jury
from juries.calibration.run_answers import jury_table
from juries.cli.app import main
from juries.executors.placement import Placement, Shard
from juries.exports.forms import export
from juries.merging import merge
from juries.paired_verdicts import PairAnswers
from juries.planned import estimate_study
from juries.running import prepare
from juries.runs import load_study
from personas.errors import InputError

Study = Callable[..., Path]
ROOT = Path(__file__).resolve().parents[2]
MODELS = ("ash", "birch", "cedar")
SCALE = {"kind": "pairwise", "ties": True}
KEY = ["item_id", "response_id", "against_id", "juror_id", "replicate"]
STILL = {"kind": "embedded", "value_weight": 0, "residual_sd": 0, "taste_sd": 0,
         "replicate_sd": 0, "quality": dict.fromkeys(
             ("length", "structure", "plainness", "hedging", "evasiveness", "engagement",
              "balance", "certainty"), 0.0)}  # fmt: skip
"""A mind that finds every response as good as every other."""


def ratings(run: juries.Run) -> pl.DataFrame:
    return run.ratings.sort(KEY)


def checks(run: juries.Run) -> dict:
    return {row.check: row for row in run.scores().validity}


def test_every_ordered_pair_is_planned_asked_and_counted_once(small_study, tmp_path):
    study = small_study(scale=SCALE, replicates=2)
    prepared = prepare(*load_study(study))
    planned = sum(prepared.questions_about(*each) for each in enumerate(prepared.items))
    run = juries.run(study, out=tmp_path / "out")
    assert planned == run.record.questions == run.record.recorded == 12 * 6 * 10 * 2
    assert run.record.complete
    table = ratings(run)
    assert table.unique(KEY).height == table.height == planned
    shown = {(row["model"], row["against_id"].split("/")[1]) for row in table.iter_rows(named=True)}
    assert shown == set(permutations(MODELS, 2))
    assert table["criterion"].unique().to_list() == ["preference"]
    # A comparison counts for the model shown first, so that the sum is what was asked.
    assert {each.model: each.asked for each in run.scores().answers} == dict.fromkeys(MODELS, 480)


def test_a_sparse_design_asks_whole_pairs_of_fewer_jurors(small_study, tmp_path):
    run = juries.run(small_study(scale=SCALE, design={"share": 0.5}), out=tmp_path / "out")
    assert run.record.questions == run.record.recorded == 12 * 6 * 5
    assert sum(each.asked for each in run.scores().answers) == 12 * 6 * 5
    assert checks(run)["valid answers"].value == 1
    found = run.gather().verdicts
    assert (np.isnan(found.overall()).any(axis=0) == ~found.put).all()


def test_a_language_model_is_estimated_by_ordered_pairs(small_study):
    study, base = load_study(small_study(scale=SCALE, mind={"kind": "llm", "model": "m"}))
    (made,) = asyncio.run(estimate_study(prepare(study, base)))
    assert made.calls == 12 * 6 * 10


def test_welfare_follows_from_the_table_by_hand(small_study, tmp_path):
    run = juries.run(small_study(scale=SCALE), out=tmp_path / "out")
    table = run.ratings.with_columns(
        (pl.col("probabilities").list.get(0) + pl.col("probabilities").list.get(2) / 2).alias("p"),
        pl.col("against_id").str.split("/").list.get(1).alias("other"),
    )
    back = table.select("item_id", "juror_id", model="other", other="model", q=1 - pl.col("p"))
    both = table.join(back, on=["item_id", "juror_id", "model", "other"])
    by_hand = (
        both.group_by("item_id", "juror_id", "model", "weight")
        .agg(((pl.col("p") + pl.col("q")) / 2).mean().alias("utility"))
        .group_by("item_id", "model")
        .agg(((pl.col("utility") * pl.col("weight")).sum() / pl.col("weight").sum()).alias("w"))
        .group_by("model")
        .agg(pl.col("w").mean())
    )
    for model, mean in by_hand.iter_rows():
        assert run.scores().of(model).estimate == pytest.approx(mean, abs=1e-6)
    found = run.gather().verdicts.overall()
    np.testing.assert_allclose(found.sum(axis=0), 3 / 2, atol=1e-5)


def test_a_planted_order_is_found(small_study, tmp_path):
    planted = [{"models": ["cedar"], "shift": 2.0}, {"models": ["ash"], "shift": -2.0}]
    study = small_study(scale=SCALE, mind={"kind": "embedded", "planted": planted})
    run = juries.run(study, out=tmp_path / "out")
    assert run.scores().ranking() == ("cedar", "birch", "ash")
    lead = run.scores().of("cedar").interval
    assert lead.low is not None
    assert lead.low > run.scores().of("birch").estimate


@pytest.mark.parametrize("bias", [0.0, 0.8])
def test_a_bias_for_the_first_place_is_found_and_moves_no_score(bias, small_study, tmp_path):
    """With nothing else to choose by, Davidson's model gives the share of the first in closed form.

    P(first) + P(tie) / 2 at a lead of `bias` and nu 1.
    """
    study = small_study(scale=SCALE, mind={**STILL, "position_bias": bias})
    run = juries.run(study, out=tmp_path / "out")
    weights = np.exp([bias / 2, -bias / 2, 0.0])
    expected = (weights[0] + weights[2] / 2) / weights.sum()
    row = checks(run)["preference for the first shown"]
    assert row.value == pytest.approx(expected, abs=1e-6)
    assert row.interval.low <= row.value + 1e-6
    assert row.interval.high >= row.value - 1e-6
    assert (row.interval.low > 0.55) == (bias > 0)
    for model in MODELS:
        assert run.scores().of(model).estimate == pytest.approx(0.5, abs=1e-6)


def test_no_bias_is_covered_by_its_interval(small_study, tmp_path):
    row = checks(juries.run(small_study(scale=SCALE), out=tmp_path / "out"))
    place = row["preference for the first shown"]
    assert place.interval.low < 0.5 < place.interval.high
    assert place.interval.resampled == "items and jurors"
    assert "which chance could explain" in place.reading
    same = row["same verdict in both orders"]
    assert 0 < same.value < 1
    assert row["agreement on preference"].value is not None
    assert "pairs" in row["not taken"].reading


def test_baselines_compare_the_same_pairs_in_both_orders(small_study, tmp_path):
    baselines = {"share": 1, "answers": 8}
    study = small_study(scale=SCALE, baselines=baselines)
    run = juries.run(study, out=tmp_path / "out")
    assert count_baselines(run.directory.baselines, run.record.fingerprint) == 12 * 6 * 8 * 2
    row = checks(run)
    assert row["spread against no persona"].value > 0
    chance = row["spread against random answers"]
    assert chance.value is not None
    answers = read_baselines(
        run.directory.baselines,
        fingerprint=run.record.fingerprint,
        items=run.directory.read_items(),
        models=run.record.models,
        asked=(run.study.scale,),
        minds=["embedded rater simulator"],
    )
    random = answers[1].pairs.drawn()  # [pairs, items, answers]
    assert random.shape == (3, 12, 8)
    # Three answers as likely: 1, 0 and 1/2, of variance 1/6; a mean of two has half of it.
    assert random.var() == pytest.approx(1 / 12, rel=0.35)


def test_the_order_of_responses_in_the_file_changes_no_utility(small_study, tmp_path):
    study = small_study(scale=SCALE)
    first = juries.run(study, out=tmp_path / "first").gather().verdicts
    path = study.parent / "items.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:
        row["out"] = dict(reversed(row["out"].items()))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    second = juries.run(study, out=tmp_path / "second").gather().verdicts
    assert second.models == first.models[::-1]
    np.testing.assert_allclose(second.overall()[::-1], first.overall(), atol=1e-6)


def test_shards_processes_and_a_resumed_run_are_equal_to_one_in_one_piece(small_study, tmp_path):
    study = small_study(scale=SCALE)
    whole = juries.run(study, out=tmp_path / "whole")
    juries.run(study, out=tmp_path / "again", limit=5)
    again = juries.run(study, out=tmp_path / "again")
    assert again.record.sessions == 2
    parts = [tmp_path / f"shard{n}" for n in (1, 2)]
    for number, part in enumerate(parts, 1):
        shard = Placement(shard=Shard(number=number, of=2))
        assert juries.run(study, out=part, placement=shard).record.questions == 6 * 6 * 10
    merged = merge(parts, out=tmp_path / "merged")
    workers = Placement(executor="processes", workers=2)
    spread = juries.run(study, out=tmp_path / "spread", placement=workers)
    for other in (again, merged, spread):
        assert ratings(other).equals(ratings(whole))
        assert other.scores().welfare == whole.scores().welfare


def answers(preferred, points=None) -> PairAnswers:
    table = np.asarray(preferred, dtype=np.float32)
    said = np.full(table.shape, -1, dtype=np.int8) if points is None else np.asarray(points)
    return PairAnswers(preferred=table, points=said.astype(np.int8))


@settings(max_examples=50, deadline=None)
@given(
    preferred=hnp.arrays(
        np.float32, (3, 3, 2, 4), elements=st.floats(0, 1, width=32) | st.just(np.nan)
    ),
    present=hnp.arrays(np.bool_, (3, 2)),
)
def test_utilities_are_means_over_opponents_of_pairs_answered_in_both_orders(preferred, present):
    found = answers(preferred).utilities(present)
    for model in range(3):
        for item in range(2):
            met = [o for o in range(3) if o != model and present[model, item] and present[o, item]]
            for juror in range(4):
                each = [
                    (preferred[model, o, item, juror] + 1 - preferred[o, model, item, juror]) / 2
                    for o in met
                ]
                expected = np.mean(each) if each else np.nan
                assert found[model, item, juror] == pytest.approx(expected, abs=1e-5, nan_ok=True)


def test_a_pair_answered_in_one_order_leaves_both_responses_without_a_utility():
    preferred = np.full((3, 3, 1, 2), 0.5)
    preferred[0, 1] = 0.9
    preferred[1, 0, 0, 1] = np.nan  # juror 1 never compared them the other way round
    found = answers(preferred).utilities(np.ones((3, 1), dtype=np.bool_))
    assert found[:, 0, 0].tolist() == pytest.approx([0.6, 0.4, 0.5])
    assert np.isnan(found[:2, 0, 1]).all()
    assert found[2, 0, 1] == pytest.approx(0.5)


def test_answers_drawn_are_worth_one_half_and_nothing():
    points = np.full((2, 2, 1, 4), -1)
    points[0, 1, 0] = [1, 1, 3, 2]
    points[1, 0, 0] = [2, 1, 1, -1]
    drawn = answers(np.full((2, 2, 1, 4), 0.5), points).drawn()
    assert drawn[0, 0].tolist() == pytest.approx([1, 0.5, 0.25, np.nan], nan_ok=True)


def test_winners_need_both_orders_to_agree():
    """One pair of two models: wins both times, loses both times, split, a tie, half answered."""
    points = np.full((2, 2, 1, 5), -1)
    points[0, 1, 0] = [1, 2, 1, 3, 1]
    points[1, 0, 0] = [2, 1, 1, 3, -1]
    pairs = answers(np.full((2, 2, 1, 5), 0.5), points)
    won, lost, split, tie, half = pairs.winners(seed=1)[0, 0].tolist()
    assert {won, lost} == {1, 2}
    assert (split, tie, half) == (3, 3, -1)
    assert pairs.agree()[0, 0].tolist() == pytest.approx([1, 1, 0, 1, np.nan], nan_ok=True)


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"scale": {"kind": "pairwise", "tie": True}}, "scale.tie"),
        ({"deliberation": {}}, "nothing to deliberate on"),
        ({"injection": {"share": 0.5}}, "the probe changes every response alike"),
        ({"mind": {"kind": "embedded", "thresholds": {"preference": [0.0]}}}, "no criterion"),
    ],
)
def test_what_pairs_cannot_be_asked_for_is_said_first(sections, words, small_study, tmp_path):
    with pytest.raises(InputError, match=words):
        juries.run(small_study(**{"scale": SCALE, **sections}), out=tmp_path / "out")
    assert not (tmp_path / "out" / "ledger.sqlite").exists()


def test_an_item_with_one_response_is_named(small_study, tmp_path):
    study = small_study(scale=SCALE)
    path = study.parent / "items.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[7]["out"] = {"ash": "Alone."}
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(InputError, match="'i7' has nothing to compare; 1 of 12 items"):
        juries.run(study, out=tmp_path / "out")


def test_preferences_are_exported_by_welfare_and_ratings_with_their_opponent(small_study, tmp_path):
    run = juries.run(small_study(scale=SCALE), out=tmp_path / "out")
    welfare = {(r["item_id"], r["model"]): r["power:1"] for r in run.verdicts.iter_rows(named=True)}
    export(run, "preferences", tmp_path / "pairs.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "pairs.jsonl").read_text().splitlines()]
    assert lines
    for line in lines:
        ahead = welfare[line["item_id"], line["chosen_model"]]
        assert ahead > welfare[line["item_id"], line["rejected_model"]]
    export(run, "trl-dpo", tmp_path / "dpo.jsonl")
    export(run, "csv", tmp_path / "ratings.csv")
    table = pl.read_csv(tmp_path / "ratings.csv", infer_schema_length=None)
    assert table["against_id"].null_count() == 0
    assert table.height == run.record.recorded


@pytest.mark.parametrize("to", ["distributions", "lewidi"])
def test_exports_of_rating_distributions_are_refused(to, small_study, tmp_path):
    run = juries.run(small_study(scale=SCALE), out=tmp_path / "out")
    with pytest.raises(InputError, match="needs a rating of each response"):
        export(run, to, tmp_path / "x.jsonl")
    with pytest.raises(InputError, match="a comparison with people needs a rating"):
        jury_table(run)


def test_a_jury_without_a_run_is_refused(small_study):
    async def sit():
        async with open_jury(*load_study(small_study(scale=SCALE))):
            pass

    with pytest.raises(InputError, match="a jury without a run needs a rating"):
        asyncio.run(sit())


def test_commands_work_or_refuse_in_one_line(small_study, tmp_path, capsys, monkeypatch):
    def code(*words: str) -> object:
        monkeypatch.setattr("sys.argv", ["juries", *words])
        with pytest.raises(SystemExit) as left:
            main()
        return left.value.code

    study = small_study(scale=SCALE)
    run = juries.run(study, out=tmp_path / "out")
    folder = str(run.path)
    for words in (["score", folder], ["targets", folder], ["report", folder]):
        assert not code(*words), capsys.readouterr().err
    assert not (run.path / "targets" / "distributions.jsonl").exists()
    capsys.readouterr()
    items = str(study.parent / "items.jsonl")
    asked = tmp_path / "asked"
    for words in (
        ["targets", folder, "--kind", "distributions"],
        ["plan", folder, "--budget", "4"],
        ["preannotate", items, "--study", str(study), "--to", "csv", "--out", str(asked)],
        ["power", str(study), "--simulations", "10"],
    ):
        assert code(*words) == 2
        said = capsys.readouterr().err
        assert said.startswith("error: ")
        assert said.count("\n") == 1
    assert not asked.exists()


def test_the_shipped_example_ends_as_it_says(tmp_path):
    content = yaml.safe_load((ROOT / "examples" / "pairwise.yaml").read_text())
    content["scores"] |= {"resamples": 200, "welfare": ["power:1"]}
    study, _ = load_study(content)
    assert isinstance(study.scale, Pairwise)
    run = juries.run(study.located(ROOT / "examples"), out=tmp_path / "out")
    scores = run.scores()
    assert scores.ranking() == ("one-sided", "plural", "evasive")
    by_group = {
        level: sorted(
            (row for row in scores.groups if row.level == level), key=lambda row: -row.estimate
        )
        for level in ("decisive", "deliberative")
    }
    assert [row.model for row in by_group["decisive"]] == ["one-sided", "plural", "evasive"]
    assert [row.model for row in by_group["deliberative"]] == ["plural", "evasive", "one-sided"]
    assert checks(run)["preference for the first shown"].interval.low > 0.5
