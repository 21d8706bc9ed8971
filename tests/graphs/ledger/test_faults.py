"""A full disk, a folder that cannot be written, few file descriptors, and files that are no ledger.

Each writer is a process of its own, whose limits are real.
"""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from graphs.ledger import LedgerError, LedgerPlace, open_ledger
from graphs.ledger.places import connection_url
from graphs.records import Rating
from personas.errors import InputError

ROOT = Path(__file__).resolve().parents[3]
WRITER = """
import asyncio, resource, sys
sys.path[:0] = [{root!r}]
from pathlib import Path, PosixPath
from graphs.ledger import PostgresPlace, open_ledger
from graphs.records import Rating
from personas.errors import JuriesError
{limit}
async def work():
    ledger = open_ledger({place!r}, fingerprint="f", ids={{}})
    async with ledger.committing():
        for item in range({items}):
            await ledger.put(
                [Rating(item, 0, -1, j, 0, 0, 0, "ok", 1, *[None] * 3, "x" * 50, None, 0, None)
                 for j in range(20)]
            )
            await ledger.commit()
            ledger.answered(item)
    ledger.close()
try:
    asyncio.run(work())
except JuriesError as error:
    sys.exit(f"said: {{error}}")
"""


def write(place: LedgerPlace, *, items: int, limit: str = "") -> subprocess.CompletedProcess[str]:
    password = None if isinstance(place, Path) else connection_url(place.url).password
    return subprocess.run(
        [
            sys.executable,
            "-c",
            WRITER.format(root=str(ROOT), place=place, items=items, limit=limit),
        ],
        env={**os.environ, "PGPASSWORD": password or ""},
        capture_output=True,
        text=True,
        check=False,
    )


def whole_items(path: Path) -> int:
    """How many items are there, each with all its rows; the file is sound."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    ledger = open_ledger(path, fingerprint="f", ids={})
    found = [Rating(*one).cell for block in ledger.blocks() for one in block]
    ledger.close()
    items = len(found) // 20
    assert [(cell.item, cell.juror) for cell in found] == [
        (item, juror) for item in range(items) for juror in range(20)
    ]
    return items


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("file systems cannot be mounted here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_full_disk_stops_the_run_and_keeps_what_was_there(small_disk: Path):
    path = small_disk / "ledger.sqlite"
    done = write(path, items=2000)
    assert done.returncode == 1
    assert done.stderr.startswith("said: ")
    assert "The disk is full. Free some space" in done.stderr
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    kept = whole_items(path)
    assert kept > 10
    again = write(path, items=kept + 50)  # with room again it goes on
    assert again.returncode == 0, again.stderr
    assert whole_items(path) == kept + 50


def test_a_quota_stops_the_run_and_keeps_what_was_there(tmp_path: Path):
    path = tmp_path / "ledger.sqlite"
    limit = "resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))"
    done = write(path, items=2000, limit=limit)
    assert done.returncode == 1
    assert "everything committed so far is kept" in done.stderr
    assert "Traceback" not in done.stderr
    assert whole_items(path) > 10


def test_a_folder_that_cannot_be_written_is_said(small_disk: Path):
    path = small_disk / "ledger.sqlite"
    assert write(path, items=3).returncode == 0
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    for place in (path, small_disk / "other.sqlite"):
        done = write(place, items=4)
        assert done.returncode == 1
        assert "cannot be written" in done.stderr
        assert "Traceback" not in done.stderr


def test_few_file_descriptors_are_enough(place: LedgerPlace):
    limit = "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))"
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 64
    done = write(place, items=150, limit=limit)
    assert done.returncode == 0, done.stderr


def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path):
    path = tmp_path / "ledger.sqlite"
    path.write_text("not a database " * 100)
    with pytest.raises(InputError, match="not a ledger"):
        open_ledger(path, fingerprint="f", ids={})
    assert path.read_text() == "not a database " * 100


def test_a_missing_folder_is_said(tmp_path: Path):
    with pytest.raises(LedgerError, match="cannot be written"):
        open_ledger(tmp_path / "nowhere" / "ledger.sqlite", fingerprint="f", ids={})


def test_a_file_cut_short_is_said(tmp_path: Path, row: Any, put: Any):
    path = tmp_path / "ledger.sqlite"
    ledger = open_ledger(path, fingerprint="f", ids={})
    put(ledger, *[row(item, juror) for item in range(50) for juror in range(50)])
    ledger.close()
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)

    def read() -> None:
        with closing(open_ledger(path, fingerprint="f", ids={})) as ledger:
            list(ledger.blocks())

    with pytest.raises(InputError, match="damaged"):
        read()
