"""Populations that `Population.save` wrote, read back as they were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from personas.errors import InputError
from personas.importers.people import persona_of
from personas.persona import Persona
from personas.population import HEADER, VERSION, Population, Provenance
from personas.tables import Row


def read_saved(path: Path, header: Row, rows: Iterator[Row], *, limit: int | None) -> Population:
    """The population under a header row.

    Raises:
        InputError: where the header is of another version, or a row is damaged or missing.
    """
    version = header.data.get(HEADER)
    if version != VERSION:
        raise InputError(
            "the file is no population that this version can read",
            where=path,
            line=header.number,
            found=version,
            expected=f'"{HEADER}": {VERSION}',
        )
    personas: list[Persona] = []
    weights: list[float] = []
    numbers: list[int] = []
    for row in islice(rows, limit):
        content = dict(row.data)
        weight = content.pop("weight", None)
        if isinstance(weight, bool) or not isinstance(weight, int | float):
            raise InputError("the persona has no weight", where=path, line=row.number)
        personas.append(persona_of(path, row.number, content))
        weights.append(float(weight))
        numbers.append(row.number)
    if limit is None and len(personas) != header.data.get("size"):
        raise InputError(
            "the file ends early or was added to",
            where=path,
            found=f"{len(personas)} personas",
            expected=f"{header.data.get('size')} as in its first line",
        )
    return Population.of(
        personas,
        weights=weights,
        provenance=_provenance(path, header.data),
        row=lambda index: numbers[index],
    )


def _provenance(path: Path, header: Mapping[str, object]) -> Provenance:
    try:
        return TypeAdapter(Provenance).validate_python(header.get("provenance"))
    except ValidationError as error:
        raise InputError("the header's provenance is damaged", where=path, line=1) from error
