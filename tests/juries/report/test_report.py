"""What a report is drawn from: figures against the run's own tables, planted truth, safety."""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import json
import re
import sqlite3
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import juries
from juries.report import needs, write_report
from juries.report.compare import compare
from juries.report.curve import POWERS, welfare_curve
from juries.report.disagreement import choices_by_group, contested, distributions, minority_views
from juries.report.findings import Findings
from juries.report.headline import headline
from juries.report.page.whatever import tables_of, text_of
from juries.report.page.writing import pack
from juries.report.plots import Plots, figure_makers, save_plot
from juries.report.seats import seated_shares
from juries.report.source import read_source
from personas.errors import InputError, JuriesError


def unpacked(text: str) -> object:
    return json.loads(gzip.decompress(base64.b64decode(text)))


def test_the_curve_passes_through_the_scores_and_their_intervals(demo: juries.Run):
    curve = welfare_curve(read_source(demo.path))
    scores = demo.scores()
    for power, name in ((1.0, "power:1"), (0.0, "power:0"), (-1.0, "power:-1")):
        at = POWERS.index(power)
        for m, model in enumerate(curve.models):
            score = scores.of(model, name)
            assert curve.estimate[at, m] == pytest.approx(score.estimate, abs=1e-9)
            assert curve.interval.low[at, m] == pytest.approx(score.interval.low, abs=1e-9)
            assert curve.interval.high[at, m] == pytest.approx(score.interval.high, abs=1e-9)


def test_the_curve_never_falls(demo: juries.Run):
    curve = welfare_curve(read_source(demo.path))
    assert (np.diff(curve.estimate, axis=0) >= -1e-9).all()


def test_contested_responses_have_the_spread_of_the_verdict_table(demo: juries.Run):
    found = contested(read_source(demo.path))
    items = [item.id for item in demo.directory.read_items()]
    table = demo.verdicts.sort("spread", descending=True).head(len(found))
    assert [(items[one.item], one.model) for one in found] == list(
        zip(table["item_id"], table["model"], strict=True)
    )
    for one, spread in zip(found, table["spread"], strict=True):
        assert one.spread == pytest.approx(spread, abs=1e-6)
        assert one.low < one.spread < one.high


def test_minority_views_find_the_group_whose_dislike_was_planted(demo: juries.Run):
    source = read_source(demo.path)
    choices = choices_by_group(source)
    views = minority_views(source, choices)
    assert {(view.attribute, view.level) for view in views} == {("outlook", "deliberative")}
    assert {(view.jury_best, view.group_best) for view in views} == {("one-sided", "plural")}
    assert all(view.low <= view.loss <= view.high for view in views)
    losing = choices["outlook"]
    at = losing.groups.index("deliberative")
    assert losing.regret[at] > 10 * losing.chance_regret[at]
    # Where nothing was planted, groups lose no more than by chance.
    assert (choices["sex"].p > 0.05).all()


def test_distributions_are_the_weighted_shares_of_the_ratings(demo: juries.Run):
    ratings = demo.ratings
    for one in distributions(read_source(demo.path)):
        assert sum(one.shares) == pytest.approx(1)
        if one.attribute == "everyone":
            mine = ratings.filter(pl.col("model") == one.model)
            assert one.answers == len(mine)
            for point, share in enumerate(one.shares, start=1):
                mass = mine.filter(pl.col("rating") == point)["weight"].sum()
                assert share == pytest.approx(mass / mine["weight"].sum(), abs=1e-6)


def test_seats_are_set_against_the_margins_and_strata(demo: juries.Run):
    shares = seated_shares(read_source(demo.path))
    by_attribute: dict[str, list[float]] = {}
    for share in shares:
        by_attribute.setdefault(share.about, []).append(share.seated)
    assert set(by_attribute) == {"age_band x sex", "education", "region", "outlook"}
    assert all(sum(parts) == pytest.approx(1) for parts in by_attribute.values())
    assert all(share.target is not None for share in shares)


def test_the_headline_names_the_leader_and_says_where_the_order_turns(demo: juries.Run):
    scores = demo.scores()
    said = headline(scores, "power:1")
    assert said.startswith("Under utilitarian (mean), one-sided scores 0.")
    assert "Which model leads depends on whose welfare counts: plural under" in said
    assert "plural scores" in headline(scores, "power:-inf")


