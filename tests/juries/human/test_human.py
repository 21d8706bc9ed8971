"""People's answers: every source read, matched to a study, and bad rows named."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from graphs.items import Choice, Criterion, Item, Likert, Response, Rubric
from juries.human import HumanRatings, Target, read_human
from juries.human.ratings import groups_of
from personas.errors import InputError
from personas.files import write_rows

FIVE = Likert(question="How good?", points=("very bad", "bad", "so-so", "good", "very good"))
ITEMS = (
    Item(id="i1", prompt="p1", responses=(Response(model="a", text="one"),)),
    Item(id="i2", prompt="p2", responses=(Response(model="a", text="two"),)),
)
TARGET = Target(items=ITEMS, models=("a",), scale=FIVE)
TWO_MODELS = Target(
    items=(
        Item(
            id="i1",
            prompt="p",
            responses=(Response(model="a", text="x"), Response(model="b", text="y")),
        ),
    ),
    models=("a", "b"),
    scale=FIVE,
)


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Path]:
    def write(rows: list[dict[str, object]], name: str = "human.csv") -> Path:
        path = tmp_path / name
        if name.endswith(".csv"):
            with path.open("w", newline="") as file:
                writer = csv.DictWriter(file, fieldnames=list(rows[0]))
                writer.writeheader()
                writer.writerows(rows)
        elif name.endswith(".jsonl"):
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        else:
            path.write_text(json.dumps(rows))
        return path

    return write


def row(item: str, who: str, rating: object, **more: object) -> dict[str, object]:
    return {"item_id": item, "annotator_id": who, "rating": rating, **more}


def kinds(ratings: HumanRatings) -> dict[str, int]:
    return {problem.kind: problem.count for problem in ratings.problems}


def points(ratings: HumanRatings) -> list[int]:
    return ratings.rating.tolist()


def test_a_plain_table_is_read_with_its_annotators_attributes(table):
    path = table(
        [
            row("i1", "p", 5, age="34", seconds="2.5"),
            row("i2", "p", 4, age="34", seconds="3"),
            row("i1", "q", "Very  Bad", age="61", seconds=""),
        ]
    )
    ratings = read_human(path, "csv", TARGET)

    assert points(ratings) == [5, 4, 1]
    assert ratings.annotators == ("p", "q")
    assert [dict(one) for one in ratings.attributes] == [{"age": "34"}, {"age": "61"}]
    np.testing.assert_array_equal(ratings.seconds, [2.5, 3.0, np.nan])
    assert ratings.problems == ()
    answers = ratings.answers()
    assert answers.units == ("i1/a", "i2/a")
    assert answers.counts().tolist() == [[1, 0, 0, 0, 1], [0, 0, 0, 1, 0]]


def test_every_kind_of_bad_row_is_counted_named_and_left_out(table):
    path = table(
        [
            row("i1", "p", 5),
            row("i1", "q", 3),
            row("i2", "q", 2),
            row("i2", "p", 1),
            row("nowhere", "p", 2),
            row("i2", "r", 9),
            row("i2", "r", "2.5"),
            row("i1", "p", 1),
            row("i1", "s", ""),
            row("", "s", 3),
        ]
    )
    ratings = read_human(path, "csv", TARGET)

    assert kinds(ratings) == {
        "value not on the scale": 2,
        "without an answer": 1,
        "without an item or an annotator": 1,
        "unknown item": 1,
        "further answer of the same person to the same question": 1,
    }
    assert len(ratings) == 5
    assert ratings.repeat.tolist() == [0, 0, 0, 0, 1]
    assert ratings.answers().counts().sum() == 4
    (off,) = [p for p in ratings.problems if p.kind == "value not on the scale"]
    assert off.examples == ("line 7: '9'", "line 8: '2.5'")


def test_a_single_annotator_is_said(table):
    ratings = read_human(table([row("i1", "p", 5), row("i2", "p", 3)]), "csv", TARGET)
    assert kinds(ratings) == {"only annotator": 1}


def test_labels_in_another_language_are_refused_until_they_are_mapped(table):
    rows = [row("i1", "p", "gut"), row("i1", "q", "schlecht"), row("i2", "p", "gut")]
    with pytest.raises(InputError, match=r"3 of 3 answers are not on.*gut, schlecht.*--label"):
        read_human(table(rows), "csv", TARGET)

    ratings = read_human(table(rows), "csv", TARGET, labels={"gut": "good", "schlecht": "bad"})
    assert points(ratings) == [4, 2, 4]


def test_no_overlap_with_the_run_is_refused_with_both_sides_ids(table):
    with pytest.raises(InputError, match="no answer is about an item of the run; found 'x1, x2'"):
        read_human(table([row("x1", "p", 1), row("x2", "q", 1)]), "csv", TARGET)


def test_items_with_other_ids_are_found_by_the_text_judged(table):
    rows = [
        row("77", "p", 1, text="two"),
        row("76", "q", 2, text="one"),
        row("9", "q", 2, text="other"),
    ]
    ratings = read_human(table(rows), "csv", TARGET)

    assert ratings.item.tolist() == [1, 0]
    assert kinds(ratings) == {"unknown item": 1}


def test_an_answer_about_an_item_with_two_responses_must_say_which(table):
    rows = [row("i1", "p", 1, model="b"), row("i1", "q", 2, model="a"), row("i1", "q", 2, model="")]
    ratings = read_human(table(rows), "csv", TWO_MODELS)

    assert ratings.model.tolist() == [1, 0]
    assert kinds(ratings) == {"does not say which response it is about": 1}


def test_mixed_encodings_are_read_and_named(tmp_path):
    path = tmp_path / "human.csv"
    path.write_bytes(
        b"item_id,annotator_id,rating,town\n"
        + "i1,p,5,Zürich\n".encode()
        + "i2,q,4,Genève\n".encode("cp1252")
    )
    ratings = read_human(path, "csv", TARGET)

    assert [one["town"] for one in ratings.attributes] == ["Zürich", "Genève"]
    assert kinds(ratings) == {"lines that are not UTF-8": 1}
    assert ratings.problems[0].examples == ("line 3",)


def test_a_fault_in_a_recoded_file_names_the_file_itself(tmp_path):
    path = tmp_path / "human.csv"
    path.write_bytes("item_id,annotator_id,rating\ni1,é,5,6\n".encode("cp1252"))
    with pytest.raises(InputError, match=rf"{path}, line 2: the record has 4 fields"):
        read_human(path, "csv", TARGET)


def test_utf_16_is_refused(tmp_path):
    path = tmp_path / "human.csv"
    path.write_bytes("item_id,annotator_id,rating\ni1,p,5\n".encode("utf-16"))
    with pytest.raises(InputError, match="UTF-16"):
        read_human(path, "csv", TARGET)


def test_missing_and_mapped_columns(table):
    rows = [{"task": "i1", "coder": "p", "score": 2}, {"task": "i1", "coder": "q", "score": 3}]
    path = table(rows, "human.jsonl")
    with pytest.raises(InputError, match=r"no column holds the annotator.*--column annotator="):
        read_human(path, "csv", TARGET)
    ratings = read_human(path, "csv", TARGET, columns={"annotator": "coder", "value": "score"})
    assert points(ratings) == [2, 3]
    with pytest.raises(InputError, match="nothing called 'rater'"):
        read_human(path, "csv", TARGET, columns={"rater": "coder"})
    with pytest.raises(InputError, match="no column 'coder2'"):
        read_human(path, "csv", TARGET, columns={"annotator": "coder2"})


def test_labels_that_are_numbers_are_matched_as_labels_there_and_back(table, tmp_path):
    scale = Likert(question="?", points=("0", "1", "2"))
    target = Target(items=ITEMS, models=("a",), scale=scale)
    rows = [row("i1", who, said) for who, said in zip("pqrst", ["0", 0, 2.0, "2", 3], strict=True)]
    ratings = read_human(table(rows, "h.jsonl"), "csv", target)

    assert points(ratings) == [1, 1, 3, 3]
    assert kinds(ratings) == {"value not on the scale": 1}
    write_rows(tmp_path / "back.csv", ratings.rows())
    assert points(read_human(tmp_path / "back.csv", "csv", target)) == [1, 1, 3, 3]


def test_popquorn(shared_data):
    path = shared_data("popquorn_offensiveness.csv")
    with path.open(newline="") as file:
        first = {r["instance_id"]: r["text"] for r in csv.DictReader(file)}
    items = tuple(
        Item(id=i, prompt="How offensive?", responses=(Response(model="text", text=t),))
        for i, t in first.items()
    )
    ratings = read_human(path, "popquorn", Target(items=items, models=("text",), scale=FIVE))

    assert len(ratings) == 13036
    assert len(ratings.annotators) == 262
    assert ratings.attribute_names() == ("gender", "race", "age", "occupation", "education")
    assert ratings.problems == ()


def test_dices(table):
    scale = Choice(question="Is it safe?", options=("safe", "unsafe", "unsure"))
    target = Target(items=ITEMS, models=("a",), scale=scale)
    rows = [
        {
            "rater_id": who,
            "rater_gender": "Woman",
            "rater_race": "White",
            "item_id": "i1",
            "context": "c",
            "response": "one",
            "Q_overall": said,
            "Q3_bias_overall": "No",
        }
        for who, said in (("1", "Yes"), ("2", "No"), ("3", "Unsure"))
    ]
    ratings = read_human(table(rows), "dices", target, labels={"Yes": "unsafe", "No": "safe"})

    assert points(ratings) == [2, 1, 3]
    assert dict(ratings.attributes[0]) == {"gender": "Woman", "race": "White"}


def test_prism_scores_are_cut_into_the_scales_points_and_the_survey_describes_people(table):
    rows = [
        {
            "utterance_id": f"u{n}",
            "interaction_id": "i1",
            "user_id": who,
            "model_name": model,
            "model_response": "x",
            "score": score,
        }
        for n, (who, model, score) in enumerate(
            [("p", "a", 1), ("p", "b", 100), ("q", "a", 50), ("q", "b", 20), ("q", "b", 101)]
        )
    ]
    survey = [
        {"user_id": "p", "age": "25-34 years old", "religion": {"simplified": "None"}},
        {"user_id": "z", "age": "55-64 years old"},
    ]
    ratings = read_human(
        table(rows, "utterances.jsonl"),
        "prism",
        TWO_MODELS,
        annotators=table(survey, "survey.jsonl"),
    )

    assert points(ratings) == [1, 5, 3, 1]
    assert dict(ratings.attributes[0]) == {
        "age": "25-34 years old",
        "religion.simplified": "None",
    }
    assert kinds(ratings)["annotator without a description"] == 1
    assert kinds(ratings)["value not on the scale"] == 1
    assert any("its own scale, 1 to 100" in kind for kind in kinds(ratings))


def labelstudio(who: object, results: list[dict[str, object]], **more: object):
    return {"completed_by": who, "result": results, "lead_time": 6.0, **more}


def rated(name: str, value: int) -> dict[str, object]:
    return {"from_name": name, "to_name": "response", "type": "rating", "value": {"rating": value}}


def chosen(name: str, label: str) -> dict[str, object]:
    return {"from_name": name, "to_name": "r", "type": "choices", "value": {"choices": [label]}}


def test_labelstudio_exports(table):
    scale = Rubric(
        criteria=(
            Criterion(name="help", question="?", points=("1", "2", "3")),
            Criterion(name="harm", question="?", points=("no", "yes")),
        )
    )
    note = {"from_name": "rationale", "type": "textarea", "value": {"text": ["because"]}}
    tasks = [
        {
            "id": 1,
            "data": {"item_id": "i1", "model": "a"},
            "annotations": [
                labelstudio(7, [rated("help", 3), chosen("harm", "Yes"), note]),
                labelstudio({"id": 8, "email": "x@example.org"}, [rated("help", 1)]),
                labelstudio(9, [rated("help", 1)], was_cancelled=True),
                labelstudio(9, [note]),
            ],
        },
        {"id": 2, "data": {"item_id": "i2", "model": "a"}, "annotations": []},
    ]
    ratings = read_human(
        table(tasks, "export.json"),
        "labelstudio",
        Target(items=ITEMS, models=("a",), scale=scale),
    )

    assert points(ratings) == [3, 2, 1]
    assert ratings.criterion.tolist() == [0, 1, 0]
    assert ratings.annotators == ("7", "8")
    assert ratings.seconds.tolist() == [3, 3, 6]
    assert kinds(ratings) == {
        "skipped annotation": 1,
        "annotation without an answer": 1,
        "task without an annotation": 1,
    }
    with pytest.raises(InputError, match=r"no data\.item_id"):
        read_human(table([{"data": {}}], "bad.json"), "labelstudio", TARGET)


def test_argilla_records_in_both_layouts(table):
    records = [
        {
            "metadata": {"item_id": "i1", "model": "a"},
            "responses": {
                "overall": [{"value": 5, "user_id": "p"}, {"value": "bad", "user_id": "q"}],
                "rationale": [{"value": "because", "user_id": "p"}],
            },
        },
        {
            "metadata": {"item_id": "i2", "model": "a"},
            "responses": [
                {"user_id": "p", "status": "submitted", "values": {"overall": {"value": 1}}},
                {"user_id": "q", "status": "draft", "values": {"overall": {"value": 1}}},
            ],
        },
        {"metadata": {"item_id": "i2", "model": "a"}, "responses": {}},
    ]
    ratings = read_human(table(records, "records.jsonl"), "argilla", TARGET)

    assert points(ratings) == [5, 2, 1]
    assert kinds(ratings) == {"response with status draft": 1, "record without a response": 1}
    with pytest.raises(InputError, match="fixed fields"):
        read_human(table(records, "r.jsonl"), "argilla", TARGET, columns={"item": "x"})


def test_rows_written_are_read_back_the_same(table, tmp_path):
    path = table(
        [row("i1", "p", 5, age="34", seconds="2.5"), row("i2", "q", 2, age="", seconds="")]
    )
    first = read_human(path, "csv", TARGET)

    for name in ("back.csv", "back.jsonl", "back.parquet"):
        write_rows(tmp_path / name, first.rows())
        again = read_human(tmp_path / name, "csv", TARGET)
        assert again.rows() == first.rows()


def test_groups_of_annotators(table):
    path = table(
        [row("i1", w, 3, age=a) for w, a in zip("pqrst", ["o", "y", "o", "", "y"], strict=True)]
    )
    ratings = read_human(path, "csv", TARGET)
    masks = groups_of(ratings, "age")
    assert {name: mask.tolist() for name, mask in masks.items()} == {
        "o": [True, False, True, False, False],
        "y": [False, True, False, False, True],
    }
