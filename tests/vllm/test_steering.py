"""A stress test whose subject and jury both answer from the server."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from graphs.subjects.settings import LiveSettings
from juries.steering.spec import SteerStudy
from juries.steering.testing import stress_test
from juries.study_file import load_model

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def test_a_live_subject_is_tested_by_a_live_jury(served, tmp_path):
    example = load_model(EXAMPLES / "steering.yaml", SteerStudy)
    subject = LiveSettings(
        model=str(served.checkpoint), endpoints=(served.endpoint,), max_tokens=24
    )
    study = SteerStudy.model_validate(
        {
            **example.model_dump(),
            "subject": subject.model_dump(mode="json"),
            "mind": served.settings().model_dump(mode="json"),
            "prompts": example.model_dump()["prompts"][:2],
            "grid": {"budgets": [1], "turns": [2, 4], "conflicts": False},
            "jury": {"seats": 24},
            "resamples": 100,
        }
    )
    result = stress_test(study, EXAMPLES, tmp_path / "out")
    asked = Counter(result.replies)
    # Two prompts, each without steering and, per attribute, by instruction, opposite, a statement,
    # a paraphrase, two numbers of turns, pushback; security by portrait and in Spanish besides.
    assert sum(asked.values()) == 2 * (1 + 3 * 7 + 2)
    assert asked["ok"] >= 0.9 * sum(asked.values())
    assert result.subject.endswith("(language model)")
    assert "language model" in result.judged_by
    for each in result.attributes:
        assert each.gain.low is not None
        # Noise cannot be steered: no attribute stands out.
        assert abs(each.gain.value or 0) < 0.2
    before = (tmp_path / "out" / "answers.jsonl").read_bytes()
    stress_test(study, EXAMPLES, tmp_path / "out")
    assert (tmp_path / "out" / "answers.jsonl").read_bytes() == before
