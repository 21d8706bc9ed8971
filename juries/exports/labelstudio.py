"""Pre-annotations as Label Studio tasks, with the labelling config of the study's scale.

A Likert scale whose labels are the numbers 1..K becomes stars (`Rating`); any other scale becomes
`Choices` in its order, so that people see the same words as the jury did.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from graphs.items import Choice, Question
from juries.exports.preannotation import Origin, PreAnnotation, Prediction
from personas.files import replacing

_TARGET = "response"
_STARS = 10  # the most that Label Studio shows in a row


def labelling_config(questions: Mapping[str, Question]) -> str:
    """The labelling config (XML) for questions by criterion."""
    view = ElementTree.Element("View")
    ElementTree.SubElement(view, "Header", value="Prompt")
    ElementTree.SubElement(view, "Text", name="prompt", value="$prompt")
    ElementTree.SubElement(view, "Header", value="Response")
    ElementTree.SubElement(view, "Text", name=_TARGET, value="$response")
    for name, question in questions.items():
        ElementTree.SubElement(view, "Header", value=question.question)
        if is_rating(question):
            ElementTree.SubElement(
                view, "Rating", name=name, toName=_TARGET, maxRating=str(len(question.points))
            )
            continue
        choices = ElementTree.SubElement(
            view, "Choices", name=name, toName=_TARGET, choice="single", showInline="true"
        )
        for label in question.points:
            ElementTree.SubElement(choices, "Choice", value=label)
    ElementTree.SubElement(view, "Header", value="Simulated jury: score and rationale")
    ElementTree.SubElement(view, "Number", name="jury_score", toName=_TARGET)
    ElementTree.SubElement(
        view, "TextArea", name="rationale", toName=_TARGET, editable="true", maxSubmissions="1"
    )
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode") + "\n"


def is_rating(question: Question) -> bool:
    """Whether the scale is the numbers 1..K, which tools show as a rating."""
    points = tuple(str(k) for k in range(1, len(question.points) + 1))
    return not isinstance(question, Choice) and question.points == points and len(points) <= _STARS


def tasks(
    records: Iterable[PreAnnotation],
    questions: Mapping[str, Question],
    origin: Origin,
    *,
    blind: bool = False,
) -> Iterator[dict[str, Any]]:
    """One task a response.

    Args:
        records: pre-annotations.
        questions: by criterion.
        origin: where they come from.
        blind: leave the predictions out, for people whose answers are to be compared with them.
    """
    for record in records:
        task: dict[str, Any] = {
            "data": {
                "item_id": record.item_id,
                "model": record.model,
                "prompt": record.prompt,
                "response": record.response,
            }
        }
        if not blind:
            task["data"] |= {
                "synthetic": True,
                "synthetic_origin": origin.sentence,
                "jury_confidence": record.confidence,
                "jury_disagreement": record.disagreement,
                "jury_blank": record.blank,
            }
            task["predictions"] = list(_predictions(record, questions, origin))
        yield task


def write_tasks(
    path: Path,
    records: Iterable[PreAnnotation],
    questions: Mapping[str, Question],
    origin: Origin,
    *,
    blind: bool = False,
) -> tuple[Path, int]:
    """Write tasks as JSON and the config beside them (`.xml`); the config's path and the number."""
    config = path.with_suffix(".xml")
    with replacing(config) as file:
        file.write(labelling_config(questions))
    number = 0
    with replacing(path) as file:
        file.write("[")
        for task in tasks(records, questions, origin, blind=blind):
            file.write(",\n" if number else "\n")
            file.write(json.dumps(task, ensure_ascii=False, allow_nan=False))
            number += 1
        file.write("\n]\n")
    return config, number


def _predictions(
    record: PreAnnotation, questions: Mapping[str, Question], origin: Origin
) -> Iterator[dict[str, Any]]:
    """The aggregate, then every other source that answered; none where the jury failed."""
    if record.blank:
        return
    rationale = " ".join((*record.rationale.values(), origin.sentence))
    yield _prediction(record, "aggregate", record.aggregate, questions, origin, rationale)
    for source, predicted in record.detail.items():
        if any(one.point is not None for one in predicted.values()):
            yield _prediction(record, source, predicted, questions, origin, origin.sentence)


def _prediction(
    record: PreAnnotation,
    source: str,
    predicted: Mapping[str, Prediction],
    questions: Mapping[str, Question],
    origin: Origin,
    rationale: str,
) -> dict[str, Any]:
    known = [one.confidence for one in predicted.values() if one.confidence is not None]
    score = sum(known) / len(known)
    results = [
        _result(name, questions[name], one)
        for name, one in predicted.items()
        if one.point is not None
    ]
    results.append(_control("jury_score", "number", {"number": score}))
    results.append(_control("rationale", "textarea", {"text": [rationale]}))
    for result in results:
        result["id"] = f"{record.item_id}/{record.model}/{source}/{result['from_name']}"
    return {"model_version": origin.version(source), "score": score, "result": results}


def _result(name: str, question: Question, said: Prediction) -> dict[str, Any]:
    if is_rating(question):
        return _control(name, "rating", {"rating": said.point})
    return _control(name, "choices", {"choices": [said.label]})


def _control(name: str, kind: str, value: Mapping[str, object]) -> dict[str, Any]:
    return {"from_name": name, "to_name": _TARGET, "type": kind, "value": dict(value)}


def question_map(criteria: Sequence[str], questions: Sequence[Question]) -> dict[str, Question]:
    """Questions by the name of their criterion, in order."""
    return dict(zip(criteria, questions, strict=True))
