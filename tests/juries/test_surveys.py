"""Surveys and models' answers to them, from files to figures."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import juries
from juries.spec_measures import SurveySpec
from juries.surveys import read_answers, read_survey
from personas.errors import InputError

Study = Callable[..., Path]
OPTIONS = ["yes", "no", "unsure"]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    """Twelve questions; North and South answer nearly in reverse."""
    rng = np.random.default_rng(3)
    rows: list[dict[str, object]] = []
    for number in range(12):
        shares = rng.dirichlet([2, 2, 2])
        for country, own in (("North", shares), ("South", shares[::-1])):
            rows.append(
                {
                    "question": f"Question: Is it {number}?\nOptions: …\nAnswer:",
                    "options": OPTIONS,
                    "attribute": country,
                    "gold_distribution": own.tolist(),
                }
            )
    path = tmp_path / "survey.json"
    path.write_text(json.dumps(rows))
    return path


def answers(path: Path, survey: Path, country: str, sharpness: float = 1.0) -> Path:
    reference = read_survey(SurveySpec(path=str(survey)))
    with path.open("w") as file:
        for key, shares in reference.distributions[country].items():
            sharp = shares**sharpness / (shares**sharpness).sum()
            text = reference.questions[key].text
            row = {
                "question": text,
                "probabilities": dict(zip(OPTIONS, sharp.tolist(), strict=True)),
            }
            file.write(json.dumps(row) + "\n")
    return path


def test_a_model_that_answers_as_people_do_is_at_no_distance(
    small_study: Study, survey: Path, tmp_path: Path
) -> None:
    study = small_study(
        scores={
            "resamples": 100,
            "distribution": {
                "survey": {"path": str(survey)},
                "answers": {
                    "north": str(answers(tmp_path / "north.jsonl", survey, "North")),
                    "sharp": str(answers(tmp_path / "sharp.jsonl", survey, "North", 8.0)),
                },
            },
        }
    )
    found = juries.run(study, out=tmp_path / "out").scores().measure("distributional")
    assert found.of("distance", "north and North").value == pytest.approx(0.0, abs=1e-9)
    far = found.of("distance", "north and South").value or 0.0
    assert far > 0.1
    assert (found.of("distance", "sharp and North").value or 0.0) > 0.1
    assert "north, sharp" in found.produced_by
    assert "embedded" not in found.produced_by


def command(*words: str | Path) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(
        [sys.executable, "-W", "error", "-m", "juries", *map(str, words)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "80"},
    )
    assert "Traceback" not in result.stderr, result.stderr
    return result


def test_the_table_of_the_paper(survey: Path, tmp_path: Path) -> None:
    pre = answers(tmp_path / "pre.jsonl", survey, "North")
    post = answers(tmp_path / "post.jsonl", survey, "North", 6.0)
    said = command("distribution", "--survey", survey, "--pre", pre, "--post", post)
    assert said.returncode == 0, said.stderr
    assert "base 2" in said.stdout
    assert "distance: North" in said.stdout
    assert max(map(len, said.stdout.splitlines())) <= 80
    as_json = command("distribution", "--survey", survey, "--pre", pre, "--post", post, "--json")
    rows = {(row["measure"], row["of"]): row for row in json.loads(as_json.stdout)["rows"]}
    assert rows["distance", "North"]["difference"]["low"] > 0
    assert rows["entropy (nats)", "model"]["difference"]["high"] < 0
    one = command("distribution", "--survey", survey, "--post", post)
    assert "answered by post" in one.stdout


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            {"question": "Is it 0?", "probabilities": {"yes": 1.0, "no": 0.0}},
            "options do not match",
        ),
        ({"question": "Is it x?", "probabilities": {"yes": 1.0}}, "no question has this text"),
        (
            {"question": "Is it 0?", "probabilities": {"yes": 0.5, "no": 0.2, "unsure": 0.1}},
            "sum further than",
        ),
        ({"question": "Is it 0?", "probabilities": [0.5, 0.5]}, "not a map"),
        ({"question": "Is it 0?", "probabilities": {"yes": "much"}}, "not a number"),
        ({"question": "Is it 0?"}, "probabilities"),
        ({"id": "zzz", "probabilities": {"yes": 1.0}}, "no question 'zzz'"),
    ],
)
def test_bad_answers_name_their_line(
    survey: Path, tmp_path: Path, row: dict[str, object], said: str
) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(json.dumps(row) + "\n")
    with pytest.raises(InputError, match=said) as caught:
        read_answers(path, read_survey(SurveySpec(path=str(survey))))
    assert f"{path}, line 1" in str(caught.value)


def test_no_model_and_no_answer_are_said(survey: Path, tmp_path: Path) -> None:
    assert command("distribution", "--survey", survey).returncode == 2
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    said = command("distribution", "--survey", survey, "--pre", empty)
    assert said.returncode == 2
    assert "empty.jsonl" in said.stderr
