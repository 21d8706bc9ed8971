"""What stands beside every figure: calibrated, by whom, or not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import juries
from juries.calibration.record import FILE_NAME, CalibrationRecord, parts_of


def test_scores_say_whether_their_jury_was_calibrated(
    small_study: Callable[..., Path], tmp_path: Path
) -> None:
    run = juries.run(small_study(), out=tmp_path / "out")
    assert run.scores().calibration == "not calibrated against people"
    record = CalibrationRecord(
        run=run.record.fingerprint,
        study="small",
        parts=parts_of(run.study, run.record),
        decision="pre-annotate",
        reasons=(),
        figures={},
        human_file="people.csv",
        human_hash="0",
    )
    record.write(run.path / FILE_NAME)
    said = "calibrated against people.csv, with the verdict: pre-annotate"
    assert run.score().calibration == said
    assert run.scores().produced_by.endswith(said)

    other = record.model_copy(update={"parts": {**record.parts, "population": "another"}})
    other.write(run.path / FILE_NAME)
    assert run.score().calibration.startswith(
        "not calibrated: this run and the record differ in population"
    )
