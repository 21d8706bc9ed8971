"""Every protocol runs on the example study, and leaves its verdicts and its transcript behind."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import numpy as np
import pytest

from graphs.deliberation.floor import Floor
from graphs.items import questions
from graphs.ledger import open_ledger
from graphs.ranking import break_tie, ranks_from_orders, schulze
from graphs.records import Preference, Statement
from juries.deliberation.asking import plan_deliberation, workload
from juries.deliberation.results import Agreement, DeliberationReport, Dissent, JuryDecision
from juries.deliberation.transcript import transcript
from juries.prompts import item_prompts, prompt_lines
from juries.runs import Run

PROTOCOLS: dict[str, Any] = {
    "independent": "independent",
    "discussion": "discussion",
    "delphi": "delphi",
    "debate": {"kind": "debate", "advocates": 2},
    "devils_advocate": "devils_advocate",
    "mediator": {"kind": "mediator", "candidates": 3},
}
SAID = {
    "independent": (),
    "discussion": ("(statement, heard by all)",),
    "delphi": ("(feedback): On response A, 12 of 12 answered",),
    "debate": ("(advocacy, to all): I argue for", "(rebuttal, to all): I argue for"),
    "devils_advocate": ("(objection, heard by all): Against the leading view I argue against",),
    "mediator": ("(opinion, to the mediator)", "(candidate 0)", "in private (schulze)", "(agreed)"),
}


def lines_of(path: Any, kind: Any) -> list[Any]:
    return [kind.model_validate_json(line) for line in path.read_text().splitlines()]


def talk(talking, protocol: str, **section: Any) -> Run:
    settings = {"protocol": PROTOCOLS[protocol], "rounds": 2, "control": 1.0, **section}
    return talking(settings, seats=12, limit=4)


def check_workload(run: Run) -> None:
    """Nobody was asked more than the dry run says, and without early ends no less."""
    study, items = run.study, run.directory.read_items()[:4]
    plan = plan_deliberation(study, run.directory.read_jury(), items)
    assert plan is not None
    foreseen = workload(plan, items, questions(study.scale), study.replicates)
    with sqlite3.connect(run.directory.ledger) as connection:
        [[talk, control]] = connection.execute(
            "select sum(round >= 0), sum(round < 0) from ratings"
        ).fetchall()
        [[ended]] = connection.execute(
            "select count(*) from statements where kind = 'closed' and text != 'rounds'"
        ).fetchall()
    asked = 0
    opened = open_ledger(run.directory.ledger, fingerprint=run.record.fingerprint, ids={})
    with closing(opened) as ledger:
        for position in range(len(items)):
            rows = (*ledger.of_item(Statement, position), *ledger.of_item(Preference, position))
            asked += Floor(position, rows).calls(study.deliberation.rounds)
    assert control == foreseen.control_ratings
    assert (talk, asked) <= (foreseen.ratings, foreseen.turns)
    if not ended and study.deliberation.protocol.kind != "debate":  # a debate has two sides or more
        assert (talk, asked) == (foreseen.ratings, foreseen.turns)


@pytest.mark.parametrize("protocol", list(PROTOCOLS))
def test_each_protocol_runs_on_the_example(talking, protocol) -> None:
    run = talk(talking, protocol, verdict={"kind": "supermajority", "share": 0.75, "yes_from": 4})
    assert run.record.complete
    assert run.scores() is not None
    report = DeliberationReport.model_validate_json(run.directory.deliberation.read_bytes())
    assert (report.protocol, report.items, report.jurors) == (protocol, 4, 12)
    assert "simulator" in report.produced_by
    assert report.control_items == (0 if protocol == "independent" else 4)
    items = run.directory.read_items()
    check_workload(run)
    for item in items[:4]:
        text = "\n".join(transcript(run.directory, item.id))
        assert "### First ballot, in private" in text
        assert "### Final ballot, in private" in text
        one_sided = "There was no talk: one_sided" in text
        assert one_sided or all(said in text for said in SAID[protocol]), text
    prompts = item_prompts(run.directory, items[0].id)
    assert (prompts.sent, prompts.missing) == ((), 0)
    assert list(prompt_lines(prompts)) == [
        "",
        "embedded is a simulator: it reads features of the responses, and no prompt.",
    ]


def test_the_verdict_on_every_question_keeps_its_minority_report(talking) -> None:
    run = talk(talking, "discussion", verdict={"kind": "majority", "yes_from": 4})
    decisions = lines_of(run.directory.decisions, JuryDecision)
    items = run.directory.read_items()[:4]
    models = run.record.models
    assert [(one.item, one.model) for one in decisions] == [
        (item.id, model) for item in items for model in models
    ]
    with sqlite3.connect(run.directory.ledger) as connection:
        final = connection.execute(
            "select item, response, rating from ratings where round = 3 and replicate = 0"
        ).fetchall()
    for one in decisions:
        position = next(n for n, item in enumerate(items) if item.id == one.item)
        response = [r.model for r in items[position].responses].index(one.model)
        votes = np.array([r for i, where, r in final if (i, where) == (position, response)])
        yes = (votes >= 4).mean()
        assert one.valid == len(votes) == 12
        assert one.support == pytest.approx(max(yes, 1 - yes))
        assert (one.status == "hung") == (yes == 0.5)
    kept = [one.minority for one in decisions if one.minority is not None]
    assert kept == lines_of(run.directory.dissent, Dissent)
    assert kept
    for one in decisions:
        if one.minority is not None:
            assert (one.minority.item, one.minority.model) == (one.item, one.model)
            assert one.minority.verdict == one.verdict


def test_a_mediation_comes_to_a_statement_and_to_names_under_it(talking) -> None:
    run = talk(talking, "mediator")
    found = lines_of(run.directory.agreements, Agreement)
    items = [item.id for item in run.directory.read_items()[:4]]
    assert [one.item for one in found] == items
    jurors = run.directory.read_jury()
    weight = {juror.id: juror.weight for juror in jurors}
    with sqlite3.connect(run.directory.ledger) as connection:
        ranked = connection.execute(
            "select item, juror, ranking, endorsed from preferences where round = 2"
        ).fetchall()
        drafts = connection.execute(
            "select item, about, text from statements where kind = 'candidate' and round = 2"
        ).fetchall()
    for place, one in enumerate(found):
        own = [(juror, order, names) for item, juror, order, names in ranked if item == place]
        assert (one.round, one.rankings, one.seats) == (2, 12, 12)
        assert (place, one.candidate, one.statement) in drafts
        orders = [[int(c) for c in order.split(",")] for _, order, _ in own]
        outcome = schulze(ranks_from_orders(orders, 4))  # three drafts, and the last winner again
        names = ("item", place, "round", 2)
        assert one.candidate == break_tie(outcome, seed=run.study.seed, names=names)
        assert one.first_choices == sum(order[0] == one.candidate for order in orders)
        endorsing = {jurors[j].id for j, _, said in own if str(one.candidate) in said.split(",")}
        assert set(one.endorsed_by) == endorsing
        assert one.endorsed == pytest.approx(sum(weight[juror] for juror in endorsing))
    assert any(one.endorsed_by for one in found)
