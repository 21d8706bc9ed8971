"""Pre-annotations: valid for the tools that read them, blank where the jury failed, and back."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import juries
from graphs.items import Choice, Criterion, Likert, Rubric
from juries.calibration import jury_table
from juries.exports import argilla, labelstudio, preannotation, preannotation_table
from juries.exports.preannotation import PreAnnotation
from juries.human import Target, read_human
from personas.files import write_rows
from personas.tables import read_rows

SCALES = {
    "words": {"kind": "likert", "question": "Good <&>?", "points": ["no", 'so-"so"', "yes & more"]},
    "stars": {"kind": "likert", "question": "Good?", "points": ["1", "2", "3", "4", "5"]},
    "choice": {"kind": "choice", "question": "Safe?", "options": ["safe", "unsafe", "unsure"]},
    "rubric": {
        "kind": "rubric",
        "criteria": [
            {"name": "help", "question": "Helps?", "points": ["1", "2", "3"]},
            {"name": "no harm", "question": "Harmless?", "points": ["harmful", "harmless"]},
        ],
    },
}


@pytest.fixture(scope="module")
def kept() -> dict[str, juries.Run]:
    """Runs made so far, by scale."""
    return {}


@pytest.fixture
def ran(
    small_study: Callable[..., Path],
    tmp_path_factory: pytest.TempPathFactory,
    kept: dict[str, juries.Run],
) -> Callable[..., juries.Run]:
    """The small study's run on a scale; `fresh` for a test that spoils its files."""

    def run(scale: str, *, fresh: bool = False) -> juries.Run:
        if fresh or scale not in kept:
            people = {"path": "people.csv", "columns": {"id": "id", "attributes": ["side"]}}
            scores = {"groups": ["side"] if scale != "choice" else [], "resamples": 100}
            study = small_study(items=4, scale=SCALES[scale], population=people, scores=scores)
            made = juries.run(study, out=tmp_path_factory.mktemp(scale) / "run")
            if fresh:
                return made
            kept[scale] = made
        return kept[scale]

    return run


def predicted(run: juries.Run, **options: object) -> list[PreAnnotation]:
    return list(preannotation.preannotations(run, jury_table(run), **options))  # pyright: ignore


def questions(run: juries.Run):
    table = jury_table(run)
    return dict(zip(table.criteria, table.questions, strict=True))


@pytest.fixture(scope="module")
def label_interface():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = pytest.importorskip(
            "label_studio_sdk.label_interface", reason="label-studio-sdk is not installed"
        )
    return module.LabelInterface


@pytest.fixture(scope="module")
def argilla_models():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("argilla._models", reason="argilla is not installed")


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("detail", ["aggregate", "groups", "jurors"])
def test_label_studio_accepts_every_prediction(ran, label_interface, scale, detail, tmp_path):
    run = ran(scale)
    records = predicted(run, detail=detail, by=["side"])
    path = tmp_path / "tasks.json"
    config, number = labelstudio.write_tasks(
        path, records, questions(run), preannotation.origin(run)
    )

    tasks = json.loads(path.read_text())
    assert number == len(tasks) == 12
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        interface = label_interface(config.read_text())
        for task in tasks:
            for prediction in task["predictions"]:
                assert interface.validate_prediction(prediction), prediction
    versions = {p["model_version"] for task in tasks for p in task["predictions"]}
    prefix = f"juries/{run.record.fingerprint}"
    assert f"{prefix}/aggregate" in versions
    assert len(versions) == {"aggregate": 1, "groups": 3, "jurors": 11}[detail]
    assert all(version.startswith(prefix) for version in versions)


def test_a_spoiled_prediction_would_not_be_accepted(ran, label_interface):
    run = ran("stars")
    (task, *_) = labelstudio.tasks(predicted(run), questions(run), preannotation.origin(run))
    prediction = task["predictions"][0]
    prediction["result"][0]["value"] = {"rating": 77}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        interface = label_interface(labelstudio.labelling_config(questions(run)))
        assert not interface.validate_prediction(prediction)


