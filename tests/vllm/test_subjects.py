"""Subjects asked by a study on a real server: both APIs, exact letters, and targets at the end."""

from __future__ import annotations

import json

import pytest

from graphs.subjects.settings import LiveSettings
from juries.runs import run
from juries.targets.files import KINDS, TargetSettings, write_targets


def test_a_study_asks_judges_and_ends_in_targets(served, study_file, tmp_path):
    rows = [
        {"question": f"Question: Is it {n}?\nOptions: …\nAnswer:", "options": ["yes", "no", "?"],
         "attribute": "North", "gold_distribution": [0.5, 0.3, 0.2]}
        for n in range(6)
    ]  # fmt: skip
    (tmp_path / "survey.json").write_text(json.dumps(rows))
    live = LiveSettings(
        model=str(served.checkpoint), endpoints=(served.endpoint,), max_tokens=12
    ).model_dump(mode="json")
    subjects = [
        {"subject": live, "name": "chat", "samples": 2, "survey": {"orders": 3, "least_mass": 0}},
        {"subject": {**live, "api": "completions"}, "name": "base",
         "survey": {"orders": 3, "least_mass": 0}},
    ]  # fmt: skip
    scores = {"groups": ["region"], "resamples": 100,
              "distribution": {"survey": {"path": str(tmp_path / "survey.json")}}}  # fmt: skip
    path = study_file(
        items=4, seats=8, subjects=subjects, scores=scores,
        mind=served.settings().model_dump(mode="json"),
    )  # fmt: skip
    result = run(path, out=tmp_path / "run")
    assert result.record.complete
    items = [json.loads(line) for line in result.directory.items.read_text().splitlines()]
    for item in items:
        assert list(item["responses"]) == ["long", "short", "chat #1", "chat #2", "base"]
    for each in result.record.subjects:
        assert each.kind == "language model"
        assert sum(each.replies.values()) == 4 * (2 if each.name == "chat" else 1)
        assert each.replies.get("failed", 0) == 0
        # Noise may give the letters no mass that the server reports; nothing is made up for them.
        assert each.questions["failed requests"] == 0
        assert each.questions["questions"] == 6
        lost = each.questions["replies mostly no valid letter"]
        assert (each.questions["answered"] < 6) <= (lost > 0)
        if each.survey is not None:
            lines = (result.path / each.survey).read_text().splitlines()
            assert len(lines) == each.questions["answered"]
            for line in lines:
                assert sum(json.loads(line)["probabilities"].values()) == pytest.approx(1)
    written = write_targets(
        result, tmp_path / "targets", list(KINDS), TargetSettings(groups=("region",), resamples=100)
    )
    assert {each.kind for each in written} == set(KINDS)
    assert all(each.path is None or each.path.exists() for each in written)
