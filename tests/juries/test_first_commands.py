"""Commands as a newcomer types them, each in a process of its own, where import order shows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

STUDY = Path(__file__).resolve().parents[2] / "examples" / "study.yaml"


@pytest.mark.parametrize(
    "words",
    [
        ["run", str(STUDY), "--dry-run", "--limit", "1"],
        ["run", str(STUDY), "--limit", "1", "--display", "none", "--no-report", "--out", "run"],
        ["new", "mine"],
    ],
    ids=["dry run", "run", "new"],
)
def test_it_runs_from_a_fresh_start(words: list[str], tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-m", "juries", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize(
    "module", ["juries.planned", "juries.running", "juries.view", "juries.report.page.writing"]
)
def test_a_module_can_be_the_first_that_is_imported(module: str):
    done = subprocess.run(
        [sys.executable, "-c", f"import {module}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
