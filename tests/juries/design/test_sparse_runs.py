"""A study with a sparse design, from the dry run to its report."""

from __future__ import annotations

import base64
import gzip
import json
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import juries
from graphs.records import Status
from juries.calibration.run_answers import jury_table
from juries.design import assignment_of
from juries.exports.forms import ExportSettings, export
from juries.exports.preannotation import preannotations
from juries.measures.welfare_functions import parse_welfares
from juries.report import write_report
from juries.report.details import NOT_ASKED, chunks
from juries.report.source import read_source
from juries.running import prepare
from juries.runs import load_study
from juries.surrogate.filling import never_asked
from juries.targets.evidence import evidence
from juries.targets.pairs import PairSettings
from juries.targets.perspectives import perspectives
from juries.targets.preferences import preference_pairs
from personas.errors import InputError

Study = Callable[..., Path]
ROOT = Path(__file__).resolve().parents[3]


def _asked(run: juries.Run) -> np.ndarray:
    """The assignment, bool [items, jurors]."""
    found = assignment_of(
        run.study, items=len(run.directory.read_items()), jurors=len(run.directory.read_jury())
    )
    assert found is not None
    return found.asked


def _cells(run: juries.Run) -> set[tuple[str, str]]:
    """Pairs of an item and a juror of which something is recorded."""
    return set(run.ratings.select("item_id", "juror_id").unique().iter_rows())


@pytest.fixture
def sparse(small_study: Study, tmp_path: Path) -> juries.Run:
    return juries.run(small_study(items=20, design={"share": 0.3}), out=tmp_path / "run")


def test_just_those_are_asked_who_are_to_be(sparse: juries.Run) -> None:
    asked = _asked(sparse)
    items = [item.id for item in sparse.directory.read_items()]
    jurors = [juror.id for juror in sparse.directory.read_jury()]
    assert _cells(sparse) == {(items[i], jurors[j]) for i, j in np.argwhere(asked)}
    assert (asked.sum(axis=0) == 6).all()
    assert (asked.sum(axis=1) == 3).all()
    assert sparse.record.questions == sparse.record.recorded == 60 * 3
    assert sparse.record.complete


def test_what_was_not_asked_is_not_counted_as_missing(sparse: juries.Run) -> None:
    scores = sparse.scores()
    for answers in scores.answers:
        assert answers.asked == answers.recorded == answers.statuses["ok"] == 60
    assert any("30.0% of the pairs" in note and "jury of 3" in note for note in scores.notes)
    (valid,) = [row for row in scores.validity if row.check == "valid answers"]
    assert valid.value == 1
    verdicts = sparse.gather().verdicts
    np.testing.assert_array_equal(verdicts.put, _asked(sparse))
    np.testing.assert_array_equal(
        np.isnan(verdicts.overall()), np.broadcast_to(~_asked(sparse), verdicts.points[0].shape)
    )
    # Lost answers, in turn, are missing: two of three responses to an item.
    with closing(sqlite3.connect(sparse.directory.ledger)) as ledger, ledger:
        ledger.execute("DELETE FROM ratings WHERE item = 4 AND response < 2")
    sparse.directory.ratings.unlink()
    again = juries.Run(sparse.path).score()
    assert sum(each.asked - each.recorded for each in again.answers) == 2 * 3


def test_alpha_and_welfare_are_those_of_the_ratings_that_are_there(sparse: juries.Run) -> None:
    from juries.measures.agreement import krippendorff_alpha

    points = sparse.gather().verdicts.points[0]
    ratings = points.reshape(-1, points.shape[-1]).T.astype(float)
    ratings[ratings < 0] = np.nan
    (agreement,) = sparse.scores().agreement
    assert agreement.alpha == pytest.approx(krippendorff_alpha(ratings, "ordinal").alpha)
    assert agreement.interval is not None
    weights = np.array([juror.weight for juror in sparse.directory.read_jury()])
    (mean,) = parse_welfares(["power:1"])
    overall = sparse.gather().verdicts.overall().astype(float)
    found = {s.model: s.estimate for s in sparse.scores().welfare if s.function == "power:1"}
    for model, utilities in zip(sparse.record.models, overall, strict=True):
        by_item = [float(mean(row, weights)) for row in utilities]
        assert found[model] == pytest.approx(np.mean(by_item), abs=1e-6)


