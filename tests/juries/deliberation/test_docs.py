"""The page on deliberation shows the graphs, the settings and a transcript as they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphs.deliberation.build import build_deliberation_graph
from graphs.minds.psychometric.talk_settings import TalkSettings
from juries.cli.app import app
from juries.deliberation.results import Dissent
from juries.deliberation.transcript import transcript
from juries.runs import Run, run

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "deliberation.md").read_text(encoding="utf-8")
PICTURES = dict(re.findall(r"<!-- mermaid: (\w+) -->\n```mermaid\n(.*?)```", PAGE, re.DOTALL))


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("example") / "run"
    return run(ROOT / "examples" / "deliberation.yaml", out=out)


@pytest.mark.parametrize(
    "protocol", ["independent", "discussion", "delphi", "debate", "devils_advocate", "mediator"]
)
def test_each_picture_is_the_graphs_own(protocol) -> None:
    drawn = build_deliberation_graph(protocol).compile().get_graph().draw_mermaid()
    assert PICTURES[protocol].strip() == drawn.strip()
    assert f"| `{protocol}` |" in PAGE


def test_the_settings_are_listed_with_their_defaults() -> None:
    for name, field in TalkSettings.model_fields.items():
        [line] = [line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |")]
        if isinstance(field.default, float):
            assert line.split("|")[2].strip() == f"{field.default:g}"


def test_the_transcript_is_that_of_the_example(example) -> None:
    [(juror, shown)] = re.findall(
        r"<!-- transcript: (\w+) -->\n````text\n(.*?)\n````", PAGE, re.DOTALL
    )
    lines = transcript(example.directory, "assisted-dying", hearer=juror)
    assert "\n".join(lines).strip() == shown


def test_the_example_reports_those_who_never_yield(example) -> None:
    outlook = {j.id: j.persona.attributes["outlook"] for j in example.directory.read_jury()}
    lines = example.directory.dissent.read_text().splitlines()
    found = [d for line in lines if (d := Dissent.model_validate_json(line)).model == "one-sided"]
    assert len(found) == 24
    dissenting = [outlook[juror] for one in found for juror in one.jurors]
    planted = 24 * list(outlook.values()).count("deliberative")
    assert dissenting.count("deliberative") >= 0.95 * planted
    others = 24 * list(outlook.values()).count("decisive")
    assert dissenting.count("decisive") <= 0.2 * others


def test_the_dry_run_counts_what_talk_asks_at_most(example) -> None:
    shown = CliRunner().invoke(
        app, ["run", str(ROOT / "examples" / "deliberation.yaml"), "--dry-run"]
    )
    counts = dict(re.findall(r"^(.*?)\s{2,}([\d,]+)$", shown.output, re.MULTILINE))
    ballots = example.ratings.filter(example.ratings["round"] >= 0).height
    control = example.ratings.filter(example.ratings["round"] < 0).height
    assert int(counts["ballots with talk"].replace(",", "")) == ballots
    assert int(counts["ballots without talk"].replace(",", "")) == control
    assert int(counts["turns of talk"].replace(",", "")) == 24 * 12 * 3
