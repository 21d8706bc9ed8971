"""The command as a user runs it: real processes, real exit codes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import juries

Study = Callable[..., Path]
ROOT = Path(__file__).resolve().parents[2]


def command(*words: str | Path) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(
        [sys.executable, "-W", "error", "-m", "juries", *map(str, words)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert "Traceback" not in result.stderr, result.stderr
    return result


def printed(*words: str | Path) -> str:
    result = command(*words)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_demo_comes_out_as_its_study_foretells(tmp_path: Path) -> None:
    text = printed("demo", "--out", tmp_path / "demo")
    assert "Judged by: embedded rater simulator (simulator); not calibrated against people" in text
    scores = juries.open_run(tmp_path / "demo").scores()
    assert scores.ranking("power:1") == ("one-sided", "plural", "evasive")
    for function in ("power:0", "power:-1", "power:-inf", "cvar:0.2"):
        assert scores.ranking(function)[0] == "plural", function
    means = {(g.level, g.model): g.estimate or 0 for g in scores.groups}
    by = {
        level: sorted(("plural", "one-sided", "evasive"), key=lambda m: -means[level, m])
        for level in ("decisive", "deliberative")
    }
    assert by["decisive"] == ["one-sided", "plural", "evasive"]
    assert by["deliberative"] == ["plural", "evasive", "one-sided"]
    assert any({flip.ahead, flip.behind} == {"one-sided", "plural"} for flip in scores.flips)


def test_scores_as_json_are_the_scores_file(small_study: Study, tmp_path: Path) -> None:
    text = printed("run", small_study(), "--out", tmp_path / "out", "--json", "--display", "plain")
    assert json.loads(text) == json.loads((tmp_path / "out" / "scores.json").read_text())
    again = printed("score", tmp_path / "out", "--json")
    assert json.loads(again) == json.loads(text)


def test_scores_can_be_taken_again_under_other_functions(
    small_study: Study, tmp_path: Path
) -> None:
    run = juries.run(small_study(), out=tmp_path / "out")
    other = small_study(scores={"welfare": ["rawlsian"], "resamples": 100})
    text = printed("score", run.path, "--study", other)
    assert "Rawlsian" in text
    assert "Nash" not in text


def test_a_report_is_drawn_again_only_when_the_scores_change(
    small_study: Study, tmp_path: Path
) -> None:
    command = ("run", small_study(), "--out", tmp_path / "out", "--display", "none")
    printed(*command)
    page = tmp_path / "out" / "report.html"
    drawn = page.stat().st_mtime_ns
    printed(*command)
    assert page.stat().st_mtime_ns == drawn
    small_study(scores={"resamples": 250})
    printed(*command)
    assert page.stat().st_mtime_ns > drawn


def test_a_margin_of_ones_own_lies_beside_the_study(small_study: Study, tmp_path: Path) -> None:
    study = small_study(
        population={"path": "people.csv", "rake": {"margins": ["sides.csv"]}}, jury={"seats": 20}
    )
    (study.parent / "sides.csv").write_text("side,share\nleft,0.9\nright,0.1\n")
    printed("run", study, "--out", tmp_path / "out")
    raking = juries.open_run(tmp_path / "out").record.jury["raking"]
    assert {tuple(level["level"]): round(level["achieved"], 3) for level in raking["levels"]} == {
        ("left",): 0.9,
        ("right",): 0.1,
    }


def test_a_dry_run_asks_nothing(small_study: Study, tmp_path: Path) -> None:
    text = printed("run", small_study(), "--out", tmp_path / "out", "--dry-run")
    assert "360" in text
    assert not (tmp_path / "out").exists()


def test_a_new_study_runs_as_it_is(tmp_path: Path) -> None:
    printed("new", tmp_path / "mine")
    text = printed("run", tmp_path / "mine" / "study.yaml", "--out", tmp_path / "out")
    assert "my first jury" in text
    assert command("new", tmp_path / "mine").returncode == 2


def test_populations_are_described_weighted_and_sampled(tmp_path: Path) -> None:
    people = ROOT / "examples" / "personas.csv"
    assert "outlook" in printed("personas", "describe", people)
    raked = tmp_path / "raked.jsonl"
    text = printed("personas", "rake", people, "--margin", "us_adults_region", "-o", raked)
    assert "Northeast" in text
    seats = tmp_path / "seats.jsonl"
    quotas = ["--quota", "sex:Female=9-11", "--quota", "sex:Male=9-11"]
    for method in ("quota", "leximin"):
        words = ["--seats", "20", "--method", method, "-o", seats]
        assert "9-11" in printed("personas", "sample", raked, *words, *quotas)
    assert len(seats.read_text().splitlines()) in (20, 21)
    result = command("personas", "sample", raked, "--seats", "20", "-o", seats, "--quota", "sex=9")
    assert result.returncode == 2
    assert "ATTRIBUTE:LEVEL=MIN-MAX" in result.stderr


def test_the_study_schema_knows_every_section(small_study: Study) -> None:
    schema = json.loads(printed("schema"))
    assert set(schema["properties"]) == set(juries.Study.model_fields)
    assert schema["additionalProperties"] is False
    scores = json.loads(printed("schema", "scores"))
    assert scores["properties"]["schema_version"]["default"] == 1


@pytest.mark.parametrize("wait", [0.0, 0.5])
def test_ctrl_c_finishes_what_is_in_flight_and_says_how_to_go_on(
    small_study: Study, tmp_path: Path, wait: float
) -> None:
    study, out = small_study(items=4000), tmp_path / "out"
    with subprocess.Popen(
        [sys.executable, "-m", "juries", "run", study, "--out", out, "--display", "plain"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
    ) as process:
        deadline = time.monotonic() + 60
        while not (out / "ledger.sqlite").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(wait)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 130, said
    assert "finishing what is in flight" in said
    assert "Run the same command again" in said
    assert "Traceback" not in said
    run = juries.open_run(out)
    assert not run.record.complete
    assert run.record.recorded % 30 == 0  # whole items only


@pytest.mark.parametrize("statement", ["import juries", "import juries.cli"])
def test_importing_stays_light(statement: str) -> None:
    heavy = {"langgraph", "openai", "scipy", "polars", "sqlalchemy", "torch", "numpy", "highspy"}
    code = f"import sys; {statement}; print(*sorted({heavy!r} & set(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert result.stdout.strip() == ""


def test_what_is_public_is_there() -> None:
    assert all(hasattr(juries, name) for name in juries.__all__)
    with pytest.raises(AttributeError, match="no attribute 'verdict'"):
        _ = juries.verdict  # pyright: ignore


def test_the_study_of_real_data_runs(shared_data: Callable[[str], Path], tmp_path: Path) -> None:
    shared_data("alpaca_eval_outputs.jsonl")
    shared_data("gss_personas.jsonl")
    run = juries.run(
        ROOT / "benchmarks" / "studies" / "alpaca_gss.yaml", out=tmp_path / "out", limit=20
    )
    assert run.record.complete
    assert run.ratings.height == 20 * 5 * 100
    assert len(run.scores().ranking()) == 5
