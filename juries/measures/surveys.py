"""Readers for surveys of people: how populations answered, as `PopulationReference`.

- `read_globalopinionqa(path)`: the raw CSV or the flattened JSON, populations are countries.
- `read_opinionqa(folder)`: one Pew wave as OpinionQA arranges it, weighted, per group.
- `read_popquorn(path)`: individual offensiveness ratings, per group of raters.
- `read_mpi(questions, responses)`: the Machine Personality Inventory, aligned by option.

Local files only. Sources: arXiv 2306.16388, 2303.17548, 2306.06826, 2206.07550.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from juries.measures.references import (
    PopulationReference,
    SurveyQuestion,
    checked_answer,
    reference_from_ratings,
)
from personas.errors import InputError
from personas.identity import content_hash
from personas.tables import Row, read_rows, require_columns

FloatArray = NDArray[np.float64]

_REFUSAL = re.compile(
    r"(dk|don.?t know|do not know|refused|no answer|no opinion)([/, ]+(or )?"
    r"(dk|don.?t know|refused|no answer|no opinion|not sure))*( \(vol\.?\))?",
    re.IGNORECASE,
)
_PREFIX = re.compile(r"^Question: (.*)\nOptions: .*\nAnswer:$", re.DOTALL)

MPI_OPTIONS = (
    "Very Inaccurate",
    "Moderately Inaccurate",
    "Neither Accurate Nor Inaccurate",
    "Moderately Accurate",
    "Very Accurate",
)
"""The inventory's options, lowest rating first: rating 1 is Very Inaccurate, 5 Very Accurate."""

_POPQUORN_POINTS = ("1 not offensive at all", "2", "3", "4", "5 very offensive")


def is_refusal(option: str) -> bool:
    """Whether an option's label means a refusal or "don't know"."""
    return _REFUSAL.fullmatch(option.strip()) is not None


def read_globalopinionqa(path: Path) -> PopulationReference:
    """GlobalOpinionQA (arXiv 2306.16388): how people in each country answered.

    Two arrangements are read: the raw CSV (`question, selections, options`, the selections as the
    text of a Python defaultdict) and the flattened JSON (`question, options, attribute,
    gold_distribution`, one row per question and country). Options have no declared order.

    Raises:
        InputError: naming the row that cannot be read.
    """
    questions: dict[str, SurveyQuestion] = {}
    distributions: dict[str, dict[str, FloatArray]] = {}
    skipped = 0
    for row in read_rows(path):
        raw = "selections" in row.data
        text, options, countries = (_raw_question if raw else _flat_question)(row, path)
        if not text or not countries:
            skipped += 1
            continue
        key = content_hash([text, list(options)])
        if key not in questions:
            refusals = tuple(is_refusal(option) for option in options)
            questions[key] = SurveyQuestion(id=key, text=text, options=options, refusals=refusals)
        for country, shares in countries.items():
            answers = distributions.setdefault(country, {})
            if key in answers:
                raise InputError(
                    f"{country} answers the same question twice", where=path, line=row.number
                )
            answers[key] = _distribution(shares, options, row, path)
    notes = (f"{skipped} rows without a question or an answer left out",) if skipped else ()
    return PopulationReference(
        name="GlobalOpinionQA",
        source="Durmus et al. 2023, arXiv 2306.16388",
        questions=questions,
        distributions=distributions,
        notes=notes,
    )


def read_popquorn(
    path: Path, *, group: str = "gender", min_ratings: int = 1
) -> PopulationReference:
    """POPQUORN offensiveness (arXiv 2306.06826): ratings 1-5 per text, by groups of raters.

    Args:
        path: the CSV with `instance_id, user_id, text, offensiveness` and the group's column.
        group: the column that forms populations (`gender, race, age, occupation, education`).
        min_ratings: cells of group and text with fewer ratings are left out and counted.

    Raises:
        InputError: a missing column, a rating outside 1-5, or a rater who rates a text twice.
    """
    texts: dict[str, str] = {}
    raters: dict[str, str] = {}
    cells: dict[tuple[str, str], float] = {}
    for row in read_rows(path):
        require_columns(
            ("instance_id", "user_id", "text", "offensiveness", group), row.data, where=path, line=1
        )
        item, rater = str(row.data["instance_id"]), str(row.data["user_id"])
        texts.setdefault(item, str(row.data["text"]))
        raters.setdefault(rater, str(row.data[group]))
        if (rater, item) in cells:
            raise InputError(f"rater {rater} rates text {item} twice", where=path, line=row.number)
        cells[rater, item] = _rating(row, "offensiveness", path)
    column = {item: place for place, item in enumerate(texts)}
    line = {rater: place for place, rater in enumerate(raters)}
    table = np.full((len(raters), len(texts)), np.nan)
    for (rater, item), rating in cells.items():
        table[line[rater], column[item]] = rating
    return reference_from_ratings(
        table,
        points=_POPQUORN_POINTS,
        name="POPQUORN offensiveness",
        source="Pei and Jurgens 2023, arXiv 2306.06826",
        groups=list(raters.values()),
        questions=list(texts.items()),
        min_ratings=min_ratings,
    )


