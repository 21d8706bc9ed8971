"""People's answers as annotation tools export them: Label Studio and Argilla.

Both carry back the `item_id` and `model` that the pre-annotation put into the task. Records that a
tool exports without an answer (skipped, cancelled, still pending) are counted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from juries.human.raw import RawAnswer, RawTable, Tally
from personas.errors import InputError
from personas.tables import Row, read_rows

Object = Mapping[str, Any]
_OUT = "left out"


def read_labelstudio(path: Path) -> RawTable:
    """Read Label Studio's JSON export: tasks with annotations.

    A control's name is the criterion; `lead_time` is shared out among an annotation's results.

    Raises:
        InputError: a task without `data.item_id`, or a file that is no such export.
    """
    tally = Tally()
    answers: list[RawAnswer] = []
    for row in read_rows(path):
        data = _object(row.data.get("data"))
        item = data.get("item_id")
        if item is None:
            raise InputError(
                "the task has no data.item_id",
                where=path,
                line=row.number,
                hint="Export as JSON, from a project whose tasks `juries preannotate` wrote.",
            )
        for annotation in _objects(row.data.get("annotations")):
            answers.extend(_of_annotation(annotation, str(item), data.get("model"), row, tally))
        if not row.data.get("annotations"):
            tally.note("task without an annotation", _OUT, row.number)
    return RawTable(
        answers=tuple(answers), attributes={}, problems=tally.problems(), source="labelstudio"
    )


def _of_annotation(
    annotation: Object, item: str, model: object, row: Row, tally: Tally
) -> Iterator[RawAnswer]:
    if annotation.get("was_cancelled"):
        tally.note("skipped annotation", _OUT, row.number)
        return
    results = [r for r in _objects(annotation.get("result")) if r.get("type") in _VALUES]
    if not results:
        tally.note("annotation without an answer", _OUT, row.number)
    time = _time(annotation.get("lead_time"))
    for result in results:
        value = _object(result.get("value")).get(_VALUES[result["type"]])
        yield RawAnswer(
            item=item,
            model=None if model is None else str(model),
            criterion=str(result.get("from_name")),
            annotator=_who(annotation.get("completed_by")),
            value=cast("list[object]", value)[0] if isinstance(value, list) and value else value,
            seconds=None if time is None else time / len(results),
            text=None,
            line=row.number,
        )


_VALUES = {"rating": "rating", "choices": "choices"}


def _time(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None


def _who(completed_by: object) -> str:
    """Label Studio names people by number, or by an object that holds number and address."""
    if isinstance(completed_by, Mapping):
        person = cast("Object", completed_by)
        return str(person.get("id", person.get("email")))
    return str(completed_by)


def read_argilla(path: Path) -> RawTable:
    """Read Argilla records with responses, as `dataset.records.to_json` or the server write them.

    `responses` is `{question: [{"value", "user_id"}]}`, or a list of `{"user_id", "status",
    "values": {question: {"value"}}}`, of which only submitted ones count.

    Raises:
        InputError: a record without `metadata.item_id`, or a file that holds no records.
    """
    tally = Tally()
    answers: list[RawAnswer] = []
    for row in read_rows(path):
        metadata = _object(row.data.get("metadata"))
        if "item_id" not in metadata:
            raise InputError(
                "the record has no metadata.item_id",
                where=path,
                line=row.number,
                hint="Use the records that `juries preannotate --to argilla` wrote.",
            )
        before = len(answers)
        for question, who, value in _responses(row, tally):
            model = metadata.get("model")
            answers.append(
                RawAnswer(
                    item=str(metadata["item_id"]),
                    model=None if model is None else str(model),
                    criterion=question,
                    annotator=who,
                    value=value,
                    seconds=None,
                    text=None,
                    line=row.number,
                )
            )
        if len(answers) == before:
            tally.note("record without a response", _OUT, row.number)
    return RawTable(
        answers=tuple(answers), attributes={}, problems=tally.problems(), source="argilla"
    )


def _responses(row: Row, tally: Tally) -> Iterator[tuple[str, str, object]]:
    """(question, user, value) of one record; free text and notes are passed over."""
    responses = row.data.get("responses")
    if isinstance(responses, Mapping):
        by_question = cast("Mapping[str, object]", responses)
        for question, given in by_question.items():
            for one in _objects(given):
                if question not in _NOT_ASKED:
                    yield question, str(one.get("user_id")), one.get("value")
        return
    for response in _objects(responses):
        if response.get("status", "submitted") != "submitted":
            tally.note(f"response with status {response['status']}", _OUT, row.number)
            continue
        for question, one in _object(response.get("values")).items():
            if question not in _NOT_ASKED:
                yield question, str(response.get("user_id")), _object(one).get("value")


_NOT_ASKED = ("rationale",)


def _object(value: object) -> Object:
    return cast("Object", value) if isinstance(value, Mapping) else {}


def _objects(value: object) -> list[Object]:
    entries = cast("list[object]", value) if isinstance(value, list) else []
    return [_object(entry) for entry in entries]
