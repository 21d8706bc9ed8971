"""A stubborn minority is planted, and the report, the control and the regression find it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from juries.deliberation.results import DeliberationReport, Dissent
from juries.runs import Run

QUIET = {"severity_sd": 0.0, "taste_sd": 0.2, "item_sd": 0.2, "discrimination": 2.0}
STUBBORN = {"where": {"outlook": "deliberative"}, "susceptibility": 0.0}


def report_of(run: Run) -> DeliberationReport:
    return DeliberationReport.model_validate_json(run.directory.deliberation.read_bytes())


def dissent_of(run: Run) -> list[Dissent]:
    lines = run.directory.dissent.read_text().splitlines()
    return [Dissent.model_validate_json(line) for line in lines]


def outlooks(run: Run) -> dict[str, str]:
    return {j.id: str(j.persona.attributes["outlook"]) for j in run.directory.read_jury()}


def susceptible(share: float, *groups: dict[str, Any]) -> dict[str, Any]:
    talk = {"susceptibility": share, "susceptibility_sd": 0.0, "groups": list(groups)}
    return QUIET | {"talk": talk}


def test_the_minority_that_does_not_yield_is_reported_with_its_reasons(talking) -> None:
    run = talking({"rounds": 3, "control": 0}, mind=susceptible(0.3, STUBBORN))
    holds = outlooks(run)
    minority = [juror for juror, outlook in holds.items() if outlook == "deliberative"]
    assert 0 < len(minority) < len(holds) / 2
    found = [one for one in dissent_of(run) if one.model == "one-sided"]
    assert len(found) == 6  # on every item
    dissenters = [holds[juror] for one in found for juror in one.jurors]
    assert dissenters.count("deliberative") >= 0.85 * len(dissenters)
    for one in found:
        assert one.position < one.majority
        assert not one.even
        assert one.reasons[0].juror in minority
        assert "dislikes a firm answer" in one.reasons[0].text
    # nobody planted anything about the other models, so the jury draws together on them
    assert len([one for one in dissent_of(run) if one.model != "one-sided"]) < 6


def test_the_majority_moves_towards_the_stubborn_and_not_the_other_way(talking) -> None:
    run = talking({"rounds": 4, "control": 0}, mind=susceptible(0.8, STUBBORN))
    holds = outlooks(run)
    moved: dict[str, list[float]] = {"deliberative": [], "decisive": []}
    for path in report_of(run).paths:
        first, last = path.mean[0], path.mean[-1]
        assert first is not None
        assert last is not None
        moved[holds[path.juror]].append(abs(last - first))
    assert max(moved["deliberative"]) < sum(moved["decisive"]) / len(moved["decisive"])


def test_the_control_tells_conformity_from_chance(talking) -> None:
    section = {"rounds": 3, "control": 1.0}
    noisy = {"replicate_sd": 1.5}
    deaf = report_of(talking(section, mind=susceptible(0.0) | noisy, out="deaf", limit=12))
    open_ = report_of(talking(section, mind=susceptible(0.8) | noisy, out="open", limit=12))
    assert deaf.conformity is not None
    assert open_.conformity is not None
    drift, index = deaf.conformity.talk, deaf.conformity.index
    # deaf jurors seem to conform: ratings off by chance come back towards the others
    assert drift.interval is not None
    assert drift.interval.low is not None
    assert drift.interval.low > 0.05
    assert index.interval is not None
    assert index.interval.low is not None
    assert index.interval.high is not None
    assert index.interval.low < 0 < index.interval.high
    index = open_.conformity.index
    assert index.interval is not None
    assert index.interval.low is not None
    assert index.interval.low > 0.05
    assert open_.control_items == 12


def test_talk_draws_a_susceptible_jury_together(talking) -> None:
    run = talking({"rounds": 4, "control": 0}, mind=susceptible(1.0))
    changes = {(c.change.of, c.name): c.change for c in report_of(run).changes}
    for name in ("entropy", "variance"):
        change = changes["overall", name]
        assert change.interval is not None
        assert change.interval.high is not None
        assert change.interval.high < 0
    worst = changes["welfare", "power:-inf"]  # nobody is left very badly off
    assert worst.value is not None
    assert worst.value > 0


def test_a_star_gives_its_foreperson_the_greatest_pull(talking) -> None:
    run = talking(
        {"rounds": 2, "control": 0, "topology": {"kind": "star", "foreperson": 4}},
        mind=susceptible(0.9) | {"replicate_sd": 0.0},
        seats=8,
        limit=24,
    )
    speakers = report_of(run).speakers
    pulls = [speaker.pull for speaker in speakers]
    assert None not in pulls
    assert max(range(8), key=pulls.__getitem__) == 4
    assert speakers[4].hearers == 7
    assert speakers[4].pull == pytest.approx(0.45, abs=0.1)  # 0.9 times a weight of one half


def test_what_a_run_with_talk_leaves_behind(talking) -> None:
    run = talking({"rounds": 2, "control": 0.5, "verdict": {"kind": "unanimity"}}, seats=6)
    report = report_of(run)
    assert run.record.complete
    assert report.items == 6
    assert 0 < report.control_items < 6
    assert report.stopped == {"rounds": 6}
    assert report.statements["ok"] == 6 * 6 * 2
    [table] = report.verdicts
    assert sum(table.statuses.values()) == 18
    assert table.statuses["hung"] > 0
    assert "simulator" in report.produced_by
    json.loads(run.directory.deliberation.read_text())
    # scores are of the final ballot: as many answers as one ballot has
    assert run.scores().answers[0].recorded == 6 * 6
    rounds = set(run.ratings["round"].unique())
    assert rounds == {-2, -1, 0, 1, 3}


def test_without_the_section_nobody_talks(talking) -> None:
    run = talking(None, seats=6)
    assert not run.directory.deliberation.exists()
    assert set(run.ratings["round"].unique()) == {0}
