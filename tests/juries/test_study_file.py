"""Study files: what is wrong is said with the line it stands on."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field

from juries.study_file import load_model
from personas.errors import InputError
from personas.settings import Settings


class Inner(Settings):
    seats: int = Field(ge=1)
    by: tuple[str, ...] = ()


class Outer(Settings):
    name: str
    jury: Inner


GOOD = "name: a\njury:\n  seats: 3\n  by: [sex, race]\n"


def problem(tmp_path: Path, content: str | bytes) -> str:
    path = tmp_path / "study.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as caught:
        load_model(path, Outer)
    return str(caught.value)


def test_a_good_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(GOOD)
    assert load_model(path, Outer) == Outer(name="a", jury=Inner(seats=3, by=("sex", "race")))


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        ("name: a\njury:\n  seets: 3\n", 3, "unknown key 'seets'. Did you mean 'seats'?"),
        ("name: a\njury:\n  seats: 0\n", 3, "jury.seats: Input should be greater than or equal to"),
        ("name: a\njury:\n  seats: many\n", 3, "found 'many'"),
        ("name: a\n", None, "jury: Field required"),
        ("name: a\nname: b\n", 2, "key 'name' stands twice"),
        ("name: [a\n", 2, "malformed YAML"),
        ("name: a\n\tjury: 1\n", 2, "malformed YAML"),
        ("- name\n", 1, "valid dictionary"),
        ("? [a, b]\n: 1\n", 1, "a key must be plain text"),
        ("name: !!python/object/apply:os.system ['true']\n", 1, "malformed YAML"),
        ("name: !other a\n", 1, "malformed YAML"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(
    tmp_path: Path, content: str, line: int | None, words: str
) -> None:
    message = problem(tmp_path, content)
    assert words in message
    assert f"study.yaml, line {line}: " in message if line else "study.yaml: " in message


def test_a_file_that_is_not_utf8_is_said(tmp_path: Path) -> None:
    assert "line 2: the file is not UTF-8" in problem(tmp_path, b"name: a\njury: \xff\xfe\n")


def test_an_empty_file_is_said(tmp_path: Path) -> None:
    assert "the file is empty" in problem(tmp_path, "# only a comment\n")


@pytest.mark.parametrize(
    "bomb",
    [
        "name: &a [*a]\n",
        "a: &a [1,2,3,4,5,6,7,8,9]\n"
        + "".join(
            f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n"
            for a, b in zip("abcdefg", "bcdefgh", strict=True)
        ),
    ],
)
def test_a_file_that_repeats_itself_without_end_is_refused(tmp_path: Path, bomb: str) -> None:
    assert "nests or repeats too much" in problem(tmp_path, bomb)
