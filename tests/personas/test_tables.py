"""Reading tables: every format gives the same rows, every fault names the file and the line."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from personas.errors import InputError
from personas.files import replacing, write_rows
from personas.tables import Row, pick, read_rows, require_columns


def _file(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_numbers_are_the_lines_where_records_start(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.csv", 'name,text\r\n\r\nx,"two\nlines"\r\ny,z\r\n')
    assert list(read_rows(path)) == [
        Row(3, {"name": "x", "text": "two\nlines"}),
        Row(5, {"name": "y", "text": "z"}),
    ]
    path = _file(tmp_path, "a.jsonl", '{"a": 1}\n\n{"a": [2]}')
    assert list(read_rows(path)) == [Row(1, {"a": 1}), Row(3, {"a": [2]})]


def test_every_format_gives_the_same_rows(tmp_path: Path) -> None:
    rows = [{"a": "1", "b": 'ü, "quoted"'}, {"a": "2", "b": "line\nbreak"}]
    for name in ("x.csv", "x.tsv", "x.jsonl", "x.ndjson", "x.json", "x.parquet"):
        write_rows(tmp_path / name, rows)
        assert [row.data for row in read_rows(tmp_path / name)] == rows, name


def test_gzip_and_byte_order_mark_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x.csv.gz"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbfa,b\n1,2\n"))
    assert list(read_rows(path)) == [Row(2, {"a": "1", "b": "2"})]


def test_parquet_comes_in_batches_with_row_numbers(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pl.DataFrame({"a": range(25_000), "b": [None] * 25_000}).write_parquet(path)
    rows = list(read_rows(path))
    assert [row.number for row in rows] == list(range(1, 25_001))
    assert [row.data["a"] for row in rows] == list(range(25_000))
    assert rows[0].data["b"] is None


def test_text_streams(tmp_path: Path) -> None:
    """A fault on the last line does not stop the rows before it from arriving."""
    path = _file(tmp_path, "x.jsonl", '{"a": 1}\n' * 100 + "{\n")
    rows = read_rows(path)
    assert [next(rows).number for _ in range(100)] == list(range(1, 101))
    with pytest.raises(InputError, match="line 101"):
        next(rows)


def test_long_fields_are_no_error(tmp_path: Path) -> None:
    text = "word " * 100_000
    write_rows(tmp_path / "x.csv", [{"a": text}])
    assert next(read_rows(tmp_path / "x.csv")).data == {"a": text}


@pytest.mark.parametrize(
    ("name", "content", "line", "message"),
    [
        ("x.jsonl", '{"a": 1}\n{"a": }\n', 2, "malformed"),
        ("x.jsonl", '{"a": 1}\n[1]\n', 2, "not an object"),
        ("x.jsonl", '{"a": 1, "a": 2}\n', 1, "'a' stands twice"),
        ("x.jsonl", b'{"a": 1}\n{"a": "\xe9"}\n', 2, "UTF-8"),
        ("x.jsonl", b'{"a": 1}\n{"a": "\0"}\n', 2, "NUL"),
        ("x.jsonl", "[" * 100_000, 1, "cannot be used"),
        ("x.jsonl", "", None, "no rows"),
        ("x.jsonl", "\n \n", None, "no rows"),
        ("x.json", "", None, "no rows"),
        ("x.json", "[]", None, "no rows"),
        ("x.json", '{"a": 1}', None, "not an array"),
        ("x.json", '{"a": 1}\n{"a": 2}\n', 2, "end in .jsonl"),
        ("x.json", '[{"a": 1},\n 3]', 2, "element 2"),
        ("x.csv", "", None, "no rows"),
        ("x.csv", "a,b\n", None, "no rows"),
        ("x.csv", "1,2\n3,4\n", 1, "header is missing"),
        ("x.csv", ",a\n0,1\n", 1, "column 1 of the header has no name"),
        ("x.csv", "a,b,a\n1,2,3\n", 1, "'a' stands twice"),
        ("x.csv", "a,b\n1,2\n\n1,2,3\n", 4, "3 fields"),
        ("x.csv", 'a,b\n1,2\n1,"open\nnever closed\n', 3, "quote"),
        ("x.csv", b"a,b\n1,2\n\xff,2\n", 3, "UTF-8"),
        ("x.csv", "a,b\n1,2\n".encode("utf-16"), 1, "UTF-16"),
        ("x.parquet", b"not parquet at all", None, "Parquet"),
        ("x.parquet", b"", None, "Parquet"),
        ("x.csv.gz", b"not gzip", None, "gzip"),
        ("x.csv.gz", gzip.compress(b"a,b\n1,2\n" * 999)[:-20], None, "gzip"),
    ],
)
def test_faults_name_the_file_and_the_line(
    tmp_path: Path, name: str, content: bytes | str, line: int | None, message: str
) -> None:
    path = _file(tmp_path, name, content)
    with pytest.raises(InputError, match=message) as caught:
        list(read_rows(path))
    assert caught.value.line == line
    assert str(path) in str(caught.value)


def test_unusable_paths_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_rows(tmp_path / "gone.csv")
    with pytest.raises(InputError, match="suffix") as caught:
        read_rows(tmp_path / "x.jsnol")
    assert "'.jsonl'" in str(caught.value)
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputError, match="a folder"):
        read_rows(tmp_path / "folder.csv")


def test_missing_columns_name_the_nearest(tmp_path: Path) -> None:
    row = Row(7, {"gender": "x", "age": 3})
    assert pick(row, {"sex": "gender"}, where="f.csv") == {"sex": "x"}
    with pytest.raises(InputError, match=r"f\.csv, line 7.*'gendr'.*Did you mean 'gender'"):
        pick(row, {"sex": "gendr"}, where="f.csv")
    require_columns(["age"], row.data, where="f.csv")


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = _file(tmp_path, "x.jsonl", "old\n")

    def half() -> None:
        with replacing(path) as file:
            file.write("new")
            raise RuntimeError("interrupted")

    with pytest.raises(RuntimeError):
        half()
    assert path.read_text() == "old\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.jsonl"]


def test_an_unwritable_place_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write_rows(tmp_path / "gone" / "x.jsonl", [{"a": 1}])


def test_rows_with_different_columns_make_one_table(tmp_path: Path) -> None:
    write_rows(tmp_path / "x.csv", [{"a": 1}, {"b": [1, "x"]}])
    assert [row.data for row in read_rows(tmp_path / "x.csv")] == [
        {"a": "1", "b": ""},
        {"a": "", "b": '[1, "x"]'},
    ]
    write_rows(tmp_path / "x.parquet", [{"a": 1}, {"b": "y"}])
    assert [row.data for row in read_rows(tmp_path / "x.parquet")] == [
        {"a": 1, "b": None},
        {"a": None, "b": "y"},
    ]


_TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=20)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(_TEXT, _TEXT), min_size=1, max_size=5), st.sampled_from(["csv", "jsonl"]))
def test_whatever_is_written_is_read_back(
    tmp_path: Path, rows: list[tuple[str, str]], kind: str
) -> None:
    path = tmp_path / f"x.{kind}"
    written = [{"first": a, "second": b} for a, b in rows]
    write_rows(path, written)
    assert [row.data for row in read_rows(path)] == written


def test_real_files_are_read(shared_data: Callable[[str], Path]) -> None:
    personas = list(read_rows(shared_data("gss_personas.jsonl")))
    assert len(personas) == 3505
    assert personas[0].number == 1
    assert set(personas[0].data) >= {"id", "age", "sex"}
    ratings = list(read_rows(shared_data("popquorn_offensiveness.csv")))
    assert len(ratings) == 13_036
    assert len(json.dumps([row.data for row in ratings])) > 3_000_000
