"""The calibration record: what was found, bound to what was calibrated.

A jury is calibrated as it stood: its model, its prompts, its population, its scale. The record
keeps a hash of each; a run that differs in any is not calibrated by it, and says in what.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import to_jsonable_python

from personas.errors import InputError
from personas.files import replacing
from personas.identity import content_hash

if TYPE_CHECKING:
    from juries.calibration.results import Calibration
    from juries.human.ratings import HumanRatings
    from juries.run_directory import RunRecord
    from juries.runs import Run
    from juries.spec import Study

FILE_NAME = "calibration.json"
PARTS = ("model", "prompts", "population", "scale")


class CalibrationRecord(BaseModel):
    """`calibration.json`: figures and verdict, and the hashes they hold for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str = Field(description="fingerprint of the run that was calibrated")
    study: str
    parts: Mapping[str, str] = Field(description="hashes of model, prompts, population, scale")
    decision: str
    reasons: tuple[str, ...]
    figures: Mapping[str, object] = Field(description="everything that was found")
    human_file: str = Field(description="name of people's file")
    human_hash: str = Field(description="hash of people's answers as they were used")

    @property
    def hash(self) -> str:
        """One hash of all four parts."""
        return content_hash(dict(self.parts))

    def mismatches(self, parts: Mapping[str, str]) -> tuple[str, ...]:
        """The parts in which a run differs from what was calibrated."""
        return tuple(name for name in PARTS if parts.get(name) != self.parts.get(name))

    def standing(self, parts: Mapping[str, str]) -> str:
        """One sentence: whether a run with these hashes is calibrated."""
        wrong = self.mismatches(parts)
        if wrong:
            return (
                f"Not calibrated: this run and the record differ in {' and '.join(wrong)}. "
                "Calibrate this run, or repeat the calibrated one."
            )
        return f"Calibrated against {self.human_file}, with the verdict: {self.decision}."

    def write(self, path: Path) -> None:
        """Write the record, whole or not at all."""
        with replacing(path) as file:
            file.write(self.model_dump_json(indent=1) + "\n")


def make_record(
    run: Run, found: Calibration, people: HumanRatings, human_file: Path
) -> CalibrationRecord:
    """Bind what was found to the run it was found for.

    With several criteria the decision is the most cautious of theirs.
    """
    from juries.calibration.verdict import DECISIONS

    verdicts = [one.verdict for one in found.criteria]
    cautious = max(verdicts, key=lambda verdict: DECISIONS.index(verdict.decision))
    return CalibrationRecord(
        run=run.record.fingerprint,
        study=run.record.study,
        parts=parts_of(run.study, run.record),
        decision=cautious.decision,
        reasons=cautious.reasons,
        figures=to_jsonable_python(found),
        human_file=human_file.name,
        human_hash=content_hash(people.rows()),
    )


def read_record(path: Path) -> CalibrationRecord:
    """Read a record.

    Raises:
        InputError: no such file, or it is no calibration record.
    """
    try:
        return CalibrationRecord.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise InputError(
            "there is no calibration record", where=path, hint="Make one with `juries calibrate`."
        ) from None
    except (OSError, ValidationError) as error:
        first = str(error).splitlines()[0]
        raise InputError(f"the calibration record cannot be read ({first})", where=path) from None


def parts_of(study: Study, record: RunRecord) -> dict[str, str]:
    """Hashes of what decides a run's answers, apart from its items.

    The version of a mind covers its model, its parameters and how it asks; the jury's hash covers
    who sits, with which weight, mind and portrait.
    """
    asked = {"scale": study.scale.model_dump(mode="json"), "portrait": study.jury.portrait}
    return {
        "model": content_hash(sorted([m.name, m.version, m.kind] for m in record.minds)),
        "prompts": content_hash([asked, sorted(m.version for m in record.minds)]),
        "population": record.hashes.get("jury", ""),
        "scale": content_hash(study.scale.model_dump(mode="json")),
    }


def standing(run: Run, record: Path | None = None) -> str:
    """One sentence: whether a run is calibrated, by its own record or by another one.

    Args:
        run: any run.
        record: path of a record; the run folder's `calibration.json` without.

    Raises:
        InputError: a record that was named is missing, or cannot be read.
    """
    path = record or run.path / FILE_NAME
    if record is None and not path.exists():
        return "Not calibrated against people."
    return read_record(path).standing(parts_of(run.study, run.record))
