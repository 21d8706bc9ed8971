"""Surveys and models' answers to them, read from files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from juries.measures.opinionqa import read_opinionqa
from juries.measures.references import Answers, PopulationReference, align_answers
from juries.measures.surveys import read_globalopinionqa, read_mpi, read_popquorn
from juries.spec_measures import SurveySpec
from personas.errors import InputError
from personas.tables import read_rows, require_columns

_SHOWN = 60


def read_survey(spec: SurveySpec) -> PopulationReference:
    """How people answered, in any of the formats.

    Raises:
        InputError: naming the file and row that cannot be read.
    """
    path = Path(spec.path)
    if spec.format == "popquorn":
        return read_popquorn(path, group=spec.group or "gender")
    if spec.format == "mpi":
        people = None if spec.people is None else Path(spec.people)
        return read_mpi(path, people, recoded=spec.recoded)
    if spec.format == "opinionqa":
        return read_opinionqa(path, demographics=None if spec.group is None else [spec.group])
    return read_globalopinionqa(path)


def read_answers(path: Path | str, reference: PopulationReference) -> Answers:
    """A model's answers to a survey, aligned by option.

    One row a question: `probabilities` holds `{option: probability}`, and `id` or `question` says
    which question it is (by the reference's id, or by its text where no other has the same text
    and options).

    Raises:
        InputError: naming the row: an unknown question, options that do not match, probabilities
            that are none or do not sum to 1, a question answered twice, or no answer at all.
    """
    where = Path(path)
    by_text: dict[str, list[str]] = {}
    for question in reference.questions.values():
        by_text.setdefault(question.text, []).append(question.id)
    answers: dict[str, Mapping[str, float]] = {}
    for row in read_rows(where):
        require_columns(("probabilities",), row.data, where=where, line=row.number)
        shares = _shares(row.data["probabilities"], where, row.number)
        key = _key(row.data, shares, reference, by_text, where, row.number)
        if key in answers:
            raise InputError(
                "the question is answered twice", where=where, line=row.number, found=key
            )
        try:
            align_answers({key: shares}, reference)
        except InputError as error:
            raise InputError(str(error).rstrip("."), where=where, line=row.number) from None
        answers[key] = shares
    if not answers:
        raise InputError("the file holds no answer", where=where)
    return align_answers(answers, reference)


def _shares(value: object, where: Path, line: int) -> dict[str, float]:
    expected = '{"option": probability, …}'
    if not isinstance(value, Mapping):
        raise InputError(
            "the probabilities are not a map", where=where, line=line, found=value,
            expected=expected,
        )  # fmt: skip
    shares: dict[str, float] = {}
    for option, share in cast("Mapping[object, Any]", value).items():
        if isinstance(share, bool) or not isinstance(share, int | float):
            raise InputError(
                f"the probability of {option!r} is not a number",
                where=where,
                line=line,
                found=share,
                expected=expected,
            )
        shares[str(option)] = float(share)
    return shares


def _key(
    data: Mapping[str, Any],
    shares: Mapping[str, float],
    reference: PopulationReference,
    by_text: Mapping[str, list[str]],
    where: Path,
    line: int,
) -> str:
    if data.get("id") is not None:
        return str(data["id"])
    require_columns(("question",), data, where=where, line=line)
    text = str(data["question"])
    found = [
        key for key in by_text.get(text, ()) if set(reference.questions[key].options) == set(shares)
    ]
    if len(found) != 1:
        known = "its options do not match" if by_text.get(text) else "no question has this text"
        raise InputError(
            "the question cannot be told" if len(found) > 1 else f"{reference.name}: {known}",
            where=where,
            line=line,
            found=text[:_SHOWN],
            hint="Give the question's `id`." if len(found) > 1 else None,
        )
    return found[0]