def test_a_lead_within_noise_is_not_called_a_lead(small_study):
    scores = juries.run(small_study(items=4), out=small_study().parent / "run").scores()
    said = headline(scores, "power:1")
    lead = max(c.probability or 0 for c in scores.comparisons if c.function == "power:1")
    assert lead < 1
    assert ("is not beyond noise" in said) or ("It is ahead of" in said)
    first, second = scores.ranking()[:2]
    pair = next(
        c for c in scores.comparisons if c.function == "power:1" and {c.a, c.b} == {first, second}
    )
    probability = pair.probability if pair.a == first else 1 - (pair.probability or 0)
    assert ("is not beyond noise" in said) == (probability < 0.975)


def test_a_run_compared_with_itself_differs_by_nothing(demo: juries.Run):
    source = read_source(demo.path)
    found = compare(source, source)
    assert found.paired
    assert found.settings == ()
    assert all(change.difference == change.low == change.high == 0 for change in found.changes)
    assert not any(change.beyond_noise for change in found.changes)


def test_runs_with_other_jurors_are_resampled_apart(demo: juries.Run, tmp_path: Path):
    other = juries.run(demo.study, out=tmp_path / "other", seed=8)
    found = compare(read_source(other.path), read_source(demo.path))
    assert not found.paired
    assert any(setting.name == "seed" for setting in found.settings)
    # The same study with another seed: at most a few of 21 intervals may leave out zero.
    assert sum(change.beyond_noise for change in found.changes) <= 4


def test_runs_without_a_model_in_common_are_refused(demo: juries.Run, small_study, tmp_path: Path):
    other = juries.run(small_study(), out=tmp_path / "other")
    with pytest.raises(JuriesError, match="no model in common"):
        compare(read_source(demo.path), read_source(other.path))


def test_the_page_is_the_same_when_written_again(demo: juries.Run, tmp_path: Path):
    first, second = (write_report(demo.path, tmp_path / n).read_bytes() for n in ("a", "b"))
    assert first == second


def test_nothing_is_loaded_and_the_policy_names_the_very_scripts(demo: juries.Run, tmp_path: Path):
    page = write_report(demo.path, tmp_path / "r.html").read_text()
    assert not re.search(r"<(?:link|iframe|img|object|embed)\b|\bsrc=[\"']?https?:", page[:20_000])
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    allowed = re.findall(r"&#39;sha256-([^&]+)&#39;", policy[1])
    scripts = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts]
    assert hashes == allowed
    assert "default-src &#39;none&#39;" in policy[1]
    assert "unsafe-eval" not in policy[1]


def test_the_script_sets_text_and_never_markup():
    script = (Path(juries.__file__).parent / "report" / "page" / "report.js").read_text()
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", script)


def test_what_others_wrote_is_packed_or_escaped(hostile: juries.Run, tmp_path: Path):
    page = write_report(hostile.path, tmp_path / "r.html").read_text()
    assert "<script>window.harmed" not in page
    assert "onerror='window.harmed" not in page
    assert "&lt;script&gt;window.harmed" in page  # the study's name in the heading


@given(st.text())
def test_packed_text_holds_no_markup_and_comes_back(text: str):
    packed = pack({"text": text})
    assert "<" not in packed
    assert unpacked(packed) == {"text": text}


def test_failures_are_counted_in_the_report(demo: juries.Run, tmp_path: Path):
    page = write_report(demo.path, tmp_path / "r.html").read_text()
    assert "What became of the questions" in page
    assert "2,400 (100.0%)" in page
    assert "Not measured in this run" in page


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.text(max_size=5), plain, max_size=5))
def test_any_part_of_scores_can_be_shown(values: dict[str, object]):
    for block in tables_of(values):
        assert block.kind in {"table", "facts", "prose"}


def test_a_new_measure_is_shown_with_its_interval_before_it_has_a_chart():
    score = {
        "model": "ash",
        "value": 0.5,
        "interval": {"low": 0.4, "high": 0.6, "resampled": "items"},
    }
    (table,) = tables_of({"new_measure": [score]})
    assert table.title == "New measure"
    assert table.rows == (("ash", "0.500", "(0.400 to 0.600; items resampled)"),)
    assert text_of(None) == "n/a"


