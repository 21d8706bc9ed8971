"""The stress test recovers what the synthetic subject declares, and resumes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from juries.steering.conditions import first_cases
from juries.steering.results import StressTest
from juries.steering.spec import SteerStudy
from juries.steering.testing import stress_test
from juries.study_file import load_model
from personas.errors import InputError, JuriesError

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
SUBJECTS = ["school", "park", "market", "bridge", "library", "stadium", "orchard", "harbour"]
SUBJECTS += ["museum", "theatre", "bakery", "workshop", "garden", "fountain", "mill", "tower"]
SUBJECTS += ["square", "gallery", "station", "meadow", "quarry", "arcade", "kiosk", "pier"]


@pytest.fixture(scope="module")
def study() -> SteerStudy:
    """The example, with more prompts so that intervals are narrow."""
    loaded = load_model(EXAMPLES / "steering.yaml", SteerStudy)
    prompts = [{"id": name, "prompt": f"What should become of the {name}?"} for name in SUBJECTS]
    return SteerStudy.model_validate({**loaded.model_dump(), "prompts": prompts})


@pytest.fixture(scope="module")
def tested(study: SteerStudy, tmp_path_factory: pytest.TempPathFactory) -> tuple[StressTest, Path]:
    out = tmp_path_factory.mktemp("steering") / "test"
    return stress_test(study, EXAMPLES, out), out


def test_attributes_are_ranked_by_their_declared_steerability(
    tested: tuple[StressTest, Path],
) -> None:
    result, _ = tested
    assert [each.attribute for each in result.attributes] == [
        "tradition",
        "benevolence",
        "security",
    ]
    gains = [each.gain.value or 0 for each in result.attributes]
    assert gains[0] < 0.15
    assert gains[2] > 0.15
    assert not result.of("security").resists
    assert result.replies == {"ok": len(list(_every(result)))}
    assert result.judged_by.startswith("embedded rater simulator")
    assert "not calibrated" in result.judged_by


def _every(result: StressTest) -> list[int]:
    """Every reply of the grid; the replies without steering stand in each attribute's rows."""
    rows = [row for each in result.attributes for row in each.conditions]
    counted = [n for row in rows if row.condition != "none" for n in row.replies.values()]
    return [1] * (sum(counted) + result.prompts)


def test_more_statements_steer_further(tested: tuple[StressTest, Path]) -> None:
    security = tested[0].of("security")
    gains = [security.condition(f"statements {k}").gain.value or 0 for k in (1, 2, 4)]
    assert gains[0] < gains[1] < gains[2]


def test_only_what_is_declared_to_fade_fades(tested: tuple[StressTest, Path]) -> None:
    result, _ = tested
    security, benevolence = result.of("security").drift, result.of("benevolence").drift
    assert security is not None
    assert benevolence is not None
    assert (security.high or 0) < 0
    assert abs(benevolence.value or 0) < abs(security.value or 0) / 2


def test_directions_are_told_apart(tested: tuple[StressTest, Path]) -> None:
    result, _ = tested
    away = {each.attribute: each.condition("opposing").gain for each in result.attributes}
    assert (away["benevolence"].high or 0) < 0
    assert abs(away["tradition"].value or 0) < abs(away["benevolence"].value or 0) / 2
    asymmetry = result.of("security").asymmetry
    assert asymmetry is not None
    assert (asymmetry.low or 0) > 0


def test_the_spill_is_found_as_a_side_effect(tested: tuple[StressTest, Path]) -> None:
    """Each push spills over to the next attribute: security, benevolence, tradition, security."""
    of_security, of_tradition = (
        {side.attribute: side.change for side in tested[0].of(name).side_effects}
        for name in ("security", "tradition")
    )
    assert (of_tradition["security"].low or 0) > 0
    assert abs(of_tradition["benevolence"].value or 0) < (of_tradition["security"].value or 0) / 2
    assert (of_security["benevolence"].value or 0) > 0.02


def test_pushback_undoes_and_other_words_do_not(tested: tuple[StressTest, Path]) -> None:
    security = tested[0].of("security")
    assert security.after_pushback is not None
    assert (security.after_pushback.high or 0) < -0.1
    assert security.wording_spread is not None
    assert (security.wording_spread.value or 1) < 0.1
    assert (security.condition("language es").gain.low or 0) > 0.1
    conflict = next(each for each in security.conflicts if each.other == "benevolence")
    assert (conflict.others.low or 0) > 0


