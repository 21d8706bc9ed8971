"""The table of a run and its ledger are read as the same arrays."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

import juries
from graphs.items import questions
from graphs.ledger import open_ledger
from juries.concluding import gather
from juries.progress import Silent
from juries.verdicts import collect, columns, read_rows

SCALES = {
    "likert": {"kind": "likert", "question": "Good?", "points": ["no", "so-so", "yes"]},
    "choice": {
        "kind": "choice",
        "question": "Which?",
        "options": ["yes", "no", "it depends"],
        "worth": [1.0, 0.0, 0.4],
    },
    "rubric": {
        "kind": "rubric",
        "criteria": [
            {"name": "kind", "question": "Kind?", "points": ["no", "yes"]},
            {"name": "true", "question": "True?", "points": ["no", "so-so", "yes"]},
        ],
    },
}


@pytest.mark.parametrize("kind", SCALES)
def test_the_ratings_table_is_read_as_the_ledger_is(
    small_study: Callable[..., Path], tmp_path: Path, kind: str
) -> None:
    run = juries.run(small_study(scale=SCALES[kind], replicates=2), out=tmp_path / "out")
    with closing(sqlite3.connect(run.directory.ledger)) as ledger, ledger:
        ledger.execute(
            "UPDATE ratings SET status = 'refused', rating = NULL, expected = NULL,"
            " probabilities = NULL WHERE item % 3 = 0 AND juror % 4 = 1 AND replicate = 0"
        )
    run.directory.ratings.unlink()
    table = gather(run.directory, run.record, Silent())
    asked = questions(run.study.scale)
    with closing(
        open_ledger(run.directory.ledger, fingerprint=run.record.fingerprint, ids={})
    ) as ledger:
        rows = read_rows(ledger.blocks(columns(asked)), items=table.items, models=run.record.models)
        expected = collect(
            rows,
            items=table.items,
            models=run.record.models,
            jurors=len(table.jurors),
            questions=asked,
            replicates=2,
        )
    found = table.verdicts
    assert (found.points == -1).any()
    np.testing.assert_array_equal(found.points, expected.points)
    np.testing.assert_array_equal(found.statuses, expected.statuses)
    np.testing.assert_allclose(found.utilities, expected.utilities, rtol=1e-6)
