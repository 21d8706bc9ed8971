"""The jury inside Inspect itself, with Inspect's mock model."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import juries
from juries.exports.forms import ExportSettings, export
from juries.spec import ScoresSpec

pytest.importorskip("inspect_ai")

from inspect_ai import Task
from inspect_ai import eval as evaluate
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import Model, ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import Scorer, precomputed_scores
from inspect_ai.solver import generate

from juries.integrations.inspect import jury

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.filterwarnings("ignore")  # Inspect leaves streams open


@pytest.fixture(autouse=True)
def _streams_are_collected_here() -> Iterator[None]:
    yield
    gc.collect()  # else what Inspect leaves open is complained of in another test


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> juries.Run:
    study, base = juries.load_study(ROOT / "examples" / "study.yaml")
    scores = ScoresSpec(welfare=("power:1", "power:0"), resamples=100)
    study = study.located(base).model_copy(update={"scores": scores})
    return juries.run(study, out=tmp_path_factory.mktemp("inspect") / "run")


def answered(run: juries.Run, model: str, items: int, scorer: Scorer) -> tuple[Task, Model]:
    """A task over the run's items whose mock model repeats what a model answered."""
    kept = run.directory.read_items()[:items]
    texts = [next(r.text for r in item.responses if r.model == model) for item in kept]
    outputs = [ModelOutput.from_content("mockllm/model", text) for text in texts]
    for output in outputs:  # without it the mock counts tokens, by a vocabulary it downloads
        output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
    samples = [Sample(id=item.id, input=item.prompt) for item in kept]
    task = Task(dataset=MemoryDataset(samples), solver=generate(), scorer=scorer)
    return task, get_model("mockllm/model", custom_outputs=outputs)


def test_a_jury_scores_inside_inspect(run: juries.Run, tmp_path: Path) -> None:
    means = {}
    for model in ("plural", "evasive"):
        scorer = jury(str(run.directory.study), welfare="nash")
        task, mock = answered(run, model, items=5, scorer=scorer)
        (log,) = evaluate(
            task,
            model=mock,
            log_dir=str(tmp_path / model),
            display="none",
            max_connections=1,
        )
        assert log.status == "success", log.error
        assert log.samples is not None
        for sample in log.samples:
            (score,) = (sample.scores or {}).values()
            assert 0 <= score.as_float() <= 1
            assert "not calibrated against people" in (score.explanation or "")
            assert score.metadata is not None
            assert score.metadata["valid"] == 100
            assert score.metadata["welfare"].keys() == {"power:1", "power:0"}
            assert score.metadata["welfare"]["power:0"] == pytest.approx(score.as_float())
        assert log.results is not None
        means[model] = log.results.scores[0].metrics["mean"].value
    assert means["plural"] > means["evasive"] + 0.2


def test_a_finished_run_is_imported_into_a_log(run: juries.Run, tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    export(run, "inspect", path, ExportSettings(model="plural"))
    scorer = precomputed_scores(str(path), on_missing="error")
    task, mock = answered(run, "plural", items=4, scorer=scorer)
    (log,) = evaluate(
        task,
        model=mock,
        log_dir=str(tmp_path / "logs"),
        display="none",
        max_connections=1,
    )
    assert log.status == "success", log.error
    mean = {
        row["item_id"]: row["power:1"]
        for row in run.verdicts.iter_rows(named=True)
        if row["model"] == "plural"
    }
    for sample in log.samples or []:
        (score,) = (sample.scores or {}).values()
        assert score.as_float() == pytest.approx(mean[str(sample.id)], abs=1e-6)


def test_a_study_without_welfare_is_refused(run: juries.Run, tmp_path: Path) -> None:
    sections = yaml.safe_load(run.directory.study.read_text())
    sections["scale"] = {"kind": "choice", "question": "Tone?", "options": ["warm", "cold"]}
    sections["mind"] = {"kind": "embedded"}
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(sections))
    task, mock = answered(run, "plural", items=1, scorer=jury(str(path)))
    (log,) = evaluate(task, model=mock, log_dir=str(tmp_path / "logs"), display="none")
    assert log.status == "error"
    assert "no `worth`" in str(log.error and log.error.message)