def test_a_limited_run_goes_on_where_it_stopped(small_study: Study, tmp_path: Path) -> None:
    # Baselines of a limited run are asked about other items.
    study = small_study(items=20, design={"items_per_juror": 4}, baselines={"share": 0})
    whole = juries.run(study, out=tmp_path / "whole")
    part = juries.run(study, out=tmp_path / "part", limit=7)
    assert part.record.complete
    assert part.record.questions == 3 * int(_asked(whole)[:7].sum())
    with closing(sqlite3.connect(part.directory.ledger)) as ledger, ledger:
        ledger.execute("DELETE FROM ratings WHERE (item + juror + response) % 3 = 0")
    part = juries.run(study, out=tmp_path / "part")
    assert part.ratings.equals(whole.ratings)
    assert part.scores() == whole.scores()


def test_a_run_that_was_killed_goes_on(small_study: Study, tmp_path: Path) -> None:
    study = small_study(
        items=2500, design={"share": 0.4}, baselines={"share": 0}, injection={"share": 0}
    )
    out = tmp_path / "killed"
    command = [sys.executable, "-m", "juries", "run", str(study), "--out", str(out)]
    wal = out / "ledger.sqlite-wal"
    with subprocess.Popen(
        [*command, "--display", "none"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        deadline = time.monotonic() + 120
        while not (wal.exists() and wal.stat().st_size > 200_000):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    with closing(sqlite3.connect(out / "ledger.sqlite")) as ledger:
        (found,) = ledger.execute("SELECT count(*) FROM ratings").fetchone()
    assert 0 < found < 2500 * 4 * 3
    killed = juries.runs.rate(_located(study), out=out)
    whole = juries.runs.rate(_located(study), out=tmp_path / "whole")
    assert killed.record.sessions == 2
    assert killed.record.complete
    assert killed.record.recorded == killed.record.questions == 2500 * 4 * 3
    assert _ledger_rows(killed) == _ledger_rows(whole)


def _located(path: Path) -> juries.Study:
    study, base = load_study(path)
    return study.located(base)


def _ledger_rows(run: juries.Run) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(run.directory.ledger)) as ledger:
        return ledger.execute(
            "SELECT * FROM ratings ORDER BY item, response, juror, criterion, replicate"
        ).fetchall()


def test_the_folder_of_another_design_is_refused(small_study: Study, tmp_path: Path) -> None:
    juries.run(small_study(design={"share": 0.5}), out=tmp_path / "run")
    for design in ({"share": 0.6}, None):
        with pytest.raises(InputError, match="belongs to another study"):
            juries.run(small_study(design=design), out=tmp_path / "run")


def test_several_minds_share_the_seats(small_study: Study, tmp_path: Path) -> None:
    """One juror an item: every time one of the two minds has nobody to answer for."""
    minds = [{"mind": {"kind": "embedded"}, "name": name} for name in ("one", "two")]
    study = small_study(items=12, minds=minds, jury={"seats": 4}, design={"items_per_juror": 3})
    run = juries.run(study, out=tmp_path / "run")
    assert run.record.complete
    assert run.record.recorded == 12 * 3
    assert len(_cells(run)) == 12
    assert run.scores().agreement[0].reason


def test_the_probes_keep_to_the_design(small_study: Study, tmp_path: Path) -> None:
    study = small_study(
        items=12,
        design={"share": 0.5},
        injection={"share": 0.5},
        baselines={"share": 0.5, "answers": 3},
    )
    run = juries.run(study, out=tmp_path / "run")
    asked = _asked(run)
    with closing(sqlite3.connect(run.directory.injection)) as ledger:
        pairs = set(ledger.execute("SELECT DISTINCT item, juror FROM ratings"))
    assert len(pairs) == 2 * 6 * 5
    assert all(asked[item % 12, juror] for item, juror in pairs)
    assert any(row.check == "take-over sentence" for row in run.scores().validity)
    before = run.directory.injection.read_bytes()
    juries.run(study, out=tmp_path / "run")
    assert run.directory.injection.read_bytes() == before


def test_the_dry_run_counts_what_will_be_asked(small_study: Study, tmp_path: Path) -> None:
    study = small_study(items=20, design={"share": 0.3})
    command = [sys.executable, "-m", "juries", "run", str(study), "--dry-run", "--json"]
    done = subprocess.run(
        [*command, "--limit", "9"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    run = juries.run(study, out=tmp_path / "run", limit=9)
    assert json.loads(done.stdout)["questions"] == run.record.questions == run.record.recorded


def test_the_estimate_of_calls_keeps_to_the_design(small_study: Study) -> None:
    import asyncio

    from juries.planned import estimate_study

    def estimated(**design: object) -> int:
        mind = {"kind": "llm", "model": "m", "elicitation": "probabilities"}
        loaded, base = load_study(small_study(items=20, mind=mind, **design))
        (made,) = asyncio.run(estimate_study(prepare(loaded, base)))
        return made.calls

    assert estimated() == 20 * 3 * 10
    assert estimated(design={"share": 0.3}) == 20 * 3 * 3
    assert estimated(design={"items_per_juror": 2}) == 2 * 3 * 10


def test_the_report_says_who_was_not_asked(sparse: juries.Run) -> None:
    source = read_source(sparse.path)
    code = -len(Status)
    items = [item for chunk in chunks(source) for item in chunk]
    for asked, item in zip(_asked(sparse), items, strict=True):
        for block in item["blocks"]:
            assert [point == code for point in block["points"]] == (~asked).tolist()
            assert all(point > 0 for point in np.array(block["points"])[asked])
    page = write_report(sparse.path).read_text()
    packed = re.search(r'id="head">([^<]*)<', page)[1]
    head = json.loads(gzip.decompress(base64.b64decode(packed)))
    assert head["statuses"][len(Status)] == NOT_ASKED
    assert "30.0% of the pairs of an item and a juror were asked" in page


def test_exports_name_how_many_were_asked(sparse: juries.Run, tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    export(
        sparse,
        "inspect",
        path,
        ExportSettings(functions=parse_welfares(["power:1"]), model="ash"),
    )
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(rows) == 20
    assert all(row["metadata"]["asked"] == row["metadata"]["jurors"] == 3 for row in rows)
    assert "over 3 of 3 jurors" in rows[0]["explanation"]


def test_preannotations_count_who_was_asked(sparse: juries.Run) -> None:
    table = jury_table(sparse)
    for made in preannotations(sparse, table, detail="jurors"):
        (aggregate,) = made.aggregate.values()
        assert aggregate.answered == aggregate.asked == 3
        each = [prediction for found in made.detail.values() for prediction in found.values()]
        assert sorted(one.asked for one in each) == [0] * 7 + [1] * 3
        assert all((one.point is None) == (one.asked == 0) for one in each)


def test_targets_hold_answers_against_those_who_were_asked(
    sparse: juries.Run, tmp_path: Path
) -> None:
    """Three jurors in ten rate an item: of those asked, all did."""
    known = evidence(sparse)
    (found,) = preference_pairs(known, PairSettings(pairs="all"))
    assert "too few rated both" not in found.dropped
    assert len(found.pairs) + found.dropped.get("tie", 0) == 20 * 3
    assert {pair.jurors for pair in found.pairs} == {3}
    assert "30% of the items" in perspectives(known).reading
    # Once most of those asked refuse, there is no target.
    with closing(sqlite3.connect(sparse.directory.ledger)) as ledger, ledger:
        ledger.execute(
            "UPDATE ratings SET status = 'refused', rating = NULL, expected = NULL, "
            "probabilities = NULL WHERE juror % 3 > 0"
        )
    sparse.directory.ratings.unlink()
    with pytest.raises(InputError, match=r"only [34].% of the questions were validly answered"):
        evidence(juries.Run(sparse.path))


def test_whatever_was_not_asked_is_there_to_fill(sparse: juries.Run) -> None:
    gathered = sparse.gather()
    expected = np.broadcast_to(~_asked(sparse), gathered.verdicts.points[0].shape)
    np.testing.assert_array_equal(never_asked(gathered), expected)
    assert pl.read_parquet(sparse.directory.ratings).height == 180
