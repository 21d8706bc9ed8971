"""The one entry from a file to a population."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from personas.errors import InputError, nearest
from personas.importers.columns import PersonaColumns
from personas.importers.formats import FORMATS
from personas.importers.people import read_people
from personas.importers.saved import read_saved
from personas.population import HEADER, Population
from personas.tables import read_rows

SAVED = "population"


def load_population(
    path: Path | str,
    *,
    format: str | None = None,  # noqa: A002 - the key in a study file
    columns: PersonaColumns | Mapping[str, Any] | None = None,
    limit: int | None = None,
) -> Population:
    """Read a population from a file of any readable suffix.

    Args:
        path: JSONL, JSON, CSV, TSV or Parquet; see `personas.tables`.
        format: a name in `FORMATS`, or `population` for a file that `Population.save` wrote. By
            default a saved population is recognised, and anything else is a `table`.
        columns: a column map over the format's own.
        limit: read at most this many rows.

    Raises:
        InputError: for an unknown format (the nearest is named) and every fault of the file,
            with its row.
    """
    path = Path(path)
    if format is not None and format != SAVED and format not in FORMATS:
        raise InputError(
            f"there is no population format {format!r}",
            where=path,
            expected="one of " + ", ".join([*FORMATS, SAVED]),
            hint=nearest(format, [*FORMATS, SAVED]),
        )
    rows = read_rows(path)
    first = next(rows)
    if format == SAVED or (format is None and HEADER in first.data):
        if columns is not None:
            raise InputError("a saved population has no use for a column map", where=path)
        return read_saved(path, first, rows, limit=limit)
    form = FORMATS[format or "table"]
    chosen = _columns(columns, path).over(form.columns)
    if not form.one_row_each and (chosen.id is None or chosen.attributes is None):
        raise InputError(
            f"the format {form.name!r} needs `columns` with `id` and `attributes`", where=path
        )
    return read_people(path, islice(chain([first], rows), limit), form, chosen)


def _columns(columns: PersonaColumns | Mapping[str, Any] | None, path: Path) -> PersonaColumns:
    if isinstance(columns, PersonaColumns):
        return columns
    try:
        return PersonaColumns.model_validate(dict(columns or {}))
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(map(str, problem["loc"])) or "columns"
        raise InputError(f"the column map is wrong at {place}: {problem['msg']}", where=path) from (
            error
        )