def read_mpi(
    questions: Path, responses: Path | None = None, *, recoded: bool = True
) -> PopulationReference:
    """Machine Personality Inventory (arXiv 2206.07550): 120 statements, five options.

    Distributions are aligned by option: the share that chose *Very Inaccurate*, … *Very
    Accurate*. (Sorting counts by frequency, as the roadmap paper's notebook does, compares sorted
    shapes instead of answers.)

    Args:
        questions: tab-separated `label_raw, text, label_ocean, key`, key 1 or -1.
        responses: people's answers, one row per person and one column per statement in the
            questions' order, the last ones of the table; 1-5, anything else is no answer.
            Without them the reference has questions but no population.
        recoded: whether answers to statements keyed -1 are stored reversed (5 for *Very
            Inaccurate*), as in the public IPIP-NEO-120 file; they are then turned back.

    Raises:
        InputError: a missing column, a key other than 1 and -1, too few columns of answers.
    """
    statements = list(read_rows(questions))
    keys = [_mpi_key(row, questions) for row in statements]
    named = [
        (f"mpi-{place + 1:03d}", str(row.data["text"])) for place, row in enumerate(statements)
    ]
    points = tuple(float(point) for point in range(1, 6))
    asked = {
        key: SurveyQuestion(
            id=key, text=text, options=MPI_OPTIONS, refusals=(False,) * 5, positions=points
        )
        for key, text in named
    }
    name, source = "Machine Personality Inventory", "Jiang et al. 2022, arXiv 2206.07550"
    if responses is None:
        return PopulationReference(name=name, source=source, questions=asked, distributions={})
    ratings = np.array([_mpi_answers(row, len(keys), responses) for row in read_rows(responses)])
    if recoded:
        reverse = np.array(keys) == -1
        ratings[:, reverse] = 6.0 - ratings[:, reverse]
    return reference_from_ratings(
        ratings, points=MPI_OPTIONS, name=name, source=source, questions=named
    )


def _raw_question(
    row: Row, path: Path
) -> tuple[str, tuple[str, ...], Mapping[str, Sequence[float]]]:
    require_columns(("question", "selections", "options"), row.data, where=path, line=1)
    text = str(row.data["question"] or "").strip()
    options = _literal(str(row.data["options"]), row, path)
    said = str(row.data["selections"])
    inner = said[said.find("{") : said.rfind("}") + 1]
    countries = _literal(inner or said, row, path)
    if not isinstance(options, list) or not isinstance(countries, dict):
        raise InputError(
            "options or selections are not a list and a dictionary",
            where=path,
            line=row.number,
            found=said,
            expected="defaultdict(<class 'list'>, {country: [share, …]})",
        )
    labels = tuple(str(option) for option in cast("list[object]", options))
    return (
        ("" if text.lower() == "nan" else text),
        labels,
        cast("dict[str, list[float]]", countries),
    )


def _flat_question(
    row: Row, path: Path
) -> tuple[str, tuple[str, ...], Mapping[str, Sequence[float]]]:
    wanted = ("question", "options", "attribute", "gold_distribution")
    require_columns(wanted, row.data, where=path, line=row.number)
    text = str(row.data["question"] or "").strip()
    match = _PREFIX.match(text)
    options, shares = row.data["options"], row.data["gold_distribution"]
    if not isinstance(options, list) or not isinstance(shares, list):
        raise InputError("options or shares are no list", where=path, line=row.number)
    labels = tuple(str(option) for option in cast("list[object]", options))
    country = {str(row.data["attribute"]): cast("list[float]", shares)}
    return (match.group(1) if match else text), labels, country


def _literal(text: str, row: Row, path: Path) -> object:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise InputError(
            "the field is no Python literal", where=path, line=row.number, found=text
        ) from error


def _distribution(
    shares: Sequence[float], options: tuple[str, ...], row: Row, path: Path
) -> FloatArray:
    try:
        return checked_answer(shares, "of this row", options=len(options))
    except (InputError, ValueError, TypeError) as error:
        raise InputError(
            "the shares are no distribution over the options",
            where=path,
            line=row.number,
            found=shares,
            expected=f"{len(options)} shares that sum to 1",
        ) from error


def _rating(row: Row, column: str, path: Path) -> float:
    try:
        value = float(str(row.data[column]))
    except ValueError:
        value = np.nan
    if value not in {1.0, 2.0, 3.0, 4.0, 5.0}:
        raise InputError(
            f"{column} is no rating",
            where=path,
            line=row.number,
            found=row.data[column],
            expected="1 to 5",
        )
    return value


def _mpi_key(row: Row, path: Path) -> int:
    require_columns(("text", "label_ocean", "key"), row.data, where=path, line=1)
    text = str(row.data["key"]).strip()
    if text not in {"1", "-1"}:
        raise InputError("the key is neither 1 nor -1", where=path, line=row.number, found=text)
    return int(text)


def _mpi_answers(row: Row, statements: int, path: Path) -> list[float]:
    fields = list(row.data.values())[-statements:]
    if len(fields) < statements:
        raise InputError(
            f"{len(fields)} columns", where=path, line=row.number, expected=f"{statements} or more"
        )
    answers = {str(point): float(point) for point in range(1, 6)}
    return [answers.get(str(field).strip().removesuffix(".0"), np.nan) for field in fields]
