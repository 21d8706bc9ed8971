"""Reader for OpinionQA: American Trends Panel waves as arranged by Santurkar et al.

`read_opinionqa(folder)` reads one wave's `info.csv`, `metadata.csv` and `responses.csv` and gives
weighted distributions for all respondents (`Overall`) and for each demographic group, named
`AGE: 18-29`. Source: arXiv 2303.17548, whose arrangement puts ordered options first, with their
positions in `option_ordinal`, and refusals last.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from juries.measures.references import PopulationReference, SurveyQuestion
from personas.errors import InputError
from personas.tables import require_columns

if TYPE_CHECKING:
    import polars as pl

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

OVERALL = "Overall"


def read_opinionqa(
    folder: Path, *, demographics: Sequence[str] | None = None, min_respondents: int = 1
) -> PopulationReference:
    """One wave of OpinionQA, weighted by the wave's survey weights.

    Args:
        folder: holds `info.csv`, `metadata.csv`, `responses.csv`.
        demographics: attributes whose groups become populations, such as `("AGE", "RACE")`; all
            of `metadata.csv` when None.
        min_respondents: cells of question and group with fewer are left out and counted.

    Returns:
        Options that the source calls refusals carry the refusal flag; positions are
        `option_ordinal`. People who were not asked a question do not enter it.

    Raises:
        InputError: a missing file or column, no or several weight columns, a field that cannot be
            read, or an answer that is none of the question's options.
    """
    folder = Path(folder)
    questions = _questions(folder / "info.csv")
    attributes = _attributes(folder / "metadata.csv", demographics)
    path = folder / "responses.csv"
    responses = _table(path)
    require_columns(attributes, responses.columns, where=path, line=1)
    groups = _groups(responses, attributes)
    weights = _weights(responses, path)
    distributions: dict[str, dict[str, FloatArray]] = {}
    respondents: dict[str, dict[str, int]] = {}
    present = [key for key in questions if key in responses.columns]
    thin = 0
    for key in present:
        chosen = _chosen(responses, questions[key], path)
        for name, inside in groups.items():
            here = inside & (chosen >= 0)
            number = int(here.sum())
            total = np.bincount(chosen[here], weights[here], len(questions[key].options))
            if number < max(1, min_respondents) or not total.any():
                thin += number > 0
                continue
            distributions.setdefault(name, {})[key] = total / total.sum()
            respondents.setdefault(name, {})[key] = number
    return PopulationReference(
        name=f"OpinionQA {folder.name}",
        source="Santurkar et al. 2023, arXiv 2303.17548",
        questions=questions,
        distributions=distributions,
        respondents=respondents,
        notes=_notes(len(questions) - len(present), thin, min_respondents),
    )


def _notes(absent: int, thin: int, least: int) -> tuple[str, ...]:
    notes = {
        f"{absent} questions of info.csv have no column of responses": absent,
        f"{thin} cells with fewer than {least} respondents left out": thin,
    }
    return tuple(note for note, number in notes.items() if number)


def _table(path: Path) -> pl.DataFrame:
    import polars as pl

    if not path.exists():
        raise InputError("no such file", where=path)
    try:
        return pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        first = str(error).partition("\n")[0]
        raise InputError("the CSV cannot be read", where=path, found=first) from error


def _list(text: object, path: Path, line: int) -> list[object]:
    try:
        value = ast.literal_eval(str(text))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        value = None
    if not isinstance(value, list):
        raise InputError(
            "the field is no list", where=path, line=line, found=text, expected="['…', '…']"
        )
    return cast("list[object]", value)


def _questions(path: Path) -> dict[str, SurveyQuestion]:
    table = _table(path)
    wanted = ("key", "question", "references", "option_ordinal")
    require_columns(wanted, table.columns, where=path, line=1)
    questions: dict[str, SurveyQuestion] = {}
    for number, row in enumerate(table.iter_rows(named=True), start=1):
        options = tuple(str(option) for option in _list(row["references"], path, number))
        ordinal = _list(row["option_ordinal"], path, number)
        try:
            positions = tuple(float(str(place)) for place in ordinal)
            questions[str(row["key"])] = SurveyQuestion(
                id=str(row["key"]),
                text=str(row["question"]),
                options=options,
                refusals=tuple(place >= len(positions) for place in range(len(options))),
                positions=positions,
            )
        except ValueError as error:
            raise InputError(
                "option_ordinal does not match the references",
                where=path,
                line=number,
                found=ordinal,
                expected="one number per option that is no refusal",
            ) from error
    return questions


def _attributes(path: Path, wanted: Sequence[str] | None) -> dict[str, list[str]]:
    table = _table(path)
    require_columns(("key", "options"), table.columns, where=path, line=1)
    known = {
        str(row["key"]): [str(option) for option in _list(row["options"], path, number)]
        for number, row in enumerate(table.iter_rows(named=True), start=1)
    }
    if wanted is None:
        return known
    require_columns(wanted, known, where=path)
    return {name: known[name] for name in wanted}


def _groups(
    responses: pl.DataFrame, attributes: dict[str, list[str]]
) -> dict[str, NDArray[np.bool_]]:
    groups: dict[str, NDArray[np.bool_]] = {OVERALL: np.ones(responses.height, dtype=np.bool_)}
    for attribute, options in attributes.items():
        values = np.array(responses[attribute].to_list(), dtype=object)
        for option in options:
            groups[f"{attribute}: {option}"] = np.asarray(values == option, dtype=np.bool_)
    return groups


def _weights(responses: pl.DataFrame, path: Path) -> FloatArray:
    names = [name for name in responses.columns if re.fullmatch(r"WEIGHT_W\d+", name)]
    if len(names) != 1:
        raise InputError(
            "the wave's weights are not one column",
            where=path,
            found=names,
            expected="one column WEIGHT_W{wave}",
        )
    texts = responses[names[0]].to_list()
    weights = np.array([_number(text) for text in texts])
    bad = ~(np.isfinite(weights) & (weights >= 0))
    if bad.any():
        line = int(np.argmax(bad))
        raise InputError(
            "a weight is no number of 0 or more", where=path, line=line + 2, found=texts[line]
        )
    return weights


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return np.nan


def _chosen(responses: pl.DataFrame, question: SurveyQuestion, path: Path) -> IntArray:
    """The option's place per respondent; -1 where they were not asked."""
    code = {option: place for place, option in enumerate(question.options)}
    answers = responses[question.id].to_list()
    chosen = np.empty(len(answers), dtype=np.int64)
    for row, answer in enumerate(answers):
        if answer is None or answer in {"", "nan"}:
            chosen[row] = -1
        elif answer in code:
            chosen[row] = code[answer]
        else:
            raise InputError(
                f"an answer to {question.id} is none of its options",
                where=path,
                line=row + 2,
                found=answer,
                expected="one of " + ", ".join(question.options),
            )
    return chosen
