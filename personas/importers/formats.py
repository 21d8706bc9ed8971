"""The formats by name: what their columns mean, who made them, under which licence.

A format is a column map and, where cells need it, a function that prepares a row. To read a
source that is not here, use `table` with a column map.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from personas.importers.columns import PersonaColumns


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How one source lays out its people.

    Attributes:
        name: what a user writes.
        source: the data set, as provenance.
        licence: its licence where its makers' statement was seen, else None.
        columns: what its columns mean.
        prepare: turns a row's data into the columns that `columns` names.
        one_row_each: False where a person has many rows (ratings), told apart by `columns.id`.
    """

    name: str
    source: str
    licence: str | None
    columns: PersonaColumns
    prepare: Callable[[Mapping[str, object]], Mapping[str, object]] = dict
    one_row_each: bool = True


def _parsed_lists(data: Mapping[str, object]) -> dict[str, object]:
    """Nemotron's `_list` columns hold the text of a Python list."""
    return {
        name: _parsed(value) if name.endswith("_list") and isinstance(value, str) else value
        for name, value in data.items()
    }


def _parsed(text: str) -> object:
    try:
        value = cast("object", ast.literal_eval(text))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    return cast("list[object]", value) if isinstance(value, list) else text


def _persona_text(data: Mapping[str, object]) -> dict[str, object]:
    """PersonaHub's task files call the persona `input persona`."""
    return {"persona": data["input persona"], **data} if "input persona" in data else dict(data)


_NEMOTRON = (
    "sex",
    "age",
    "marital_status",
    "education_level",
    "bachelors_field",
    "occupation",
    "city",
    "state",
    "zipcode",
    "country",
)
_PRISM = {
    **{
        name: name
        for name in (
            "age",
            "gender",
            "employment_status",
            "education",
            "marital_status",
            "english_proficiency",
        )
    },
    "religion": "religion_simplified",
    "ethnicity": "ethnicity_simplified",
    "birth_country": "location_birth_country",
    "reside_country": "location_reside_country",
}

FORMATS: Mapping[str, Format] = {
    form.name: form
    for form in (
        Format(name="table", source="table", licence=None, columns=PersonaColumns()),
        Format(
            name="gss",
            source="US General Social Survey respondents, as in joonspk-research/genagents",
            licence=None,
            columns=PersonaColumns(id="id"),
        ),
        Format(
            name="nemotron",
            source="NVIDIA Nemotron-Personas (synthetic)",
            licence="CC-BY-4.0",
            columns=PersonaColumns(
                id="uuid",
                narrative="persona",
                attributes={
                    **{name: name for name in _NEMOTRON},
                    "skills": "skills_and_expertise_list",
                    "hobbies": "hobbies_and_interests_list",
                },
            ),
            prepare=_parsed_lists,
        ),
        Format(
            name="personahub",
            source="PersonaHub (synthetic; arXiv 2406.20094)",
            licence="CC-BY-NC-SA-4.0",
            columns=PersonaColumns(narrative="persona", attributes={}),
            prepare=_persona_text,
        ),
        Format(
            name="prism",
            source="PRISM survey (arXiv 2404.16019)",
            licence="CC-BY-4.0 (participants' texts)",
            columns=PersonaColumns(
                id="user_id",
                narrative="self_description",
                attributes=_PRISM,
                missing=(*PersonaColumns().missing, "Prefer not to say"),
            ),
        ),
        Format(
            name="raters",
            source="raters of a ratings file",
            licence=None,
            columns=PersonaColumns(),
            one_row_each=False,
        ),
        Format(
            name="popquorn",
            source="POPQUORN raters (arXiv 2306.06826)",
            licence=None,
            columns=PersonaColumns(
                id="user_id",
                attributes={n: n for n in ("gender", "race", "age", "occupation", "education")},
            ),
            one_row_each=False,
        ),
        Format(
            name="dices",
            source="DICES raters (arXiv 2306.11247)",
            licence=None,
            columns=PersonaColumns(
                id="rater_id",
                attributes={
                    name: f"rater_{name}" for name in ("gender", "race", "age", "education")
                },
            ),
            one_row_each=False,
        ),
    )
}
