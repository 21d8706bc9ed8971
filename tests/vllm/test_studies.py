"""Whole studies against the server: every way of asking, both layouts, mixed minds, a death."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from graphs.llm.faults import MindUnavailableError
from juries.progress import Silent
from juries.runs import run

RUBRIC = {
    "kind": "rubric",
    "criteria": [
        {"name": "helpful", "question": "How helpful?", "points": ["no", "somewhat", "yes"]},
        {"name": "fair", "question": "How fair?", "points": ["no", "somewhat", "yes"]},
    ],
}
CHOICE = {"kind": "choice", "question": "What is it?", "options": ["advice", "opinion", "fact"]}

WAYS = {
    "probabilities": {},
    "probabilities, singly": {"panel_batch": 0},
    "probabilities with reasons": {"reason": "separate"},
    "structured": {"elicitation": "structured", "reason": "before"},
    "structured in batches": {"elicitation": "structured", "temperature": 0},
    "sampled": {"elicitation": "sampled", "draws": 3},
}


def _mind(served, **changes):
    return served.settings(**changes).model_dump(mode="json")


@pytest.mark.parametrize("layout", ["item-first", "persona-first"])
@pytest.mark.parametrize("way", WAYS)
def test_a_study_from_file_to_scores(way, layout, served, study_file, tmp_path):
    path = study_file(mind=_mind(served, layout=layout, **WAYS[way]))
    result = run(path, out=tmp_path / "run")
    ratings = result.ratings
    assert result.record.complete
    assert len(ratings) == 2 * 2 * 6
    statuses = Counter(ratings["status"])
    if way.startswith("probabilities"):
        assert statuses == {"ok": 24}
        assert ratings["label_mass"].is_between(0, 1).all()
    elif way.startswith("structured"):
        # Noise may fill a reply to its limit; most are what the decoder was held to.
        assert statuses["ok"] >= 18
        assert set(statuses) <= {"ok", "unparseable"}
    else:
        assert set(statuses) <= {"ok", "unparseable", "refused"}
    if "reasons" in way:
        assert ratings.filter(ratings["status"] == "ok")["reason"].is_not_null().all()
    (asking,) = result.record.asking
    assert asking["layout"] == layout
    assert asking["usage"]["failed"] == 0
    assert asking["servers"][0]["counted"]["prompt_tokens"] >= asking["usage"]["prompt_tokens"]
    estimated, real = asking["estimate"], asking["usage"]
    assert estimated["calls"] == real["calls"]
    assert estimated["prompt_tokens"] == pytest.approx(real["prompt_tokens"], rel=0.05)
    assert result.scores().minds[0].kind == "language model"


@pytest.mark.parametrize("scale", [RUBRIC, CHOICE], ids=["rubric", "choice"])
@pytest.mark.parametrize("elicitation", ["probabilities", "structured"])
def test_rubrics_and_choices(scale, elicitation, served, study_file, tmp_path):
    path = study_file(scale=scale, mind=_mind(served, elicitation=elicitation))
    result = run(path, out=tmp_path / "run")
    criteria = 2 if scale is RUBRIC else 1
    assert len(result.ratings) == 2 * 2 * 6 * criteria
    calls = result.record.asking[0]["usage"]["calls"]
    assert calls == 2 * 2 * 6 * (criteria if elicitation == "probabilities" else 1)
    assert set(result.ratings["status"]) <= {"ok", "unparseable"}


@pytest.mark.parametrize("way", ["probabilities", "probabilities, singly", "structured"])
def test_pairs_are_compared_in_both_orders(way, served, study_file, tmp_path):
    scale = {"kind": "pairwise", "ties": True}
    path = study_file(scale=scale, mind=_mind(served, **WAYS[way]))
    result = run(path, out=tmp_path / "run")
    ratings = result.ratings
    assert result.record.complete
    assert len(ratings) == 2 * 2 * 6  # two ordered pairs of each of two items, six jurors
    assert Counter(ratings["status"])["ok"] >= 18
    assert (ratings["against_id"] != ratings["response_id"]).all()
    (asking,) = result.record.asking
    assert asking["estimate"]["calls"] == asking["usage"]["calls"] == 2 * 2 * 6
    rows = {row.check: row for row in result.scores().validity}
    assert 0 <= rows["preference for the first shown"].value <= 1
    utilities = result.gather().verdicts.overall()
    both = utilities.sum(axis=0)  # of two responses, the utilities sum to one
    assert both[~np.isnan(both)] == pytest.approx(1, abs=1e-5)


def test_minds_share_the_seats(served, study_file, tmp_path):
    path = study_file(
        seats=8,
        minds=[
            {"mind": _mind(served), "share": 1, "name": "asked for probabilities"},
            {"mind": _mind(served, elicitation="structured"), "share": 1, "name": "asked in JSON"},
            {"mind": {"kind": "embedded"}, "share": 2},
        ],
    )
    result = run(path, out=tmp_path / "run")
    assert result.record.complete
    kinds = {mind.name: (mind.kind, mind.jurors) for mind in result.record.minds}
    assert Counter(kind for kind, _ in kinds.values())["language model"] >= 1
    assert sum(mind.jurors for mind in result.record.minds) == 8
    assert sorted(mind.jurors for mind in result.record.minds) == [2, 2, 4]
    by_mind = Counter(result.ratings.select("mind", "mind_version").iter_rows())
    assert sorted(by_mind.values()) == [2 * 2 * 2, 2 * 2 * 2, 2 * 2 * 4]


ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_injection_probe_tells_a_shift_with_its_interval(served, study_file, tmp_path):
    path = study_file(items=4, injection={"share": 1})
    result = run(path, out=tmp_path / "run")
    assert len(result.ratings) == 4 * 2 * 6
    row = next(row for row in result.scores().validity if row.check == "take-over sentence")
    assert row.value is not None
    assert row.interval.low <= row.value <= row.interval.high
    assert "48 pairs of ratings on 4 items" in row.reading


class _KillAfter(Silent):
    """Kill the server once some rows are recorded."""

    def __init__(self, served, rows):
        self.served, self.rows, self.killed = served, rows, False

    def advance(self, count):
        self.rows -= count
        if self.rows <= 0 and not self.killed:
            self.killed = True
            self.served.kill()


def test_a_server_that_dies_leaves_failed_rows_and_a_restarted_one_finishes(
    served, study_file, tmp_path
):
    limits = {"patience_s": 1, "attempts": 2}
    path = study_file(items=12, mind=_mind(served, limits=limits, panel_batch=0))
    whole = run(path, out=tmp_path / "whole")
    out = tmp_path / "killed"
    try:
        with pytest.raises(MindUnavailableError) as caught:
            run(path, out=out, in_flight=2, progress=_KillAfter(served, 48))
    finally:
        served.restart()
    said = str(caught.value)
    assert served.server.url in said
    assert "run the same command again" in said
    record = json.loads((out / "run.json").read_text())
    assert not record["complete"]
    assert 48 <= record["recorded"] < 12 * 24
    resumed = run(path, out=out)
    assert resumed.record.complete
    assert resumed.record.sessions == 2
    assert set(resumed.ratings["status"]) == {"ok"}
    assert len(resumed.ratings) == 12 * 2 * 6
    keys = ["item_id", "response_id", "juror_id"]
    one, two = (r.ratings.sort(keys) for r in (whole, resumed))
    difference = (one["expected"] - two["expected"]).abs().max()
    assert difference < 0.05  # bfloat16, in batches of another make-up


def test_the_real_study_runs_at_a_model_that_does_not_want_to_answer(served, shared_data, tmp_path):
    """The command of the README, at the tiny checkpoint, which never wants to answer.

    So there is not one valid rating, and everything that follows has to bear that.
    """
    from typer.testing import CliRunner

    from juries.cli.app import app

    shared_data("gss_personas.jsonl")
    shared_data("alpaca_eval_outputs.jsonl")
    arguments = [
        "run", str(ROOT / "benchmarks/studies/alpaca_gss.yaml"), "--limit", "1", "--base-url",
        served.server.url, "--out", str(tmp_path / "run"), "--display", "none",
    ]  # fmt: skip
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "500 low_mass" in result.output
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["complete"]
    assert record["minds"][0]["kind"] == "language model"
