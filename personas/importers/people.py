"""Rows of a foreign table as people: cells cleaned, raters merged, weights checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from personas.errors import InputError
from personas.importers.cells import as_number, clean, flatten, typed
from personas.importers.columns import PersonaColumns
from personas.importers.formats import Format
from personas.persona import AttributeValue, Persona, SchwartzValue
from personas.population import Population, Provenance
from personas.tables import Row, require_columns, table_suffix

_RECTANGULAR = {".csv", ".tsv", ".parquet"}


@dataclass(slots=True, kw_only=True)
class _Entry:
    """One person as read; `row` is where they were first met."""

    row: int
    attributes: dict[str, AttributeValue]
    values: dict[SchwartzValue, float]
    narrative: str | None
    weight: float
    id: str | None


def _entries(
    path: Path, rows: Iterable[Row], form: Format, columns: PersonaColumns
) -> Iterator[_Entry]:
    missing = frozenset(columns.missing)
    fixed = [columns.narrative, columns.weight, columns.id, *columns.values.values()]
    used = {name for name in fixed if name is not None}
    seen: dict[str, None] = {}
    unseen = {*used, *(columns.attributes or {}).values()}
    for row in rows:
        data = flatten(form.prepare(row.data))
        if unseen:
            if table_suffix(path) in _RECTANGULAR:
                require_columns(sorted(unseen), data, where=path)
            unseen -= data.keys()
        taken = columns.attributes
        if taken is None:
            taken = {name: name for name in data if name not in used}
        cells: dict[str, AttributeValue | None] = {}
        for name in [*used, *taken.values()]:
            try:
                cells[name] = clean(data.get(name), missing)
            except TypeError as error:
                raise InputError(
                    f"the column {name!r} holds a {error}, which is no attribute value",
                    where=path,
                    line=row.number,
                ) from error
        seen.update(dict.fromkeys(data))
        yield _entry(path, row.number, cells, taken, columns)
    require_columns(sorted(unseen), seen, where=path)


def _entry(
    path: Path,
    row: int,
    cells: Mapping[str, AttributeValue | None],
    taken: Mapping[str, str],
    columns: PersonaColumns,
) -> _Entry:
    attributes = {ours: cells[theirs] for ours, theirs in taken.items()}
    narrative = None if columns.narrative is None else cells[columns.narrative]
    identity = None if columns.id is None else cells[columns.id]
    return _Entry(
        row=row,
        attributes={name: value for name, value in attributes.items() if value is not None},
        values={
            value: _number(path, row, column, cells[column])
            for value, column in columns.values.items()
            if cells[column] is not None
        },
        narrative=None if narrative is None else str(narrative),
        weight=1.0
        if columns.weight is None
        else _number(path, row, columns.weight, cells[columns.weight]),
        id=None if identity is None else str(identity),
    )


def _number(path: Path, row: int, column: str, cell: AttributeValue | None) -> float:
    number = None if cell is None else as_number(cell)
    if number is None:
        raise InputError(
            f"the column {column!r} must hold a number" + (" but is empty" if cell is None else ""),
            where=path,
            line=row,
            found=cell,
        )
    return float(number)


def _distinct(entries: Iterable[_Entry], form: Format, path: Path) -> list[_Entry]:
    """People told apart by their id; a rater's rows are merged where they do not conflict."""
    people: list[_Entry] = []
    known: dict[str, _Entry] = {}
    for entry in entries:
        if entry.id is None:
            if not form.one_row_each:
                raise InputError(
                    "the row names no rater",
                    where=path,
                    line=entry.row,
                    hint="Is `id` the right column?",
                )
            people.append(entry)
        elif entry.id not in known:
            known[entry.id] = entry
            people.append(entry)
        elif form.one_row_each:
            raise InputError(
                f"the id {entry.id!r} stands already in row {known[entry.id].row}",
                where=path,
                line=entry.row,
            )
        else:
            _merge(known[entry.id], entry, path)
    return people


def _merge(person: _Entry, again: _Entry, path: Path) -> None:
    before: dict[str, object] = {**person.attributes, "weight": person.weight}
    for name, value in {**again.attributes, "weight": again.weight}.items():
        if name in before and before[name] != value:
            raise InputError(
                f"the rater {person.id!r} has another {name!r} than in row {person.row}",
                where=path,
                line=again.row,
                found=value,
                expected=repr(before[name]),
            )
    person.attributes = {**person.attributes, **again.attributes}


def read_people(
    path: Path, rows: Iterable[Row], form: Format, columns: PersonaColumns
) -> Population:
    """The people of a table's rows under a complete column map.

    Raises:
        InputError: naming the row where a cell, a weight or a person cannot be used.
    """
    people = _distinct(_entries(path, rows, form, columns), form, path)
    names = dict.fromkeys(name for entry in people for name in entry.attributes)
    attributes = typed([entry.attributes for entry in people], names)
    personas = [
        persona_of(
            path,
            entry.row,
            {
                "attributes": own,
                "values": entry.values or None,
                "narrative": entry.narrative,
                "source_id": entry.id,
            },
        )
        for entry, own in zip(people, attributes, strict=True)
    ]
    weighting = "equal weights" if columns.weight is None else f"column {columns.weight!r}"
    source = path.name if form.name == "table" else f"{form.source}; file {path.name}"
    return Population.of(
        personas,
        weights=[entry.weight for entry in people],
        provenance=Provenance(source=source, licence=form.licence, weighting=weighting),
        row=lambda index: people[index].row,
    )


def persona_of(path: Path, row: int, content: Mapping[str, object]) -> Persona:
    """A validated persona; its faults are told with file and row.

    Raises:
        InputError: where the content makes no persona.
    """
    try:
        return Persona.model_validate(content)
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(map(str, problem["loc"]))
        text = problem["msg"].removeprefix("Value error, ")
        raise InputError(f"{place}: {text}" if place else text, where=path, line=row) from error