@pytest.mark.parametrize("scale", SCALES)
def test_argilla_accepts_every_record_and_its_settings(ran, argilla_models, scale, tmp_path):
    run = ran(scale)
    path = tmp_path / "records.jsonl"
    beside, number = argilla.write_records(
        path,
        predicted(run, detail="groups", by=["side"]),
        questions(run),
        preannotation.origin(run),
    )

    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert number == len(lines) == 12
    settings = json.loads(beside.read_text())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        models = [argilla_models.RecordModel.model_validate(line) for line in lines]
        asked = [argilla_models.QuestionModel.model_validate(q) for q in settings["questions"]]
        for field in settings["fields"]:
            argilla_models.FieldModel.model_validate(field)
        for field in settings["metadata"]:
            argilla_models.MetadataFieldModel.model_validate(field)
    options = {
        question.name: {option["value"] for option in question.settings.options}
        for question in asked
        if question.name != "rationale"
    }
    for model in models:
        given = {one.question_name: one for one in model.suggestions}
        assert len(given) == len(model.suggestions)
        for name, values in options.items():
            assert given[name].value in values
            assert 0 <= given[name].score <= 1
            assert given[name].agent == f"juries/{run.record.fingerprint}/aggregate"
    ratings = [o for q in settings["questions"] if q["settings"]["type"] == "rating"
               for o in q["settings"]["options"]]  # fmt: skip
    assert all(0 <= option["value"] <= 10 for option in ratings)


def test_every_record_says_that_it_is_synthetic_with_run_and_model_version(ran):
    run = ran("stars")
    origin = preannotation.origin(run)
    mind = run.record.minds[0]
    assert origin.sentence == (
        "Predicted by a jury of simulated people, not answered by anyone. "
        f"Run {run.record.fingerprint}; {mind.name} {mind.version} (simulator)."
    )
    for task in labelstudio.tasks(predicted(run), questions(run), origin):
        assert task["data"]["synthetic"] is True
        assert task["data"]["synthetic_origin"] == origin.sentence
        (rationale,) = [
            r["value"]["text"][0]
            for r in task["predictions"][0]["result"]
            if r["from_name"] == "rationale"
        ]
        assert origin.sentence in rationale


def test_the_aggregate_is_the_weighted_answer_of_the_jury(ran):
    run = ran("stars")
    table = jury_table(run)
    weights = np.arange(1.0, 11)
    weighted = replace(table, weights=weights / weights.sum())
    (first, *_) = preannotation.preannotations(run, weighted)

    said = table.points[0, table.models.index(first.model), 0]
    mean = (said * weights).sum() / weights.sum()
    prediction = first.aggregate["overall"]
    assert prediction.mean == pytest.approx(mean)
    assert prediction.point == int(np.floor(mean + 0.5))
    assert prediction.confidence == pytest.approx(
        weights[said == prediction.point].sum() / weights.sum()
    )
    assert prediction.disagreement == pytest.approx(
        np.sqrt((weights * (said - mean) ** 2).sum() / weights.sum())
    )


def test_what_the_jury_failed_on_is_left_blank_and_says_why(ran):
    run = ran("words", fresh=True)
    table = jury_table(run)
    frame = pl.read_parquet(run.directory.ratings)
    lost = (pl.col("item_id") == "i1") & (pl.col("model") == "birch")
    spoiled = frame.with_columns(
        pl.when(lost).then(pl.lit("unparseable")).otherwise(pl.col("status").cast(pl.String))
        .cast(frame.schema["status"]).alias("status")
    )  # fmt: skip
    spoiled.write_parquet(run.directory.ratings)
    points = table.points.copy()
    points[:, table.models.index("birch"), 1, :] = -1
    records = list(preannotation.preannotations(run, replace(table, points=points)))

    (blank,) = [record for record in records if record.blank]
    assert (blank.item_id, blank.model) == ("i1", "birch")
    assert blank.rationale["overall"] == "Left blank: no juror validly answered (10 unparseable)."
    origin = preannotation.origin(run)
    tasks = list(labelstudio.tasks(records, questions(run), origin))
    (empty,) = [task for task in tasks if not task["predictions"]]
    assert empty["data"]["jury_blank"] is True
    (record,) = [
        r for r in argilla.records(records, questions(run), origin) if not r["suggestions"]
    ]
    assert record["external_id"] == "i1/birch"
    assert "jury_confidence" not in record["metadata"]
    (row,) = [r for r in preannotation_table.rows(records, origin) if r["answered"] == 0]
    assert (row["predicted"], row["point"]) == ("", None)


