"""The page of the study file: every example is read, every section and key is on it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from graphs.deliberation.spec import Deliberation
from graphs.sources import ItemsSource
from juries.scores import SCHEMA_VERSION, Scores
from juries.spec import JurySpec, PopulationSpec, RakeSpec, ScoresSpec, Study, SubjectSpec
from juries.spec_measures import BaselinesSpec, InjectionSpec
from juries.study_file import validate

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "study.md").read_text("utf-8")
EXAMPLES = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.S)]
BASE: dict[str, Any] = {
    "name": "base",
    "items": {"path": "i.jsonl", "responses": "responses"},
    "scale": {"kind": "likert", "question": "Good?", "points": ["no", "yes"]},
    "population": {"path": "p.csv"},
}


@pytest.mark.parametrize("example", EXAMPLES, ids=",".join)
def test_every_example_is_a_section_of_a_study(example: dict[str, Any]):
    validate(Study, BASE | example, where="docs/study.md")


def test_every_section_has_an_example():
    shown = {key for example in EXAMPLES for key in example}
    assert shown == set(Study.model_fields)


@pytest.mark.parametrize(
    ("section", "model"),
    [
        ("items", ItemsSource), ("population", PopulationSpec), ("jury", JurySpec),
        ("scores", ScoresSpec), ("deliberation", Deliberation), ("subjects", SubjectSpec),
        ("baselines", BaselinesSpec),
    ],
)  # fmt: skip
def test_every_key_of_a_section_is_shown(section: str, model: type[BaseModel]):
    shown: set[str] = set()
    for example in EXAMPLES:
        for each in example.get(section) or {} if section == "subjects" else [example.get(section)]:
            shown |= set(each or {})
    assert set(model.model_fields) <= shown, set(model.model_fields) - shown


def test_raking_and_injection_name_their_keys():
    rake = next(e["population"]["rake"] for e in EXAMPLES if "population" in e)
    assert set(rake) == set(RakeSpec.model_fields)
    assert {"share", "most"} <= set(InjectionSpec.model_fields)


def test_the_page_of_scores_has_every_key_and_the_version():
    page = (DOCS / "scores.md").read_text("utf-8")
    assert [name for name in Scores.model_fields if f"`{name}`" not in page] == []
    assert f"`schema_version`, now {SCHEMA_VERSION}" in page
