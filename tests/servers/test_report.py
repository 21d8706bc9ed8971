"""The report of a run whose jurors are a language model: what it was sent, what came back."""

from __future__ import annotations

import asyncio
import base64
import csv
import gzip
import json
import re
from pathlib import Path

import pytest

import juries
from juries.report import write_report
from juries.report.prompts import Prompts
from juries.report.source import read_source

HOSTILE = "<script>window.harmed=1</script>"


@pytest.fixture
def run(server, settings, tmp_path: Path) -> juries.Run:
    """Three jurors and two items, answered in sampled replies that are kept as they came."""
    with (tmp_path / "items.jsonl").open("w") as file:
        for n in range(2):
            row = {
                "id": f"i{n}",
                "prompt": f"Question {n}?\n{HOSTILE}",
                "out": {"a": "Yes.", "b": "No."},
            }
            file.write(json.dumps(row) + "\n")
    with (tmp_path / "people.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["id", "age"], *([f"p{n}", 20 + n] for n in range(3))])
    study = {
        "name": "asked",
        "items": {
            "path": str(tmp_path / "items.jsonl"), "id": "id", "prompt": "prompt",
            "responses": "out",
        },
        "scale": {"kind": "likert", "question": "Good?", "points": ["no", "so-so", "yes"]},
        "population": {"path": str(tmp_path / "people.csv"), "columns": {"id": "id"}},
        "scores": {"resamples": 100},
    }  # fmt: skip

    async def inside() -> juries.Run:
        async with server.running():
            mind = settings(elicitation="structured", reason="before").model_dump(mode="json")
            whole = study | {"mind": mind}
            return await asyncio.to_thread(juries.run, whole, out=tmp_path / "run")

    return asyncio.run(inside())


def unpacked(text: str):
    return json.loads(gzip.decompress(base64.b64decode(text)))


def test_the_item_page_holds_each_prompt_as_it_was_sent(run, server):
    page = write_report(run.path).read_text()
    items = unpacked(re.search(r'id="chunk-0">([^<]*)<', page)[1])
    asked = {
        json.dumps([[m["role"], m["content"]] for m in messages])
        for body in server.requests
        if "messages" in body
        for messages in (
            body["messages"] if isinstance(body["messages"][0], list) else [body["messages"]]
        )
    }
    shown = [
        [[role, "\n".join(item["lines"][n] for n in lines)] for role, lines in one["messages"]]
        for item in items
        for one in item["prompts"]
    ]
    assert len(shown) == 2 * 2 * 3
    assert {json.dumps(messages) for messages in shown} <= asked
    assert {one["seat"] for one in items[0]["prompts"]} == {0, 1, 2}
    assert all(one["replies"] for item in items for one in item["prompts"])
    assert HOSTILE not in page, "texts stand in the page packed, never as markup"


def test_estimate_and_use_are_in_the_validity_section(run):
    page = write_report(run.path).read_text()
    assert "Estimated and real use: stub" in page
    assert '<th scope="row">Conversations</th><td>12</td><td>12</td><td>1.00</td>' in re.sub(
        r">\s+<", "><", page.replace("\n", "")
    )


def test_a_prompt_that_comes_out_otherwise_is_not_shown_as_sent(run, monkeypatch):
    items = (run.path / "items.jsonl").read_text()
    (run.path / "items.jsonl").write_text(items.replace("Question 0?", "Another question?"))
    prompts = Prompts(read_source(run.path))
    assert prompts.of("i0")["prompts"] == []
    assert "6 calls were sent prompts that come out otherwise" in prompts.of("i0")["prompts_note"]
    assert len(prompts.of("i1")["prompts"]) == 6


def test_a_report_of_very_many_calls_says_how_to_see_prompts(run, monkeypatch):
    monkeypatch.setattr("juries.report.prompts.MOST_CALLS", 10)
    prompts = Prompts(read_source(run.path))
    assert prompts.of("i0") == {}
    assert "juries transcript RUN ITEM --prompts" in prompts.note
