"""Every protocol on a real server: its words are noise, and the whole path is real."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from juries.deliberation.results import DeliberationReport
from juries.runs import Run, run

SPOKEN = {
    "independent": {},
    "discussion": {"statement": 8},
    "delphi": {},
    "debate": {},
    "devils_advocate": {},
    "mediator": {"opinion": 4, "critique": 4, "candidate": 7},
}
ANSWERED = {"ok", "refused", "unparseable", "low_mass"}


def rows(result: Run, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(result.directory.ledger) as connection:
        return connection.execute(query).fetchall()


def deliberate(
    study_file, served, tmp_path, protocol: Any, *, items: int = 1, **section: Any
) -> Run:
    # At temperature 0 no request carries a seed: the CPU build cannot continue a seeded prompt.
    mind = served.settings(temperature=0, **section.pop("mind", {})).model_dump(mode="json")
    talk = {"protocol": protocol, "rounds": 2, "statement_characters": 80, "control": 1.0}
    path = study_file("talk", items=items, seats=4, mind=mind, deliberation=talk | section)
    return run(path, out=tmp_path / "run")


@pytest.mark.parametrize("protocol", list(SPOKEN))
def test_each_protocol_runs_to_its_end(study_file, served, tmp_path, protocol) -> None:
    section: Any = {"kind": "mediator", "candidates": 3} if protocol == "mediator" else protocol
    result = deliberate(study_file, served, tmp_path, section)
    assert result.record.complete
    statuses = {status for (status,) in rows(result, "select distinct status from ratings")}
    assert statuses <= ANSWERED
    assert "ok" in statuses
    final = rows(result, "select count(*) from ratings where round = 3")
    assert final == [(4 * 2,)]
    spoken = dict(
        rows(result, "select kind, count(*) from statements where mind >= 0 group by kind")
    )
    assert spoken.items() >= SPOKEN[protocol].items()
    longest = rows(result, "select coalesce(max(length(text)), 0) from statements where mind >= 0")
    assert longest[0][0] <= 80
    assert rows(result, "select count(*) from statements where stance is not null") == [(0,)]
    if protocol == "mediator":
        assert rows(result, "select count(*) from preferences where status = 'ok'")[0][0] > 0
        assert rows(result, "select count(*) from statements where kind = 'agreed'") == [(1,)]
    report = DeliberationReport.model_validate_json(result.directory.deliberation.read_bytes())
    assert "language model" in report.produced_by
    assert report.control_items == (0 if protocol == "independent" else 1)


def test_nothing_is_asked_twice_and_tokens_are_counted(study_file, served, tmp_path) -> None:
    result = deliberate(study_file, served, tmp_path, "discussion")
    before = rows(result, "select count(*) from calls")
    assert rows(
        result, "select count(*) from statements where kind = 'statement' and tokens is null"
    ) == [(0,)]
    again = deliberate(study_file, served, tmp_path, "discussion")
    assert rows(again, "select count(*) from calls") == before


def test_the_token_budget_ends_the_talk(study_file, served, tmp_path) -> None:
    result = deliberate(study_file, served, tmp_path, "discussion", stop={"tokens": 1}, rounds=3)
    closed = rows(result, "select round, text from statements where kind = 'closed'")
    assert closed == [(1, "tokens")]


def test_later_rounds_are_computed_from_the_cache(study_file, served, tmp_path) -> None:
    """Asked one by one, each call says how much of its prompt the server had cached."""
    result = deliberate(
        study_file, served, tmp_path, "discussion", rounds=3, control=0.0, items=2,
        statement_characters=160, mind={"panel_batch": 0},
    )  # fmt: skip
    [(cached, prompt)] = rows(
        result, "select sum(cached_tokens), sum(prompt_tokens) from calls where round = 2"
    )
    assert cached / prompt >= 0.5  # blocks are 128 tokens here and prompts are short; see docs
