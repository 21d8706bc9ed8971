"""Every protocol on a real server: its words are noise, and the whole path is real."""

from __future__ import annotations

import json
import sqlite3
import urllib.request
from typing import Any

import pytest
from typer.testing import CliRunner

from juries.cli.app import app
from juries.deliberation.results import DeliberationReport
from juries.prompts import SentPrompt, item_prompts
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


def check_prompts(result: Run, served, *, counted: bool = False) -> tuple[SentPrompt, ...]:
    """Every call of the first item has its prompt again, and the server counts as many tokens."""
    item = result.directory.read_items()[0].id
    found = item_prompts(result.directory, item)
    assert found.missing == 0
    assert (
        sum(one.calls for one in found.sent)
        == rows(result, "select count(*) from calls where item = 0")[0][0]
    )
    if counted:  # one call at a time, so that the server says how long each prompt was
        said = dict(rows(result, "select prompt, prompt_tokens from calls where item = 0"))
        for one in found.sent[:: max(1, len(found.sent) // 12)]:
            assert tokens(served, one) == said[one.hash]
    return found.sent


def tokens(served, one: SentPrompt) -> int:
    messages = [{"role": m.role, "content": m.content} for m in one.messages]
    body = {"model": str(served.checkpoint), "messages": messages, "add_generation_prompt": True}
    request = urllib.request.Request(
        served.server.url.removesuffix("/v1") + "/tokenize",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as reply:
        return json.load(reply)["count"]


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
    check_prompts(result, served)


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


def test_the_command_shows_what_was_sent_word_for_word(study_file, served, tmp_path) -> None:
    result = deliberate(
        study_file, served, tmp_path, "discussion", statement_characters=120,
        transcript_characters=200, mind={"panel_batch": 0},
    )  # fmt: skip
    sent = check_prompts(result, served, counted=True)
    assert {one.purpose for one in sent} >= {"rate", "statement", "summary"}
    item = result.directory.read_items()[0]
    juror = result.directory.read_jury()[2]
    shown = CliRunner().invoke(
        app, ["transcript", str(result.path), item.id, "--prompts", "--as", juror.id]
    )
    assert shown.exit_code == 0, shown.output
    assert juror.portrait in shown.output
    assert item.responses[0].text.strip() in shown.output
    own = [one for one in sent if one.juror == juror.id]
    assert shown.output.count("[reply]") == sum(len(one.replies) for one in own)
    said = rows(result, "select text from statements where juror = 2 and kind = 'statement'")
    for (text,) in said:
        assert f"[reply]\n{text}" in shown.output


@pytest.mark.parametrize(
    "mind",
    [
        {"elicitation": "structured", "reason": "after", "temperature": 0},
        {"elicitation": "sampled", "draws": 3, "layout": "persona-first"},
        {"elicitation": "probabilities", "reason": "separate", "option_order": "balanced"},
    ],
    ids=lambda mind: mind["elicitation"],
)
def test_prompts_of_a_jury_that_does_not_talk(study_file, served, tmp_path, mind) -> None:
    settings = served.settings(**mind).model_dump(mode="json")
    scale = {
        "kind": "rubric",
        "criteria": [
            {"name": n, "question": f"How {n} is it?", "points": [str(k) for k in range(12)]}
            for n in ("clear", "kind")
        ],
    }
    path = study_file("still", items=1, seats=4, scale=scale, minds=[
        {"mind": settings, "share": 1}, {"mind": {"kind": "embedded"}, "share": 1},
    ])  # fmt: skip
    result = run(path, out=tmp_path / "still")
    sent = check_prompts(result, served)
    assert {one.round for one in sent} == {0}
    found = item_prompts(result.directory, result.directory.read_items()[0].id)
    assert found.without == (
        "embedded is a simulator: it reads features of the responses, and no prompt.",
    )
