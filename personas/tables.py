"""Rows from the files people have: JSONL, JSON, CSV, TSV and Parquet.

- `read_rows(path)`: a stream of `Row(number, data)`; the number is what an error message names.
- `require_columns(...)`, `pick(...)`: a user's column map checked against what the file has.

Text formats stream line by line (also as `.gz`), Parquet in batches; only a `.json` array is read
whole. Values come as the file types them: CSV fields are strings, and which of them mean
"missing" is the importer's decision. Every fault of the file is an `InputError` that names the
file and the line. Writing lives in `personas.files`.
"""

from __future__ import annotations

import csv
import gzip
import json
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, cast

from personas.errors import InputError, nearest

TEXT_SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv")
SUFFIXES = (*TEXT_SUFFIXES, ".parquet")

_FIELD_LIMIT = 16 * 2**20  # a quote that never closes must not swallow the machine's memory
_PARQUET_BATCH = 10_000


class Row(NamedTuple):
    """One record of a file.

    Attributes:
        number: 1-based: the line where the record starts in JSONL and CSV (a CSV header is
            line 1), the element of a JSON array, the row of a Parquet file.
        data: column to value.
    """

    number: int
    data: dict[str, object]


def read_rows(path: Path) -> Iterator[Row]:
    """Stream the records of a file, its format told by its suffix.

    Args:
        path: a file ending in one of `SUFFIXES`; the text formats may also end in `.gz`.

    Raises:
        InputError: at once where the file cannot be opened or its suffix is unknown; while
            reading where a record is malformed, and at the end where there was none.
    """
    path = Path(path)
    reader = _READERS[table_suffix(path)]
    if not path.exists():
        raise InputError("no such file", where=path)
    if path.is_dir():
        raise InputError("a folder stands where a file is needed", where=path)
    return _guarded(path, reader)


