"""People's answers in tables: one row an answer, in published data sets and in one's own files."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from juries.human.raw import RawAnswer, RawTable, Tally
from personas.errors import InputError
from personas.persona import AttributeValue
from personas.tables import Row, read_rows, require_columns

_OUT = "left out"
_NEEDED = ("item", "annotator", "value")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFormat:
    """Which column of a table holds what.

    Attributes:
        name: of the format.
        columns: our names (item, annotator, value, model, criterion, text, seconds) to the names
            a file may use, the first one present counts.
        attribute: name of an annotator's attribute from a column's name; None where the column
            holds none.
        range: lowest and highest value of the source's own scale.
    """

    name: str
    columns: Mapping[str, tuple[str, ...]]
    attribute: Callable[[str], str | None] = field(default=lambda column: column)
    range: tuple[float, float] | None = None


def _dices_attribute(column: str) -> str | None:
    return column.removeprefix("rater_") if column.startswith("rater_") else None


# what `juries preannotate --to csv` writes beside the columns for people, and the items' own text
_NOT_PEOPLES = {
    *("prompt", "response", "source", "predicted", "point", "confidence", "mean"),
    *("disagreement", "answered", "asked", "rationale", "synthetic", "model_version", "minds"),
}


def _own_attribute(column: str) -> str | None:
    return None if column in _NOT_PEOPLES else column


TABLES: Mapping[str, TableFormat] = {
    "csv": TableFormat(
        name="csv",
        columns={
            "item": ("item_id", "item", "task"),
            "annotator": ("annotator_id", "annotator", "worker", "user_id"),
            "value": ("rating", "label", "answer"),
            "model": ("model",),
            "criterion": ("criterion",),
            "text": ("text", "response"),
            "seconds": ("seconds",),
        },
        attribute=_own_attribute,
    ),
    "popquorn": TableFormat(
        name="popquorn",
        columns={
            "item": ("instance_id",),
            "annotator": ("user_id",),
            "value": ("offensiveness", "politeness"),
            "text": ("text",),
        },
    ),
    "dices": TableFormat(
        name="dices",
        columns={
            "item": ("item_id",),
            "annotator": ("rater_id",),
            "value": ("Q_overall",),
            "text": ("response",),
        },
        attribute=_dices_attribute,
    ),
    "prism": TableFormat(
        name="prism",
        columns={
            "item": ("interaction_id",),
            "annotator": ("user_id",),
            "value": ("score",),
            "model": ("model_name",),
            "text": ("model_response",),
        },
        attribute=lambda _: None,
        range=(1.0, 100.0),
    ),
}
"""Tables that can be read. PRISM's annotators are described in its survey, a file of its own."""


def read_table(
    path: Path, form: TableFormat, *, columns: Mapping[str, str], annotators: Path | None
) -> RawTable:
    """Read a table of answers.

    Args:
        path: the table.
        form: where its columns are.
        columns: our names to the file's, in place of the format's.
        annotators: a further table that describes the annotators, with the same id column.

    Raises:
        InputError: a needed column is missing, or the file is malformed.
    """
    tally = Tally()
    answers: list[RawAnswer] = []
    attributes: dict[str, dict[str, AttributeValue]] = {}
    names: dict[str, str] | None = None
    for row in read_rows(path):
        if names is None:
            names = _resolve(form, columns, row, path)
        answer = _answer(row, names, tally)
        if answer is None:
            continue
        answers.append(answer)
        if answer.annotator not in attributes:
            attributes[answer.annotator] = _attributes(row, names, form)
    if annotators is not None and names is not None:
        _describe(annotators, columns.get("annotator", names["annotator"]), attributes, tally)
    return RawTable(
        answers=tuple(answers),
        attributes=attributes,
        problems=tally.problems(),
        source=form.name,
        range=form.range,
    )


def _resolve(form: TableFormat, columns: Mapping[str, str], row: Row, path: Path) -> dict[str, str]:
    """Our names to the file's."""
    unknown = set(columns) - {"item", "annotator", "value", "model", "criterion", "text", "seconds"}
    if unknown:
        raise InputError(
            f"there is nothing called {min(unknown)!r} to map a column to",
            where=path,
            expected="item, annotator, value, model, criterion, text or seconds",
        )
    require_columns(columns.values(), row.data, where=path)
    found = {
        ours: next(name for name in theirs if name in row.data)
        for ours, theirs in form.columns.items()
        if any(name in row.data for name in theirs)
    }
    found.update(columns)
    for ours in _NEEDED:
        if ours not in found:
            wanted = form.columns[ours]
            raise InputError(
                f"no column holds the {ours}",
                where=path,
                found=", ".join(map(str, row.data)),
                expected=" or ".join(wanted),
                hint=f"Name it with --column {ours}=COLUMN.",
            )
    return found


def _answer(row: Row, names: Mapping[str, str], tally: Tally) -> RawAnswer | None:
    def text(ours: str) -> str | None:
        value = row.data.get(names[ours]) if ours in names else None
        return None if value is None or str(value).strip() == "" else str(value)

    item, annotator, value = text("item"), text("annotator"), row.data.get(names["value"])
    if value is None or str(value).strip() == "":
        tally.note("without an answer", _OUT, row.number)
        return None
    if item is None or annotator is None:
        tally.note("without an item or an annotator", _OUT, row.number)
        return None
    return RawAnswer(
        item=item,
        model=text("model"),
        criterion=text("criterion"),
        annotator=annotator,
        value=value,
        seconds=_seconds(text("seconds"), tally, row.number),
        text=text("text"),
        line=row.number,
    )


def _seconds(value: str | None, tally: Tally, line: int) -> float | None:
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if math.isfinite(seconds) and seconds >= 0:
        return seconds
    tally.note("with a time that is no number of seconds", "kept without it", line, value)
    return None


def _attributes(row: Row, names: Mapping[str, str], form: TableFormat) -> dict[str, AttributeValue]:
    used = set(names.values())
    found: dict[str, AttributeValue] = {}
    for column, value in row.data.items():
        name = None if column in used else form.attribute(column)
        if name and _says_something(value):
            found[name] = value  # pyright: ignore[reportArgumentType] (checked just above)
    return found


def _says_something(value: object) -> bool:
    if isinstance(value, str):
        return bool(value.strip())
    return isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value))


def _describe(
    path: Path, column: str, attributes: dict[str, dict[str, AttributeValue]], tally: Tally
) -> None:
    """Add what a table of annotators says of them; objects are flattened to `name.key`."""
    known: set[str] = set()
    for row in read_rows(path):
        require_columns((column,), row.data, where=path, line=row.number)
        who = str(row.data[column])
        known.add(who)
        if who not in attributes:
            continue
        for name, value in row.data.items():
            parts = value.items() if isinstance(value, Mapping) else [("", value)]  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType] (JSON)
            for key, part in parts:  # pyright: ignore[reportUnknownVariableType] (JSON)
                if name != column and _says_something(part):  # pyright: ignore[reportUnknownArgumentType] (JSON)
                    attributes[who][f"{name}.{key}" if key else name] = part  # pyright: ignore[reportArgumentType] (checked just above)
    for _ in set(attributes) - known:
        tally.note("annotator without a description", "kept without attributes", 0)
