"""Files that appear whole or not at all.

- `replacing(path)`: a text or binary file under a temporary name that takes `path`'s place only
  when the block ends without an error.
- `write_rows(path, rows)`: records as JSONL, CSV, TSV or Parquet, by the suffix.
"""

from __future__ import annotations

import csv
import errno
import json
import os
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from personas.errors import InputError
from personas.tables import table_suffix


@contextmanager
def replacing(path: Path, *, binary: bool = False) -> Generator[IO[Any]]:
    """Open a temporary file beside `path`, moved onto it when the block succeeds.

    Raises:
        InputError: where the folder is missing, read-only or full; an older file stays as it was.
    """
    path = Path(path)
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        temporary = Path(name)
        with os.fdopen(handle, "wb") if binary else _text(handle) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
        temporary = None
    except OSError as error:
        raise InputError(
            "the file cannot be written",
            where=path,
            found=error.strerror or str(error),
            hint="Free some space, then run again." if error.errno == errno.ENOSPC else None,
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_rows(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Write records in the format of the path's suffix, whole or not at all.

    CSV and TSV have the union of the columns in order of first appearance, an absent value as an
    empty field, and lists and objects as JSON; Parquet has absent values as null.

    Raises:
        InputError: where the suffix names no format, or the file cannot be written.
    """
    path = Path(path)
    suffix = table_suffix(path)
    if suffix == ".parquet":
        import polars as pl

        columns = _columns(rows)
        whole = [{name: row.get(name) for name in columns} for row in rows]
        with replacing(path, binary=True) as file:
            pl.DataFrame(whole, infer_schema_length=None).write_parquet(file)
        return
    if path.suffix.lower() == ".gz":
        raise InputError("compressed files are read but not written", where=path)
    with replacing(path) as file:
        if suffix in {".csv", ".tsv"}:
            writer = csv.DictWriter(
                file, _columns(rows), restval="", delimiter="," if suffix == ".csv" else "\t"
            )
            writer.writeheader()
            writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
        elif suffix == ".json":
            json.dump([dict(row) for row in rows], file, ensure_ascii=False, indent=1)
        else:
            file.writelines(json.dumps(dict(row), ensure_ascii=False) + "\n" for row in rows)


def _text(handle: int) -> IO[str]:
    return os.fdopen(handle, "w", encoding="utf-8", newline="")


def _umask() -> int:
    mask = os.umask(0)  # the mask can only be read by setting it
    os.umask(mask)
    return mask


def _columns(rows: Sequence[Mapping[str, object]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _cell(value: object) -> object:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