def test_charts_come_from_python_and_as_files(demo: juries.Run, tmp_path: Path):
    assert {
        "ranking", "welfare_curve", "seats", "weights", "distributions", "groups", "losses",
        "contested", "steerable", "distributional", "multi_objective", "pareto",
        "jury_pluralistic",
    } <= set(demo.plot)  # fmt: skip
    chart = demo.plot.groups().to_dict()
    assert "not calibrated against people" in " ".join(chart["title"]["subtitle"])
    save_plot(demo.path, "ranking", tmp_path / "r.png")
    assert (tmp_path / "r.png").read_bytes().startswith(b"\x89PNG")
    save_plot(demo.path, "ranking", tmp_path / "r.svg")
    assert "one-sided" in (tmp_path / "r.svg").read_text()
    with pytest.raises(InputError, match="Did you mean"):
        save_plot(demo.path, "rankings", tmp_path / "r.png")
    with pytest.raises(InputError, match="png"):
        save_plot(demo.path, "ranking", tmp_path / "r.bmp")
    with pytest.raises(AttributeError, match="welfare_curve"):
        _ = demo.plot.welfare_curv


def test_without_the_extra_a_run_says_how_to_get_a_report(
    demo: juries.Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    from juries.cli.report import after_run

    monkeypatch.setattr(needs, "find_spec", lambda name: None)
    with pytest.raises(JuriesError, match=r"pip install 'juries\[report\]'"):
        write_report(demo.path)
    with pytest.raises(JuriesError, match=r"pip install 'juries\[report\]'"):
        Plots(demo.path)
    after_run(demo.path)
    said = capsys.readouterr().err.strip()
    assert "pip install 'juries[report]'" in said
    assert "\n" not in said


def test_a_scale_without_worth_still_has_a_report(small_study, tmp_path: Path):
    scale = {"kind": "choice", "question": "Which?", "options": ["a", "b", "c"]}
    run = juries.run(small_study(items=3, scale=scale), out=tmp_path / "run")
    assert {"seats", "weights", "distributions"} <= set(run.plot)
    assert not {"ranking", "welfare_curve", "contested", "losses"} & set(run.plot)
    assert "no welfare" in write_report(run.path).read_text()


@pytest.fixture(scope="module")
def talked(demo: juries.Run, tmp_path_factory: pytest.TempPathFactory) -> juries.Run:
    """The example with fewer jurors, who talk."""
    study = demo.study.model_dump()
    study["jury"]["seats"] = 12
    study["deliberation"] = {"protocol": {"kind": "discussion"}, "rounds": 2, "control": 0.5}
    return juries.run(study, out=tmp_path_factory.mktemp("talked") / "run")


def test_flips_are_those_between_the_first_and_the_final_ballot(talked: juries.Run):
    flips = figure_makers(Findings(read_source(talked.path)))["flips"]()
    ratings = talked.ratings
    key = ["item_id", "model", "juror_id"]
    first = ratings.filter(pl.col("round") == 0).select(*key, pl.col("rating").alias("before"))
    last = ratings.filter(pl.col("round") == ratings["round"].max())
    both = first.join(last.select(*key, pl.col("rating").alias("after")), on=key)
    points = talked.study.scale.points
    for _, before, after, count, _ in flips.rows:
        if before in points and after in points:
            counted = both.filter(
                (pl.col("before") == points.index(before) + 1)
                & (pl.col("after") == points.index(after) + 1)
            )
            assert int(count) == len(counted)
    assert sum(int(row[3]) for row in flips.rows) == len(both)


def test_the_report_counts_the_final_ballot_and_holds_every_word(
    talked: juries.Run, tmp_path: Path
):
    page = write_report(talked.path, tmp_path / "r.html").read_text()
    head = unpacked(re.search(r'id="head">([^<]*)<', page)[1])
    assert head["counted"] == talked.ratings["round"].max()
    items = unpacked(re.search(r'id="chunk-0">([^<]*)<', page)[1])
    with contextlib.closing(sqlite3.connect(talked.directory.ledger)) as ledger:
        said = ledger.execute("SELECT item, text FROM statements ORDER BY item").fetchall()
    assert said
    held = [(at, turn["text"]) for at, item in enumerate(items) for turn in item["talk"]]
    assert sorted(held) == sorted(said)
    assert {block["round"] for block in items[0]["blocks"]} >= {0, head["counted"]}
    assert "Whom others follow" in page
