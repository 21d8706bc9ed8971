"""Files are there whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from personas.errors import InputError
from personas.files import replacing, write_rows


def test_a_file_is_replaced_only_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "scores.json"
    with replacing(path) as file:
        file.write("first")
        assert not path.exists()
    with replacing(path) as file:
        file.write("second, ")
        file.flush()
        assert path.read_text() == "first"
        file.write("and whole")
    assert path.read_text() == "second, and whole"
    assert [each.name for each in tmp_path.iterdir()] == ["scores.json"]


@pytest.mark.parametrize("older", [None, "older"])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_error_midway_leaves_what_was_there(
    tmp_path: Path, older: str | None, error: type[BaseException]
) -> None:
    path = tmp_path / "pairs.jsonl"
    if older is not None:
        path.write_text(older)

    def write() -> None:
        with replacing(path, binary=True) as file:
            file.write(b"half of it")
            raise error

    with pytest.raises(error):
        write()
    left = {each.name: each.read_text() for each in tmp_path.iterdir()}
    assert left == ({} if older is None else {"pairs.jsonl": "older"})


def test_a_row_that_cannot_be_written_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        write_rows(tmp_path / "rows.jsonl", [{"a": 1}, {"a": object()}])
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match="the file cannot be written"),
        replacing(tmp_path / "none" / "scores.json"),
    ):
        pass
