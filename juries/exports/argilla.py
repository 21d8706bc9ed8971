"""Pre-annotations as Argilla records (JSONL) with the dataset's settings beside them.

Written without Argilla's client, which connects to a server when it is built. Load the settings
with `rg.Settings.from_json` and log the records. Argilla keeps one suggestion a question; groups
and jurors therefore stand in the rationale only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from graphs.items import Question
from juries.exports.labelstudio import is_rating
from juries.exports.preannotation import Origin, PreAnnotation, Prediction
from personas.files import replacing

_RATIONALE = "rationale"
_TERMS = ("item_id", "model", "synthetic", "run")
_NUMBERS = ("jury_confidence", "jury_disagreement")


def settings(questions: Mapping[str, Question], origin: Origin) -> dict[str, Any]:
    """Settings of the dataset: fields, questions of the study's scale, metadata."""
    return {
        "guidelines": f"Suggestions: {origin.sentence}",
        "allow_extra_metadata": True,
        "distribution": {"strategy": "overlap", "min_submitted": 1},
        "fields": [
            {
                "name": name,
                "title": name.capitalize(),
                "required": True,
                "settings": {"type": "text"},
            }
            for name in ("prompt", "response")
        ],
        "questions": [
            *(_question(name, question) for name, question in questions.items()),
            {
                "name": _RATIONALE,
                "title": "Rationale of the simulated jury",
                "required": False,
                "settings": {"type": "text"},
            },
        ],
        "metadata": [
            *({"name": name, "title": name, "settings": {"type": "terms"}} for name in _TERMS),
            *({"name": name, "title": name, "settings": {"type": "float"}} for name in _NUMBERS),
        ],
        "vectors": [],
        "mapping": None,
    }


def records(
    preannotations: Iterable[PreAnnotation],
    questions: Mapping[str, Question],
    origin: Origin,
    *,
    blind: bool = False,
) -> Iterator[dict[str, Any]]:
    """One record a response.

    Args:
        preannotations: what the jury predicts.
        questions: by criterion.
        origin: where predictions come from.
        blind: leave suggestions out, for people whose answers are to be compared with them.
    """
    for one in preannotations:
        metadata: dict[str, Any] = {"item_id": one.item_id, "model": one.model}
        suggestions: list[dict[str, Any]] = []
        if not blind:
            numbers = (one.confidence, one.disagreement)
            metadata |= {"synthetic": "yes", "run": origin.run}
            metadata |= {
                name: value
                for name, value in zip(_NUMBERS, numbers, strict=True)
                if value is not None
            }
            suggestions = list(_suggestions(one, questions, origin))
        yield {
            "status": "pending",
            "external_id": f"{one.item_id}/{one.model}",
            "fields": {"prompt": one.prompt, "response": one.response},
            "metadata": metadata,
            "suggestions": suggestions,
        }


def write_records(
    path: Path,
    preannotations: Iterable[PreAnnotation],
    questions: Mapping[str, Question],
    origin: Origin,
    *,
    blind: bool = False,
) -> tuple[Path, int]:
    """Write records as JSONL and the settings beside them; the settings' path and the number."""
    beside = path.with_suffix(".settings.json")
    with replacing(beside) as file:
        file.write(json.dumps(settings(questions, origin), indent=1, ensure_ascii=False) + "\n")
    number = 0
    with replacing(path) as file:
        for record in records(preannotations, questions, origin, blind=blind):
            file.write(json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n")
            number += 1
    return beside, number


def _question(name: str, question: Question) -> dict[str, Any]:
    if is_rating(question):
        options: list[dict[str, Any]] = [
            {"value": point} for point in range(1, len(question.points) + 1)
        ]
        kind = "rating"
    else:
        options = [{"value": label, "text": label} for label in question.points]
        kind = "label_selection"
    return {
        "name": name,
        "title": question.question,
        "required": True,
        "settings": {"type": kind, "options": options},
    }


def _suggestions(
    one: PreAnnotation, questions: Mapping[str, Question], origin: Origin
) -> Iterator[dict[str, Any]]:
    if one.blank:
        return
    agent = origin.version("aggregate")
    for name, said in one.aggregate.items():
        if said.point is not None:
            value = said.point if is_rating(questions[name]) else said.label
            yield _suggestion(name, value, said, agent)
    text = " ".join((*one.rationale.values(), *_by_source(one), origin.sentence))
    yield {"question_name": _RATIONALE, "value": text, "agent": agent, "type": "model"}


def _suggestion(name: str, value: int | str, said: Prediction, agent: str) -> dict[str, Any]:
    return {
        "question_name": name,
        "value": value,
        "score": said.confidence,
        "agent": agent,
        "type": "model",
    }


def _by_source(one: PreAnnotation) -> Iterator[str]:
    for source, predicted in one.detail.items():
        said = ", ".join(
            f"{name} {p.label}" for name, p in predicted.items() if p.point is not None
        )
        if said:
            yield f"{source}: {said}."