def test_blind_tasks_carry_nothing_of_the_jury(ran):
    run = ran("stars")
    records, asked, origin = predicted(run), questions(run), preannotation.origin(run)
    for task in labelstudio.tasks(records, asked, origin, blind=True):
        assert set(task) == {"data"}
        assert set(task["data"]) == {"item_id", "model", "prompt", "response"}
    for record in argilla.records(records, asked, origin, blind=True):
        assert record["suggestions"] == []
        assert set(record["metadata"]) == {"item_id", "model"}
    for row in preannotation_table.rows(records, origin, blind=True):
        assert "predicted" not in row


SCALE_OF = {
    "words": Likert.model_validate(SCALES["words"]),
    "stars": Likert.model_validate(SCALES["stars"]),
    "choice": Choice.model_validate(SCALES["choice"]),
    "rubric": Rubric.model_validate(SCALES["rubric"]),
}


def target_of(run: juries.Run, scale: str) -> Target:
    table = jury_table(run)
    return Target(items=table.items, models=table.models, scale=SCALE_OF[scale])


def answered(record: PreAnnotation) -> dict[str, int]:
    return {name: said.point or 0 for name, said in record.aggregate.items()}


@pytest.mark.parametrize("scale", SCALES)
def test_people_who_accept_the_predictions_in_label_studio_are_read_back(ran, scale, tmp_path):
    """Round trip: two people submit the prediction as it stands."""
    run = ran(scale)
    records = predicted(run)
    export = []
    for task in labelstudio.tasks(records, questions(run), preannotation.origin(run)):
        result = task["predictions"][0]["result"]
        annotations = [
            {"completed_by": {"id": who, "email": ""}, "result": result, "lead_time": 4.0}
            for who in (1, 2)
        ]
        export.append({"data": task["data"], "annotations": annotations})
    path = tmp_path / "export.json"
    path.write_text(json.dumps(export))

    people = read_human(path, "labelstudio", target_of(run, scale))

    assert people.problems == ()
    criteria = list(people.criteria)
    for record in records:
        for name, point in answered(record).items():
            here = (
                (people.item == people.items.index(record.item_id))
                & (people.model == people.models.index(record.model))
                & (people.criterion == criteria.index(name))
            )
            assert people.rating[here].tolist() == [point, point]


@pytest.mark.parametrize("scale", SCALES)
def test_people_who_accept_the_suggestions_in_argilla_are_read_back(ran, scale, tmp_path):
    run = ran(scale)
    records = predicted(run)
    path = tmp_path / "export.jsonl"
    with path.open("w") as file:
        for record in argilla.records(records, questions(run), preannotation.origin(run)):
            record["responses"] = {
                one["question_name"]: [{"value": one["value"], "user_id": w} for w in ("p", "q")]
                for one in record["suggestions"]
            }
            file.write(json.dumps(record) + "\n")

    people = read_human(path, "argilla", target_of(run, scale))

    assert people.problems == ()
    expected = sorted(point for record in records for point in answered(record).values())
    assert sorted(people.rating.tolist()) == sorted(expected * 2)


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_table_that_people_fill_in_is_read_back(ran, suffix, tmp_path):
    run = ran("words")
    path = tmp_path / f"table.{suffix}"
    records = predicted(run, detail="groups", by=["side"])
    number = preannotation_table.write_table(path, records, preannotation.origin(run))
    assert number == 12 * 3

    rows = [row.data for row in read_rows(path) if row.data["source"] == "aggregate"]
    filled = [
        {**row, "annotator_id": who, "rating": row["predicted"], "age": "34"}
        for row in rows
        for who in ("p", "q")
    ]
    write_rows(path, filled)
    people = read_human(path, "csv", target_of(run, "words"))

    assert people.problems == ()
    assert len(people) == 24
    assert [dict(one) for one in people.attributes] == [{"age": "34"}, {"age": "34"}]


def test_stars_are_for_scales_of_plain_numbers():
    def scale(*points: str) -> Criterion:
        return Likert(question="?", points=points).criteria[0]

    assert labelstudio.is_rating(scale("1", "2", "3"))
    assert not labelstudio.is_rating(scale("0", "1", "2"))
    assert not labelstudio.is_rating(scale("bad", "good"))
    assert not labelstudio.is_rating(scale(*(str(k) for k in range(1, 12))))
    assert not labelstudio.is_rating(Choice(question="?", options=("1", "2")))