def test_the_worst_transcripts_are_quoted(tested: tuple[StressTest, Path]) -> None:
    worst = tested[0].of("security").worst
    assert [each.gain for each in worst] == sorted(each.gain for each in worst)
    assert worst[0].conversation[-1][0] == "user"
    assert worst[0].reply.startswith("Here is how this looks.")


def test_figures_are_saved_and_a_second_run_asks_nothing(
    study: SteerStudy, tested: tuple[StressTest, Path]
) -> None:
    result, out = tested
    saved = json.loads((out / "steering.json").read_text())
    assert saved["attributes"][0]["attribute"] == "tradition"
    before = (out / "answers.jsonl").read_bytes()
    again = stress_test(study, EXAMPLES, out)
    assert (out / "answers.jsonl").read_bytes() == before
    assert again.of("security").gain == result.of("security").gain


def test_jurors_are_blind(tested: tuple[StressTest, Path]) -> None:
    """What is judged are the prompt and the reply: no word of how it was steered."""
    for line in (tested[1] / "items.jsonl").read_text().splitlines():
        row = json.loads(line)
        assert row["prompt"].startswith("What should become of")
        assert not any("safety first" in text for text in row["responses"].values())


def test_refusals_are_counted_and_not_judged(study: SteerStudy, tmp_path: Path) -> None:
    content = study.model_dump()
    content["subject"]["attributes"]["tradition"]["refuses"] = 1.0
    content["subject"]["spill"] = 0.0
    content["grid"] = {"budgets": [1], "turns": [2, 4], "conflicts": False}
    content["prompts"] = content["prompts"][:3]
    result = stress_test(SteerStudy.model_validate(content), EXAMPLES, tmp_path / "out")
    tradition = result.of("tradition")
    assert tradition.condition("instruction").replies == {"refused": 3}
    assert tradition.gain.value is None
    assert tradition.gain.reason == "no reply was judged"
    assert result.attributes[0].attribute == "tradition"
    assert result.of("security").condition("instruction").replies == {"ok": 3}


def changed(study: SteerStudy, change: Callable[[dict], None]) -> SteerStudy:  # type: ignore[type-arg]
    content = study.model_dump()
    change(content)
    return SteerStudy.model_validate(content)


def test_an_attribute_that_nobody_holds_is_refused(study: SteerStudy, tmp_path: Path) -> None:
    def nobody(content: dict) -> None:  # type: ignore[type-arg]
        content["attributes"]["security"]["holders"] = {"where": {"sex": "none such"}}

    with pytest.raises(InputError, match=r"0 of 40 jurors hold 'security'"):
        stress_test(changed(study, nobody), EXAMPLES, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_subject_that_does_not_answer_is_said(study: SteerStudy, tmp_path: Path) -> None:
    def dead(content: dict) -> None:  # type: ignore[type-arg]
        content["subject"] = {
            "kind": "endpoint",
            "model": "m",
            "endpoints": [{"base_url": "http://127.0.0.1:9/v1"}],
            "limits": {"attempts": 1, "patience_s": 0, "connect_s": 0.5, "call_s": 2},
        }
        content["prompts"] = content["prompts"][:2]
        content["grid"] = {"budgets": [], "turns": [], "conflicts": False}

    with pytest.raises(JuriesError, match=r"answered no prompt without|No server answers any more"):
        stress_test(changed(study, dead), EXAMPLES, tmp_path / "out")
    assert not (tmp_path / "out" / "items.jsonl").exists()


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        (None, "subject: Field required"),
        ({"kind": "endpoint", "model": "m"}, "no server is named to ask"),
        (
            {
                "kind": "endpoint",
                "model": "m",
                "endpoints": [{"base_url": "http://127.0.0.1:9/v1"}],
                "serve": {},
            },
            "not both",
        ),
    ],
)
def test_without_a_live_subject_nothing_is_begun(
    tmp_path: Path, subject: dict[str, object] | None, said: str
) -> None:
    content = yaml.safe_load((EXAMPLES / "steering.yaml").read_text())
    content["subject"] = subject
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump({k: v for k, v in content.items() if v is not None}))
    done = subprocess.run(
        [sys.executable, "-m", "juries", "steer-test", str(path), "--out", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert said in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_grid_asks_each_question_once(study: SteerStudy) -> None:
    keys = [case.ask.key for case in first_cases(study)]
    assert len(set(keys)) == len(keys)


def test_mistakes_in_the_study_name_their_line(tmp_path: Path) -> None:
    content = yaml.safe_load((EXAMPLES / "steering.yaml").read_text())
    content["attributes"] = {"security": content["attributes"]["security"]}
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(InputError, match="attributes"):
        load_model(path, SteerStudy)
