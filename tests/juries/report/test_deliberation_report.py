"""What a report says of talk and of asking models: the drawn network, estimated and real use."""

from __future__ import annotations

from typing import Any

import pytest

import juries
from juries.deliberation.results import DeliberationReport
from juries.report.charts.network import AWAY, NEITHER, TOWARDS
from juries.report.findings import Findings
from juries.report.page.use import use_of
from juries.report.plots import figure_makers
from juries.report.source import read_source


@pytest.fixture(scope="module")
def sparse(demo: juries.Run, tmp_path_factory: pytest.TempPathFactory) -> juries.Run:
    """The example with eight jurors on a ring, who each hear two others."""
    study = demo.study.model_dump()
    study["jury"]["seats"] = 8
    study["deliberation"] = {
        "protocol": {"kind": "discussion"}, "rounds": 3, "control": 0.0,
        "topology": {"kind": "ring", "neighbours": 2},
    }  # fmt: skip
    return juries.run(study, out=tmp_path_factory.mktemp("sparse") / "run")


def report_of(run: juries.Run) -> DeliberationReport:
    return DeliberationReport.model_validate_json(run.directory.deliberation.read_bytes())


def drawn(run: juries.Run) -> Any:
    return figure_makers(Findings(read_source(run.path)))["influence"]()


def test_the_drawn_network_is_the_one_they_talked_on(sparse: juries.Run):
    ids = [juror.id for juror in sparse.directory.read_jury()]
    ties = {(tie.hearer, tie.speaker) for tie in report_of(sparse).ties}
    ring = {(ids[n], ids[(n + step) % 8]) for n in range(8) for step in (-1, 1)}
    assert ties == ring
    rules = drawn(sparse).spec()["layer"][0]
    rows = rules["data"]["values"]
    assert {(row["hearer"], row["speaker"]) for row in rows} == ring
    assert [row[:3:2] for row in drawn(sparse).rows] == [
        (tie.hearer, tie.speaker)
        for tie in sorted(
            report_of(sparse).ties, key=lambda t: -(t.pull if t.pull is not None else -9)
        )
    ]


def test_lines_run_from_where_the_speaker_stands_to_the_hearer(sparse: juries.Run):
    layers = drawn(sparse).spec()["layer"]
    lines = layers[0]["data"]["values"]
    dots = {row["juror"]: (row["x"], row["y"]) for row in layers[2]["data"]["values"]}
    for line in lines:
        assert (line["x"], line["y"]) == pytest.approx(dots[line["speaker"]], abs=0.02)
        assert (line["x2"], line["y2"]) == pytest.approx(dots[line["hearer"]], abs=0.02)


def test_a_line_is_clear_only_where_its_interval_leaves_out_zero(sparse: juries.Run):
    lines = drawn(sparse).spec()["layer"][0]["data"]["values"]
    for line in lines:
        clear = line["low"] is not None and (line["low"] > 0 or line["high"] < 0)
        expected = NEITHER if not clear else TOWARDS if line["pull"] > 0 else AWAY
        assert line["way"] == expected
        assert (line["shown"] == "beyond chance") == clear
    pulls = [line["pull"] for line in lines if line["pull"] is not None]
    assert sum(pulls) / len(pulls) > 0, "simulated jurors move towards those they hear"


def asked(**changes: Any) -> dict[str, Any]:
    usage = {
        "calls": 110, "failed": 2, "attempts": 115, "prompt_tokens": 9000, "cached_tokens": 6000,
        "completion_tokens": 110, "uncounted": 0, "cache_unknown": 0, "seconds": 30.0,
    }  # fmt: skip
    estimate = {
        "calls": 100, "prompt_tokens": 10_000, "computed_tokens": {"item-first": 2000},
        "generated_tokens": 100, "counted_by": "characters", "seconds": 4.0,
        "cost": {"amount": 0.02, "currency": "USD", "basis": "tokens"},
    }  # fmt: skip
    report = {
        "mind": "a model", "session": 1, "elicitation": "probabilities", "layout": "item-first",
        "estimate": estimate, "usage": usage | changes.pop("usage", {}), "wall_seconds": 5.0,
        "cost": {"amount": 0.03, "currency": "USD", "basis": "tokens"}, "servers": [],
    }  # fmt: skip
    return report | changes


def tables(demo: juries.Run, *reports: dict[str, Any]) -> list[Any]:
    return list(use_of(demo.record.model_copy(update={"asking": reports})))


def test_estimate_and_use_stand_side_by_side(demo: juries.Run):
    assert tables(demo) == []
    [table] = tables(demo, asked())
    assert table.title == "Estimated and real use: a model"
    assert table.rows == (
        ("Conversations", "100", "110", "1.10"),
        ("Tokens of prompts", "10,000", "9,000", "0.90"),
        ("Of them not from a cache", "2,000", "3,000", "1.50"),
        ("Tokens generated", "100", "110", "1.10"),
        ("Seconds from first to last", "4", "5", "1.25"),
        ("Cost, USD", "0.0200", "0.0300", "1.50"),
        ("Given up", "0", "2", ""),
    )
    assert "tokens counted by characters" in table.note


def test_what_nobody_counted_is_not_known(demo: juries.Run):
    unknown = asked(usage={"cache_unknown": 9000, "cached_tokens": 0}, estimate=None, cost=None)
    [table] = tables(demo, unknown)
    assert ("Of them not from a cache", "not known", "not known", "") in table.rows
    assert "No estimate was made." in table.note
    counted = [{"url": "u", "counted": {"prompt_tokens": 9500, "cached_tokens": 7000}}]
    [table] = tables(demo, unknown | {"servers": counted})
    assert ("Of them not from a cache", "not known", "2,500", "") in table.rows
    assert "others' use included" in table.note


def test_each_session_is_counted_by_itself(demo: juries.Run):
    [table] = tables(demo, asked(), asked(session=2))
    assert [row[0] for row in table.rows if row[0].startswith("Conversations")] == [
        "Conversations, session 1",
        "Conversations, session 2",
    ]