def table_suffix(path: Path) -> str:
    """The suffix that decides the format, `.gz` set aside.

    Raises:
        InputError: where the suffix is none of `SUFFIXES`.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    zipped = suffixes[-1:] == [".gz"]
    suffix = "".join(suffixes[-2:-1] if zipped else suffixes[-1:])
    if suffix in (TEXT_SUFFIXES if zipped else SUFFIXES):
        return suffix
    raise InputError(
        "the file's suffix names no format that can be read",
        where=path,
        found=path.name,
        expected=f"one of {', '.join(SUFFIXES)} (text also as .gz)",
        hint=nearest(suffix, SUFFIXES),
    )


def require_columns(
    wanted: Iterable[str], available: Collection[str], *, where: Path | str, line: int | None = None
) -> None:
    """Check that every wanted column is there.

    Raises:
        InputError: naming the first one missing, the nearest name there is, and all there are.
    """
    for name in wanted:
        if name not in available:
            raise InputError(
                f"there is no column {name!r}",
                where=where,
                line=line,
                expected="one of " + ", ".join(sorted(map(str, available))[:40]),
                hint=nearest(name, available),
            )


def pick(row: Row, columns: Mapping[str, str], *, where: Path | str) -> dict[str, object]:
    """One row under our names, by a column map `{our name: the file's name}`.

    Raises:
        InputError: where the row lacks a mapped column.
    """
    require_columns(columns.values(), row.data, where=where, line=row.number)
    return {ours: row.data[theirs] for ours, theirs in columns.items()}


def _guarded(path: Path, reader: Callable[[Path], Iterator[Row]]) -> Iterator[Row]:
    empty = True
    try:
        for row in reader(path):
            empty = False
            yield row
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError("the gzip file is damaged", where=path, found=str(error)) from error
    except OSError as error:
        raise InputError(
            "the file cannot be read", where=path, found=error.strerror or str(error)
        ) from error
    if empty:
        raise InputError("the file holds no rows", where=path)


def _lines(path: Path) -> Iterator[str]:
    """Decoded lines with their line ends; a byte-order mark is dropped."""
    with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            if b"\0" in raw:
                raise InputError(
                    "a NUL byte stands in the text",
                    where=path,
                    line=number,
                    hint="The file may be binary, UTF-16 or damaged; save it again as UTF-8 text.",
                )
            try:
                yield raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise InputError(
                    "the text is not UTF-8",
                    where=path,
                    line=number,
                    found=raw[max(0, error.start - 20) : error.end + 10],
                    hint="Save the file again with the encoding UTF-8.",
                ) from error


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    data = dict(pairs)
    if len(data) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the name {next(n for n in names if names.count(n) > 1)!r} stands twice")
    return data


def _parse(text: str, path: Path, line: int) -> object:
    """Parse JSON that starts on `line`."""
    try:
        return json.loads(text, object_pairs_hook=_distinct)
    except json.JSONDecodeError as error:
        hint = None
        if error.msg == "Extra data" and path.name.lower().removesuffix(".gz").endswith(".json"):
            hint = "If each line is an object of its own, let the file's name end in .jsonl."
        raise InputError(
            f"the JSON is malformed: {error.msg} at column {error.colno}",
            where=path,
            line=line + error.lineno - 1,
            found=text[max(0, error.pos - 20) : error.pos + 20],
            hint=hint,
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"the JSON cannot be used: {error}", where=path, line=line) from error


def _an_object(value: object, path: Path, number: int, what: str) -> Row:
    if not isinstance(value, dict):
        raise InputError(
            f"{what} is not an object", where=path, line=number, found=value, expected='{"…": …}'
        )
    return Row(number, cast("dict[str, object]", value))


def _read_jsonl(path: Path) -> Iterator[Row]:
    for number, line in enumerate(_lines(path), start=1):
        if line.strip():
            yield _an_object(_parse(line.rstrip("\r\n"), path, number), path, number, "the line")


def _read_json(path: Path) -> Iterator[Row]:
    text = "".join(_lines(path))
    if not text.strip():
        return
    array = _parse(text, path, 1)
    if not isinstance(array, list):
        raise InputError("the file is not an array of objects", where=path, found=array)
    for number, value in enumerate(cast("list[object]", array), start=1):
        yield _an_object(value, path, number, f"element {number} of the array")


def _read_delimited(path: Path, delimiter: str) -> Iterator[Row]:
    csv.field_size_limit(max(csv.field_size_limit(), _FIELD_LIMIT))
    reader = csv.reader(_lines(path), delimiter=delimiter, strict=True)
    start = 1
    header: list[str] | None = None
    while True:
        try:
            fields = next(reader, None)
        except csv.Error as error:
            raise InputError(
                f"the record is malformed: {error}",
                where=path,
                line=start,
                hint="Look for a quote that is not closed or not doubled.",
            ) from error
        if fields is None:
            return
        if not fields:  # a blank line
            pass
        elif header is None:
            header = _checked_header(fields, path, start)
        elif len(fields) != len(header):
            raise InputError(
                f"the record has {len(fields)} fields",
                where=path,
                line=start,
                found=delimiter.join(fields),
                expected=f"{len(header)} as in the header",
            )
        else:
            yield Row(start, dict(zip(header, fields, strict=True)))
        start = reader.line_num + 1


def _checked_header(names: list[str], path: Path, line: int) -> list[str]:
    if all(_is_number(name) for name in names):
        raise InputError(
            "the header is missing", where=path, line=line, found=names, expected="column names"
        )
    for column, name in enumerate(names, start=1):
        if not name.strip():
            raise InputError(
                f"column {column} of the header has no name",
                where=path,
                line=line,
                found=names,
                hint="Name it, or save the table without its index column.",
            )
        if name in names[: column - 1]:
            raise InputError(f"the column {name!r} stands twice in the header", where=path, line=1)
    return names


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _read_parquet(path: Path) -> Iterator[Row]:
    import polars as pl

    try:
        frame = pl.scan_parquet(path, glob=False)
        frame.collect_schema()
        for offset in range(0, 2**62, _PARQUET_BATCH):
            batch = frame.slice(offset, _PARQUET_BATCH).collect()
            for number, data in enumerate(batch.iter_rows(named=True), start=offset + 1):
                yield Row(number, data)
            if batch.height < _PARQUET_BATCH:
                return
    except pl.exceptions.PolarsError as error:
        first = str(error).partition("\n")[0]
        raise InputError("the Parquet file cannot be read", where=path, found=first) from error


_READERS: Mapping[str, Callable[[Path], Iterator[Row]]] = {
    ".jsonl": _read_jsonl,
    ".ndjson": _read_jsonl,
    ".json": _read_json,
    ".csv": lambda path: _read_delimited(path, ","),
    ".tsv": lambda path: _read_delimited(path, "\t"),
    ".parquet": _read_parquet,
}
