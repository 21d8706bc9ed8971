"""`read_human`: people's answers from a file, matched to a study."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Generator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal, get_args

from juries.human.matching import Target, match
from juries.human.ratings import HumanRatings
from juries.human.raw import Problem, RawTable
from juries.human.tables import TABLES, read_table
from juries.human.tools import read_argilla, read_labelstudio
from personas.errors import InputError

Source = Literal["labelstudio", "argilla", "csv", "popquorn", "dices", "prism"]
SOURCES: tuple[Source, ...] = get_args(Source)
_FOREIGN = "cp1252"  # what text that is neither UTF-8 nor binary almost always is
_SHOWN = 3


def read_human(
    path: Path,
    source: Source,
    target: Target,
    *,
    columns: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    annotators: Path | None = None,
) -> HumanRatings:
    """Read people's answers and match them to a study.

    Args:
        path: the file; CSV, TSV, JSON, JSONL or Parquet for tables, JSON or JSONL for tools.
        source: how it is laid out.
        target: the study's items, models and scale.
        columns: for tables: item, annotator, value, model, criterion, text or seconds to the
            file's column.
        labels: the file's label to the scale's, where they differ.
        annotators: for tables: a further table that describes the annotators.

    Returns:
        The answers; what was left out, and why, stands in `problems`.

    Raises:
        InputError: the file cannot be read, or what it holds cannot be used safely.
    """
    if source not in SOURCES:
        raise ValueError(f"source is one of {', '.join(SOURCES)}, not {source!r}")
    with _as_utf8(Path(path)) as (readable, recoded):
        try:
            table = _read(readable, source, columns or {}, annotators)
        except InputError as error:
            if readable == path:
                raise
            raise InputError(error.problem, where=path, line=error.line) from None
    if recoded:
        table = replace(table, problems=(_recoded(recoded), *table.problems))
    return match(table, target, labels=labels, where=str(path))


def _read(
    path: Path, source: Source, columns: Mapping[str, str], annotators: Path | None
) -> RawTable:
    if source in TABLES:
        return read_table(path, TABLES[source], columns=columns, annotators=annotators)
    if columns or annotators:
        raise InputError(f"a {source} export has fixed fields; columns cannot be mapped")
    return read_labelstudio(path) if source == "labelstudio" else read_argilla(path)


@contextlib.contextmanager
def _as_utf8(path: Path) -> Generator[tuple[Path, list[int]]]:
    """The file, or a copy in which the lines that are not UTF-8 were read as Windows-1252.

    Yields the path to read and the numbers of those lines. Files that are compressed, binary,
    missing or hold NUL bytes (as UTF-16 does) are left to the reader, which refuses what it
    cannot read.
    """
    recoded: list[int] = []
    lines: list[str] = []
    if path.suffix.lower() in {".gz", ".parquet"} or not path.is_file():
        yield path, recoded
        return
    content = path.read_bytes()
    try:
        content.decode("utf-8-sig")
        clean = True
    except UnicodeDecodeError:
        clean = b"\0" in content
    if clean:
        yield path, recoded
        return
    for number, line in enumerate(content.splitlines(keepends=True), start=1):
        try:
            lines.append(line.decode("utf-8-sig" if number == 1 else "utf-8"))
        except UnicodeDecodeError:
            recoded.append(number)
            lines.append(line.decode(_FOREIGN, errors="replace"))
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        copy.write_text("".join(lines), encoding="utf-8", newline="")
        yield copy, recoded


def _recoded(lines: list[int]) -> Problem:
    return Problem(
        kind="lines that are not UTF-8",
        count=len(lines),
        consequence="read as Windows-1252; check names and labels there",
        examples=tuple(f"line {line}" for line in lines[:_SHOWN]),
    )
